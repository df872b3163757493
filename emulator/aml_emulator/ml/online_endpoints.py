"""Managed online endpoints: an address, its keys, and which deployment gets how much of the traffic."""

from __future__ import annotations

import re
import secrets
import uuid
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from aml_emulator import ids
from aml_emulator.http import Call, Reply, Router, ServiceError, not_emulated
from aml_emulator.ml import traffic as traffic_rules
from aml_emulator.ml.scope import WorkspaceRoutes, page, properties_of, refused
from aml_emulator.operations import status_headers

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

TYPE = f"{ids.PROVIDER}/workspaces/onlineEndpoints"
DEPLOYMENT_TYPE = traffic_rules.DEPLOYMENT_TYPE
NAME = re.compile(r"[a-zA-Z](?!.*--)[a-zA-Z0-9-]{1,30}[a-zA-Z0-9]")

_AUTH_MODES = {
    "key": "Key",
    "amltoken": "AMLToken",
    "aml_token": "AMLToken",
    "aadtoken": "AADToken",
    "aad_token": "AADToken",
}
_CREATED = "endpoint"
_DELETED = "endpoint-delete"
_TOKEN_SECONDS = 12 * 3600

_SCHEMA = """
CREATE TABLE IF NOT EXISTS endpoint_keys (
    endpoint TEXT PRIMARY KEY COLLATE NOCASE,
    primary_key TEXT NOT NULL,
    secondary_key TEXT NOT NULL
);
"""


def endpoint_keys(emulator: Emulator, endpoint_id: str) -> tuple[str, str]:
    """The primary and the secondary key of an endpoint.

    Raises:
        LookupError: there is no such endpoint.

    """
    row = emulator.database.row("SELECT * FROM endpoint_keys WHERE endpoint = ?", (endpoint_id,))
    if row is None:
        raise LookupError(f"no endpoint {endpoint_id}")
    return row["primary_key"], row["secondary_key"]


def scoring_audience(endpoint_id: str) -> str:
    """Audience of the tokens that an endpoint of auth mode AMLToken gives out and accepts."""
    return f"https://ml.azure.local{endpoint_id.lower()}"


def register(router: Router, emulator: Emulator) -> None:
    """Routes of online endpoints."""
    emulator.database.create(_SCHEMA)
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
        endpoint = find(emulator, workspace, call.params["endpoint"])
        if endpoint.properties["authMode"] != "Key":
            return Reply(body={"primaryKey": None, "secondaryKey": None})
        primary, secondary = endpoint_keys(emulator, endpoint.id)
        return Reply(body={"primaryKey": primary, "secondaryKey": secondary})

    def regenerate(call: Call, workspace: Resource) -> Reply:
        return _regenerate(emulator, call, find(emulator, workspace, call.params["endpoint"]))

    def token(call: Call, workspace: Resource) -> Reply:
        return _token(emulator, find(emulator, workspace, call.params["endpoint"]))

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
        message = f"Endpoint {name} was not found in workspace {workspace.name}."
        details = [{"code": "NoSuchEndpoint", "message": message, "details": []}]
        raise ServiceError(404, "UserError", message, inner=("NotFound", "NoSuchEndpoint"), details=details)
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
    emulator.database.execute("DELETE FROM endpoint_keys WHERE endpoint = ?", (endpoint_id,))
    emulator.resources.delete(endpoint_id)


