"""The smallest request with which Azure makes each of the resources that a workspace rests on."""

from __future__ import annotations

from typing import Any

_TENANT = "00000000-0000-0000-0000-000000000000"
_SMALLEST: dict[str, dict[str, Any]] = {
    "microsoft.storage/storageaccounts": {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}},
    "microsoft.keyvault/vaults": {"properties": {"tenantId": _TENANT, "sku": {"family": "A", "name": "standard"}}},
    "microsoft.insights/components": {"kind": "web", "properties": {"Application_Type": "web"}},
    "microsoft.containerregistry/registries": {"sku": {"name": "Standard"}},
}


def smallest_body(resource_id: str, location: str = "westeurope") -> dict[str, Any]:
    """The body of a PUT of a resource; `resource_id` is an id, a path or a short form `Microsoft.X/types/name`."""
    resource_type = "/".join(resource_id.lower().rpartition("/providers/")[2].split("/")[:2])
    return {"location": location, **_SMALLEST[resource_type]}
