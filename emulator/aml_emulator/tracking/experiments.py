"""MLflow's tracking REST API: experiments (https://mlflow.org/docs/latest/rest-api.html)."""

from __future__ import annotations

from aml_emulator.http import Call, Reply
from aml_emulator.tracking import messages, search
from aml_emulator.tracking.handlers import Handlers, attribute, page, stages
from aml_emulator.tracking.messages import MlflowError, invalid
from aml_emulator.tracking.schema import Experiment


class Experiments(Handlers):
    """The handlers of experiments."""

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
        lifecycles = stages(fields.get("view_type"))
        holds = search.parse_filter(fields.get("filter") or "")
        found = [item for item in self._store.experiments(self._workspace_id) if item.lifecycle in lifecycles]
        found = [item for item in found if holds(_experiment_values(item))]
        ordered = search.sort(found, fields.get("order_by") or ["creation_time DESC"], _experiment_values)
        shown, token = page(ordered, fields)
        return Reply(body={"experiments": [messages.experiment_json(item) for item in shown]} | token)

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

    def _mark_experiment(self, call: Call, stage: str) -> Reply:
        found = self._experiment(messages.text(messages.arguments(call), "experiment_id"))
        self._store.update_experiment(found.id, lifecycle=stage)
        return Reply(body={})

    def _shown(self, experiment: Experiment) -> Reply:
        return Reply(body={"experiment": messages.experiment_json(experiment)})


def _experiment_values(experiment: Experiment) -> search.Lookup:
    info = messages.experiment_json(experiment)

    def lookup(kind: str, name: str) -> search.Value:
        if kind == "tag":
            return experiment.tags.get(name)
        if kind == "attribute":
            return attribute({key: info[key] for key in ("name", "creation_time", "last_update_time")}, name)
        raise invalid(f"Experiments have attributes and tags, no {kind}s.")

    return lookup
