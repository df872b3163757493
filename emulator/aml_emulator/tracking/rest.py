"""MLflow's tracking REST API: experiments and runs (https://mlflow.org/docs/latest/rest-api.html)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs

from aml_emulator.http import Call, Reply
from aml_emulator.tracking import messages, search
from aml_emulator.tracking.messages import Json, MlflowError, invalid
from aml_emulator.tracking.schema import Experiment, Metric, Run, utc_now
from aml_emulator.tracking.store import ParameterChanged

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

DEFAULT_EXPERIMENT = "Default"
DEFAULT_EXPERIMENT_ID = "0"
"""What MLflow's client logs to when it was told no experiment."""

_LOGGED_MODELS_TAG = "mlflow.log-model.history"
_LIMITS = {"metrics": 1000, "params": 100, "tags": 100}
"""The most of each in one log-batch request, as MLflow's server has it."""
_MAX_RESULTS = 1000
_VIEWS = {"ACTIVE_ONLY": ("active",), "DELETED_ONLY": ("deleted",), "ALL": ("active", "deleted")}

Item = TypeVar("Item")
ArtifactUri = Callable[[Run], str]


class Tracking:
    """The handlers, for one workspace and one form of artifact addresses."""

    def __init__(self, emulator: Emulator, workspace_id: str, artifact_uri: ArtifactUri, user: str) -> None:
        self._emulator = emulator
        self._store = emulator.tracking
        self._workspace_id = workspace_id
        self._artifact_uri = artifact_uri
        self._user = user

    # Experiments

    def create_experiment(self, call: Call) -> Reply:
        """experiments/create."""
        fields = messages.arguments(call)
        name = messages.text(fields, "name")
        if known := self._store.experiment(self._workspace_id, name, create=False):
            raise MlflowError("RESOURCE_ALREADY_EXISTS", f"Experiment(name={name}) already exists ({known.lifecycle}).")
        made = self._store.experiment(self._workspace_id, name)
        self._store.set_experiment_tags(made.id, dict(messages.tag_from(tag) for tag in fields.get("tags") or []))
        return Reply(body={"experiment_id": made.id})

    def get_experiment(self, call: Call) -> Reply:
        """experiments/get."""
        return self._shown(self._experiment(messages.text(messages.arguments(call), "experiment_id")))

    def get_experiment_by_name(self, call: Call) -> Reply:
        """experiments/get-by-name."""
        name = messages.text(messages.arguments(call), "experiment_name")
        found = self._store.experiment(self._workspace_id, name, create=False)
        if found is None:
            raise messages.missing(f"Could not find experiment with name '{name}'")
        return self._shown(found)

    def search_experiments(self, call: Call) -> Reply:
        """experiments/search."""
        fields = messages.arguments(call)
        stages = _stages(fields.get("view_type"))
        holds = search.parse_filter(fields.get("filter") or "")
        found = [item for item in self._store.experiments(self._workspace_id) if item.lifecycle in stages]
        found = [item for item in found if holds(_experiment_values(item))]
        ordered = search.sort(found, fields.get("order_by") or ["creation_time DESC"], _experiment_values)
        page, token = _page(ordered, fields)
        return Reply(body={"experiments": [messages.experiment_json(item) for item in page]} | token)

    def update_experiment(self, call: Call) -> Reply:
        """experiments/update: its name."""
        fields = messages.arguments(call)
        found = self._experiment(messages.text(fields, "experiment_id"))
        name = messages.text(fields, "new_name")
        if self._store.experiment(self._workspace_id, name, create=False):
            raise MlflowError("RESOURCE_ALREADY_EXISTS", f"Experiment(name={name}) already exists.")
        self._store.update_experiment(found.id, name=name)
        return Reply(body={})

    def delete_experiment(self, call: Call) -> Reply:
        """experiments/delete: marked, not gone."""
        return self._mark_experiment(call, "deleted")

    def restore_experiment(self, call: Call) -> Reply:
        """experiments/restore."""
        return self._mark_experiment(call, "active")

    def set_experiment_tag(self, call: Call) -> Reply:
        """experiments/set-experiment-tag."""
        fields = messages.arguments(call)
        found = self._experiment(messages.text(fields, "experiment_id"))
        self._store.set_experiment_tags(found.id, dict([messages.tag_from(fields)]))
        return Reply(body={})

    def delete_experiment_tag(self, call: Call) -> Reply:
        """experiments/delete-experiment-tag."""
        fields = messages.arguments(call)
        found = self._experiment(messages.text(fields, "experiment_id"))
        key = messages.text(fields, "key")
        if not self._store.delete_experiment_tag(found.id, key):
            raise messages.missing(f"No tag with name: {key} in experiment with id {found.id}")
        return Reply(body={})

    # Runs

    def create_run(self, call: Call) -> Reply:
        """runs/create."""
        fields = messages.arguments(call)
        experiment = self._experiment(messages.text(fields, "experiment_id"))
        if experiment.lifecycle != "active":
            raise invalid(
                f"The experiment {experiment.id} must be in the 'active' state. Current state is {experiment.lifecycle}."
            )
        tags = dict(messages.tag_from(tag) for tag in fields.get("tags") or [])
        run = self._store.create_run(
            self._workspace_id,
            experiment.name,
            start=messages.moment_from(fields.get("start_time")) or utc_now(),
            display_name=fields.get("run_name") or tags.get(messages.RUN_NAME_TAG),
            parent_id=tags.get(messages.PARENT_TAG),
            user=fields.get("user_id") or tags.get(messages.USER_TAG) or self._user,
            tags=tags,
        )
        return Reply(body={"run": self._run_json(run)})

    def get_run(self, call: Call) -> Reply:
        """runs/get."""
        return Reply(body={"run": self._run_json(self._run(messages.arguments(call)))})

    def update_run(self, call: Call) -> Reply:
        """runs/update: status, end time, name. The status of a job is the job service's to say, whatever its script says."""
        fields = messages.arguments(call)
        run = self._run(fields)
        changes: dict[str, object] = {}
        if fields.get("status") and not run.is_job:
            changes["status"] = messages.status_from(fields["status"])
            changes["end"] = messages.moment_from(fields.get("end_time"))
        if fields.get("run_name"):
            changes["display_name"] = messages.text(fields, "run_name")
        self._store.update_run(run.id, **changes)
        return Reply(body={"run_info": messages.run_info_json(self._run(fields), self._artifact_uri(run))})

    def delete_run(self, call: Call) -> Reply:
        """runs/delete: marked, not gone."""
        self._store.update_run(self._run(messages.arguments(call)).id, lifecycle="deleted")
        return Reply(body={})

    def restore_run(self, call: Call) -> Reply:
        """runs/restore."""
        self._store.update_run(self._run(messages.arguments(call)).id, lifecycle="active")
        return Reply(body={})

    def search_runs(self, call: Call) -> Reply:
        """runs/search."""
        fields = messages.arguments(call)
        stages = _stages(fields.get("run_view_type"))
        holds = search.parse_filter(fields.get("filter") or "")
        found = []
        for experiment_id in dict.fromkeys(fields.get("experiment_ids") or []):
            experiment = self._experiment(str(experiment_id))
            found += [run for run in self._store.runs(self._workspace_id, experiment.id) if run.lifecycle in stages]
        found = [run for run in found if holds(self._run_values(run))]
        page, token = _page(search.sort(found, fields.get("order_by") or [], self._run_values), fields)
        return Reply(body={"runs": [self._run_json(run) for run in page]} | token)

    # What runs log

    def log_metric(self, call: Call) -> Reply:
        """runs/log-metric."""
        fields = messages.arguments(call)
        self._store.log_metrics(self._active_run(fields).id, [messages.metric_from(fields)])
        return Reply(body={})

    def log_parameter(self, call: Call) -> Reply:
        """runs/log-parameter."""
        fields = messages.arguments(call)
        self._log_params(self._active_run(fields).id, dict([messages.param_from(fields)]))
        return Reply(body={})

    def set_tag(self, call: Call) -> Reply:
        """runs/set-tag."""
        fields = messages.arguments(call)
        self._set_tags(self._active_run(fields), dict([messages.tag_from(fields)]))
        return Reply(body={})

    def delete_tag(self, call: Call) -> Reply:
        """runs/delete-tag."""
        fields = messages.arguments(call)
        run, key = self._active_run(fields), messages.text(fields, "key")
        if not self._store.delete_tag(run.id, key):
            raise messages.missing(f"No tag with name: {key} in run with id {run.id}")
        return Reply(body={})

    def log_batch(self, call: Call) -> Reply:
        """runs/log-batch: all or nothing."""
        fields = messages.arguments(call)
        run = self._active_run(fields)
        for name, limit in _LIMITS.items():
            if len(fields.get(name) or []) > limit:
                raise invalid(
                    f"A batch logging request can contain at most {limit} {name}. Got {len(fields[name])} {name}."
                )
        metrics = [messages.metric_from(item) for item in fields.get("metrics") or []]
        params = [messages.param_from(item) for item in fields.get("params") or []]
        tags = dict(messages.tag_from(item) for item in fields.get("tags") or [])
        if len(dict(params)) < len(set(params)):
            raise invalid("Duplicate parameter keys have been submitted with different values in one batch.")
        with self._emulator.database.transaction():
            self._log_params(run.id, dict(params))
            self._store.log_metrics(run.id, metrics)
            self._set_tags(run, tags)
        return Reply(body={})

    def log_batch_async(self, call: Call) -> Reply:
        """runs/log-batch-async of the service: done when it answers, so there is nothing to wait for."""
        self.log_batch(call)
        return Reply(body={"batch_tracking_id": ""})

    def log_inputs(self, call: Call) -> Reply:
        """runs/log-inputs: data sets."""
        fields = messages.arguments(call)
        run = self._active_run(fields)
        if fields.get("models"):
            raise MlflowError(
                "ENDPOINT_NOT_FOUND", "The emulator keeps no logged models of MLflow 3, so none can be an input."
            )
        self._store.log_inputs(run.id, fields.get("datasets") or [])
        return Reply(body={})

    def log_model(self, call: Call) -> Reply:
        """runs/log-model: a note of a model that the client stored as an artifact."""
        fields = messages.arguments(call)
        run = self._active_run(fields)
        try:
            model = json.loads(messages.text(fields, "model_json"))
        except ValueError as error:
            raise invalid(f"Malformed model info. It is no JSON: {error}") from None
        history = json.loads(self._store.tags(run.id).get(_LOGGED_MODELS_TAG, "[]"))
        self._store.set_tags(run.id, {_LOGGED_MODELS_TAG: json.dumps([*history, model])})
        return Reply(body={})

    def metric_history(self, call: Call) -> Reply:
        """metrics/get-history."""
        fields = messages.arguments(call)
        history = self._store.history(self._run(fields).id, messages.text(fields, "metric_key"))
        page, token = (history, {}) if not fields.get("max_results") else _page(history, fields, most=None)
        return Reply(body={"metrics": [messages.metric_json(metric) for metric in page]} | token)

    def metric_history_of_runs(self, call: Call) -> Reply:
        """metrics/get-history-bulk-interval: at most `max_results` steps of each run, evenly chosen."""
        fields = messages.arguments(call)
        key, most = messages.text(fields, "metric_key"), max(1, messages.whole(fields, "max_results", 320))
        first, last = messages.whole(fields, "start_step", 0), messages.whole(fields, "end_step", 2**62)
        found = []
        for run_id in parse_qs(call.raw_query).get("run_ids", []):
            run = self._run({"run_id": run_id})
            history = [metric for metric in self._store.history(run.id, key) if first <= metric.step <= last]
            found += [{"run_id": run.id} | messages.metric_json(metric) for metric in _thinned(history, most)]
        return Reply(body={"metrics": found})

    # Helpers

    def _experiment(self, experiment_id: str) -> Experiment:
        if experiment_id == DEFAULT_EXPERIMENT_ID:
            return self._store.experiment(self._workspace_id, DEFAULT_EXPERIMENT)
        found = self._store.experiment_by_id(experiment_id)
        if found is None or found.workspace_id.lower() != self._workspace_id.lower():
            raise messages.missing(f"No Experiment with id={experiment_id} exists")
        return found

    def _mark_experiment(self, call: Call, stage: str) -> Reply:
        found = self._experiment(messages.text(messages.arguments(call), "experiment_id"))
        self._store.update_experiment(found.id, lifecycle=stage)
        return Reply(body={})

    def _run(self, fields: Json) -> Run:
        run_id = messages.text({"run_id": fields.get("run_id") or fields.get("run_uuid")}, "run_id")
        found = self._store.run(run_id)
        if found is None or found.workspace_id.lower() != self._workspace_id.lower():
            raise messages.missing(f"Run with id={run_id} not found")
        return found

    def _active_run(self, fields: Json) -> Run:
        run = self._run(fields)
        if run.lifecycle != "active":
            raise invalid(f"The run {run.id} must be in the 'active' state. Current state is {run.lifecycle}.")
        return run

    def _log_params(self, run_id: str, params: dict[str, str]) -> None:
        try:
            self._store.log_params(run_id, params)
        except ParameterChanged as error:
            raise invalid(str(error)) from None

    def _set_tags(self, run: Run, tags: dict[str, str]) -> None:
        self._store.set_tags(run.id, tags)
        if name := tags.get(messages.RUN_NAME_TAG):
            self._store.update_run(run.id, display_name=name)
        if parent := tags.get(messages.PARENT_TAG):
            self._store.update_run(run.id, parent_id=parent)

    def _shown(self, experiment: Experiment) -> Reply:
        return Reply(body={"experiment": messages.experiment_json(experiment)})

    def _run_json(self, run: Run) -> Json:
        store = self._store
        return messages.run_json(
            run,
            self._artifact_uri(run),
            store.params(run.id),
            store.metrics(run.id),
            store.tags(run.id),
            store.inputs(run.id),
        )

    def _run_values(self, run: Run) -> search.Lookup:
        info = messages.run_info_json(run, self._artifact_uri(run))
        logged: dict[str, dict[str, Any]] = {}

        def values(kind: str) -> dict[str, Any]:
            if kind == "param":
                return self._store.params(run.id)
            if kind == "tag":
                return messages.shown_tags(run, self._store.tags(run.id))
            return {key: metric.value for key, metric in self._store.metrics(run.id).items()}

        def lookup(kind: str, name: str) -> search.Value:
            if kind == "attribute":
                return _attribute(info | {"end_time": info.get("end_time")}, name)
            if kind not in logged:
                logged[kind] = values(kind)
            found: search.Value = logged[kind].get(name)
            return found

        return lookup


