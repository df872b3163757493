"""Compute clusters (AmlCompute): made in a moment, with the node counts of the jobs that run on them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aml_emulator import ids
from aml_emulator.http import Call, Reply, Router, ServiceError, not_emulated
from aml_emulator.ml import vm_sizes
from aml_emulator.ml.scope import WorkspaceRoutes, page, properties_of, refused
from aml_emulator.operations import status_headers
from aml_emulator.resources import now

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

TYPE = f"{ids.PROVIDER}/workspaces/computes"

_NAME = re.compile(
    r"[a-zA-Z](?![a-zA-Z0-9-]*-\d+$)[a-zA-Z0-9-]{2,23}"
)  # Bicep type definition of .../workspaces/computes
_CREATED = "compute"
_DELETED = "compute-delete"
_BUSY_STATUSES = ("Preparing", "Running", "Finalizing", "CancelRequested")


def register(router: Router, emulator: Emulator) -> None:
    """Routes of computes."""
    routes = WorkspaceRoutes(router, emulator)
    emulator.operations.on(_CREATED, lambda resource_id: _ready(emulator, resource_id))
    emulator.operations.on(_DELETED, lambda resource_id: _gone(emulator, resource_id))

    def listing(call: Call, workspace: Resource) -> Reply:
        found = emulator.resources.list(workspace.id, TYPE)
        return page(emulator, call, [_shown(emulator, workspace, item) for item in found])

    def get(call: Call, workspace: Resource) -> Reply:
        found = emulator.resources.get(f"{workspace.id}/computes/{call.params['name']}")
        # The service answers a missing compute with an empty body, in contrast to everything else.
        return Reply(404, media_type="") if found is None else Reply(body=_shown(emulator, workspace, found))

    def put(call: Call, workspace: Resource) -> Reply:
        return _put(emulator, call, workspace)

    def patch(call: Call, workspace: Resource) -> Reply:
        return _patch(emulator, call, workspace)

    def delete(call: Call, workspace: Resource) -> Reply:
        found = emulator.resources.get(f"{workspace.id}/computes/{call.params['name']}")
        if found is None:
            return Reply(404, media_type="")
        emulator.resources.change(found.id, lambda body: body["properties"].update(provisioningState="Deleting"))
        operation = emulator.operations.start(found.id, _DELETED)
        emulator.operations.settle(operation)
        return Reply(202, headers=status_headers(emulator, operation, found.id, found.body["location"]), media_type="")

    routes.add("GET", "/computes", listing)
    routes.add("GET", "/computes/{name}", get)
    routes.add("PUT", "/computes/{name}", put)
    routes.add("PATCH", "/computes/{name}", patch)
    routes.add("DELETE", "/computes/{name}", delete)
    router.add(
        "GET",
        f"/subscriptions/{{subscription}}/providers/{ids.PROVIDER}/locations/{{location}}/vmSizes",
        lambda call: Reply(body={"value": [_size(item) for item in vm_sizes.all_sizes()]}),
    )


def _put(emulator: Emulator, call: Call, workspace: Resource) -> Reply:
    name, body = call.params["name"], call.json()
    properties = properties_of(call)
    if not _NAME.fullmatch(name):
        raise refused(
            f"Compute name '{name}' is invalid: 3 to 24 letters, digits and hyphens, beginning with a letter, and not ending in a "
            "hyphen and a number.",
            target="computeName",
        )
    kind = properties.get("computeType")
    if kind != "AmlCompute":
        raise not_emulated(f"computes of type {kind}; AmlCompute is")
    wanted = properties.get("properties") or {}
    if not wanted.get("vmSize"):
        raise refused("A compute cluster needs a vmSize.", target="properties.properties.vmSize")
    _check_scale(wanted.get("scaleSettings") or {})
    compute_id = f"{workspace.id}/computes/{name}"
    old = emulator.resources.get(compute_id)
    if old is not None:
        _check_change(name, old.properties["properties"], wanted)
    stamp = now()
    stored = {
        "location": body.get("location") or workspace.body["location"],
        "tags": body.get("tags") or {},
        "properties": {
            "createdOn": old.properties["createdOn"] if old else stamp,
            "modifiedOn": stamp,
            "disableLocalAuth": bool(properties.get("disableLocalAuth", False)),
            "description": properties.get("description"),
            "resourceId": None,
            "computeType": "AmlCompute",
            "computeLocation": properties.get("computeLocation") or workspace.body["location"],
            "provisioningState": "Updating" if old else "Creating",
            "provisioningErrors": None,
            "isAttachedCompute": False,
            "properties": _cluster(wanted),
        },
    }
    if body.get("identity"):
        stored["identity"] = body["identity"]
    actor = call.principal.object_id if call.principal else "emulator"
    resource = emulator.resources.put(compute_id, stored, actor=actor)
    operation = emulator.operations.start(resource.id, _CREATED)
    emulator.operations.settle(operation)
    headers = status_headers(emulator, operation, resource.id, stored["location"])
    return Reply(200 if old else 201, resource.body, headers)


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


def _check_change(name: str, old: Body, new: Body) -> None:
    if str(old["vmSize"]).lower() != str(new["vmSize"]).lower():
        raise refused(
            f"The vmSize of compute '{name}' is {old['vmSize']} and cannot be changed to {new['vmSize']}. Delete the compute or use "
            "another name.",
            target="properties.properties.vmSize",
        )


def _patch(emulator: Emulator, call: Call, workspace: Resource) -> Reply:
    found = emulator.resources.get(f"{workspace.id}/computes/{call.params['name']}")
    if found is None:
        return Reply(404, media_type="")
    changes = (call.json().get("properties") or {}).get("properties") or call.json().get("properties") or {}
    scale = {**found.properties["properties"]["scaleSettings"], **(changes.get("scaleSettings") or {})}
    _check_scale(scale)

    def edit(body: Body) -> None:
        body["properties"]["properties"]["scaleSettings"] = scale
        body["properties"]["provisioningState"] = "Updating"
        body["properties"]["modifiedOn"] = now()

    changed = emulator.resources.change(found.id, edit) or found
    operation = emulator.operations.start(found.id, _CREATED)
    emulator.operations.settle(operation)
    return Reply(200, changed.body, status_headers(emulator, operation, found.id, found.body["location"]))


def _ready(emulator: Emulator, compute_id: str) -> None:
    """End of a creation or change. A size that Azure does not have fails here, as it does there."""
    compute = emulator.resources.get(compute_id)
    if compute is None:
        return
    size = compute.properties["properties"]["vmSize"]
    error = None
    if vm_sizes.find(size) is None:
        error = {
            "code": "VmSizeNotSupported",
            "message": f"{size} is not supported in region {compute.body['location']}. Please choose a different VM size.",
        }

    def edit(body: Body) -> None:
        body["properties"]["provisioningState"] = "Failed" if error else "Succeeded"
        body["properties"]["provisioningErrors"] = [{"error": error}] if error else None

    emulator.resources.change(compute_id, edit)
    if error:
        raise ServiceError(400, error["code"], error["message"])


def _gone(emulator: Emulator, compute_id: str) -> None:
    emulator.resources.delete(compute_id)


def _shown(emulator: Emulator, workspace: Resource, compute: Resource) -> Body:
    """The compute with its node counts at this moment: one node for each job at work, and the idle ones below the minimum."""
    busy = waiting = 0
    for job in emulator.resources.list(workspace.id, f"{ids.PROVIDER}/workspaces/jobs"):
        if str(job.properties.get("computeId", "")).lower() == compute.id.lower():
            busy += job.properties.get("status") in _BUSY_STATUSES
            waiting += job.properties.get("status") in ("NotStarted", "Queued", "Starting")
    inner: dict[str, Any] = compute.properties["properties"]
    least, most = inner["scaleSettings"]["minNodeCount"], inner["scaleSettings"]["maxNodeCount"]
    inner["currentNodeCount"] = max(least, min(most, busy))
    inner["targetNodeCount"] = max(least, min(most, busy + waiting))
    inner["nodeStateCounts"] = {
        "preparingNodeCount": 0,
        "runningNodeCount": min(most, busy),
        "idleNodeCount": max(0, least - busy),
        "unusableNodeCount": 0,
        "leavingNodeCount": 0,
        "preemptedNodeCount": 0,
    }
    return compute.body


def _size(size: vm_sizes.VmSize) -> Body:
    return {
        "name": size.name,
        "family": size.family,
        "vCPUs": size.cores,
        "gpus": size.gpus,
        "memoryGB": size.memory,
        "supportedComputeTypes": ["AmlCompute"],
    }
