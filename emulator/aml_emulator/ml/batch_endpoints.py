"""Batch endpoints: an address that starts jobs, and the deployment that it starts them of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aml_emulator import ids
from aml_emulator.http import Call, Reply, Router
from aml_emulator.ml import online_endpoints
from aml_emulator.ml.scope import WorkspaceRoutes, page, properties_of, refused
from aml_emulator.operations import status_headers

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

TYPE = online_endpoints.BATCH_TYPE
DEPLOYMENT_TYPE = f"{TYPE}/deployments"

_CREATED = "batch-endpoint"
_DELETED = "batch-endpoint-delete"


def register(router: Router, emulator: Emulator) -> None:
    """Routes of batch endpoints."""
    emulator.operations.on(_CREATED, lambda resource_id: _ready(emulator, resource_id))
    emulator.operations.on(_DELETED, lambda resource_id: _gone(emulator, resource_id))
    routes = WorkspaceRoutes(router, emulator)

    def listing(call: Call, workspace: Resource) -> Reply:
        return page(emulator, call, [item.body for item in emulator.resources.list(workspace.id, TYPE)])

    def get(call: Call, workspace: Resource) -> Reply:
        return Reply(body=find(emulator, workspace, call.params["endpoint"]).body)

    def put(call: Call, workspace: Resource) -> Reply:
        return _put(emulator, call, workspace)

    def patch(call: Call, workspace: Resource) -> Reply:
        endpoint = find(emulator, workspace, call.params["endpoint"])
        tags = call.json().get("tags") or {}
        changed = emulator.resources.change(endpoint.id, lambda body: body.update(tags=tags))
        return Reply(body=(changed or endpoint).body)

    def delete(call: Call, workspace: Resource) -> Reply:
        return _delete(emulator, call, workspace)

    base = "/batchEndpoints/{endpoint}"
    routes.add("GET", "/batchEndpoints", listing)
    routes.add("GET", base, get)
    routes.add("PUT", base, put)
    routes.add("PATCH", base, patch)
    routes.add("DELETE", base, delete)


def find(emulator: Emulator, workspace: Resource, name: str) -> Resource:
    """A batch endpoint.

    Raises:
        ServiceError: 404 in the front end's shape.

    """
    found = emulator.resources.get(f"{workspace.id}/batchEndpoints/{name}")
    if found is None:
        raise online_endpoints.no_such_endpoint(workspace, name)
    return found


def default_deployment(endpoint: Resource) -> str | None:
    """Name of the deployment that an endpoint starts jobs of when a call names none."""
    found = (endpoint.properties.get("defaults") or {}).get("deploymentName")
    return str(found) if found else None


def _put(emulator: Emulator, call: Call, workspace: Resource) -> Reply:
    name, body, properties = call.params["endpoint"], call.json(), properties_of(call)
    online_endpoints.check_name("endpoint", name)
    endpoint_id = f"{workspace.id}/batchEndpoints/{name}"
    old = emulator.resources.get(endpoint_id)
    if old is None:
        online_endpoints.check_unique(emulator, name)
    else:
        online_endpoints.check_idle(emulator, old, f"update endpoint {name}")
    mode = str(properties.get("authMode") or "")
    if mode.lower().replace("_", "") != "aadtoken":
        raise refused(f"The authMode of a batch endpoint is '{mode}'; allowed is AADToken.", target="authMode")
    stored: Body = {
        "location": body.get("location") or workspace.body["location"],
        "tags": body.get("tags") or {},
        "identity": {"type": "None"},
        "properties": {
            "description": properties.get("description"),
            "properties": {
                **(properties.get("properties") or {}),
                "BatchEndpointCreationApiVersion": call.query.get("api-version", ""),
                "azureml.onlineendpointid": endpoint_id,
            },
            "authMode": "AADToken",
            # As on Azure, a PUT replaces: without `defaults`, calls must name a deployment.
            "defaults": {"deploymentName": _default(emulator, endpoint_id, properties.get("defaults") or {})},
            "provisioningState": "Updating" if old else "Creating",
            "scoringUri": old.properties["scoringUri"] if old else None,
            "swaggerUri": None,
        },
    }
    actor = call.principal.object_id if call.principal else "emulator"
    operation = emulator.operations.start(endpoint_id, _CREATED)
    headers = status_headers(emulator, operation, endpoint_id, stored["location"])
    stored["properties"]["properties"]["AzureAsyncOperationUri"] = headers["Azure-AsyncOperation"]
    endpoint = emulator.resources.put(endpoint_id, stored, actor=actor)
    emulator.operations.settle(operation)
    return Reply(200 if old else 201, endpoint.body, headers)


def _default(emulator: Emulator, endpoint_id: str, defaults: Body) -> str | None:
    wanted = defaults.get("deploymentName")
    if not wanted:
        return None
    found = emulator.resources.get(f"{endpoint_id}/deployments/{wanted}")
    if found is None:
        known = ", ".join(item.name for item in emulator.resources.list(endpoint_id, DEPLOYMENT_TYPE)) or "none"
        raise refused(
            f"The default deployment '{wanted}' is not one of endpoint {ids.name_of(endpoint_id)}. It has: {known}.",
            "BadArgument",
            "ArgumentInvalid",
            "DeploymentNotFound",
            target="defaults.deploymentName",
        )
    return found.name


def _ready(emulator: Emulator, endpoint_id: str) -> None:
    address = f"{emulator.base_url}/inference/{ids.name_of(endpoint_id)}/jobs"
    ready = {"provisioningState": "Succeeded", "scoringUri": address}
    emulator.resources.change(endpoint_id, lambda body: body["properties"].update(ready))


def _delete(emulator: Emulator, call: Call, workspace: Resource) -> Reply:
    endpoint = emulator.resources.get(f"{workspace.id}/batchEndpoints/{call.params['endpoint']}")
    if endpoint is None:
        return Reply(204, media_type="")
    emulator.resources.change(endpoint.id, lambda body: body["properties"].update(provisioningState="Deleting"))
    operation = emulator.operations.start(endpoint.id, _DELETED)
    emulator.operations.settle(operation)
    headers = status_headers(emulator, operation, endpoint.id, endpoint.body["location"])
    return Reply(202, headers=headers, media_type="")


def _gone(emulator: Emulator, endpoint_id: str) -> None:
    """Delete an endpoint and its deployments. Its jobs are the workspace's, and stay."""
    emulator.resources.delete(endpoint_id)
