"""MLflow's tracking REST API: runs (https://mlflow.org/docs/latest/rest-api.html)."""

from __future__ import annotations

from typing import Any

from aml_emulator.http import Call, Reply
from aml_emulator.tracking import messages, search
from aml_emulator.tracking.handlers import Handlers, attribute, page, stages
from aml_emulator.tracking.messages import Json, invalid
from aml_emulator.tracking.schema import Run, utc_now


class Runs(Handlers):
    """The handlers of runs: made, found, changed, deleted."""

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
        lifecycles = stages(fields.get("run_view_type"))
        holds = search.parse_filter(fields.get("filter") or "")
        found = []
        for experiment_id in dict.fromkeys(fields.get("experiment_ids") or []):
            experiment = self._experiment(str(experiment_id))
            found += [run for run in self._store.runs(self._workspace_id, experiment.id) if run.lifecycle in lifecycles]
        found = [run for run in found if holds(self._run_values(run))]
        shown, token = page(search.sort(found, fields.get("order_by") or [], self._run_values), fields)
        return Reply(body={"runs": [self._run_json(run) for run in shown]} | token)

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
                return attribute(info | {"end_time": info.get("end_time")}, name)
            if kind not in logged:
                logged[kind] = values(kind)
            found: search.Value = logged[kind].get(name)
            return found

        return lookup
