"""Runs of workflows in the background of the emulator: what an event starts waits its turn, runs, and is kept on record."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from aml_emulator.github import events
from aml_emulator.github.checkout import Repository, find_repository
from aml_emulator.github.errors import InvalidWorkflow, WorkflowError
from aml_emulator.github.evaluate import CannotEvaluate
from aml_emulator.github.events import Event
from aml_emulator.github.id_tokens import environment_of
from aml_emulator.github.runner import definitions_started_by, run_workflow, workflow_started_by_hand
from aml_emulator.github.runs import records
from aml_emulator.github.runs.concurrency import groups_of
from aml_emulator.github.runs.environment import github_variables, run_environment
from aml_emulator.github.runs.permissions import token_permissions
from aml_emulator.github.runs.records import Records, RunRecord
from aml_emulator.github.sandbox import LEFT_BEHIND, end_processes

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.github.definition import Workflow
    from aml_emulator.github.repositories import HostedRepository

AT_ONCE = 2
"""How many runs go on at a time: the runners that this machine stands in for."""

_STOP_SECONDS = 15.0
_RUN_SECONDS = 6 * 3600.0
"""What GitHub gives a job."""

logger = logging.getLogger(__name__)


class WorkflowRuns:
    """Every run of a workflow of a hosted repository."""

    def __init__(self, emulator: Emulator) -> None:
        """Nothing runs yet."""
        self._emulator = emulator
        self._records = Records(emulator.database)
        self._lock = threading.RLock()
        self._running: dict[int, tuple[threading.Event, threading.Thread]] = {}
        self._stopped = True

    def start(self) -> None:
        """Settle the runs that an earlier process left behind, then run what waits."""
        for record in self._records.with_status(records.IN_PROGRESS):
            end_processes(_tracking_id(record), LEFT_BEHIND)
            self._records.write(record.given_up("cancelled", "The emulator ended while this run was at work."))
        with self._lock:
            self._stopped = False
        self._schedule()

    def stop(self) -> None:
        """End what runs; what waits goes on waiting, for the next start."""
        with self._lock:
            self._stopped = True
            running = list(self._running.values())
            for cancel, _ in running:
                cancel.set()
        for _, thread in running:
            thread.join(_STOP_SECONDS)

    def trigger(
        self, full_name: str, event: str, payload: Mapping[str, object], *, ref: str = "", actor: str = ""
    ) -> list[int]:
        """Start the workflows of a repository that an event starts; the ids of their runs. The rest happens in the background.

        Args:
            full_name: "owner/name" of a hosted repository.
            event: push, repository_dispatch or workflow_dispatch.
            payload: of a push nothing, or `before` (a commit); of a dispatch `event_type` and `client_payload`; of a
                workflow_dispatch `workflow` (name or path of its file) and `inputs`.
            ref: branch or tag of a push or workflow_dispatch; without it, and for a dispatch, the default branch.
            actor: who set it off.

        Raises:
            LookupError: there is no such repository.
            NotStarted: a workflow_dispatch that the workflow does not take.
            WorkflowError: the repository cannot be read, or the event is none of these.

        """
        hosted = self._emulator.github.repositories.get(full_name)
        if hosted is None:
            raise LookupError(f"There is no repository {full_name}.")
        repository = _checked_out(hosted, ref if event != "repository_dispatch" else "", actor or "octocat")
        happened, workflows = _started(repository, event, payload)
        made = [self._record(hosted, repository, happened, path, found) for path, found in workflows.items()]
        for record in made:
            self._replace_waiting(record)
        self._schedule()
        return [record.id for record in made]

    def list(self, full_name: str = "", *, last: int = 100) -> list[RunRecord]:
        """The newest runs, of one repository or of all, newest first."""
        return self._records.all(full_name, last=last)

    def get(self, run_id: int) -> RunRecord | None:
        """The run of an id, or None."""
        return self._records.get(run_id)

    def log(self, run_id: int) -> str:
        """What a run has said so far; empty before it begins."""
        record = self._records.get(run_id)
        if record is None:
            return ""
        file = self._log_file(record)
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""

    def cancel(self, run_id: int) -> bool:
        """Cancel a run; whether there was anything to cancel. What runs is given GitHub's signals first."""
        with self._lock:
            record = self._records.get(run_id)
            if record is None or record.status == records.COMPLETED:
                return False
            if run_id in self._running:
                self._running[run_id][0].set()
            else:
                self._records.write(record.given_up("cancelled"))
        return True

    def rerun(self, run_id: int) -> bool:
        """Run all jobs of a completed run once more, on the same commit, as its next attempt; whether it was completed."""
        with self._lock:
            record = self._records.get(run_id)
            if record is None or record.status != records.COMPLETED:
                return False
            record = record.again()
            self._records.write(record)
            self._replace_waiting(record)
        self._schedule()
        return True

    def _record(
        self, hosted: HostedRepository, repository: Repository, event: Event, path: str, workflow: Workflow | None
    ) -> RunRecord:
        record = RunRecord(
            id=0,
            repository=hosted.full_name,
            file=path,
            number=0,
            name=workflow.name if workflow else path,
            title=_title(repository, event, workflow, path),
            event=event.name,
            payload=dict(event.payload),
            ref=event.ref,
            sha=repository.sha,
            actor=repository.actor,
            permissions=token_permissions(workflow) if workflow else {},
            environment=environment_of(workflow) if workflow else "",
        )
        with self._lock:  # nothing may begin before its groups are known, and they may hold its number
            record = self._records.add(record)
            if workflow is not None:
                record = _grouped(record, workflow, event, hosted)
                self._records.write(record)
        return record

    def _replace_waiting(self, record: RunRecord) -> None:
        """Of the runs of a group at most one waits: the newest. Those that need not be waited for are cancelled."""
        with self._lock:
            for other in self._records.with_status(records.QUEUED):
                if (
                    other.id < record.id
                    and _same_repository(other, record)
                    and set(other.groups) & set(record.replaces)
                ):
                    self._records.write(
                        other.given_up(
                            "cancelled", f"A newer run of the same concurrency group waits: run {record.id}."
                        )
                    )
            for run_id, (cancel, _) in self._running.items():
                other_running = self._records.get(run_id)
                if (
                    other_running
                    and _same_repository(other_running, record)
                    and set(other_running.groups) & set(record.cancels)
                ):
                    cancel.set()

    def _schedule(self) -> None:
        """Begin every waiting run that may begin now."""
        with self._lock:
            if self._stopped:
                return
            active = [record for run_id in self._running if (record := self._records.get(run_id))]
            for record in self._records.with_status(records.QUEUED):
                if len(active) >= AT_ONCE:
                    return
                if any(_shared(other, record) for other in active):
                    continue
                active.append(self._begin(record))

    def _begin(self, waiting: RunRecord) -> RunRecord:
        record = waiting.began()
        self._records.write(record)
        cancel = threading.Event()
        thread = threading.Thread(
            target=self._run, args=(record, cancel), name=f"workflow run {record.id}", daemon=True
        )
        self._running[record.id] = (cancel, thread)
        thread.start()
        return record

    def _run(self, record: RunRecord, cancel: threading.Event) -> None:
        try:
            ended = self._outcome(record, cancel)
        except Exception as error:  # a defect of ours must not leave a run that never ends
            logger.exception("workflow run %s", record.id)
            ended = record.given_up("failure", f"The emulator failed: {error!r}")
        with self._lock:
            self._records.write(ended)
            del self._running[record.id]
        self._schedule()

    def _outcome(self, record: RunRecord, cancel: threading.Event) -> RunRecord:
        hosted = self._emulator.github.repositories.get(record.repository)
        if hosted is None:
            return record.given_up("failure", f"The repository {record.repository} is hosted no longer.")
        credentials = self._emulator.github.credentials
        token = credentials.for_run(hosted, record.permissions)
        try:
            return self._worked(hosted, record, token, cancel)
        finally:
            credentials.revoke(token)

    def _worked(self, hosted: HostedRepository, record: RunRecord, token: str, cancel: threading.Event) -> RunRecord:
        file = self._log_file(record)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w", encoding="utf-8") as log:

            def say(line: str) -> None:
                log.write(f"{line}\n")
                log.flush()

            for note in record.notes:
                say(note)
            try:
                run = run_workflow(
                    replace(_checked_out(hosted, record.ref, record.actor), sha=record.sha),
                    record.file,
                    Event(record.event, record.ref, record.payload),
                    actions=hosted.actions,
                    environment=run_environment(self._emulator, record),
                    secrets={**hosted.secrets, "GITHUB_TOKEN": token},
                    variables=hosted.variables,
                    timeout=_RUN_SECONDS,
                    run_id=str(record.id),
                    run_attempt=record.attempt,
                    progress=say,
                    cancel=cancel,
                    github=github_variables(self._emulator, record),
                    tracking_id=_tracking_id(record),
                )
            except InvalidWorkflow as error:
                problems = [str(problem) for problem in error.problems]
                say("\n".join(problems))
                return record.given_up("failure", *problems)
            except WorkflowError as error:
                say(str(error))
                return record.given_up("failure", str(error))
            for problem in run.problems:
                say(problem)
        return record.ended(run)

    def _log_file(self, record: RunRecord) -> Path:
        name = f"{record.id}.log" if record.attempt == 1 else f"{record.id}-{record.attempt}.log"
        return self._emulator.state.root / "github" / name


