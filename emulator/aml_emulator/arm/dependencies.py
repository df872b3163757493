"""What a workspace rests on: storage accounts, which really keep blobs here, and records of vaults, insights and registries."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aml_emulator import ids
from aml_emulator.arm.subscriptions import GROUP, normal_location
from aml_emulator.http import Call, Reply, Router, ServiceError, not_found
from aml_emulator.ml.scope import find_group, page

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

STORAGE = "Microsoft.Storage/storageAccounts"
TYPES = {
    STORAGE: re.compile(r"[a-z0-9]{3,24}"),
    "Microsoft.KeyVault/vaults": re.compile(r"[a-zA-Z][a-zA-Z0-9-]{1,22}[a-zA-Z0-9]"),
    "Microsoft.Insights/components": re.compile(r"[\w.()-]{1,260}"),
    "Microsoft.ContainerRegistry/registries": re.compile(r"[a-zA-Z0-9]{5,50}"),
}
"""Types with the pattern of their names (azure-infra, 1.1)."""


def create(emulator: Emulator, resource_id: str, body: Body, actor: str) -> Resource:
    """Create or replace one of them.

    Raises:
        ServiceError: the name is not allowed, or a storage account of that name exists elsewhere.

    """
    name, resource_type = ids.name_of(resource_id), ids.type_of(resource_id)
    pattern = next(pattern for known, pattern in TYPES.items() if known.lower() == resource_type.lower())
    if not pattern.fullmatch(name):
        code = "AccountNameInvalid" if resource_type.lower() == STORAGE.lower() else "InvalidResourceName"
        raise ServiceError(
            400, code, f"'{name}' is not a valid name of {resource_type}: it must match {pattern.pattern}."
        )
    if resource_type.lower() == STORAGE.lower():
        if emulator.resources.get(resource_id) is None and emulator.accounts.key(name) is not None:
            raise ServiceError(409, "StorageAccountAlreadyTaken", f"The storage account named {name} is already taken.")
        emulator.accounts.create(name)
    return emulator.resources.put(resource_id, body, actor=actor)


def register(router: Router, emulator: Emulator) -> None:
    """Routes of the four types."""
    for resource_type in TYPES:
        _register_type(router, emulator, resource_type)

    def list_keys(call: Call) -> Reply:
        account = _find(emulator, call, STORAGE)
        value = emulator.accounts.key(account.name)
        return Reply(body={"keys": [{"keyName": "key1", "value": value, "permissions": "FULL"}]})

    router.add("POST", f"{GROUP}/providers/{STORAGE}/{{name}}/listKeys", list_keys)


def _register_type(router: Router, emulator: Emulator, resource_type: str) -> None:
    def listing(call: Call) -> Reply:
        found = emulator.resources.list(find_group(emulator, call).id, resource_type)
        return page(emulator, call, [item.body for item in found])

    def get(call: Call) -> Reply:
        return Reply(body=_find(emulator, call, resource_type).body)

    def put(call: Call) -> Reply:
        return _put(emulator, call, resource_type)

    def delete(call: Call) -> Reply:
        found = emulator.resources.get(_id(emulator, call, resource_type))
        if found is None:
            return Reply(204, media_type="")
        if resource_type == STORAGE:
            for container in emulator.accounts.containers(found.name):
                emulator.blobs.delete_container(container)
            emulator.accounts.delete(found.name)
        emulator.resources.delete(found.id)
        return Reply(200, media_type="")

    base = f"{GROUP}/providers/{resource_type}"
    router.add("GET", base, listing)
    router.add("GET", f"{base}/{{name}}", get)
    router.add("PUT", f"{base}/{{name}}", put)
    router.add("DELETE", f"{base}/{{name}}", delete)


def _id(emulator: Emulator, call: Call, resource_type: str) -> str:
    return f"{find_group(emulator, call).id}/providers/{resource_type}/{call.params['name']}"


def _find(emulator: Emulator, call: Call, resource_type: str) -> Resource:
    resource_id = _id(emulator, call, resource_type)
    found = emulator.resources.get(resource_id)
    if found is None:
        raise not_found(resource_id)
    return found


def _put(emulator: Emulator, call: Call, resource_type: str) -> Reply:
    resource_id, body = _id(emulator, call, resource_type), call.json()
    old = emulator.resources.get(resource_id)
    stored: Body = {
        **{key: body[key] for key in ("kind", "sku") if key in body},
        "location": normal_location(body.get("location")),
        "tags": body.get("tags") or {},
        "properties": {**(body.get("properties") or {}), "provisioningState": "Succeeded"},
    }
    actor = call.principal.object_id if call.principal else "emulator"
    return Reply(200 if old else 201, create(emulator, resource_id, stored, actor).body)
