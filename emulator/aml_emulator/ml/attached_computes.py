"""Computes that a workspace has attached: Kubernetes clusters, and the inference clusters (AKS) of SDK v1.

The cluster itself is not here: nothing answers for its nodes, its namespaces or its instance types, so what a request says about
them is kept and given back. What runs on such a compute runs on this machine.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aml_emulator import ids
from aml_emulator.http import ServiceError, not_emulated
from aml_emulator.ml.scope import missing, refused

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

KUBERNETES = "Kubernetes"
AKS = "AKS"
TYPES = (KUBERNETES, AKS)
"""The `computeType` of each kind of attached compute."""

DEFAULT_INSTANCE_TYPE = "defaultinstancetype"
DEFAULT_RESOURCES: dict[str, dict[str, str | None]] = {
    "requests": {"cpu": "100m", "memory": "2Gi", "nvidia.com/gpu": None},
    "limits": {"cpu": "2", "memory": "2Gi", "nvidia.com/gpu": None},
}
"""What the instance type that every attached cluster has asks for and may use."""

_GROUP = r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/"
_AKS_ID = re.compile(_GROUP + r"Microsoft\.ContainerService/managedClusters/[^/]+", re.IGNORECASE)
_ARC_ID = re.compile(_GROUP + r"Microsoft\.Kubernetes/connectedClusters/[^/]+", re.IGNORECASE)
_NAMESPACE = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")  # a label of RFC 1123, as Kubernetes asks for


def prepare(kind: str, properties: Body, old: Resource | None) -> Body:
    """What the resource of an attached compute holds beside what every compute has.

    Args:
        kind: one of `TYPES`.
        properties: `properties` of the request.
        old: the compute of that name that exists, or None.

    Raises:
        ServiceError: the resource id names no cluster, or another one than before; the namespace is none.

    """
    resource_id = str(properties.get("resourceId") or "")
    wanted = properties.get("properties") or {}
    if kind == AKS:
        if not resource_id:
            raise refused(
                "AksCompute creation is no longer supported. Create the cluster with AKS, install the Azure Machine Learning extension"
                " and attach it as a compute of type Kubernetes.",
                target="properties.resourceId",
            )
        _check_cluster(resource_id, (_AKS_ID,), "Microsoft.ContainerService/managedClusters")
        inner: Body = {"clusterPurpose": "FastProd", "loadBalancerType": "PublicIp", **wanted}
    else:
        allowed = (
            "Microsoft.ContainerService/managedClusters (AKS) or Microsoft.Kubernetes/connectedClusters (Azure Arc)"
        )
        _check_cluster(resource_id, (_AKS_ID, _ARC_ID), allowed)
        inner = _kubernetes(wanted)
    if old is not None:
        _check_change(old, resource_id, inner)
    return {"resourceId": resource_id, "isAttachedCompute": True, "properties": inner}


def check_removal(compute: Resource, action: str) -> None:
    """Refuse to delete what an attached compute stands for; it can be detached.

    Raises:
        ServiceError: 501, for `underlyingResourceAction=Delete`.

    """
    if action.lower() != "detach":
        raise not_emulated(
            f"deleting the cluster behind compute '{compute.name}' ({compute.properties['resourceId']}), which is not part of it."
            " Detach the compute (underlyingResourceAction=Detach; in the SDK, begin_delete(name, action='Detach'))"
        )


def for_endpoint(emulator: Emulator, workspace: Resource, reference: str) -> Resource:
    """The Kubernetes compute that an online endpoint names.

    Args:
        emulator: the emulator.
        workspace: where it is looked for.
        reference: ARM id, or `azureml:<name>`.

    Raises:
        ServiceError: there is none, it is being made or could not be made, or no endpoint can be on it.

    """
    named = reference.removeprefix("azureml:")
    compute_id = named if named.startswith("/") else f"{workspace.id}/computes/{named}"
    found = emulator.resources.get(compute_id)
    if found is None or ids.parent_of(found.id).lower() != workspace.id.lower():
        raise missing(
            f"Cannot find Kubernetes compute '{ids.name_of(compute_id)}' in workspace {workspace.name}.",
            "NotFound",
            "ComputeNotFound",
        )
    kind = found.properties.get("computeType")
    if kind == AKS:
        message = (
            "Creation of Online Endpoints or deployments on AKS compute type is no longer supported. More details can be found here,"
            " https://aka.ms/troubleshoot-creating-aks-endpoint"
        )
        details: list[dict[str, Any]] = [{"code": "NotSupported", "message": message, "details": []}]
        raise ServiceError(400, "BadRequest", "The request is invalid.", details=details)
    if kind != KUBERNETES:
        raise refused(
            f"Online endpoints cannot be created on compute '{found.name}', whose type is {kind}. Only a compute of type Kubernetes can"
            " serve them; without a compute the endpoint is a managed one.",
            target="compute",
        )
    state = found.properties["provisioningState"]
    if state != "Succeeded":
        raise refused(
            f"Compute '{found.name}' cannot serve endpoints: its provisioning state is {state}.",
            "BadArgument",
            "ArgumentInvalid",
            "ComputeNotReady",
            target="compute",
        )
    return found


def _check_cluster(resource_id: str, patterns: tuple[re.Pattern[str], ...], allowed: str) -> None:
    if not any(pattern.fullmatch(resource_id) for pattern in patterns):
        raise refused(
            f"The resourceId '{resource_id}' does not identify a Kubernetes cluster. Allowed is the resource id of a {allowed}.",
            target="properties.resourceId",
        )


def _kubernetes(wanted: Body) -> Body:
    namespace = wanted.get("namespace") or "default"
    if not _NAMESPACE.fullmatch(str(namespace)):
        raise refused(
            f"The namespace '{namespace}' is invalid: 1 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter"
            " or digit.",
            target="properties.properties.namespace",
        )
    default = wanted.get("defaultInstanceType") or DEFAULT_INSTANCE_TYPE
    types = wanted.get("instanceTypes") or {default: {"nodeSelector": None, "resources": DEFAULT_RESOURCES}}
    return {
        # The service never gives the connection strings back.
        "relayConnectionString": None,
        "serviceBusConnectionString": None,
        "extensionPrincipalId": wanted.get("extensionPrincipalId"),
        "extensionInstanceReleaseTrain": wanted.get("extensionInstanceReleaseTrain") or "stable",
        "vcName": wanted.get("vcName"),
        "namespace": namespace,
        "defaultInstanceType": default,
        "instanceTypes": types,
    }


def _check_change(old: Resource, resource_id: str, inner: Body) -> None:
    changes = {
        "resourceId": (old.properties["resourceId"], resource_id),
        "namespace": (old.properties["properties"].get("namespace"), inner.get("namespace")),
    }
    for what, (before, after) in changes.items():
        if str(before).lower() != str(after).lower():
            raise refused(
                f"The {what} of compute '{old.name}' is '{before}' and cannot be changed to '{after}'. Detach the compute or use another"
                " name.",
                target=what,
            )
