"""Compute clusters (AmlCompute): what one is made of, what may change, and its nodes at this moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aml_emulator.http import ServiceError, not_emulated
from aml_emulator.ml import vm_sizes
from aml_emulator.ml.scope import refused
from aml_emulator.resources import now

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

TYPE = "AmlCompute"
"""The `computeType` of a cluster."""

_WORDS = {
    "vmPriority": ("Dedicated", "LowPriority"),
    "remoteLoginPortPublicAccess": ("Enabled", "Disabled", "NotSpecified"),
}
"""What some members of a cluster's definition may be."""


def prepare(properties: Body, old: Resource | None) -> Body:
    """What the resource of a cluster holds beside what every compute has.

    Args:
        properties: `properties` of the request.
        old: the cluster of that name that exists, or None.

    Raises:
        ServiceError: it has no size, impossible scale settings, or another size than before.

    """
    wanted = properties.get("properties") or {}
    if not wanted.get("vmSize"):
        raise refused("A compute cluster needs a vmSize.", target="properties.properties.vmSize")
    _check_scale(wanted.get("scaleSettings") or {})
    _check_words(wanted)
    if old is not None:
        _check_change(old.name, old.properties["properties"], wanted)
    return {"resourceId": None, "isAttachedCompute": False, "properties": _cluster(wanted)}


def rescale(properties: Body, changes: Body) -> None:
    """Change the scale settings in a cluster's `properties`.

    Raises:
        ServiceError: they are impossible.

    """
    scale = {**properties["properties"]["scaleSettings"], **(changes.get("scaleSettings") or {})}
    _check_scale(scale)
    properties["properties"]["scaleSettings"] = scale


def failure(cluster: Resource) -> ServiceError | None:
    """Why a cluster cannot be made: a size that Azure does not have fails at the end of its creation, as it does there."""
    size = cluster.properties["properties"]["vmSize"]
    if vm_sizes.find(size) is not None:
        return None
    message = f"{size} is not supported in region {cluster.body['location']}. Please choose a different VM size."
    return ServiceError(400, "VmSizeNotSupported", message)


def show_nodes(emulator: Emulator, cluster: Resource) -> None:
    """Put the nodes of this moment into the body, and why no more can be had, where that is so."""
    counts = emulator.jobs.nodes(cluster.id)
    inner: dict[str, Any] = cluster.properties["properties"]
    most = inner["scaleSettings"]["maxNodeCount"]
    current = counts.preparing + counts.running + counts.idle
    inner["currentNodeCount"] = current
    inner["targetNodeCount"] = min(most, max(current, counts.wanted))
    inner["nodeStateCounts"] = {
        "preparingNodeCount": counts.preparing,
        "runningNodeCount": counts.running,
        "idleNodeCount": counts.idle,
        "unusableNodeCount": 0,
        "leavingNodeCount": 0,
        "preemptedNodeCount": 0,
    }
    inner["errors"] = emulator.faults.shown.compute_errors(cluster.id)
    if counts.preparing or inner["targetNodeCount"] > current:
        inner["allocationState"] = "Resizing"


def _cluster(wanted: Body) -> Body:
    scale = wanted.get("scaleSettings") or {}
    account = wanted.get("userAccountCredentials")
    return {
        "osType": "Linux",
        "vmSize": wanted["vmSize"],
        "vmPriority": wanted.get("vmPriority") or "Dedicated",
        "virtualMachineImage": None,
        "isolatedNetwork": None,
        "scaleSettings": {
            "minNodeCount": scale.get("minNodeCount") or 0,
            "maxNodeCount": scale.get("maxNodeCount", 1),
            "nodeIdleTimeBeforeScaleDown": scale.get("nodeIdleTimeBeforeScaleDown") or "PT120S",
        },
        # The service never gives the password or the key back.
        "userAccountCredentials": {"adminUserName": account.get("adminUserName")} if account else None,
        "subnet": wanted.get("subnet"),
        "remoteLoginPortPublicAccess": wanted.get("remoteLoginPortPublicAccess") or "NotSpecified",
        "enableNodePublicIp": wanted.get("enableNodePublicIp", True),
        "allocationState": "Steady",
        "allocationStateTransitionTime": now(),
        "errors": None,
    }


def _check_scale(scale: Body) -> None:
    least, most = scale.get("minNodeCount") or 0, scale.get("maxNodeCount", 1)
    if not isinstance(least, int) or not isinstance(most, int) or not 0 <= least <= most or most < 1:
        raise refused(
            f"Scale settings are invalid: minNodeCount {least}, maxNodeCount {most}. Allowed: 0 <= minNodeCount <= maxNodeCount, "
            "maxNodeCount at least 1.",
            target="properties.properties.scaleSettings",
        )


def _check_words(wanted: Body) -> None:
    """Refuse unknown words, and write the known ones as the service spells them."""
    if str(wanted.get("osType") or "Linux").lower() != "linux":
        raise not_emulated(f"compute clusters of {wanted['osType']}; those of Linux are")
    for name, allowed in _WORDS.items():
        if (value := wanted.get(name)) is None:
            continue
        known = {word.lower(): word for word in allowed}
        if str(value).lower() not in known:
            raise refused(
                f"The {name} '{value}' of a compute cluster is not allowed. Allowed: {', '.join(allowed)}.",
                target=f"properties.properties.{name}",
            )
        wanted[name] = known[str(value).lower()]


def _check_change(name: str, old: Body, new: Body) -> None:
    if str(old["vmSize"]).lower() != str(new["vmSize"]).lower():
        raise refused(
            f"The vmSize of compute '{name}' is {old['vmSize']} and cannot be changed to {new['vmSize']}. Delete the compute or use "
            "another name.",
            target="properties.properties.vmSize",
        )
