"""Metrics as JSON: what goes in, checked, and what comes out (`BatchMetricV2`, `MetricV2` of the service)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from aml_emulator.metric_service.store import NUMBERS, SCALAR, MetricConflict, ServiceMetric, Value, as_json
from aml_emulator.tracking.schema import utc_now

Json = dict[str, Any]

_TYPES = (*NUMBERS, "string", "bool", "none", "artifact")


def metric_from(body: object) -> ServiceMetric:
    """A metric with values, as a client sends it.

    Raises:
        MetricConflict: it is incomplete, or a value does not go with the columns.

    """
    if not isinstance(body, Mapping) or not isinstance(name := body.get("name"), str) or not name:
        raise MetricConflict("A metric must be an object with a 'name'.")
    columns, values = body.get("columns"), body.get("value")
    if not isinstance(columns, Mapping) or not isinstance(values, list):
        raise MetricConflict(f"The metric '{name}' must have 'columns' (an object) and 'value' (a list).")
    types = {str(column): str(kind).lower() for column, kind in columns.items()}
    if unknown := {kind for kind in types.values() if kind not in _TYPES}:
        raise MetricConflict(
            f"The metric '{name}' has columns of the types {sorted(unknown)}. Allowed: {', '.join(_TYPES)}."
        )
    kind = (body.get("properties") or {}).get("uxMetricType") or SCALAR
    return ServiceMetric(name, str(kind), types, tuple(_value(name, types, value) for value in values))


def _value(metric: str, types: Mapping[str, str], body: object) -> Value:
    if not isinstance(body, Mapping) or not isinstance(data := body.get("data"), Mapping):
        raise MetricConflict(f"Each value of the metric '{metric}' must be an object with 'data'.")
    if set(data) != set(types):
        raise MetricConflict(f"A value of the metric '{metric}' has the columns {sorted(data)}, not {sorted(types)}.")
    cells = {name: _cell(metric, name, types[name], cell) for name, cell in data.items()}
    step = body.get("step")
    if step is not None and (isinstance(step, bool) or not isinstance(step, int)):
        raise MetricConflict(f"The step {step!r} of the metric '{metric}' must be a whole number.")
    return Value(str(body.get("metricId") or uuid.uuid4()), _created(metric, body.get("createdUtc")), step, cells)


def _cell(metric: str, name: str, kind: str, cell: Any) -> Any:  # noqa: ANN401 - any JSON
    """A cell as it is kept: of a column of numbers a number, or the word for one that JSON does not have."""
    if kind not in NUMBERS:
        return cell
    try:
        number = float(cell)
    except (TypeError, ValueError):
        raise MetricConflict(
            f"The column '{name}' of the metric '{metric}' is of the type {kind}; {cell!r} is no number."
        ) from None
    return cell if isinstance(cell, int) else as_json(number)


def _created(metric: str, text: object) -> datetime:
    if text is None:
        return utc_now()
    try:
        return moment_from(text)
    except ValueError:
        raise MetricConflict(f"'createdUtc' of the metric '{metric}' is no time of ISO 8601: {text!r}.") from None


def moment_from(text: object) -> datetime:
    """A time of ISO 8601, in UTC where it names no zone (raises ValueError)."""
    found = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def definition_json(metric: ServiceMetric) -> Json:
    """A metric in a listing: its name and its columns."""
    return {"metricKey": {"namespace": "", "name": metric.name}, "columns": dict(metric.columns)}


def metric_json(run_id: str, metric: ServiceMetric) -> Json:
    """A metric with its values."""
    return {
        "dataContainerId": f"dcid.{run_id}",
        "name": metric.name,
        "columns": dict(metric.columns),
        "properties": {"uxMetricType": metric.kind},
        "value": [
            {
                "metricId": value.id,
                "createdUtc": value.created.isoformat(),
                "step": value.step,
                "data": dict(value.data),
            }
            for value in metric.values
        ],
        "continuationToken": None,
    }
