"""MLflow's tracking REST API: what runs log, and the histories of metrics."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import parse_qs

from aml_emulator.http import Call, Reply
from aml_emulator.tracking import messages
from aml_emulator.tracking.handlers import Handlers, page
from aml_emulator.tracking.messages import MlflowError, invalid
from aml_emulator.tracking.schema import Metric, Run
from aml_emulator.tracking.store import ParameterChanged

_LOGGED_MODELS_TAG = "mlflow.log-model.history"
_LIMITS = {"metrics": 1000, "params": 100, "tags": 100}
"""The most of each in one log-batch request, as MLflow's server has it."""


class Logged(Handlers):
    """The handlers of parameters, metrics, tags, inputs and models."""

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
        shown, token = (history, {}) if not fields.get("max_results") else page(history, fields, most=None)
        return Reply(body={"metrics": [messages.metric_json(metric) for metric in shown]} | token)

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


def _thinned(history: Sequence[Metric], most: int) -> list[Metric]:
    """At most that many values, evenly chosen, the first and the last among them."""
    if len(history) <= most:
        return list(history)
    chosen = {round(position * (len(history) - 1) / max(1, most - 1)) for position in range(most)}
    return [history[position] for position in sorted(chosen)]
