"""What a deployment's resource says, checked: the one place that reads `properties` of a deployment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aml_emulator import ids
from aml_emulator.environments import definition
from aml_emulator.http import not_emulated
from aml_emulator.ml.scope import refused

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

_DURATION = re.compile(r"P(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)")
_MAX_TIMEOUT_SECONDS = {"Managed": 180, "Kubernetes": 300}  # of request_timeout_ms, by the kind of deployment
_MODEL_ID = re.compile(r"(?:azureml:)?(/subscriptions/.+/models/[^/]+/versions/[^/]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Deployment:
    """A deployment that can be served here. Times are in seconds."""

    id: str
    endpoint: str
    name: str
    workspace_id: str
    environment_id: str
    code_id: str
    scoring_script: str
    model_id: str | None
    variables: Mapping[str, str]
    instances: int
    request_timeout: float
    max_concurrent_requests: int
    start_timeout: float

    @property
    def max_pending_requests(self) -> int:
        """More at a time are turned away (429): twice what its instances take at a time."""
        return 2 * self.max_concurrent_requests * self.instances


def read(deployment_id: str, body: Mapping[str, Any]) -> Deployment:
    """A deployment's body (`properties`, `sku`) as what is served.

    Raises:
        ServiceError: it is wrong, or asks for what is not served here.

    """
    properties = body.get("properties") or {}
    code = properties.get("codeConfiguration") or {}
    if not code.get("codeId") or not code.get("scoringScript"):
        raise not_emulated(
            "deployments without a scoring script (MLflow models without code, or containers of your own)."
            " Give code_configuration: {code: ..., scoring_script: score.py}"
        )
    if path := properties.get("modelMountPath"):
        raise not_emulated(f"model_mount_path ('{path}'). Leave it out: the model is where AZUREML_MODEL_DIR says")
    if not properties.get("environmentId"):
        raise refused("The deployment has no environment.", "BadArgument", "ArgumentInvalid")
    requests = properties.get("requestSettings") or {}
    timeout = seconds(requests.get("requestTimeout"), 5.0)
    most = _MAX_TIMEOUT_SECONDS[properties.get("endpointComputeType") or "Managed"]
    if not 0 < timeout <= most:
        raise refused(f"request_timeout_ms is {timeout * 1000:g}. Allowed: more than 0, at most {most * 1000}.")
    endpoint_id = ids.parent_of(deployment_id)
    return Deployment(
        id=deployment_id,
        endpoint=ids.name_of(endpoint_id),
        name=ids.name_of(deployment_id),
        workspace_id=ids.parent_of(endpoint_id),
        environment_id=str(properties["environmentId"]),
        code_id=str(code["codeId"]),
        scoring_script=str(code["scoringScript"]),
        model_id=_model_id(properties.get("model")),
        variables={str(key): str(value) for key, value in (properties.get("environmentVariables") or {}).items()},
        instances=int((body.get("sku") or {}).get("capacity") or 1),
        request_timeout=timeout,
        max_concurrent_requests=int(requests.get("maxConcurrentRequestsPerInstance") or 1),
        start_timeout=_start_timeout(properties.get("livenessProbe") or {}),
    )


def check(emulator: Emulator, deployment_id: str, body: Mapping[str, Any]) -> None:
    """Check a deployment before it is stored.

    Raises:
        ServiceError: it is wrong, or asks for what is not served here.

    """
    deployment = read(deployment_id, body)
    definition.conda_file(emulator, deployment.environment_id)


def _model_id(model: object) -> str | None:
    """The model's ARM id; older API versions wrap it in `{referenceType: Id, assetId}`."""
    found = model.get("assetId") if isinstance(model, dict) else model
    if not found:
        return None
    match = _MODEL_ID.fullmatch(str(found))
    if match is None:
        raise not_emulated(f"models such as '{found}'. Register the model in the workspace and name its version")
    return match[1]


def _start_timeout(probe: Mapping[str, Any]) -> float:
    """How long a container may take until it is healthy: what the liveness probe allows (service defaults: 310 s)."""
    period, threshold = seconds(probe.get("period"), 10.0), int(probe.get("failureThreshold") or 30)
    return seconds(probe.get("initialDelay"), 10.0) + period * threshold


def seconds(duration: object, default: float) -> float:
    """An ISO 8601 duration, such as `PT5S`, in seconds.

    Raises:
        ServiceError: it is none.

    """
    if not duration:
        return default
    match = _DURATION.fullmatch(str(duration))
    if match is None:
        raise refused(f"'{duration}' is not a duration, for example PT5S.")
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return (hours * 60 + minutes) * 60 + seconds
