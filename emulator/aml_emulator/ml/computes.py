"""Computes: made, attached or changed in a moment; what is special about a kind of compute stands in a module of its own."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from aml_emulator import ids
from aml_emulator.http import Call, Reply, Router, not_emulated
from aml_emulator.ml import aml_clusters, attached_computes, vm_sizes
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


def register(router: Router, emulator: Emulator) -> None:
    """Routes of computes."""
    routes = WorkspaceRoutes(router, emulator)
    emulator.operations.on(_CREATED, lambda resource_id: _ready(emulator, resource_id))
    emulator.operations.on(_DELETED, lambda resource_id: _gone(emulator, resource_id))

    def listing(call: Call, workspace: Resource) -> Reply:
        found = emulator.resources.list(workspace.id, TYPE)
        return page(emulator, call, [_shown(emulator, item) for item in found])

    def get(call: Call, workspace: Resource) -> Reply:
        found = emulator.resources.get(f"{workspace.id}/computes/{call.params['name']}")
        # The service answers a missing compute with an empty body, in contrast to everything else.
        return Reply(404, media_type="") if found is None else Reply(body=_shown(emulator, found))

    def put(call: Call, workspace: Resource) -> Reply:
        return _put(emulator, call, workspace)

    def patch(call: Call, workspace: Resource) -> Reply:
        return _patch(emulator, call, workspace)

    def delete(call: Call, workspace: Resource) -> Reply:
        found = emulator.resources.get(f"{workspace.id}/computes/{call.params['name']}")
        if found is None:
            return Reply(404, media_type="")
        if found.properties.get("isAttachedCompute"):
            attached_computes.check_removal(found, call.query.get("underlyingresourceaction", "Delete"))
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
    compute_id = f"{workspace.id}/computes/{name}"
    old = emulator.resources.get(compute_id)
    kind = _canonical(properties.get("computeType"))
    if old is not None and kind != old.properties["computeType"]:
        raise refused(
            f"The type of compute '{name}' is {old.properties['computeType']} and cannot be changed to {kind}. Use another name.",
            target="properties.computeType",
        )
    stamp = now()
    stored = {
        "location": body.get("location") or workspace.body["location"],
        "tags": body.get("tags") or {},
        "properties": {
            "createdOn": old.properties["createdOn"] if old else stamp,
            "modifiedOn": stamp,
            "disableLocalAuth": bool(properties.get("disableLocalAuth", False)),
            "description": properties.get("description"),
            "computeType": kind,
            "computeLocation": properties.get("computeLocation") or workspace.body["location"],
            "provisioningState": "Updating" if old else "Creating",
            "provisioningErrors": None,
            **_prepare(kind, properties, old),
        },
    }
    if body.get("identity"):
        stored["identity"] = _identity(emulator, body["identity"], old)
    actor = call.principal.object_id if call.principal else "emulator"
    resource = emulator.resources.put(compute_id, stored, actor=actor)
    operation = emulator.operations.start(resource.id, _CREATED)
    emulator.operations.settle(operation)
    headers = status_headers(emulator, operation, resource.id, stored["location"])
    return Reply(200 if old else 201, resource.body, headers)


def _canonical(kind: object) -> str | None:
    """A compute's type as the service spells it, whatever the request's case."""
    known = {name.lower(): name for name in (aml_clusters.TYPE, *attached_computes.TYPES)}
    return None if kind is None else known.get(str(kind).lower(), str(kind))


def _prepare(kind: str | None, properties: Body, old: Resource | None) -> Body:
    if kind == aml_clusters.TYPE:
        return aml_clusters.prepare(properties, old)
    if kind in attached_computes.TYPES:
        return attached_computes.prepare(kind, properties, old)
    types = ", ".join((aml_clusters.TYPE, *attached_computes.TYPES))
    raise not_emulated(f"computes of type {kind}. Those that are: {types}")


def _identity(emulator: Emulator, wanted: Body, old: Resource | None) -> Body:
    """The identity as the service shows it: a system-assigned one has a principal, the same as long as the compute lives.

    User-assigned ones are filled in where this emulator has them; those of other subscriptions are kept as they are sent.
    """
    if wanted.get("userAssignedIdentities"):
        wanted = {**wanted, "userAssignedIdentities": _user_assigned(emulator, wanted["userAssignedIdentities"])}
    if "systemassigned" not in str(wanted.get("type") or "").lower():
        return wanted
    before = ((old.body.get("identity") or {}) if old else {}).get("principalId")
    return {
        **wanted,
        "principalId": before or str(uuid.uuid4()),
        "tenantId": emulator.tokens.identity.tenant_id,
    }


def _user_assigned(emulator: Emulator, wanted: Body) -> Body:
    found: Body = {}
    for identity_id, sent in wanted.items():
        identity = emulator.resources.get(identity_id)
        own = {name: identity.properties[name] for name in ("principalId", "clientId")} if identity else sent
        found[identity_id] = own
    return found


def _patch(emulator: Emulator, call: Call, workspace: Resource) -> Reply:
    found = emulator.resources.get(f"{workspace.id}/computes/{call.params['name']}")
    if found is None:
        return Reply(404, media_type="")
    kind = found.properties["computeType"]
    if kind != aml_clusters.TYPE:
        raise refused(f"Compute '{found.name}' cannot be scaled: its type is {kind}. Only {aml_clusters.TYPE} can.")
    changes = (call.json().get("properties") or {}).get("properties") or call.json().get("properties") or {}

    def edit(body: Body) -> None:
        aml_clusters.rescale(body["properties"], changes)
        body["properties"]["provisioningState"] = "Updating"
        body["properties"]["modifiedOn"] = now()

    changed = emulator.resources.change(found.id, edit) or found
    operation = emulator.operations.start(found.id, _CREATED)
    emulator.operations.settle(operation)
    return Reply(200, changed.body, status_headers(emulator, operation, found.id, found.body["location"]))


def _ready(emulator: Emulator, compute_id: str) -> None:
    """End of a creation or change."""
    compute = emulator.resources.get(compute_id)
    if compute is None:
        return
    error = aml_clusters.failure(compute) if compute.properties["computeType"] == aml_clusters.TYPE else None

    def edit(body: Body) -> None:
        body["properties"]["provisioningState"] = "Failed" if error else "Succeeded"
        told = [{"error": {"code": error.code, "message": error.message}}] if error else None
        body["properties"]["provisioningErrors"] = told

    emulator.resources.change(compute_id, edit)
    if error:
        raise error


def _gone(emulator: Emulator, compute_id: str) -> None:
    emulator.resources.delete(compute_id)


def _shown(emulator: Emulator, compute: Resource) -> Body:
    """The compute as it is at this moment."""
    if compute.properties["computeType"] == aml_clusters.TYPE:
        aml_clusters.show_nodes(emulator, compute)
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
