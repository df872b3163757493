"""What clients change in runs: tags, properties, names, states, and the runs that SDK v1's `Run` makes as its children."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aml_emulator.history import HISTORY, RUN_PATTERNS, RunHistoryError, find_run, iso, run_body, run_properties
from aml_emulator.http import Call, Reply, Router, ServiceError, not_emulated
from aml_emulator.jobs.status import TERMINAL
from aml_emulator.jobs.surroundings import RUN_TOKEN_SECONDS
from aml_emulator.ml.scope import find_workspace
from aml_emulator.tokens import ML_AUDIENCES
from aml_emulator.tracking.schema import Experiment, Run, utc_now

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

_EVENT = re.compile(r"Microsoft\.MachineLearning\.Run\.(\w+)")
_STATES = {
    "Queued": "Queued",
    "Start": "Running",
    "Completed": "Completed",
    "Failed": "Failed",
    "Canceled": "Canceled",
    "CancelRequested": "CancelRequested",
}
"""Events that move a run to a state."""

_CONDITION = re.compile(r"\(?\s*(\w+)\s+(eq|ne)\s+'?([^'()\s]+)'?\s*\)?")


def register(router: Router, emulator: Emulator) -> None:
    """Routes of changes."""
    changes = _Changes(emulator)
    for pattern in RUN_PATTERNS:
        router.add("PATCH", f"{HISTORY}{pattern}", changes.patch)
        router.add("POST", f"{HISTORY}{pattern}/events", changes.event)
        router.add("DELETE", f"{HISTORY}{pattern}/tags", changes.delete_tags)
        router.add("GET", f"{HISTORY}{pattern}/token", changes.token)
    experiment = f"{HISTORY}/experiments/{{experiment}}"
    router.add("GET", experiment, changes.experiment)
    router.add("POST", experiment, changes.experiment)
    router.add("GET", f"{HISTORY}/experimentids/{{experiment}}", changes.experiment)
    router.add("PATCH", f"{experiment}/batch/runs", changes.patch_many)
    router.add("POST", f"{experiment}/batch/events", changes.events)
    router.add("POST", f"{experiment}/runs:query", changes.query)


class _Changes:
    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._tracking = emulator.tracking

    def patch(self, call: Call) -> Reply:
        """Merge tags and properties into a run, and name it; a run that is not there is made, as SDK v1 makes children."""
        workspace = find_workspace(self._emulator, call)
        return Reply(body=self._patched(call, workspace, call.params["run"], call.json()))

    def patch_many(self, call: Call) -> Reply:
        """The same for many runs of an experiment."""
        workspace = find_workspace(self._emulator, call)
        asked = call.json().get("runs") or []
        runs = {str(one.get("runId")): self._patched(call, workspace, str(one.get("runId")), one) for one in asked}
        return Reply(body={"runs": runs, "errors": {}})

    def event(self, call: Call) -> Reply:
        """One event of a run."""
        workspace, run = find_run(self._emulator, call)
        self._apply(workspace, run, call.json())
        return Reply(200)

    def events(self, call: Call) -> Reply:
        """Events of many runs; one that is wrong stops no other and is named in the answer."""
        workspace = find_workspace(self._emulator, call)
        errors = []
        for event in call.json().get("events") or []:
            run_id = str((event.get("data") or {}).get("RunId"))
            try:
                run = self._tracking.run(run_id)
                if run is None or run.workspace_id.lower() != workspace.id.lower():
                    raise RunHistoryError(f"Run {run_id} was not found.")
                self._apply(workspace, run, event)
            except ServiceError as error:
                errors.append({"key": event, "value": error.body()})
        return Reply(body={"errors": errors})

    def delete_tags(self, call: Call) -> Reply:
        """Delete tags by their names, a list."""
        workspace, run = find_run(self._emulator, call)
        names = _list(call)
        for name in names:
            self._tracking.delete_tag(run.id, name)

        def edit(body: Body) -> None:
            tags = body["properties"].get("tags") or {}
            body["properties"]["tags"] = {name: value for name, value in tags.items() if name not in names}

        self._emulator.resources.change(f"{workspace.id}/jobs/{run.id}", edit)
        return Reply(body=run_body(self._emulator, workspace, run))

    def token(self, call: Call) -> Reply:
        """A new token for a run."""
        find_run(self._emulator, call)
        token = self._emulator.tokens.issue(ML_AUDIENCES[0], seconds=RUN_TOKEN_SECONDS)
        expiry = datetime.fromtimestamp(utc_now().timestamp() + RUN_TOKEN_SECONDS, utc_now().tzinfo)
        return Reply(body={"token": token, "expiryTimeUtc": iso(expiry)})

    def experiment(self, call: Call) -> Reply:
        """An experiment by name or id; a POST makes one that is not there."""
        workspace, asked = find_workspace(self._emulator, call), call.params["experiment"]
        found = self._tracking.experiment_by_id(asked)
        if found is None or found.workspace_id.lower() != workspace.id.lower():
            found = self._tracking.experiment(workspace.id, asked, create=call.method == "POST")
        if found is None:
            raise RunHistoryError(f"Experiment {asked} was not found.")
        return Reply(body=_experiment_body(found))

    def query(self, call: Call) -> Reply:
        """Runs of an experiment that a filter names, newest first."""
        workspace = find_workspace(self._emulator, call)
        experiment = self._tracking.experiment(workspace.id, call.params["experiment"], create=False)
        runs = self._tracking.runs(workspace.id, experiment.id) if experiment else []
        conditions = _conditions(call.json().get("filter"))
        found = [run for run in runs if all(self._holds(run, *condition) for condition in conditions)]
        return Reply(body={"value": [run_body(self._emulator, workspace, run) for run in found], "nextLink": None})

    def _patched(self, call: Call, workspace: Resource, run_id: str, changes: Body) -> Body:
        run = self._tracking.run(run_id) or self._made(call, workspace, run_id, changes)
        if run.workspace_id.lower() != workspace.id.lower():
            raise RunHistoryError(f"Run {run_id} was not found.")
        # A tag without a value is one whose value is the empty text.
        tags = {name: "" if value is None else str(value) for name, value in (changes.get("tags") or {}).items()}
        if tags:
            self._tracking.set_tags(run.id, tags)
        if changes.get("displayName"):
            self._tracking.update_run(run.id, display_name=str(changes["displayName"]))
        if changes.get("status") and not run.is_job:
            self._tracking.update_run(run.id, status=str(changes["status"]))
        properties = changes.get("properties") or {}

        def edit(body: Body) -> None:
            fields = body["properties"]
            fields["tags"] = {**(fields.get("tags") or {}), **tags}
            fields["properties"] = {**(fields.get("properties") or {}), **properties}
            for name, member in (
                ("displayName", "displayName"),
                ("description", "description"),
                ("isArchived", "hidden"),
            ):
                if changes.get(member) is not None:
                    fields[name] = changes[member]

        changed = self._emulator.resources.change(f"{workspace.id}/jobs/{run.id}", edit)
        if changed is None and properties:
            known = run_properties(self._emulator, workspace, run)
            self._emulator.resources.put(f"{workspace.id}/runs/{run.id}", {"properties": {**known, **properties}})
        return run_body(self._emulator, workspace, self._tracking.run(run.id) or run)

    def _made(self, call: Call, workspace: Resource, run_id: str, changes: Body) -> Run:
        """A run that a client makes: on Azure too a PATCH of one that is not there."""
        parent = self._tracking.run(str(changes.get("parentRunId"))) if changes.get("parentRunId") else None
        if parent is None:
            raise RunHistoryError(f"Run {run_id} was not found, and no parent is named to make it a child of.")
        return self._tracking.create_run(
            workspace.id,
            parent.experiment_name,
            run_id=run_id,
            status=str(changes.get("status") or "NotStarted"),
            display_name=changes.get("displayName") or changes.get("name"),
            parent_id=parent.id,
            user=call.principal.object_id if call.principal else "",
        )

    def _apply(self, workspace: Resource, run: Run, event: Body) -> None:
        match = _EVENT.fullmatch(str(event.get("name")))
        what, data = match[1] if match else str(event.get("name")), event.get("data") or {}
        if what == "Error":
            self._tracking.update_run(run.id, error=_camel(data.get("ErrorResponse") or {}))
        elif what in ("Canceled", "CancelRequested") and run.is_job:
            self._emulator.jobs.cancel(f"{workspace.id}/jobs/{run.id}", "The run was canceled by a client.")
        elif what in _STATES:
            if not run.is_job:  # what a job's script says about its own state does not change it
                self._move(run, _STATES[what])
        elif what != "Heartbeat":
            raise not_emulated(f"the event '{what}' of a run")

    def _move(self, run: Run, state: str) -> None:
        if run.status in TERMINAL:
            return
        changes: dict[str, object] = {"status": state}
        if state == "Running":
            changes["start"] = utc_now()
        if state in TERMINAL:
            changes["end"] = utc_now()
        self._tracking.update_run(run.id, **changes)

    def _holds(self, run: Run, name: str, operator: str, value: str) -> bool:
        values = {
            "runid": run.id,
            "parentrunid": run.parent_id,
            "rootrunid": self._tracking.root(run).id,
            "status": run.status,
        }
        if name.lower() not in values:
            raise not_emulated(f"a query of runs by '{name}'; it can be by RunId, ParentRunId, RootRunId and Status")
        return (values[name.lower()] == value) == (operator == "eq")


def _conditions(text: object) -> list[tuple[str, str, str]]:
    """`RootRunId eq a and RunId ne b` as its parts."""
    found = []
    for part in re.split(r"\s+and\s+", str(text)) if text else []:
        match = _CONDITION.fullmatch(part)
        if match is None:
            raise not_emulated(f"a query of runs with the filter '{text}'")
        found.append((match[1], match[2], match[3]))
    return found


def _list(call: Call) -> list[str]:
    try:
        found = json.loads(call.body)
    except ValueError as error:
        raise RunHistoryError(f"The request content is not valid JSON: {error}", 400, "BadArgument") from None
    if not isinstance(found, list):
        raise RunHistoryError("The request content must be a list of names.", 400, "BadArgument")
    return [str(name) for name in found]


def _experiment_body(experiment: Experiment) -> Body:
    return {
        "experimentId": experiment.id,
        "name": experiment.name,
        "description": None,
        "createdUtc": iso(experiment.created),
        "archivedTime": None,
        "tags": experiment.tags,
    }


def _camel(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """An error with the members' names as the service writes them: SDK v1 sends those of its own classes."""
    if isinstance(value, list):
        return [_camel(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {re.sub(r"_(\w)", lambda match: match[1].upper(), name): _camel(one) for name, one in value.items()}
