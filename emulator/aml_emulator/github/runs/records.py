"""The runs of workflows that the emulator's GitHub knows. Kept in the database: a restart loses none."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from aml_emulator.github.results import Annotation, JobResult, StepResult

if TYPE_CHECKING:
    import sqlite3

    from aml_emulator.database import Database
    from aml_emulator.github.results import WorkflowRun

QUEUED, IN_PROGRESS, COMPLETED = "queued", "in_progress", "completed"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS github_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repository TEXT NOT NULL COLLATE NOCASE,
    file TEXT NOT NULL,
    number INTEGER NOT NULL,
    status TEXT NOT NULL,
    record TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS github_runs_by_status ON github_runs (status, id);
CREATE INDEX IF NOT EXISTS github_runs_by_repository ON github_runs (repository, file, id);
"""


@dataclass(frozen=True)
class RunRecord:
    """A run of a workflow, without any secret. Times are seconds since 1970, None while they are ahead.

    Attributes:
        id: number of the run.
        repository: "owner/name".
        file: path of the workflow file.
        number: of the run among those of its workflow, from 1.
        name: of the workflow.
        title: what GitHub shows for the run: the commit's first line, or the name of the dispatch.
        event: push, repository_dispatch or workflow_dispatch.
        payload: what the event carried; `client_payload` and `inputs` are in it.
        ref: full ref that it runs on.
        sha: commit that it runs on.
        actor: who set it off.
        groups: of its `concurrency:`; a run begins when no other holds one of them.
        replaces: those of `groups` in which only the newest run waits.
        cancels: those of `groups` that do not wait: who holds them is cancelled.
        notes: what its log says before anything else.
        permissions: of its GITHUB_TOKEN.
        environment: that its id tokens name; empty for none.
        attempt: how often it was begun; everything below is about the last one.
        status: queued, in_progress or completed.
        conclusion: success, failure, cancelled or skipped; empty before it is completed.
        jobs: what became of them; empty before it is completed.
        annotations: what steps told people.
        problems: why it failed although no step did.

    """

    id: int
    repository: str
    file: str
    number: int
    name: str
    title: str
    event: str
    payload: Mapping[str, Any]
    ref: str
    sha: str
    actor: str
    groups: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    cancels: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    permissions: Mapping[str, str] = field(default_factory=dict)
    environment: str = ""
    attempt: int = 1
    status: str = QUEUED
    conclusion: str = ""
    created: float = field(default_factory=time.time)
    started: float | None = None
    completed: float | None = None
    jobs: tuple[JobResult, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def branch(self) -> str:
        """Short name of the ref."""
        return self.ref.split("/", 2)[-1]

    @property
    def summary(self) -> str:
        """The summaries of all steps, in order: Markdown."""
        return "\n".join(step.summary for job in self.jobs for step in job.steps if step.summary)

    def began(self) -> RunRecord:
        """The record of the run that begins now."""
        return replace(self, status=IN_PROGRESS, started=time.time())

    def again(self) -> RunRecord:
        """The record of the run that waits for its next attempt."""
        return replace(
            self,
            attempt=self.attempt + 1,
            status=QUEUED,
            conclusion="",
            started=None,
            completed=None,
            jobs=(),
            annotations=(),
            problems=(),
        )

    def ended(self, run: WorkflowRun) -> RunRecord:
        """The record of the run that has ended so."""
        return replace(
            self,
            status=COMPLETED,
            conclusion=run.conclusion,
            completed=time.time(),
            jobs=run.jobs,
            annotations=run.annotations,
            problems=run.problems,
        )

    def given_up(self, conclusion: str, *problems: str) -> RunRecord:
        """The record of the run that ended without a result."""
        return replace(self, status=COMPLETED, conclusion=conclusion, completed=time.time(), problems=problems)


class Records:
    """Every run."""

    def __init__(self, database: Database) -> None:
        """Make the table when it is not there."""
        self._database = database
        database.create(_SCHEMA)

    def add(self, record: RunRecord) -> RunRecord:
        """Keep a new run; the record with its id and number."""
        with self._database.transaction():
            row = self._database.row(
                "SELECT COALESCE(MAX(number), 0) AS last FROM github_runs WHERE repository = ? AND file = ?",
                (record.repository, record.file),
            )
            number = (row["last"] if row else 0) + 1
            self._database.execute(
                "INSERT INTO github_runs (repository, file, number, status, record) VALUES (?, ?, ?, ?, '{}')",
                (record.repository, record.file, number, record.status),
            )
            made = self._database.row("SELECT MAX(id) AS id FROM github_runs")
            numbered = replace(record, id=made["id"] if made else 0, number=number)
            self.write(numbered)
        return numbered

    def write(self, record: RunRecord) -> None:
        """Keep what has changed of a run."""
        self._database.execute(
            "UPDATE github_runs SET status = ?, record = ? WHERE id = ?",
            (record.status, json.dumps(asdict(record)), record.id),
        )

    def get(self, run_id: int) -> RunRecord | None:
        """The run of an id, or None."""
        row = self._database.row("SELECT * FROM github_runs WHERE id = ?", (run_id,))
        return _record(row) if row else None

    def all(self, repository: str = "", *, last: int = 100) -> list[RunRecord]:
        """The newest runs, of one repository or of all, newest first."""
        rows = self._database.rows(
            "SELECT * FROM github_runs WHERE ?1 = '' OR repository = ?1 ORDER BY id DESC LIMIT ?2", (repository, last)
        )
        return [_record(row) for row in rows]

    def with_status(self, status: str) -> list[RunRecord]:
        """The runs of a status, oldest first."""
        return [
            _record(row)
            for row in self._database.rows("SELECT * FROM github_runs WHERE status = ? ORDER BY id", (status,))
        ]


def _record(row: sqlite3.Row) -> RunRecord:
    found = json.loads(row["record"])
    return RunRecord(
        **{
            **found,
            **{name: tuple(found.get(name, ())) for name in ("groups", "replaces", "cancels", "notes", "problems")},
            "annotations": tuple(Annotation(**one) for one in found["annotations"]),
            "jobs": _jobs(found["jobs"]),
        }
    )


def _jobs(found: Sequence[Mapping[str, Any]]) -> tuple[JobResult, ...]:
    return tuple(
        JobResult(**{**job, "steps": tuple(StepResult(**{**step, "log": ()}) for step in job["steps"])})
        for job in found
    )
