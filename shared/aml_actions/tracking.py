"""Metrics and parameters of a job, through the MLflow REST API of the workspace: no MLflow client is needed for it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aml_actions.rest import AzureRest


@dataclass(frozen=True)
class Logged:
    """What a job logged. Of a metric with many steps it is the last value.

    Attributes:
        metrics: name and number; what JSON has no number for is text (``NaN``, ``Infinity``, ``-Infinity``).
        params: name and text.

    """

    metrics: dict[str, float | int | str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)


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
        )


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
