"""The tracking store: experiments, runs, parameters, tags and metrics of every workspace.

Run history, the MLflow REST API, the jobs and the Studio read and write here. A job's run has the job's name as its id.
"""

from __future__ import annotations

import json
import random
import sqlite3
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal, overload

from aml_emulator.database import Database
from aml_emulator.tracking.schema import (
    SCHEMA,
    Error,
    Experiment,
    Metric,
    Run,
    RunState,
    from_text,
    metric_of,
    metric_row,
    run_of,
    to_text,
    utc_now,
)

__all__ = ["Error", "Experiment", "Metric", "ParameterChanged", "Run", "RunState", "TrackingStore"]

_RUNS = (
    "SELECT runs.*, experiments.name AS experiment_name FROM runs JOIN experiments ON experiments.id = experiment_id"
)
_CHANGEABLE = {"status", "start", "end", "error", "display_name", "exit_code", "lifecycle", "parent_id"}

_ADJECTIVES = ("amber", "brave", "calm", "eager", "gentle", "icy", "jolly", "lucky", "neat", "quiet", "sunny", "witty")
_NOUNS = (
    "apple",
    "bread",
    "cloud",
    "dune",
    "fern",
    "island",
    "kite",
    "lemon",
    "moss",
    "pine",
    "river",
    "sail",
    "tulip",
)


class ParameterChanged(ValueError):
    """A parameter was logged again with another value; MLflow parameters never change."""

    def __init__(self, run_id: str, key: str, old: str, new: str) -> None:
        super().__init__(
            f"Changing param values is not allowed. Param with key='{key}' was already logged with value='{old}'"
            f" for run ID='{run_id}'. Attempted logging new value '{new}'."
        )


