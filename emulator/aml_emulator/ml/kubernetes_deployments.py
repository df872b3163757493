"""What is special about deployments on Kubernetes: the resources of their containers, and the number of replicas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aml_emulator.http import not_emulated
from aml_emulator.ml import container_resources
from aml_emulator.ml.scope import refused
from aml_emulator.serving import specification

if TYPE_CHECKING:
    from aml_emulator.resources import Body, Resource

TYPE = "Kubernetes"
"""The `endpointComputeType` of a deployment on Kubernetes."""

_AUTOSCALE = {
    "minInstances": 1,
    "maxInstances": 1,
    "pollingInterval": "PT1S",
    "targetUtilizationPercentage": 70,
}  # defaults of the service's description, TargetUtilizationScaleSettings
_MOST_REPLICAS = 50  # each is a process of this machine
_NAMES_LENGTH = range(6, 63)


def prepare(compute: Resource, properties: Body) -> Body:
    """The properties that only a deployment on Kubernetes has.

    Args:
        compute: the endpoint's compute.
        properties: `properties` of the request.

    Raises:
        ServiceError: its scale settings or resources are impossible.

    """
    cluster = compute.properties["properties"]
    instance_type = properties.get("instanceType") or cluster["defaultInstanceType"]
    known = (cluster.get("instanceTypes") or {}).get(instance_type)
    return {
        "endpointComputeType": TYPE,
        "instanceType": instance_type,
        "containerResourceRequirements": container_resources.settled(
            properties.get("containerResourceRequirements"), (known or {}).get("resources")
        ),
        "scaleSettings": _scale(properties.get("scaleSettings") or {}),
    }


def replicas(scale: Body, capacity: Any) -> int:  # noqa: ANN401 - what JSON gave
    """How many replicas run: with autoscale the fewest that it keeps, else what `sku.capacity` says.

    Raises:
        ServiceError: it is no number of 1 or more, or more than this machine runs.

    """
    count = scale["minInstances"] if scale["scaleType"] == "TargetUtilization" else 1 if capacity is None else capacity
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise refused(f"The instance count is {count}; it must be a whole number from 1.", target="sku.capacity")
    if count > _MOST_REPLICAS:
        raise not_emulated(
            f"{count} replicas of a deployment, each a process of this machine; at most {_MOST_REPLICAS}"
        )
    return count


def check_names(endpoint: str, deployment: str) -> None:
    """Refuse names that Kubernetes does not take together.

    Raises:
        ServiceError: 400.

    """
    length = len(endpoint) + len(deployment)
    if length not in _NAMES_LENGTH:
        raise refused(
            f"The names of endpoint '{endpoint}' and deployment '{deployment}' have {length} characters together. Allowed on Kubernetes"
            f" are {_NAMES_LENGTH[0]} to {_NAMES_LENGTH[-1]}.",
            target="name",
        )


def _scale(wanted: Body) -> Body:
    kind = wanted.get("scaleType") or "Default"
    if kind == "Default":
        return {"scaleType": "Default"}
    if kind != "TargetUtilization":
        raise refused(
            f"scaleType '{kind}' is unknown. Allowed: Default, TargetUtilization.", target="scaleSettings.scaleType"
        )
    scale = {**_AUTOSCALE, **{name: value for name, value in wanted.items() if value is not None}}
    for name in ("minInstances", "maxInstances", "targetUtilizationPercentage"):
        value = scale[name]
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise _invalid(f"{name} is {value}; it must be a whole number from 1.", name)
    if scale["minInstances"] > scale["maxInstances"]:
        raise _invalid(
            f"minInstances is {scale['minInstances']}, more than maxInstances, {scale['maxInstances']}.", "minInstances"
        )
    if scale["targetUtilizationPercentage"] > 100:
        raise _invalid(
            f"targetUtilizationPercentage is {scale['targetUtilizationPercentage']}; allowed are 1 to 100.",
            "targetUtilizationPercentage",
        )
    if specification.seconds(scale["pollingInterval"], 1) < 1:
        raise _invalid(f"pollingInterval is {scale['pollingInterval']}; it must be at least PT1S.", "pollingInterval")
    return scale


def _invalid(message: str, target: str) -> Exception:
    codes = ("BadArgument", "ArgumentInvalid", "InvalidDeploymentSpec")
    return refused(message, *codes, target=f"scaleSettings.{target}")
