"""MLflow's messages as JSON: what goes in, checked, and what comes out, in the form of its protocol buffers."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from aml_emulator.http import Call, ServiceError
from aml_emulator.tracking.schema import Experiment, Metric, Run

Json = dict[str, Any]

RUN_NAME_TAG = "mlflow.runName"
PARENT_TAG = "mlflow.parentRunId"
USER_TAG = "mlflow.user"

KEY_CHARACTERS = 250
PARAM_CHARACTERS = 6000
TAG_CHARACTERS = 8000
"""Limits of MLflow's own server (`mlflow.utils.validation`)."""

_STATUS = {
    "INVALID_PARAMETER_VALUE": 400,
    "RESOURCE_ALREADY_EXISTS": 400,
    "RESOURCE_DOES_NOT_EXIST": 404,
    "ENDPOINT_NOT_FOUND": 404,
}

_TO_MLFLOW = {
    "Running": "RUNNING",
    "NotResponding": "RUNNING",
    "Finalizing": "RUNNING",
    "CancelRequested": "RUNNING",
    "Completed": "FINISHED",
    "Failed": "FAILED",
    "Canceled": "KILLED",
}
_FROM_MLFLOW = {
    "RUNNING": "Running",
    "SCHEDULED": "NotStarted",
    "FINISHED": "Completed",
    "FAILED": "Failed",
    "KILLED": "Canceled",
}


class MlflowError(ServiceError):
    """An error in MLflow's shape: `{"error_code", "message"}`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(_STATUS[code], code, message)

    def body(self) -> Json:
        """The error as JSON."""
        return {"error_code": self.code, "message": self.message}


def invalid(message: str) -> MlflowError:
    """A request that is wrong."""
    return MlflowError("INVALID_PARAMETER_VALUE", message)


def missing(what: str) -> MlflowError:
    """Something that is not there."""
    return MlflowError("RESOURCE_DOES_NOT_EXIST", what)


# What comes in


def arguments(call: Call) -> Json:
    """The fields of a request: the query of a GET, else the JSON body.

    Raises:
        MlflowError: the body is not a JSON object.

    """
    if call.method == "GET":
        return dict(call.query)
    try:
        return call.json()
    except ServiceError as error:
        raise invalid(error.message) from None


def text(fields: Mapping[str, Any], name: str, *, limit: int | None = None, empty: bool = False) -> str:
    """A required string.

    Raises:
        MlflowError: it is missing, of another type, or too long.

    """
    value = fields.get(name)
    if not isinstance(value, str) or (not value and not empty):
        raise invalid(f"Missing value for required parameter '{name}'.")
    if limit is not None and len(value) > limit:
        raise invalid(
            f"'{name}' exceeds the maximum length of {limit} characters, it has {len(value)}: '{value[:100]}...'."
        )
    return value


def whole(fields: Mapping[str, Any], name: str, default: int) -> int:
    """An integer; protocol buffers write 64-bit ones as strings.

    Raises:
        MlflowError: it is not one.

    """
    value = fields.get(name)
    if value is None or value == "":
        return default
    try:
        return int(value)
    except (TypeError, ValueError):
        raise invalid(f"Invalid value {value!r} for parameter '{name}': it must be an integer.") from None


def metric_from(fields: Mapping[str, Any]) -> Metric:
    """A metric; nan and infinities come as the strings of protocol buffers.

    Raises:
        MlflowError: it is incomplete or no number.

    """
    key, value = text(fields, "key", limit=KEY_CHARACTERS), fields.get("value")
    if value is None or isinstance(value, bool):
        raise invalid(f"Got invalid value {value!r} for metric '{key}': it must be a number.")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise invalid(f"Got invalid value {value!r} for metric '{key}': it must be a number.") from None
    return Metric(key, number, whole(fields, "step", 0), whole(fields, "timestamp", int(time.time() * 1000)))


def param_from(fields: Mapping[str, Any]) -> tuple[str, str]:
    """Key and value of a parameter (raises MlflowError)."""
    return text(fields, "key", limit=KEY_CHARACTERS), text(fields, "value", limit=PARAM_CHARACTERS, empty=True)


def tag_from(fields: Mapping[str, Any]) -> tuple[str, str]:
    """Key and value of a tag (raises MlflowError)."""
    return text(fields, "key", limit=KEY_CHARACTERS), text(fields, "value", limit=TAG_CHARACTERS, empty=True)


def status_from(word: object) -> str:
    """A status of MLflow in the service's words (raises MlflowError)."""
    if word not in _FROM_MLFLOW:
        raise invalid(f"Invalid run status {word!r}. Allowed: {', '.join(_FROM_MLFLOW)}.")
    return _FROM_MLFLOW[str(word)]


def moment_from(milliseconds: object) -> datetime | None:
    """A time in milliseconds since 1970; None where there is none (raises MlflowError)."""
    if milliseconds in (None, ""):
        return None
    return datetime.fromtimestamp(whole({"time": milliseconds}, "time", 0) / 1000, timezone.utc)


# What goes out


def experiment_json(experiment: Experiment) -> Json:
    """`Experiment`."""
    created = to_milliseconds(experiment.created)
    return {
        "experiment_id": experiment.id,
        "name": experiment.name,
        "artifact_location": f"mlflow-artifacts:/{experiment.id}",
        "lifecycle_stage": experiment.lifecycle,
        "creation_time": created,
        "last_update_time": created,
        "tags": pairs(experiment.tags),
    }


def run_info_json(run: Run, artifact_uri: str) -> Json:
    """`RunInfo`."""
    found: Json = {
        "run_id": run.id,
        "run_uuid": run.id,
        "run_name": run.display_name,
        "experiment_id": run.experiment_id,
        "user_id": run.user,
        "status": _TO_MLFLOW.get(run.status, "SCHEDULED"),
        "start_time": to_milliseconds(run.start or run.created),
        "artifact_uri": artifact_uri,
        "lifecycle_stage": run.lifecycle,
    }
    if run.end:
        found["end_time"] = to_milliseconds(run.end)
    return found


def run_json(
    run: Run,
    artifact_uri: str,
    params: Mapping[str, str],
    metrics: Mapping[str, Metric],
    tags: Mapping[str, str],
    inputs: Sequence[Json],
) -> Json:
    """`Run`: its info, data and inputs."""
    data = {
        "metrics": [metric_json(metric) for metric in metrics.values()],
        "params": pairs(params),
        "tags": pairs(shown_tags(run, tags)),
    }
    return {"info": run_info_json(run, artifact_uri), "data": data, "inputs": {"dataset_inputs": list(inputs)}}


def shown_tags(run: Run, tags: Mapping[str, str]) -> dict[str, str]:
    """Tags with those that MLflow's clients read names, users and parents from."""
    own = {RUN_NAME_TAG: run.display_name, USER_TAG: run.user}
    if run.parent_id:
        own[PARENT_TAG] = run.parent_id
    return {**own, **tags, RUN_NAME_TAG: run.display_name}


def metric_json(metric: Metric) -> Json:
    """`Metric`; a value that JSON has no number for is a string, as protocol buffers write it."""
    value: float | str = metric.value
    if math.isnan(metric.value):
        value = "NaN"
    elif math.isinf(metric.value):
        value = "Infinity" if metric.value > 0 else "-Infinity"
    return {"key": metric.key, "value": value, "timestamp": metric.timestamp_ms, "step": metric.step}


def pairs(values: Mapping[str, str]) -> list[Json]:
    """A mapping as a list of keys and values."""
    return [{"key": key, "value": value} for key, value in values.items()]


def to_milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return int(moment.timestamp() * 1000)
