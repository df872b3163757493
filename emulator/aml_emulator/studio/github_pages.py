"""The runs of workflows with what became of each, and one run with its jobs, steps, annotations, summary and log."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from aml_emulator.github.runs import records as states
from aml_emulator.http import Call, Reply, Router
from aml_emulator.studio.pages import NotHere, page, render

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.github.runs.records import RunRecord

_TONES = {
    "success": "good",
    "failure": "bad",
    "cancelled": "wait",
    "skipped": "wait",
    states.IN_PROGRESS: "busy",
    states.QUEUED: "wait",
    "error": "bad",
    "warning": "wait",
    "notice": "good",
}
_WORDS = {states.IN_PROGRESS: "In progress", states.QUEUED: "Queued"}


@dataclass(frozen=True)
class RunRow:
    """A run."""

    record: RunRecord

    @property
    def address(self) -> str:
        """Of its page: the one that GitHub would have for it, behind the name of the server."""
        return f"/github/{self.record.repository}/actions/runs/{self.record.id}"

    @property
    def state(self) -> str:
        """Its conclusion, before that its status, in words."""
        found = self.record.conclusion or self.record.status
        return _WORDS.get(found, found.capitalize())

    @property
    def tone(self) -> str:
        """Tone of the state's badge."""
        return tone(self.record.conclusion or self.record.status)

    @property
    def created(self) -> datetime:
        """When the event happened."""
        return datetime.fromtimestamp(self.record.created, timezone.utc)

    @property
    def seconds(self) -> float | None:
        """How long it took, or has taken so far."""
        if self.record.started is None:
            return None
        return (self.record.completed or datetime.now(timezone.utc).timestamp()) - self.record.started

    @property
    def under_way(self) -> bool:
        """Whether something will still happen to it."""
        return self.record.status != states.COMPLETED


def tone(word: str) -> str:
    """The tone of a conclusion, status or level."""
    return _TONES.get(word, "wait")


def register(router: Router, emulator: Emulator) -> None:
    """Add the pages."""

    def runs(call: Call) -> Reply:
        rows = [RunRow(one) for one in emulator.github.runs.list()]
        return render(
            "workflow_runs.html",
            section="github",
            live=any(row.under_way for row in rows),
            rows=rows,
            repositories=emulator.github.repositories.all(),
        )

    def run(call: Call) -> Reply:
        asked = call.params["run"]
        found = emulator.github.runs.get(int(asked)) if asked.isdigit() else None
        if found is None or found.repository.lower() != f"{call.params['owner']}/{call.params['name']}".lower():
            raise NotHere(f"There is no run {asked} of {call.params['owner']}/{call.params['name']}")
        return render(
            "workflow_run.html",
            section="github",
            live=RunRow(found).under_way,
            row=RunRow(found),
            tone=tone,
            log=emulator.github.runs.log(found.id),
            payload=json.dumps(found.payload, indent=2, ensure_ascii=False),
        )

    router.add("GET", "/github", page(runs), "none")
    router.add("GET", "/github/{owner}/{name}/actions/runs/{run}", page(run), "none")
