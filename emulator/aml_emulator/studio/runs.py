"""A run as the tables and the job page show it: its state in a word and a tone, and where its time went."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from aml_emulator import ids
from aml_emulator.context import Emulator
from aml_emulator.tracking.store import Run, RunState

_TONES = {
    "Completed": "good",
    "Succeeded": "good",
    "Healthy": "good",
    "Failed": "bad",
    "Canceled": "off",
    "Running": "busy",
    "Finalizing": "busy",
    "CancelRequested": "busy",
    "Creating": "busy",
    "Updating": "busy",
    "Deleting": "busy",
}
_STAGE_TONES = {"Preparing": "wait", "Running": "busy", "Finalizing": "last"}
_WORDS = {"NotStarted": "Not started", "CancelRequested": "Cancel requested"}
_FINISHED = {"Completed", "Failed", "Canceled"}
WORKSPACES = f"{ids.PROVIDER}/workspaces"


def tone(state: str) -> str:
    """The colour of a state's badge: good, bad, busy, off, or wait for what has not begun."""
    return _TONES.get(state, "wait")


@dataclass(frozen=True)
class Stage:
    """A state that a run was in and for how long (seconds), as a stretch of a bar 100 units wide."""

    name: str
    tone: str
    seconds: float
    x: float
    width: float


@dataclass(frozen=True)
class RunRow:
    """One run."""

    run: Run
    now: datetime

    @property
    def workspace(self) -> str:
        """Name of the workspace."""
        return ids.name_of(self.run.workspace_id)

    @property
    def tone(self) -> str:
        """Tone of the state's badge."""
        return tone(self.run.status)

    @property
    def finished(self) -> bool:
        """Whether nothing will change any more."""
        return self.run.status in _FINISHED

    @property
    def seconds(self) -> float | None:
        """How long it has run, or ran; of a run that ended before it began, since it was submitted."""
        begin = self.run.start or (self.run.created if self.finished else None)
        if begin is None:
            return None
        end = self.run.end or (None if self.finished else self.now)
        return (end - begin).total_seconds() if end else None


def stages(row: RunRow, states: Sequence[RunState]) -> list[Stage]:
    """Where a run's time went. The state that it ended in takes none; running has the colour of how it ended."""
    ends = [state.since for state in states[1:]] + [row.now]
    spans = [
        (state.status, max(0.0, (end - state.since).total_seconds()))
        for state, end in zip(states, ends, strict=True)
        if state.status not in _FINISHED
    ]
    total = sum(seconds for _, seconds in spans) or 1.0
    found: list[Stage] = []
    x = 0.0
    for status, seconds in spans:
        width = 100 * seconds / total
        colour = row.tone if status == "Running" and row.finished else _STAGE_TONES.get(status, "off")
        found.append(Stage(_WORDS.get(status, status), colour, seconds, round(x, 2), round(width, 2)))
        x += width
    return found


def rows(runs: Iterable[Run]) -> list[RunRow]:
    """Runs for a table; those that were deleted are left out."""
    now = datetime.now(timezone.utc)
    return [RunRow(run, now) for run in runs if run.lifecycle == "active"]


def all_runs(emulator: Emulator, limit: int | None = None) -> list[RunRow]:
    """The runs of every workspace, newest first."""
    found = [run for workspace in emulator.resources.all_of(WORKSPACES) for run in emulator.tracking.runs(workspace.id)]
    return rows(sorted(found, key=lambda run: run.created, reverse=True))[:limit]