def _checked_out(hosted: HostedRepository, ref: str, actor: str) -> Repository:
    """The repository at a ref, without one at its default branch."""
    found = find_repository(hosted.folder, hosted.full_name, actor=actor, ref=ref or None)
    return found if ref else find_repository(hosted.folder, hosted.full_name, actor=actor, ref=found.default_branch())


def _started(
    repository: Repository, event: str, payload: Mapping[str, object]
) -> tuple[Event, dict[str, Workflow | None]]:
    """The event as workflows get it, and the workflows that it starts."""
    if event == "workflow_dispatch":
        inputs = payload.get("inputs")
        given = {str(name): _input(value) for name, value in inputs.items()} if isinstance(inputs, Mapping) else {}
        name = str(payload.get("workflow", ""))
        path = name if name.startswith(".github/") else f".github/workflows/{name}"
        happened = events.workflow_dispatch(repository, given)
        return happened, {path: workflow_started_by_hand(repository, path, happened)}
    if event == "push":
        before = payload.get("before")
        happened = events.push(repository, before=str(before) if before else None)
    elif event == "repository_dispatch":
        brought = payload.get("client_payload")
        happened = events.repository_dispatch(
            repository, str(payload.get("event_type", "")), brought if isinstance(brought, Mapping) else None
        )
    else:
        raise WorkflowError(f"The event {event!r} is not emulated. There are: {', '.join(events.EMULATED)}.")
    return happened, definitions_started_by(repository, happened)


def _grouped(record: RunRecord, workflow: Workflow, event: Event, hosted: HostedRepository) -> RunRecord:
    run = {
        "run_id": str(record.id),
        "run_number": str(record.number),
        "run_attempt": "1",
        "sha": record.sha,
        "actor": record.actor,
        "triggering_actor": record.actor,
    }
    try:
        groups = groups_of(workflow, event, hosted.variables, run)
    except CannotEvaluate as error:
        return record.given_up("failure", f"{record.file}: concurrency: {error}")
    return replace(record, groups=groups.all, replaces=groups.replaces, cancels=groups.cancels, notes=groups.left_out)


def _input(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _title(repository: Repository, event: Event, workflow: Workflow | None, path: str) -> str:
    if event.name == "push":
        return repository.message().partition("\n")[0]
    return str(event.payload.get("action") or (workflow.name if workflow else path))


def _same_repository(one: RunRecord, other: RunRecord) -> bool:
    return one.repository.lower() == other.repository.lower()


def _shared(one: RunRecord, other: RunRecord) -> bool:
    return _same_repository(one, other) and bool(set(one.groups) & set(other.groups))


def _tracking_id(record: RunRecord) -> str:
    return f"github_run_{record.id}_{record.attempt}_{record.created}"
