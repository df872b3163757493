"""Metrics and parameters of a job, through the MLflow REST API of the workspace: no MLflow client is needed for it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aml_actions.rest import AzureRest

MOST_POINTS = 100_000
"""Values of one metric after which its history is read no further."""


@dataclass(frozen=True)
class Logged:
    """What a job logged. Of a metric with many steps it is the last value.

    Attributes:
        metrics: name and number; what JSON has no number for is text (``NaN``, ``Infinity``, ``-Infinity``).
        params: name and text.
        steps: name of each metric and the step of its last value; 0 for one that was logged without steps.

    """

    metrics: dict[str, float | int | str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Point:
    """One value of a metric.

    Attributes:
        step: that the script gave; 0 if it gave none.
        timestamp: milliseconds since 1970.
        value: a number; NaN and infinities are left out of histories.
    """

    step: int
    timestamp: int
    value: float


class Tracking:
    """The MLflow tracking server that every workspace is."""

    def __init__(self, rest: AzureRest, tracking_uri: str) -> None:
        """Use the server at the workspace's ``mlFlowTrackingUri``."""
        self._rest = rest
        self._base = rest_address(tracking_uri)

    def logged(self, job: str) -> Logged:
        """Return the metrics and parameters of a job; both empty for a job that MLflow does not know.

        Raises:
            azure.core.exceptions.AzureError: the service cannot be asked.

        """
        from azure.core.exceptions import HttpResponseError

        try:
            # MLflow's own client sends the id under its old name too.
            answer = self._rest.get(f"{self._base}/api/2.0/mlflow/runs/get", {"run_id": job, "run_uuid": job})
        except HttpResponseError as error:
            if error.status_code == 404:
                return Logged()
            raise
        data = (answer.get("run") or {}).get("data") or {}
        return Logged(
            metrics={str(one["key"]): number(one.get("value")) for one in data.get("metrics") or []},
            params={str(one["key"]): str(one.get("value", "")) for one in data.get("params") or []},
            steps={str(one["key"]): int(one.get("step") or 0) for one in data.get("metrics") or []},
        )

    def history(self, job: str, metric: str) -> list[Point]:
        """Return all finite values of a metric in the order of their steps, and of their times within a step.

        Raises:
            azure.core.exceptions.AzureError: the service cannot be asked, or does not know the job.

        """
        asked = {"run_id": job, "run_uuid": job, "metric_key": metric}
        points: list[Point] = []
        while True:
            answer = self._rest.get(f"{self._base}/api/2.0/mlflow/metrics/get-history", asked)
            for one in answer.get("metrics") or []:
                value = float(one.get("value", "nan"))
                if math.isfinite(value):
                    points.append(Point(int(one.get("step") or 0), int(one.get("timestamp") or 0), value))
            token = answer.get("next_page_token")
            if not token or len(points) >= MOST_POINTS:
                return sorted(points, key=lambda point: (point.step, point.timestamp))
            asked["page_token"] = str(token)


def rest_address(tracking_uri: str) -> str:
    """Return the address of the REST API of ``azureml://<host>/mlflow/v1.0/subscriptions/...``.

    The rule is the one of the MLflow plugin ``azureml-mlflow``: the same path over https, as version 2.0.
    """
    return re.sub(r"^azureml://([^/]+)/mlflow/v[0-9.]+/", r"https://\1/mlflow/v2.0/", tracking_uri).rstrip("/")


def number(value: Any) -> float | int | str:  # noqa: ANN401 - any JSON
    """Return a metric's value in a form that every JSON reader takes; MLflow spells NaN and infinities as text."""
    converted = float(value)
    if math.isnan(converted):
        return "NaN"
    if math.isinf(converted):
        return "Infinity" if converted > 0 else "-Infinity"
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else converted
