"""Online endpoints, managed or on Kubernetes: an address, and which deployment gets how much of the traffic."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from aml_emulator import ids
from aml_emulator.http import Call, Reply, Router, ServiceError, not_emulated
from aml_emulator.ml import attached_computes, endpoint_credentials
from aml_emulator.ml import traffic as traffic_rules
from aml_emulator.ml.scope import WorkspaceRoutes, page, properties_of, refused
from aml_emulator.operations import status_headers

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

TYPE = f"{ids.PROVIDER}/workspaces/onlineEndpoints"
BATCH_TYPE = f"{ids.PROVIDER}/workspaces/batchEndpoints"
DEPLOYMENT_TYPE = traffic_rules.DEPLOYMENT_TYPE
NAME = re.compile(r"[a-zA-Z](?!.*--)[a-zA-Z0-9-]{1,30}[a-zA-Z0-9]")
MANAGED, KUBERNETES = "Managed", "K8S"
"""The `kind` of an endpoint: on machines of the service, or on a Kubernetes compute of the workspace."""

_AUTH_MODES = {
    "key": "Key",
    "amltoken": "AMLToken",
    "aml_token": "AMLToken",
    "aadtoken": "AADToken",
    "aad_token": "AADToken",
}
_CREATED = "endpoint"
_DELETED = "endpoint-delete"


def register(router: Router, emulator: Emulator) -> None:
    """Routes of online endpoints."""
    endpoint_credentials.prepare(emulator)
    emulator.operations.on(_CREATED, lambda resource_id: _ready(emulator, resource_id))
    emulator.operations.on(_DELETED, lambda resource_id: remove(emulator, resource_id))
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

    def list_keys(call: Call, workspace: Resource) -> Reply:
        return endpoint_credentials.list_keys(emulator, find(emulator, workspace, call.params["endpoint"]))

    def regenerate(call: Call, workspace: Resource) -> Reply:
        return endpoint_credentials.regenerate(emulator, call, find(emulator, workspace, call.params["endpoint"]))

    def token(call: Call, workspace: Resource) -> Reply:
        return endpoint_credentials.give_token(emulator, find(emulator, workspace, call.params["endpoint"]))

    base = "/onlineEndpoints/{endpoint}"
    routes.add("GET", "/onlineEndpoints", listing)
    routes.add("GET", base, get)
    routes.add("PUT", base, put)
    routes.add("PATCH", base, patch)
    routes.add("DELETE", base, delete)
    routes.add("POST", f"{base}/listKeys", list_keys)
    routes.add("POST", f"{base}/regenerateKeys", regenerate)
    routes.add("POST", f"{base}/token", token)


def find(emulator: Emulator, workspace: Resource, name: str) -> Resource:
    """An endpoint.

    Raises:
        ServiceError: 404 in the front end's shape.

    """
    found = emulator.resources.get(f"{workspace.id}/onlineEndpoints/{name}")
    if found is None:
        raise no_such_endpoint(workspace, name)
    return found


def check_name(what: str, name: str) -> None:
    """Refuse the name of an endpoint or a deployment that Azure refuses.

    Raises:
        ServiceError: 400.

    """
    if not NAME.fullmatch(name):
        raise refused(
            f"The {what} name '{name}' is invalid. It must begin with a letter, be 3 to 32 characters long, and hold only letters, "
            "digits and single hyphens, the last no hyphen.",
            target="name",
        )


def check_unique(emulator: Emulator, name: str) -> None:
    """Refuse the name of another endpoint: a name is a host of its region, for online and batch endpoints together.

    Raises:
        ServiceError: 409.

    """
    others = (*emulator.resources.all_of(TYPE), *emulator.resources.all_of(BATCH_TYPE))
    if any(other.name.lower() == name.lower() for other in others):
        raise refused(
            f"An endpoint with this name already exists: '{name}'. Endpoint names are unique in a region; use another name.",
            "Conflict",
            "EndpointAlreadyExists",
            status=409,
        )


def no_such_endpoint(workspace: Resource, name: str) -> ServiceError:
    """The front end's 404 for an endpoint that is not there."""
    message = f"Endpoint {name} was not found in workspace {workspace.name}."
    details = [{"code": "NoSuchEndpoint", "message": message, "details": [], "additionalInfo": []}]
    return ServiceError(404, "UserError", message, inner=("NotFound", "NoSuchEndpoint"), details=details)


def check_idle(emulator: Emulator, resource: Resource, what: str) -> None:
    """Refuse to touch something that is being changed.

    Raises:
        ServiceError: 409.

    """
    state = resource.properties["provisioningState"]
    if state in ("Creating", "Updating", "Deleting") and emulator.operations.running(resource.id):
        raise ServiceError(
            409,
            "UserError",
            f"Cannot {what} because it is in {state} provisioning state. Try again when the operation under way has ended.",
            inner=("Conflict", "OperationInProgress"),
        )


def remove(emulator: Emulator, endpoint_id: str) -> None:
    """Delete an endpoint, its keys and its deployments with their servers."""
    for deployment in emulator.resources.list(endpoint_id, DEPLOYMENT_TYPE):
        emulator.serving.remove(deployment.id)
    endpoint_credentials.forget_keys(emulator, endpoint_id)
    emulator.resources.delete(endpoint_id)