class TrackingStore:
    """Experiments, runs and what they logged, in the emulator's database."""

    def __init__(self, database: Database, base_url: str) -> None:
        self._database = database
        self._base_url = base_url
        database.create(SCHEMA)

    # Experiments

    @overload
    def experiment(self, workspace_id: str, name: str, create: Literal[True] = True) -> Experiment: ...
    @overload
    def experiment(self, workspace_id: str, name: str, create: bool) -> Experiment | None: ...
    def experiment(self, workspace_id: str, name: str, create: bool = True) -> Experiment | None:
        """The experiment of that name; made when absent, unless told otherwise (then None)."""
        with self._database.transaction():
            row = self._database.row(
                "SELECT * FROM experiments WHERE workspace_id = ? AND name = ?", (workspace_id, name)
            )
            if row is not None:
                return self._experiment(row)
            if not create:
                return None
            made = Experiment(str(uuid.uuid4()), workspace_id, name, utc_now())
            self._database.execute(
                "INSERT INTO experiments (id, workspace_id, name, created) VALUES (?, ?, ?, ?)",
                (made.id, workspace_id, name, to_text(made.created)),
            )
            return made

    def experiment_by_id(self, experiment_id: str) -> Experiment | None:
        """The experiment of that id, or None."""
        row = self._database.row("SELECT * FROM experiments WHERE id = ?", (experiment_id,))
        return self._experiment(row) if row else None

    def experiments(self, workspace_id: str) -> list[Experiment]:
        """Every experiment of a workspace, newest first, deleted ones included."""
        rows = self._database.rows(
            "SELECT * FROM experiments WHERE workspace_id = ? ORDER BY created DESC, id", (workspace_id,)
        )
        return [self._experiment(row) for row in rows]

    def update_experiment(self, experiment_id: str, *, name: str | None = None, lifecycle: str | None = None) -> None:
        """Rename an experiment, or mark it `active` or `deleted`."""
        with self._database.transaction():
            if name is not None:
                self._database.execute("UPDATE experiments SET name = ? WHERE id = ?", (name, experiment_id))
            if lifecycle is not None:
                self._database.execute("UPDATE experiments SET lifecycle = ? WHERE id = ?", (lifecycle, experiment_id))

    def set_experiment_tags(self, experiment_id: str, tags: Mapping[str, str]) -> None:
        """Set tags of an experiment."""
        self._database.execute_many(
            "INSERT OR REPLACE INTO experiment_tags (experiment_id, key, value) VALUES (?, ?, ?)",
            [(experiment_id, key, value) for key, value in tags.items()],
        )

    def delete_experiment_tag(self, experiment_id: str, key: str) -> bool:
        """Delete a tag of an experiment; whether it was there."""
        return (
            self._database.execute(
                "DELETE FROM experiment_tags WHERE experiment_id = ? AND key = ?", (experiment_id, key)
            )
            > 0
        )

    # Runs

    def create_run(
        self,
        workspace_id: str,
        experiment_name: str,
        *,
        run_id: str | None = None,
        status: str = "Running",
        start: datetime | None = None,
        display_name: str | None = None,
        parent_id: str | None = None,
        is_job: bool = False,
        user: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> Run:
        """Create a run; the experiment is made when absent.

        Args:
            workspace_id: ARM id of the workspace.
            experiment_name: name of the experiment.
            run_id: the run's id (a job's name); a new one without.
            status: the first status, in the service's words.
            start: when it began; None while it has not.
            display_name: a name for people; made up without.
            parent_id: id of the parent run.
            is_job: whether the job service decides about its status.
            user: who made it.
            tags: the first tags.

        Raises:
            ValueError: the id is taken.

        """
        run_id = run_id or uuid.uuid4().hex
        with self._database.transaction():
            if self.run(run_id) is not None:
                raise ValueError(f"a run with the id {run_id!r} exists already")
            experiment = self.experiment(workspace_id, experiment_name)
            self._database.execute(
                "INSERT INTO runs (id, workspace_id, experiment_id, status, start, created, display_name, parent_id,"
                " is_job, user) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    run_id,
                    workspace_id,
                    experiment.id,
                    status,
                    to_text(start),
                    to_text(utc_now()),
                    display_name or random_name(),
                    parent_id,
                    int(is_job),
                    user,
                ),
            )
            self._note_state(run_id, status)
            self.set_tags(run_id, tags or {})
            made = self.run(run_id)
        assert made is not None  # noqa: S101 - inserted above
        return made

    def run(self, run_id: str) -> Run | None:
        """The run of that id, or None."""
        row = self._database.row(f"{_RUNS} WHERE runs.id = ?", (run_id,))
        return run_of(row, self._base_url) if row else None

    def runs(self, workspace_id: str, experiment_id: str | None = None) -> list[Run]:
        """Runs of a workspace or of one experiment, newest first, deleted ones included."""
        if experiment_id is None:
            rows = self._database.rows(f"{_RUNS} WHERE runs.workspace_id = ? ORDER BY sequence DESC", (workspace_id,))
        else:
            rows = self._database.rows(
                f"{_RUNS} WHERE runs.workspace_id = ? AND experiment_id = ? ORDER BY sequence DESC",
                (workspace_id, experiment_id),
            )
        return [run_of(row, self._base_url) for row in rows]

    def children(self, run_id: str) -> list[Run]:
        """Runs whose parent this is, oldest first."""
        return [
            run_of(row, self._base_url)
            for row in self._database.rows(f"{_RUNS} WHERE parent_id = ? ORDER BY sequence", (run_id,))
        ]

    def root(self, run: Run) -> Run:
        """The run at the top of the family of a run; that one itself where it has no parent."""
        seen = {run.id}
        while run.parent_id and run.parent_id not in seen and (parent := self.run(run.parent_id)):
            seen.add(parent.id)
            run = parent
        return run

    def update_run(self, run_id: str, **changes: object) -> None:
        """Change status, start, end, error, display_name, exit_code, parent_id or lifecycle of a run.

        Raises:
            TypeError: another field was named.

        """
        if unknown := changes.keys() - _CHANGEABLE:
            raise TypeError(
                f"a run has no field {sorted(unknown)} that can be changed; those are {sorted(_CHANGEABLE)}"
            )
        values = [_stored(value) for value in changes.values()]
        if not changes:
            return
        columns = ", ".join(f'"{key}" = ?' for key in changes)
        with self._database.transaction():
            old = self.run(run_id)
            # Column names come from the fixed set above.
            self._database.execute(f"UPDATE runs SET {columns} WHERE id = ?", (*values, run_id))  # noqa: S608
            if old is not None and changes.get("status", old.status) != old.status:
                self._note_state(run_id, str(changes["status"]))

    def states(self, run_id: str) -> list[RunState]:
        """Every state that a run was in, in the order in which it went through them."""
        rows = self._database.rows("SELECT status, since FROM run_states WHERE run_id = ? ORDER BY sequence", (run_id,))
        return [RunState(row["status"], datetime.fromisoformat(row["since"])) for row in rows]

    def delete_run(self, run_id: str) -> bool:
        """Forget a run and everything it logged (its artifacts stay); whether it was there."""
        with self._database.transaction():
            for table in ("run_states", "params", "tags", "metrics", "latest_metrics", "run_inputs"):
                self._database.execute(f"DELETE FROM {table} WHERE run_id = ?", (run_id,))  # noqa: S608 - fixed names
            return self._database.execute("DELETE FROM runs WHERE id = ?", (run_id,)) > 0

    def delete_workspace(self, workspace_id: str) -> None:
        """Forget everything of a workspace."""
        with self._database.transaction():
            for run in self.runs(workspace_id):
                self.delete_run(run.id)
            self._database.execute(
                "DELETE FROM experiment_tags WHERE experiment_id IN"
                " (SELECT id FROM experiments WHERE workspace_id = ?)",
                (workspace_id,),
            )
            self._database.execute("DELETE FROM experiments WHERE workspace_id = ?", (workspace_id,))

    # What runs log

    def params(self, run_id: str) -> dict[str, str]:
        """Parameters of a run."""
        return {row["key"]: row["value"] for row in self._of_run("params", run_id)}

    def tags(self, run_id: str) -> dict[str, str]:
        """Tags of a run."""
        return {row["key"]: row["value"] for row in self._of_run("tags", run_id)}

    def metrics(self, run_id: str) -> dict[str, Metric]:
        """The latest value of each metric: that of the highest step, then time, then value, as MLflow has it."""
        return {row["key"]: metric_of(row) for row in self._of_run("latest_metrics", run_id)}

    def history(self, run_id: str, key: str) -> list[Metric]:
        """Every value of one metric, by step, then time."""
        rows = self._database.rows(
            "SELECT * FROM metrics WHERE run_id = ? AND key = ? ORDER BY step, timestamp_ms, value", (run_id, key)
        )
        return [metric_of(row) for row in rows]

    def set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Set tags; those of the same name are replaced."""
        self._database.execute_many(
            "INSERT OR REPLACE INTO tags (run_id, key, value) VALUES (?, ?, ?)",
            [(run_id, key, value) for key, value in tags.items()],
        )

    def delete_tag(self, run_id: str, key: str) -> bool:
        """Delete a tag; whether it was there."""
        return self._database.execute("DELETE FROM tags WHERE run_id = ? AND key = ?", (run_id, key)) > 0

    def log_params(self, run_id: str, params: Mapping[str, str]) -> None:
        """Log parameters, all or none.

        Raises:
            ParameterChanged: one has another value already.

        """
        with self._database.transaction():
            known = self.params(run_id)
            for key, value in params.items():
                if known.get(key, value) != value:
                    raise ParameterChanged(run_id, key, known[key], value)
            self._database.execute_many(
                "INSERT OR IGNORE INTO params (run_id, key, value) VALUES (?, ?, ?)",
                [(run_id, key, value) for key, value in params.items()],
            )

    def log_metrics(self, run_id: str, metrics: Iterable[Metric]) -> None:
        """Log values of metrics in one transaction. The same value at the same step and time counts once."""
        rows = [metric_row(run_id, metric) for metric in metrics]
        columns = "(run_id, key, step, timestamp_ms, value, is_nan) VALUES (?, ?, ?, ?, ?, ?)"
        with self._database.transaction():
            self._database.execute_many(f"INSERT OR IGNORE INTO metrics {columns}", rows)
            self._database.execute_many(
                f"INSERT INTO latest_metrics {columns} ON CONFLICT (run_id, key) DO UPDATE SET step = excluded.step,"
                " timestamp_ms = excluded.timestamp_ms, value = excluded.value, is_nan = excluded.is_nan"
                " WHERE (excluded.step, excluded.timestamp_ms, excluded.value) >= (step, timestamp_ms, value)",
                rows,
            )

    def log_inputs(self, run_id: str, inputs: Iterable[Mapping[str, Any]]) -> None:
        """Note data set inputs of a run (MLflow's `DatasetInput` as JSON); one of each digest."""
        self._database.execute_many(
            "INSERT OR REPLACE INTO run_inputs (run_id, digest, body) VALUES (?, ?, ?)",
            [(run_id, str((item.get("dataset") or {}).get("digest", "")), json.dumps(item)) for item in inputs],
        )

    def inputs(self, run_id: str) -> list[dict[str, Any]]:
        """Data set inputs of a run."""
        return [json.loads(row["body"]) for row in self._of_run("run_inputs", run_id)]

    def _note_state(self, run_id: str, status: str) -> None:
        self._database.execute(
            "INSERT INTO run_states (run_id, status, since) VALUES (?, ?, ?)", (run_id, status, to_text(utc_now()))
        )

    def _of_run(self, table: str, run_id: str) -> list[sqlite3.Row]:
        return self._database.rows(f"SELECT * FROM {table} WHERE run_id = ?", (run_id,))  # noqa: S608 - fixed names

    def _experiment(self, row: sqlite3.Row) -> Experiment:
        tags = self._database.rows("SELECT key, value FROM experiment_tags WHERE experiment_id = ?", (row["id"],))
        created = from_text(row["created"])
        assert created is not None  # noqa: S101 - NOT NULL in the schema
        return Experiment(
            row["id"],
            row["workspace_id"],
            row["name"],
            created,
            row["lifecycle"],
            {tag["key"]: tag["value"] for tag in tags},
        )


def _stored(value: object) -> object:
    """A changed field of a run as SQLite takes it."""
    if isinstance(value, datetime):
        return to_text(value)
    return json.dumps(value) if isinstance(value, dict) else value


def random_name() -> str:
    """A name for a run that has none, in the manner of the service: `brave_river_x1k4`."""
    suffix = "".join(random.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=6))  # noqa: S311 - a name, no secret
    return f"{random.choice(_ADJECTIVES)}_{random.choice(_NOUNS)}_{suffix}"  # noqa: S311


def artifact_prefix(run_id: str) -> str:
    """Where the artifacts of a run lie in the workspace's artifact container."""
    return f"ExperimentRun/dcid.{run_id}"