def _put(emulator: Emulator, call: Call, workspace: Resource) -> Reply:
    name, body, properties = call.params["endpoint"], call.json(), properties_of(call)
    check_name("endpoint", name)
    endpoint_id = f"{workspace.id}/onlineEndpoints/{name}"
    old = emulator.resources.get(endpoint_id)
    if old is None:
        _check_unique(emulator, name)
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
    if properties.get("compute"):
        raise not_emulated("endpoints on Kubernetes computes")
    if any((properties.get("mirrorTraffic") or {}).values()):
        raise not_emulated("mirrored traffic")
    # As on Azure, a PUT replaces: without `traffic`, nothing is routed any more.
    traffic = traffic_rules.checked(emulator, endpoint_id, properties.get("traffic") or {})
    stored: Body = {
        "location": body.get("location") or workspace.body["location"],
        "tags": body.get("tags") or {},
        "kind": "Managed",
        "identity": _identity(emulator, old),
        "properties": {
            "description": properties.get("description"),
            "properties": {**(properties.get("properties") or {}), "azureml.onlineendpointid": endpoint_id},
            "authMode": mode,
            "compute": None,
            "traffic": traffic,
            "mirrorTraffic": {},
            "publicNetworkAccess": properties.get("publicNetworkAccess") or "Enabled",
            "provisioningState": "Updating" if old else "Creating",
            "scoringUri": old.properties["scoringUri"] if old else None,
            "swaggerUri": old.properties["swaggerUri"] if old else None,
        },
    }
    if old is None:
        _make_keys(emulator, endpoint_id, properties.get("keys") or {})
    actor = call.principal.object_id if call.principal else "emulator"
    operation = emulator.operations.start(endpoint_id, _CREATED)
    headers = status_headers(emulator, operation, endpoint_id, stored["location"])
    stored["properties"]["properties"]["AzureAsyncOperationUri"] = headers["Azure-AsyncOperation"]
    endpoint = emulator.resources.put(endpoint_id, stored, actor=actor)
    emulator.operations.settle(operation)
    return Reply(200 if old else 201, endpoint.body, headers)


def _check_unique(emulator: Emulator, name: str) -> None:
    if any(other.name.lower() == name.lower() for other in emulator.resources.all_of(TYPE)):
        raise refused(
            f"An endpoint with this name already exists: '{name}'. Endpoint names are unique in a region; use another name.",
            "Conflict",
            "EndpointAlreadyExists",
            status=409,
        )


def _identity(emulator: Emulator, old: Resource | None) -> Body:
    if old is not None:
        found: Body = old.body["identity"]
        return found
    return {"type": "SystemAssigned", "principalId": str(uuid.uuid4()), "tenantId": emulator.tokens.identity.tenant_id}


def _make_keys(emulator: Emulator, endpoint_id: str, given: Body) -> None:
    emulator.database.execute(
        "INSERT OR REPLACE INTO endpoint_keys (endpoint, primary_key, secondary_key) VALUES (?, ?, ?)",
        (
            endpoint_id,
            given.get("primaryKey") or secrets.token_urlsafe(32),
            given.get("secondaryKey") or secrets.token_urlsafe(32),
        ),
    )


def _ready(emulator: Emulator, endpoint_id: str) -> None:
    address = f"{emulator.base_url}/inference/{ids.name_of(endpoint_id)}"

    def edit(body: Body) -> None:
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


def _regenerate(emulator: Emulator, call: Call, endpoint: Resource) -> Reply:
    if endpoint.properties["authMode"] != "Key":
        raise refused(f"Endpoint {endpoint.name} has no keys: its authMode is {endpoint.properties['authMode']}.")
    body = call.json()
    column = {"primary": "primary_key", "secondary": "secondary_key"}.get(str(body.get("keyType", "")).lower())
    if column is None:
        raise refused(f"keyType '{body.get('keyType')}' is unknown. Allowed: Primary, Secondary.", target="keyType")
    # The SDK sends the present key as `keyValue` and means a new one.
    wanted = body.get("keyValue")
    if not wanted or wanted in endpoint_keys(emulator, endpoint.id):
        wanted = secrets.token_urlsafe(32)
    emulator.database.execute(
        f"UPDATE endpoint_keys SET {column} = ? WHERE endpoint = ?",  # noqa: S608 - one of two fixed names
        (wanted, endpoint.id),
    )
    return Reply(200, media_type="")


def _token(emulator: Emulator, endpoint: Resource) -> Reply:
    mode = endpoint.properties["authMode"]
    if mode != "AMLToken":
        raise refused(f"Endpoint {endpoint.name} gives out no tokens: its authMode is {mode}.")
    expiry = datetime.now(timezone.utc) + timedelta(seconds=_TOKEN_SECONDS)
    body: dict[str, Any] = {
        "accessToken": emulator.tokens.issue(scoring_audience(endpoint.id), seconds=_TOKEN_SECONDS),
        "tokenType": "Bearer",
        "expiryTimeUtc": int(expiry.timestamp()),
        "refreshAfterTimeUtc": int((expiry - timedelta(hours=1)).timestamp()),
    }
    return Reply(body=body)
