"""Metrics as the metric service keeps them: a name, typed columns, and one value for each time that it was logged."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from aml_emulator.database import Database
from aml_emulator.tracking.schema import Metric, from_text, to_text
from aml_emulator.tracking.store import TrackingStore

SCALAR, LIST, TABLE = "azureml.v1.scalar", "azureml.v1.list", "azureml.v1.table"
"""The kinds of metrics whose values are in the service; all others hold the address of an artifact."""

NUMBERS = ("int", "float", "double")
"""Types of columns that hold numbers, the wider ones last."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS service_metrics (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    columns TEXT NOT NULL,
    UNIQUE (run_id, name)
);
CREATE TABLE IF NOT EXISTS service_metric_values (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL,
    name TEXT NOT NULL,
    id TEXT NOT NULL,
    created TEXT NOT NULL,
    step INTEGER,
    data TEXT NOT NULL,
    tracked_ms INTEGER,
    UNIQUE (run_id, id)
);
CREATE INDEX IF NOT EXISTS service_metric_values_by_name ON service_metric_values (run_id, name, tracked_ms);
-- Runs are deleted in several places, none of which has to know of this service.
CREATE TRIGGER IF NOT EXISTS service_metrics_of_deleted_run AFTER DELETE ON runs BEGIN
    DELETE FROM service_metrics WHERE run_id = OLD.id;
    DELETE FROM service_metric_values WHERE run_id = OLD.id;
END;
"""


class MetricConflict(ValueError):
    """A value of another kind or type than the metric has; the message is for the one who logged it."""


@dataclass(frozen=True)
class Value:
    """One value: a cell for each column. `data` holds numbers, texts and booleans; nan and infinities are texts."""

    id: str
    created: datetime
    step: int | None
    data: Mapping[str, Any]


@dataclass(frozen=True)
class ServiceMetric:
    """A metric of a run. `columns` maps names to types; a scalar or list has one column, of the metric's own name."""

    name: str
    kind: str
    columns: Mapping[str, str]
    values: Sequence[Value] = ()

    @property
    def is_number(self) -> bool:
        """Whether MLflow has a metric for it: a number, or a list of them."""
        return self.kind in (SCALAR, LIST) and self.columns.get(self.name) in NUMBERS


class MetricStore:
    """The metrics of runs, in the emulator's database. Numbers of scalars and lists are tracked as MLflow's metrics as well."""

    def __init__(self, database: Database, tracking: TrackingStore) -> None:
        self._database = database
        self._tracking = tracking
        database.create(_SCHEMA)

    def log(self, run_id: str, metric: ServiceMetric) -> None:
        """Add values to a metric, which is made when absent. A value whose id is known is there already.

        Raises:
            MetricConflict: the metric is of another kind, or has a column of another type.

        """
        with self._database.transaction():
            known = self._definition(run_id, metric.name)
            columns = _joined(known, metric) if known else dict(metric.columns)
            self._database.execute(
                "INSERT INTO service_metrics (run_id, name, kind, columns) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (run_id, name) DO UPDATE SET columns = excluded.columns",
                (run_id, metric.name, metric.kind, json.dumps(columns)),
            )
            tracked: list[Metric] = []
            for value in metric.values:
                copy = self._tracked(run_id, metric, value)
                added = self._database.execute(
                    "INSERT OR IGNORE INTO service_metric_values (run_id, name, id, created, step, data, tracked_ms)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        run_id,
                        metric.name,
                        value.id,
                        to_text(value.created),
                        value.step,
                        json.dumps(dict(value.data)),
                        copy.timestamp_ms if copy else None,
                    ),
                )
                if added and copy:
                    tracked.append(copy)
            self._tracking.log_metrics(run_id, tracked)

    def definitions(self, run_id: str) -> list[ServiceMetric]:
        """The metrics of a run without their values: first those of this service in the order of logging, then MLflow's."""
        rows = self._database.rows("SELECT * FROM service_metrics WHERE run_id = ? ORDER BY sequence", (run_id,))
        own = {row["name"]: ServiceMetric(row["name"], row["kind"], json.loads(row["columns"])) for row in rows}
        others = [_from_mlflow(name) for name in self._tracking.metrics(run_id) if name not in own]
        return [*own.values(), *others]

    def metric(self, run_id: str, name: str) -> ServiceMetric | None:
        """A metric with all its values, by the time of logging; None when the run has none of that name."""
        rows = self._database.rows(
            "SELECT * FROM service_metric_values WHERE run_id = ? AND name = ? ORDER BY created, sequence",
            (run_id, name),
        )
        copies = {(row["step"] or 0, row["tracked_ms"]) for row in rows}
        values = [
            Value(row["id"], from_text(row["created"]) or _EPOCH, row["step"], json.loads(row["data"])) for row in rows
        ]
        mlflow = [one for one in self._tracking.history(run_id, name) if (one.step, one.timestamp_ms) not in copies]
        found = self._definition(run_id, name)
        if found is None:
            if not mlflow:
                return None
            found = _from_mlflow(name)
        values += [_value_of(name, number, one) for number, one in enumerate(mlflow)]
        return replace(found, values=sorted(values, key=lambda value: value.created))

    def _definition(self, run_id: str, name: str) -> ServiceMetric | None:
        row = self._database.row("SELECT * FROM service_metrics WHERE run_id = ? AND name = ?", (run_id, name))
        return ServiceMetric(name, row["kind"], json.loads(row["columns"])) if row else None

    def _tracked(self, run_id: str, metric: ServiceMetric, value: Value) -> Metric | None:
        """A number as MLflow's metric; None for what MLflow has no metric for.

        Values that were logged in the same millisecond, as those of a list are, would be one to MLflow: each gets the next
        free millisecond.
        """
        if not metric.is_number:
            return None
        moment, step = int(value.created.timestamp() * 1000), value.step or 0
        while self._database.row(
            "SELECT 1 FROM service_metric_values WHERE run_id = ? AND name = ? AND tracked_ms = ?",
            (run_id, metric.name, moment),
        ):
            moment += 1
        return Metric(metric.name, float(value.data[metric.name]), step, moment)


_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def _joined(known: ServiceMetric, more: ServiceMetric) -> dict[str, str]:
    """The columns of a metric after more was logged to it; whole numbers and others make one column of numbers."""
    if more.kind != known.kind:
        raise MetricConflict(
            f"The metric '{known.name}' is of the kind {known.kind}; a value of the kind {more.kind} was logged to it."
            " Log it under another name."
        )
    columns = dict(known.columns)
    for name, kind in more.columns.items():
        old = columns.setdefault(name, kind)
        if old == kind:
            continue
        if old not in NUMBERS or kind not in NUMBERS:
            raise MetricConflict(
                f"The column '{name}' of the metric '{known.name}' is of the type {old}; a value of the type {kind} was"
                " logged to it. Log it under another name."
            )
        columns[name] = max(old, kind, key=NUMBERS.index)
    return columns


def _from_mlflow(name: str) -> ServiceMetric:
    return ServiceMetric(name, SCALAR, {name: "double"})


def _value_of(name: str, number: int, metric: Metric) -> Value:
    created = datetime.fromtimestamp(metric.timestamp_ms / 1000, timezone.utc)
    return Value(f"{name}-{metric.step}-{number}", created, metric.step, {name: as_json(metric.value)})


def as_json(number: float) -> float | str:
    """A number, or the word that stands for it where JSON has none."""
    if number != number:
        return "NaN"
    if number in (float("inf"), float("-inf")):
        return "Infinity" if number > 0 else "-Infinity"
    return number