def _experiment_values(experiment: Experiment) -> search.Lookup:
    info = messages.experiment_json(experiment)

    def lookup(kind: str, name: str) -> search.Value:
        if kind == "tag":
            return experiment.tags.get(name)
        if kind == "attribute":
            return _attribute({key: info[key] for key in ("name", "creation_time", "last_update_time")}, name)
        raise invalid(f"Experiments have attributes and tags, no {kind}s.")

    return lookup


def _attribute(info: Json, name: str) -> search.Value:
    name = {"run name": "run_name", "created": "start_time", "Created": "start_time"}.get(name, name)
    if name not in info:
        raise invalid(f"Invalid attribute key '{name}'. Allowed: {', '.join(sorted(info))}.")
    found: search.Value = info[name]
    return found


def _stages(view: object) -> Sequence[str]:
    if view in (None, ""):
        return _VIEWS["ACTIVE_ONLY"]
    if view not in _VIEWS:
        raise invalid(f"Invalid view type {view!r}. Allowed: {', '.join(_VIEWS)}.")
    return _VIEWS[str(view)]


def _page(items: Sequence[Item], fields: Json, most: int | None = 50000) -> tuple[Sequence[Item], Json]:
    """`max_results` items from where `page_token` says, and the token of the next page."""
    size = messages.whole(fields, "max_results", _MAX_RESULTS)
    if size < 1 or (most is not None and size > most):
        raise invalid(f"Invalid value {size} for parameter 'max_results': it must be from 1 to {most or 'any number'}.")
    start = 0
    if token := fields.get("page_token"):
        try:
            start = int(base64.urlsafe_b64decode(str(token)).decode())
        except ValueError:
            raise invalid(f"Invalid page token '{token}'.") from None
    if start + size >= len(items):
        return items[start:], {}
    return items[start : start + size], {
        "next_page_token": base64.urlsafe_b64encode(str(start + size).encode()).decode()
    }


def _thinned(history: Sequence[Metric], most: int) -> list[Metric]:
    """At most that many values, evenly chosen, the first and the last among them."""
    if len(history) <= most:
        return list(history)
    chosen = {round(position * (len(history) - 1) / max(1, most - 1)) for position in range(most)}
    return [history[position] for position in sorted(chosen)]
