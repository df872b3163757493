"""Tables of the tracking store, and what a row of them is in Python."""

from __future__ import annotations

import json
import math
import sqlite3
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS experiments (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL COLLATE NOCASE,
    name TEXT NOT NULL,
    created TEXT NOT NULL,
    lifecycle TEXT NOT NULL DEFAULT 'active',
    UNIQUE (workspace_id, name)
);
CREATE TABLE IF NOT EXISTS experiment_tags (
    experiment_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (experiment_id, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS runs (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    workspace_id TEXT NOT NULL COLLATE NOCASE,
    experiment_id TEXT NOT NULL,
    status TEXT NOT NULL,
    start TEXT,
    "end" TEXT,
    created TEXT NOT NULL,
    error TEXT,
    display_name TEXT NOT NULL,
    parent_id TEXT,
    exit_code INTEGER,
    is_job INTEGER NOT NULL,
    user TEXT NOT NULL,
    lifecycle TEXT NOT NULL DEFAULT 'active'
);
CREATE INDEX IF NOT EXISTS runs_by_experiment ON runs (experiment_id);
CREATE INDEX IF NOT EXISTS runs_by_workspace ON runs (workspace_id);
CREATE INDEX IF NOT EXISTS runs_by_parent ON runs (parent_id) WHERE parent_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS run_states (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, status TEXT NOT NULL, since TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS run_states_by_run ON run_states (run_id);
CREATE TABLE IF NOT EXISTS params (
    run_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (run_id, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tags (
    run_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (run_id, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS metrics (
    run_id TEXT NOT NULL,
    key TEXT NOT NULL,
    step INTEGER NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    value REAL NOT NULL,
    is_nan INTEGER NOT NULL,
    PRIMARY KEY (run_id, key, step, timestamp_ms, value, is_nan)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS latest_metrics (
    run_id TEXT NOT NULL,
    key TEXT NOT NULL,
    step INTEGER NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    value REAL NOT NULL,
    is_nan INTEGER NOT NULL,
    PRIMARY KEY (run_id, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS run_inputs (
    run_id TEXT NOT NULL, digest TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (run_id, digest)
) WITHOUT ROWID;
"""

Error = dict[str, Any]
"""`{"error": {"code", "message", "innerError", ...}}`, as the run history service answers it."""


@dataclass(frozen=True)
class Experiment:
    """A named group of runs of one workspace."""

    id: str
    workspace_id: str
    name: str
    created: datetime
    lifecycle: str = "active"
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """One run: a job, or something a client logs by itself. `status` is a word of the service.

    NotStarted, Preparing, Queued, Running, Finalizing, Completed, Failed, Canceled or CancelRequested.
    """

    id: str
    workspace_id: str
    experiment_id: str
    experiment_name: str
    status: str
    start: datetime | None
    end: datetime | None
    created: datetime
    artifact_uri: str
    error: Error | None
    display_name: str
    parent_id: str | None
    exit_code: int | None
    is_job: bool = False
    user: str = ""
    lifecycle: str = "active"


@dataclass(frozen=True)
class RunState:
    """A state that a run was in, and since when."""

    status: str
    since: datetime


@dataclass(frozen=True)
class Metric:
    """One value of a metric. `value` may be nan or infinite."""

    key: str
    value: float
    step: int
    timestamp_ms: int


def utc_now() -> datetime:
    """This moment (UTC)."""
    return datetime.now(timezone.utc)


def to_text(moment: datetime | None) -> str | None:
    """A moment as it is stored: ISO 8601, UTC, sortable."""
    return None if moment is None else moment.astimezone(timezone.utc).isoformat(timespec="microseconds")


def from_text(text: str | None) -> datetime | None:
    """A moment as it was stored."""
    return None if text is None else datetime.fromisoformat(text)


def run_of(row: sqlite3.Row, base_url: str) -> Run:
    """A row of runs joined with its experiment's name; the artifact URI names the server as it is reached now."""
    created = from_text(row["created"])
    assert created is not None  # noqa: S101 - NOT NULL in the schema
    return Run(
        id=row["id"],
        workspace_id=row["workspace_id"],
        experiment_id=row["experiment_id"],
        experiment_name=row["experiment_name"],
        status=row["status"],
        start=from_text(row["start"]),
        end=from_text(row["end"]),
        created=created,
        artifact_uri=f"azureml://{base_url.removeprefix('https://')}/mlflow/v2.0{row['workspace_id']}"
        f"/experiments/{row['experiment_name']}/runs/{row['id']}/artifacts",
        error=json.loads(row["error"]) if row["error"] else None,
        display_name=row["display_name"],
        parent_id=row["parent_id"],
        exit_code=row["exit_code"],
        is_job=bool(row["is_job"]),
        user=row["user"],
        lifecycle=row["lifecycle"],
    )


def metric_of(row: sqlite3.Row) -> Metric:
    """A row of metrics or latest_metrics."""
    return Metric(row["key"], math.nan if row["is_nan"] else row["value"], row["step"], row["timestamp_ms"])


def metric_row(run_id: str, metric: Metric) -> tuple[str, str, int, int, float, int]:
    """What is stored of a metric. SQLite has no nan: it would become NULL, so it is a flag."""
    nan = math.isnan(metric.value)
    return (run_id, metric.key, metric.step, metric.timestamp_ms, 0.0 if nan else metric.value, int(nan))
