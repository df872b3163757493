"""Metrics of a job and of the jobs that it started."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from aml_actions.run_history import ChildRun, RunHistory
from aml_actions.tracking import Logged, Tracking

MOST_JOBS = 500
"""Child jobs that are asked for their metrics; a sweep may have thousands."""
_LAG = (0.0, 1.0, 2.0)
"""Seconds before each attempt: what a job logs last can be late by a moment."""
_SKIPPED = "best_child_by_primary_metric"

Metrics = Mapping[str, Mapping[str, Any]]
"""Run id, then metric, then value."""


def descendants(history: RunHistory, job: str) -> Iterator[ChildRun]:
    """Give all jobs below a job, each before those that started it."""
    for child in history.children(job):
        yield from descendants(history, child.name)
        yield child


def collect(
    tracking: Tracking, job: str, children: list[ChildRun], sleep: Callable[[float], None] = time.sleep
) -> dict[str, Logged]:
    """Return what each job logged: the children in their order, the job itself last, as in the legacy action."""
    logged = {child.name: tracking.logged(child.name) for child in children[:MOST_JOBS]}
    own = Logged()
    for seconds in _LAG:
        sleep(seconds)
        own = tracking.logged(job)
        if own.metrics or children:
            break
    return {**logged, job: own}


def legacy_metrics(logged: Mapping[str, Logged]) -> dict[str, dict[str, float | int | str]]:
    """Return the value of ``run_metrics``: jobs without metrics are left out."""
    return {name: one.metrics for name, one in logged.items() if one.metrics}


def to_markdown(metrics: Mapping[str, Any]) -> str:
    """Return the value of ``run_metrics_markdown``, character by character as the legacy action wrote it.

    Numbers, and texts that are numbers, have three significant digits; everything else stays as it is. Values that are not
    mappings give rows of two cells, as they did.
    """
    if not metrics:
        return "No metrics returned"
    lines = [
        f"## Run Details:\n\n Experiment/Pipeline ID: {next(iter(metrics))} \n\n",
        "| Run ID | Parameter | Value |\n",
        "| ----- | ----- | ----- |\n",
    ]
    for name, values in metrics.items():
        if not isinstance(values, Mapping):
            lines.append(f"| {name} | {_shown(values)} |\n")
            continue
        lines += [f"| {name} | {key} | {_shown(value)} |\n" for key, value in values.items() if _SKIPPED not in key]
    return "".join(lines)


def _shown(value: Any) -> str:  # noqa: ANN401 - any JSON
    try:
        return f"{float(value):.3}"
    except (TypeError, ValueError):
        return str(value)
