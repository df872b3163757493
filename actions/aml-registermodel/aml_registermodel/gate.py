"""The condition on metrics: a model that is worse than the latest version is not registered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aml_actions.errors import ActionError

ANCHOR = "docs/troubleshooting.md#metric-gate"


@dataclass(frozen=True)
class Comparison:
    """One metric of both jobs.

    Attributes:
        metric: its name.
        direction: ``max`` or ``min``.
        new: value of the job that is to be registered.
        previous: value of the job behind the latest version.
    """

    metric: str
    direction: str
    new: float
    previous: float

    @property
    def worse(self) -> bool:
        """Whether the new value is worse; an equal one is not."""
        return self.new < self.previous if self.direction == "max" else self.new > self.previous


def compare(
    new: Mapping[str, Any],
    previous: Mapping[str, Any],
    metrics_max: Sequence[str],
    metrics_min: Sequence[str],
    jobs: tuple[str, str],
) -> list[Comparison]:
    """Compare the metrics of two jobs.

    Args:
        new: metrics of the job that is to be registered.
        previous: metrics of the job behind the latest version.
        metrics_max: metrics that must not become lower.
        metrics_min: metrics that must not become higher.
        jobs: names of both jobs, the new one first.

    Raises:
        ActionError: a job lacks a metric, or its value is no number that can be compared.
    """
    wanted = [(name, "max") for name in metrics_max] + [(name, "min") for name in metrics_min]
    return [
        Comparison(name, direction, _value(name, new, jobs[0]), _value(name, previous, jobs[1]))
        for name, direction in wanted
    ]


def _value(name: str, metrics: Mapping[str, Any], job: str) -> float:
    value = metrics.get(name)
    if isinstance(value, (int, float)):
        return float(value)
    if value in ("Infinity", "-Infinity"):
        return float(str(value))
    raise ActionError(
        f"Job {job} has no number for the metric {name}, on which the registration depends.",
        value=f"{name} = {value}" if value is not None else None,
        allowed=f"a metric of the job: {', '.join(sorted(metrics)) or 'it logged none'}",
        fix="log it with `mlflow.log_metric`, correct metrics_max or metrics_min, or set force_registration to true",
        anchor=ANCHOR,
    )


def judge(comparisons: Sequence[Comparison], model: str) -> None:
    """Refuse a model that is worse.

    Args:
        comparisons: of all metrics that matter.
        model: latest version, ``<name>:<version>``.

    Raises:
        ActionError: at least one metric is worse.
    """
    worse = [one for one in comparisons if one.worse]
    if worse:
        texts = [f"{one.metric} {one.new:.6g}, {model} has {one.previous:.6g} ({one.direction})" for one in worse]
        raise ActionError(
            f"The model is worse than {model} and is not registered.",
            value="; ".join(texts),
            fix="set force_registration to true in the parameters file to register it all the same",
            anchor=ANCHOR,
        )
