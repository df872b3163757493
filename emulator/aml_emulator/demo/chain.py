"""The chain from a cause to a tested deployment, link by link, out of what the emulator has on record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aml_emulator.demo.facts import DISPATCHED, FAILED, IGNORED, Facts, RunFact, seconds

TRAIN, DEPLOY = ".github/workflows/train_model.yml", ".github/workflows/deploy_model.yml"
_RUN_COMPLETED = "Microsoft.MachineLearningServices.RunCompleted"
_BLOB_CREATED = "Microsoft.Storage.BlobCreated"


@dataclass(frozen=True)
class Link:
    """Something that happened, when (seconds since 1970), and where."""

    time: float
    what: str
    where: str


class Broken(Exception):
    """A link failed for good: the text says which, and why."""


@dataclass(frozen=True)
class Cause:
    """What sets a chain off, at `time` (seconds since 1970): a push of the commit `sha`, or a blob named `blob`."""

    time: float
    sha: str
    blob: str = ""

    @property
    def text(self) -> str:
        """The cause, for people."""
        return f"blob {self.blob} written" if self.blob else f"push of {self.sha[:7]} to main"


@dataclass(frozen=True)
class Chain:
    """What of a chain has happened so far. `waits_for` is what comes next; empty when it is whole."""

    links: tuple[Link, ...]
    waits_for: str
    runs: tuple[RunFact, ...]
    job_id: str = ""


def follow(cause: Cause, facts: Facts) -> Chain:
    """Find the chain of a cause as far as it has come.

    Raises Broken when a link failed and no other will come in its place.
    """
    tracer = _Tracer(cause, facts)
    waits_for = ""
    try:
        tracer.walk()
    except _Missing as missing:
        waits_for = str(missing)
    return Chain(tuple(tracer.links), waits_for, tuple(tracer.runs), tracer.job_id)


class _Missing(Exception):
    """The next link is not there yet; the text names it."""


class _Tracer:
    def __init__(self, cause: Cause, facts: Facts) -> None:
        self._cause, self._facts = cause, facts
        self.links: list[Link] = []
        self.runs: list[RunFact] = []
        self.job_id = ""

    def walk(self) -> None:
        """Go along the chain. Raises _Missing at the first link that is not there."""
        train = self._trained_by_blob() if self._cause.blob else self._trained_by_push()
        completed = self._completed_job(train)
        self.job_id = str(completed["data"]["runId"])
        self._add(_published(completed), f"job {self.job_id} completed", "Azure ML")
        deploy = self._carried(completed, DEPLOY)
        for job in deploy.jobs:
            if job.completed is not None and job.conclusion != "skipped":
                self._add(job.completed, f"{job.name}: {job.conclusion}", "GitHub Actions")
        if deploy.completed is None:
            raise _Missing(f"the end of {DEPLOY}")
        _no_failure(deploy)
        if any(job.conclusion == "skipped" for job in deploy.jobs):
            raise Broken(f"{DEPLOY} deployed nothing: it takes the job {self.job_id} for somebody else's.")

    def _trained_by_push(self) -> RunFact:
        self._add(self._cause.time, self._cause.text, "GitHub")
        sha = self._cause.sha
        return self._begun(TRAIN, self._found(TRAIN, lambda run: run.event == "push" and run.sha == sha))

    def _trained_by_blob(self) -> RunFact:
        self._add(self._cause.time, self._cause.text, "data lake")
        end, since = f"/{self._cause.blob}", self._cause.time
        event = self._event(_BLOB_CREATED, lambda one: str(one["subject"]).endswith(end) and _published(one) >= since)
        return self._carried(event, TRAIN)

    def _completed_job(self, train: RunFact) -> Mapping[str, Any]:
        if train.completed is not None:
            _no_failure(train)
        began = train.created
        return self._event(
            _RUN_COMPLETED,
            lambda one: one["data"]["runTags"].get("GITHUB_SHA") == train.sha and _published(one) >= began,
        )

    def _carried(self, event: Mapping[str, Any], file: str) -> RunFact:
        """From an event to the run of the workflow that it starts."""
        name = _short(str(event["eventType"]))
        self._add(_published(event), f"event {name} published", "Event Grid")
        self._delivered(event, name)
        run = self._found(file, lambda run: run.event_id == event["id"])
        self._dispatched(event, name, run)
        return self._begun(file, run)

    def _delivered(self, event: Mapping[str, Any], name: str) -> None:
        if not event["deliveries"]:
            raise Broken(f"Nobody has subscribed to the event {name}, so it went nowhere.")
        attempts = [attempt for delivery in event["deliveries"] for attempt in delivery["history"]]
        taken = [attempt for attempt in attempts if 200 <= (attempt["status"] or 0) < 300]
        if taken:
            self._add(seconds(str(taken[0]["time"])), f"event {name} delivered", "Event Grid")
            return
        for delivery in event["deliveries"]:
            if delivery["state"] in ("DeadLettered", "Dropped"):
                raise Broken(f"Event Grid gave the event {name} up: {delivery['reason']}. {_answer(attempts)}")
        raise _Missing(f"the delivery of the event {name} to the function. {_answer(attempts)}".strip())

    def _dispatched(self, event: Mapping[str, Any], name: str, run: RunFact | None) -> None:
        lines = self._facts.lines_of(str(event["id"]))
        sent = next((line for line in lines if line.step == DISPATCHED), None)
        if sent is not None:
            # The function writes its line when GitHub has answered, and by then the run may have begun.
            time = min(sent.time, run.created) if run else sent.time
            self._add(time, f"dispatch {sent.facts.get('dispatch', '')}", "function")
            return
        for line in lines:
            if line.step == IGNORED or (line.step == FAILED and line.facts.get("redelivery") == "useless"):
                reason = line.facts.get("detail") or line.facts.get("reason")
                raise Broken(f"The function did not take the event {name} to GitHub: {reason}")
        raise _Missing(f"the dispatch for the event {name}")

    def _found(self, file: str, ours: Callable[[RunFact], bool]) -> RunFact | None:
        return next((run for run in self._facts.runs if run.file == file and ours(run)), None)

    def _begun(self, file: str, run: RunFact | None) -> RunFact:
        if run is None or run.started is None:
            raise _Missing(f"a run of {file}")
        self.runs.append(run)
        self._add(run.started, f"{run.name} (run {run.id}) begins", "GitHub Actions")
        return run

    def _event(self, kind: str, ours: Callable[[Mapping[str, Any]], bool]) -> Mapping[str, Any]:
        for event in self._facts.events:
            if event["eventType"] == kind and ours(event):
                return event
        raise _Missing(f"the event {_short(kind)}")

    def _add(self, time: float, what: str, where: str) -> None:
        self.links.append(Link(time, what, where))


def _no_failure(run: RunFact) -> None:
    if run.conclusion != "success":
        raise Broken(f"{run.file} (run {run.id}) ended with {run.conclusion}.")


def _published(event: Mapping[str, Any]) -> float:
    return seconds(str(event["published"]))


def _short(event_type: str) -> str:
    return event_type.rpartition(".")[2]


def _answer(attempts: Sequence[Mapping[str, Any]]) -> str:
    if not attempts:
        return ""
    last = attempts[-1]
    return f"The last attempt: {last['status'] or last['outcome']} {last['message']}".strip() + "."