def _put(emulator: Emulator, call: Call, workspace: Resource) -> Reply:
    name, body, properties = call.params["endpoint"], call.json(), properties_of(call)
    check_name("endpoint", name)
    endpoint_id = f"{workspace.id}/onlineEndpoints/{name}"
    old = emulator.resources.get(endpoint_id)
    if old is None:
        check_unique(emulator, name)
    else:
        check_idle(emulator, old, f"update endpoint {name}")
    mode = _AUTH_MODES.get(str(properties.get("authMode", "")).lower())
    if mode is None:
        raise refused(
            f"authMode '{properties.get('authMode')}' is unknown. Allowed: Key, AMLToken, AADToken.", target="authMode"
        )
    if old is not None and old.properties["authMode"] != mode:
        raise refused(
            f"The authMode of endpoint {name} is {old.properties['authMode']} and cannot be changed.", target="authMode"
        )
    compute = _compute(emulator, workspace, name, properties.get("compute"), old)
    if compute and mode == "AADToken":
        raise refused(
            "Kubernetes online endpoints do not support Microsoft Entra tokens. Allowed for authMode: Key, AMLToken.",
            target="authMode",
        )
    if any((properties.get("mirrorTraffic") or {}).values()):
        raise not_emulated("mirrored traffic")
    # As on Azure, a PUT replaces: without `traffic`, nothing is routed any more.
    traffic = traffic_rules.checked(emulator, endpoint_id, properties.get("traffic") or {})
    stored: Body = {
        "location": body.get("location") or workspace.body["location"],
        "tags": body.get("tags") or {},
        "kind": KUBERNETES if compute else MANAGED,
        "identity": _identity(emulator, old),
        "properties": {
            "description": properties.get("description"),
            "properties": {**(properties.get("properties") or {}), "azureml.onlineendpointid": endpoint_id},
            "authMode": mode,
            "compute": compute,
            "traffic": traffic,
            "mirrorTraffic": {},
            "publicNetworkAccess": properties.get("publicNetworkAccess") or "Enabled",
            "provisioningState": "Updating" if old else "Creating",
            "scoringUri": old.properties["scoringUri"] if old else None,
            "swaggerUri": old.properties["swaggerUri"] if old else None,
        },
    }
    if old is None:
        endpoint_credentials.make_keys(emulator, endpoint_id, properties.get("keys") or {})
    actor = call.principal.object_id if call.principal else "emulator"
    operation = emulator.operations.start(endpoint_id, _CREATED)
    headers = status_headers(emulator, operation, endpoint_id, stored["location"])
    stored["properties"]["properties"]["AzureAsyncOperationUri"] = headers["Azure-AsyncOperation"]
    endpoint = emulator.resources.put(endpoint_id, stored, actor=actor)
    emulator.operations.settle(operation)
    return Reply(200 if old else 201, endpoint.body, headers)


def _compute(emulator: Emulator, workspace: Resource, name: str, wanted: object, old: Resource | None) -> str | None:
    """Id of the Kubernetes compute of an endpoint, None for a managed one. It is chosen once."""
    found = attached_computes.for_endpoint(emulator, workspace, str(wanted)).id if wanted else None
    before = old.properties.get("compute") if old is not None else found
    if str(before).lower() != str(found).lower():
        raise refused(
            f"The compute of endpoint {name} is {before or 'managed'} and cannot be changed to {found or 'managed'}.",
            target="compute",
        )
    return found


def _identity(emulator: Emulator, old: Resource | None) -> Body:
    if old is not None:
        found: Body = old.body["identity"]
        return found
    return {"type": "SystemAssigned", "principalId": str(uuid.uuid4()), "tenantId": emulator.tokens.identity.tenant_id}


def _ready(emulator: Emulator, endpoint_id: str) -> None:
    def edit(body: Body) -> None:
        # The router of a Kubernetes cluster has paths of its own; a managed endpoint has a host of its own.
        path = "api/v1/endpoint" if body.get("kind") == KUBERNETES else "inference"
        address = f"{emulator.base_url}/{path}/{ids.name_of(endpoint_id)}"
        body["properties"] |= {
            "provisioningState": "Succeeded",
            "scoringUri": f"{address}/score",
            "swaggerUri": f"{address}/swagger.json",
        }

    emulator.resources.change(endpoint_id, edit)


def _delete(emulator: Emulator, call: Call, workspace: Resource) -> Reply:
    endpoint = emulator.resources.get(f"{workspace.id}/onlineEndpoints/{call.params['endpoint']}")
    if endpoint is None:
        return Reply(204, media_type="")
    emulator.resources.change(endpoint.id, lambda body: body["properties"].update(provisioningState="Deleting"))
    operation = emulator.operations.start(endpoint.id, _DELETED)
    emulator.operations.settle(operation)
    return Reply(
        202, headers=status_headers(emulator, operation, endpoint.id, endpoint.body["location"]), media_type=""
    )
