"""Workspaces: what a deployment of the SDK's template creates, and what may be asked of them later."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

from aml_emulator import ids
from aml_emulator.http import Call, Reply, Router, ServiceError, not_emulated
from aml_emulator.ml import datastores, online_endpoints
from aml_emulator.ml.scope import WORKSPACE, WORKSPACES, find_group, find_workspace, page

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Resource

TYPE = f"{ids.PROVIDER}/workspaces"

_NAME = re.compile(
    r"[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}"
)  # Bicep type definition of Microsoft.MachineLearningServices/workspaces
_CHANGEABLE = (
    "description",
    "friendlyName",
    "imageBuildCompute",
    "primaryUserAssignedIdentity",
    "publicNetworkAccess",
    "applicationInsights",
    "containerRegistry",
    "v1LegacyMode",
)


def check_name(name: str) -> None:
    """Refuse a workspace name that Azure refuses.

    Raises:
        ServiceError: 400.

    """
    if not _NAME.fullmatch(name):
        raise ServiceError(
            400,
            "ValidationError",
            f"Workspace name '{name}' is invalid. It must be between 3 and 33 characters long, begin with a letter or digit, "
            "and hold only letters, digits, hyphens and underscores.",
            target="workspace.name",
        )


def create(
    emulator: Emulator,
    workspace_id: str,
    *,
    location: str,
    properties: dict[str, Any],
    tags: dict[str, str],
    kind: str = "Default",
    identity: dict[str, Any] | None = None,
    actor: str,
) -> Resource:
    """Create a workspace with its datastores; `properties.storageAccount` is the id of an account that exists."""
    guid = str(uuid.uuid4())
    tenant = emulator.tokens.identity.tenant_id
    body = {
        "location": location,
        "kind": kind,
        "tags": tags,
        "identity": identity or {"type": "SystemAssigned", "principalId": str(uuid.uuid4()), "tenantId": tenant},
        "sku": {"name": "Basic", "tier": "Basic"},
        "etag": None,
        "properties": {
            "friendlyName": ids.name_of(workspace_id),
            "description": "",
            "containerRegistry": None,
            "publicNetworkAccess": "Enabled",
            "hbiWorkspace": False,
            "v1LegacyMode": False,
            "allowPublicAccessWhenBehindVnet": False,
            "systemDatastoresAuthMode": "accesskey",
            **properties,
            "provisioningState": "Succeeded",
            "workspaceId": guid,
            "tenantId": tenant,
            "discoveryUrl": f"{emulator.base_url}/discovery",
            "mlFlowTrackingUri": f"azureml://{emulator.base_url.removeprefix('https://')}/mlflow/v1.0{workspace_id}",
            "enableDataIsolation": False,
            "storageHnsEnabled": False,
            "privateEndpointConnections": [],
            "creationTime": None,
        },
    }
    workspace = emulator.resources.put(workspace_id, body, actor=actor)
    account = ids.name_of(str(properties["storageAccount"]))
    datastores.create_defaults(emulator, workspace.id, account, actor)
    return workspace


def delete(emulator: Emulator, workspace: Resource) -> None:
    """Delete a workspace with its jobs, endpoints, runs and data. Its storage account stays, as on Azure."""
    for endpoint in emulator.resources.list(workspace.id, online_endpoints.TYPE):
        online_endpoints.remove(emulator, endpoint.id)
    for job in emulator.resources.list(workspace.id, f"{TYPE}/jobs"):
        emulator.jobs.cancel(job.id)
    own = datastores.containers(emulator, workspace.id)
    guid = str(workspace.properties["workspaceId"])
    account = ids.name_of(str(workspace.properties["storageAccount"]))
    for container in emulator.accounts.containers(account):
        if container in (own.artifacts, own.blobstore) or container.startswith(f"{guid[:8]}-"):
            emulator.blobs.delete_container(container)
    emulator.resources.delete(workspace.id)
    emulator.tracking.delete_workspace(workspace.id)


def register(router: Router, emulator: Emulator) -> None:
    """Routes of workspaces."""

    def listing(call: Call) -> Reply:
        group = find_group(emulator, call)
        return page(emulator, call, [item.body for item in emulator.resources.list(group.id, TYPE)])

    def all_of_subscription(call: Call) -> Reply:
        return page(emulator, call, [item.body for item in emulator.resources.all_of(TYPE)])

    def get(call: Call) -> Reply:
        return Reply(body=find_workspace(emulator, call).body)

    def patch(call: Call) -> Reply:
        return _patch(emulator, call)

    def remove(call: Call) -> Reply:
        find_group(emulator, call)
        workspace_id = ids.workspace_id(*(call.params[key] for key in ("subscription", "group", "workspace")))
        workspace = emulator.resources.get(workspace_id)
        if workspace is None:
            return Reply(204)
        delete(emulator, workspace)
        return Reply(200)

    router.add("GET", f"/subscriptions/{{subscription}}/providers/{ids.PROVIDER}/workspaces", all_of_subscription)
    router.add("GET", WORKSPACES, listing)
    router.add("GET", WORKSPACE, get)
    router.add("PATCH", WORKSPACE, patch)
    router.add("DELETE", WORKSPACE, remove)


def _patch(emulator: Emulator, call: Call) -> Reply:
    workspace, body = find_workspace(emulator, call), call.json()
    changes = body.get("properties") or {}
    # The SDK sends back everything that it read: what stays as it is, is no change.
    unknown = sorted(
        key
        for key, value in changes.items()
        if value is not None and key not in _CHANGEABLE and value != workspace.properties.get(key)
    )
    if unknown:
        raise not_emulated(f"changing {', '.join(unknown)} of a workspace")

    def edit(stored: dict[str, Any]) -> None:
        stored["properties"] |= {key: value for key, value in changes.items() if value is not None}
        if body.get("tags") is not None:
            stored["tags"] = body["tags"]

    changed = emulator.resources.change(workspace.id, edit)
    return Reply(body=changed.body if changed else workspace.body)
