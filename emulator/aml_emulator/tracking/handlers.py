"""What the handlers of the tracking API share: the workspace they work in, and the common parts of searches."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from aml_emulator.tracking import messages, search
from aml_emulator.tracking.messages import Json, invalid
from aml_emulator.tracking.schema import Experiment, Run

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

DEFAULT_EXPERIMENT = "Default"
DEFAULT_EXPERIMENT_ID = "0"
"""What MLflow's client logs to when it was told no experiment."""

_MAX_RESULTS = 1000
_VIEWS = {"ACTIVE_ONLY": ("active",), "DELETED_ONLY": ("deleted",), "ALL": ("active", "deleted")}

Item = TypeVar("Item")
ArtifactUri = Callable[[Run], str]


class Handlers:
    """Handlers for one workspace and one form of artifact addresses."""

    def __init__(self, emulator: Emulator, workspace_id: str, artifact_uri: ArtifactUri, user: str) -> None:
        self._emulator = emulator
        self._store = emulator.tracking
        self._workspace_id = workspace_id
        self._artifact_uri = artifact_uri
        self._user = user

    def _experiment(self, experiment_id: str) -> Experiment:
        if experiment_id == DEFAULT_EXPERIMENT_ID:
            return self._store.experiment(self._workspace_id, DEFAULT_EXPERIMENT)
        found = self._store.experiment_by_id(experiment_id)
        if found is None or found.workspace_id.lower() != self._workspace_id.lower():
            raise messages.missing(f"No Experiment with id={experiment_id} exists")
        return found

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


def attribute(info: Json, name: str) -> search.Value:
    """An attribute that a search names (raises MlflowError)."""
    name = {"run name": "run_name", "created": "start_time", "Created": "start_time"}.get(name, name)
    if name not in info:
        raise invalid(f"Invalid attribute key '{name}'. Allowed: {', '.join(sorted(info))}.")
    found: search.Value = info[name]
    return found


def stages(view: object) -> Sequence[str]:
    """The lifecycle stages that a view type shows (raises MlflowError)."""
    if view in (None, ""):
        return _VIEWS["ACTIVE_ONLY"]
    if view not in _VIEWS:
        raise invalid(f"Invalid view type {view!r}. Allowed: {', '.join(_VIEWS)}.")
    return _VIEWS[str(view)]


def page(items: Sequence[Item], fields: Json, most: int | None = 50000) -> tuple[Sequence[Item], Json]:
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
