"""The metrics of a run: a row for each, and a figure for those with several values."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aml_emulator.studio.charts import Chart, Point, Series, chart
from aml_emulator.tracking.store import Metric, TrackingStore

_SPLITS = "training|train|validation|valid|val|testing|test|evaluation|eval"
_SPLIT_FIRST = re.compile(rf"(?:{_SPLITS})[_/.\- ]+(.+)", re.IGNORECASE)
_SPLIT_LAST = re.compile(rf"(.+?)[_/.\- ]+(?:{_SPLITS})", re.IGNORECASE)
_SERIES_PER_CHART = 4  # so many colours can be told apart with certainty


@dataclass(frozen=True)
class MetricRow:
    """One metric of the table. `lowest` and `highest` are of the finite values; None where there is none."""

    name: str
    last: float
    step: int
    count: int
    lowest: float | None
    highest: float | None


@dataclass(frozen=True)
class Metrics:
    """What the job page shows of the metrics of a run."""

    rows: list[MetricRow]
    charts: list[Chart]


def metrics_of(tracking: TrackingStore, run_id: str) -> Metrics:
    """The metrics of a run, by name."""
    latest = sorted(tracking.metrics(run_id).items(), key=_alphabetical)
    histories = {name: tracking.history(run_id, name) for name, _ in latest}
    rows = []
    for name, metric in latest:
        finite = [one.value for one in histories[name] if math.isfinite(one.value)]
        rows.append(
            MetricRow(
                name,
                metric.value,
                metric.step,
                len(histories[name]),
                min(finite, default=None),
                max(finite, default=None),
            )
        )
    several = {name: history for name, history in histories.items() if len(history) > 1}
    groups = sorted(group(list(several)).items(), key=_alphabetical)
    figures = (_figure(title, names, several) for title, names in groups)
    return Metrics(rows, [figure for figure in figures if figure])


def _alphabetical(item: tuple[str, object]) -> str:
    return item[0].casefold()


def group(names: Sequence[str]) -> dict[str, list[str]]:
    """Names of metrics by figure: those that differ only in the split of the data (train, validation, ...) share one."""
    groups: dict[str, list[str]] = {}
    for name in names:
        match = _SPLIT_FIRST.fullmatch(name) or _SPLIT_LAST.fullmatch(name)
        groups.setdefault(match[1] if match else name, []).append(name)
    figures: dict[str, list[str]] = {}
    for title, members in groups.items():
        if 1 < len(members) <= _SERIES_PER_CHART:
            figures[title] = members
        else:
            figures.update({name: [name] for name in members})
    return figures


def _figure(title: str, names: Sequence[str], histories: Mapping[str, Sequence[Metric]]) -> Chart | None:
    """Over the steps; over the order of logging when every value came without a step (MLflow then says 0)."""
    stepped = any(metric.step != histories[name][0].step for name in names for metric in histories[name])
    series = [
        Series(
            name,
            [
                Point(metric.step if stepped else position, metric.value)
                for position, metric in enumerate(histories[name], start=1)
            ],
        )
        for name in names
    ]
    return chart(title, series, "step" if stepped else "value")
