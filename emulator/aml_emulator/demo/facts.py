"""What the emulator has on record of a chain: events, the function's log, the runs of workflows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

DISPATCHED, DUPLICATE, IGNORED, FAILED, RECEIVED = "dispatched", "duplicate", "ignored", "failed", "received"


@dataclass(frozen=True)
class FunctionLine:
    """One line of the function's log. `time` is in seconds since 1970; `event_id` only where the line names it."""

    time: float
    step: str
    correlation_id: str
    event_id: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class JobFact:
    """A job of a workflow run. Times in seconds since 1970, None while they are ahead."""

    name: str
    conclusion: str
    started: float | None
    completed: float | None


@dataclass(frozen=True)
class RunFact:
    """A workflow run. `payload` is what the event carried; times in seconds since 1970, None while they are ahead."""

    id: int
    name: str
    file: str
    event: str
    payload: Mapping[str, Any]
    sha: str
    conclusion: str
    created: float
    started: float | None
    completed: float | None
    jobs: tuple[JobFact, ...] = ()

    @property
    def event_id(self) -> str:
        """Id of the Azure event that a dispatch brought; empty for other runs."""
        client = self.payload.get("client_payload")
        return str(client.get("id", "")) if isinstance(client, Mapping) else ""

    @property
    def ran(self) -> bool:
        """Whether any job did something: all may have been skipped by their conditions."""
        return any(job.conclusion != "skipped" for job in self.jobs)


@dataclass(frozen=True)
class Facts:
    """Everything on record: events as `aml-emulator events list --json` gives them, oldest first."""

    events: Sequence[Mapping[str, Any]]
    lines: Sequence[FunctionLine]
    runs: Sequence[RunFact]

    def lines_of(self, event_id: str) -> list[FunctionLine]:
        """The lines of the function about one event."""
        correlations = {line.correlation_id for line in self.lines if line.event_id == event_id}
        return [line for line in self.lines if line.correlation_id in correlations]


def seconds(text: str) -> float:
    """A moment as ARM and Event Grid write it, in seconds since 1970. Digits below a microsecond are left out."""
    head, _, fraction = text.rstrip("Z").partition(".")
    digits = fraction.partition("+")[0][:6]
    found = datetime.fromisoformat(f"{head}.{digits:0<6}").replace(tzinfo=timezone.utc)
    return found.timestamp()
