"""Metrics of a job and of the jobs that it started."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from aml_actions.data_plane import DataPlane
from aml_actions.run_history import ChildRun, RunHistory, reused_from
from aml_actions.tracking import Logged

MOST_JOBS = 500
"""Child jobs that are asked for their metrics; a sweep may have thousands."""
_AT_ONCE = 8
"""Child jobs that are asked at the same time."""
_MOST_TEXTS = 50
"""Child jobs that are asked for metrics that are no numbers, which takes requests of its own."""
_LAG = (0.0, 1.0, 2.0)
"""Seconds before each attempt: what a job logs last can be late by a moment."""
_SKIPPED = "best_child_by_primary_metric"

Metrics = Mapping[str, Mapping[str, Any]]
"""Run id, then metric, then value."""


@dataclass(frozen=True)
class JobMetrics:
    """What one job logged.

    Attributes:
        metrics: numbers and, of scripts that log with SDK v1, texts, lists and tables.
        params: parameters of MLflow.
        steps: metric, and the step of its last value; 0 for one that was logged without steps.
    """

    metrics: Mapping[str, Any]
    params: Mapping[str, str]
    steps: Mapping[str, int] = field(default_factory=dict)


def descendants(history: RunHistory, job: str) -> list[ChildRun]:
    """Return all jobs below a job, in the order of SDK v1: the one that started last comes first, whatever its level."""
    return sorted(_below(history, job), key=lambda child: child.started, reverse=True)


def _below(history: RunHistory, job: str) -> Iterator[ChildRun]:
    for child in history.children(job):
        yield from _below(history, child.name)
        yield child


def collect(
    plane: DataPlane,
    job: str,
    children: list[ChildRun],
    say: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, JobMetrics]:
    """Return what each job logged: the children in their order, the job itself last, as in the legacy action.

    What a step of a pipeline logged that was not run again is what the job logged that ran it.

    Args:
        plane: of the workspace.
        job: that has ended.
        children: all jobs below it.
        say: hears what could not be read.
        sleep: waits for seconds.

    Raises:
        azure.core.exceptions.AzureError: MLflow cannot be asked.

    """
    ran = {child.name: reused_from(child.properties) or child.name for child in children[:MOST_JOBS]}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        numbers = dict(zip(ran, pool.map(plane.tracking.logged, ran.values()), strict=True))
    own = Logged()
    for seconds in _LAG:
        sleep(seconds)
        own = plane.tracking.logged(job)
        if own.metrics or children:
            break
    numbers[job] = own
    others = _others(plane, {job: job, **dict(list(ran.items())[:_MOST_TEXTS])}, say)
    return {
        name: JobMetrics({**others.get(name, {}), **logged.metrics}, logged.params, logged.steps)
        for name, logged in numbers.items()
    }


def _others(plane: DataPlane, jobs: Mapping[str, str], say: Callable[[str], None]) -> dict[str, dict[str, Any]]:
    """Return metrics that are no numbers, of jobs with those that ran in their place.

    Few jobs have any, so a service that does not answer is no failure of the job.
    """
    from azure.core.exceptions import AzureError

    found: dict[str, dict[str, Any]] = {}
    try:
        for name, ran in jobs.items():
            found[name] = plane.metrics.others(ran)
    except AzureError as error:
        say(f"Metrics that are no numbers could not be read: {type(error).__name__}.")
    return found


def by_job(logged: Mapping[str, JobMetrics]) -> dict[str, dict[str, Any]]:
    """Return the value of ``run_metrics``: jobs without metrics are left out."""
    return {name: dict(one.metrics) for name, one in logged.items() if one.metrics}


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
