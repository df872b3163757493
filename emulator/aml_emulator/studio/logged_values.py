"""What a run logged with SDK v1 beside numbers: texts, and tables row by row. Numbers are in `metrics`, images among the files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aml_emulator.metric_service.store import LIST, SCALAR, TABLE, MetricStore, ServiceMetric

_ROWS_SHOWN = 50


@dataclass(frozen=True)
class LoggedTable:
    """A table that was logged; `left_out` is the number of rows that are not shown."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    left_out: int


@dataclass(frozen=True)
class LoggedValues:
    """What the job page shows; `texts` are pairs of a name and all its values."""

    texts: Sequence[tuple[str, Sequence[Any]]]
    tables: Sequence[LoggedTable]


def values_of(store: MetricStore, run_id: str) -> LoggedValues:
    """The texts and tables of a run, in the order of logging."""
    texts, tables = [], []
    for known in store.definitions(run_id):
        if known.is_number or known.kind not in (SCALAR, LIST, TABLE):
            continue
        metric = store.metric(run_id, known.name) or known
        if known.kind == TABLE:
            tables.append(_table(metric))
        else:
            texts.append((known.name, [value.data[known.name] for value in metric.values]))
    return LoggedValues(texts, tables)


def _table(metric: ServiceMetric) -> LoggedTable:
    columns = list(metric.columns)
    rows = [[value.data.get(column, "") for column in columns] for value in metric.values[:_ROWS_SHOWN]]
    return LoggedTable(metric.name, columns, rows, max(0, len(metric.values) - _ROWS_SHOWN))
