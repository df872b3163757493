"""Deployments of online endpoints: checked and stored here, built and served by the serving service."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

from aml_emulator import ids
from aml_emulator.http import Call, Reply, Router, ServiceError, not_emulated
from aml_emulator.ml import attached_computes, kubernetes_deployments, online_endpoints, vm_sizes
from aml_emulator.ml.online_endpoints import DEPLOYMENT_TYPE
from aml_emulator.ml.scope import WorkspaceRoutes, missing, page, properties_of, refused
from aml_emulator.operations import status_headers

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

_CREATED = "deployment"
_DELETED = "deployment-delete"
_MANAGED = "Managed"
_CONTAINERS = ("InferenceServer", "StorageInitializer")
_PROBE = {"failureThreshold": 30, "successThreshold": 1, "timeout": "PT2S", "period": "PT10S", "initialDelay": "PT10S"}
_REQUESTS = {"maxQueueWait": "PT0.5S", "requestTimeout": "PT5S", "maxConcurrentRequestsPerInstance": 1}


def register(router: Router, emulator: Emulator) -> None:
    """Routes of deployments."""
    emulator.operations.on(_DELETED, lambda resource_id: _gone(emulator, resource_id))
    routes = WorkspaceRoutes(router, emulator)

    def endpoint_of(call: Call, workspace: Resource) -> Resource:
        return online_endpoints.find(emulator, workspace, call.params["endpoint"])

    def listing(call: Call, workspace: Resource) -> Reply:
        found = emulator.resources.list(endpoint_of(call, workspace).id, DEPLOYMENT_TYPE)
        return page(emulator, call, [item.body for item in found])

    def get(call: Call, workspace: Resource) -> Reply:
        return Reply(body=_find(emulator, endpoint_of(call, workspace), call.params["name"]).body)

    def put(call: Call, workspace: Resource) -> Reply:
        return _put(emulator, call, workspace, endpoint_of(call, workspace))

    def patch(call: Call, workspace: Resource) -> Reply:
        return _patch(emulator, call, _find(emulator, endpoint_of(call, workspace), call.params["name"]))

    def delete(call: Call, workspace: Resource) -> Reply:
        return _delete(emulator, call, endpoint_of(call, workspace))

    def logs(call: Call, workspace: Resource) -> Reply:
        return _logs(emulator, call, _find(emulator, endpoint_of(call, workspace), call.params["name"]))

    base = "/onlineEndpoints/{endpoint}/deployments"
    routes.add("GET", base, listing)
    routes.add("GET", f"{base}/{{name}}", get)
    routes.add("PUT", f"{base}/{{name}}", put)
    routes.add("PATCH", f"{base}/{{name}}", patch)
    routes.add("DELETE", f"{base}/{{name}}", delete)
    routes.add("POST", f"{base}/{{name}}/getLogs", logs)


def _find(emulator: Emulator, endpoint: Resource, name: str) -> Resource:
    found = emulator.resources.get(f"{endpoint.id}/deployments/{name}")
    if found is None:
        raise missing(f"Deployment {name} of endpoint {endpoint.name} was not found.", "NotFound", "DeploymentNotFound")
    return found


def _put(emulator: Emulator, call: Call, workspace: Resource, endpoint: Resource) -> Reply:
    name, body, properties = call.params["name"], call.json(), properties_of(call)
    online_endpoints.check_name("deployment", name)
    online_endpoints.check_idle(emulator, endpoint, f"create a deployment in endpoint {endpoint.name}")
    deployment_id = f"{endpoint.id}/deployments/{name}"
    old = emulator.resources.get(deployment_id)
    if old is not None:
        online_endpoints.check_idle(emulator, old, f"update deployment {name}")
    compute = _compute(emulator, workspace, endpoint, name, properties)
    if compute is not None:
        special = kubernetes_deployments.prepare(compute, properties)
        capacity = kubernetes_deployments.replicas(special["scaleSettings"], (body.get("sku") or {}).get("capacity"))
    else:
        special, capacity = _managed(properties), _capacity(body)
    _check_references(emulator, workspace, properties)
    location = body.get("location") or endpoint.body["location"]
    stored = {
        "location": location,
        "tags": body.get("tags") or {},
        "kind": online_endpoints.MANAGED if compute is None else online_endpoints.KUBERNETES,
        "sku": {"name": "Default", "tier": "Standard", "capacity": capacity},
        "properties": {
            "description": None,
            "appInsightsEnabled": False,
            "egressPublicNetworkAccess": "Enabled",
            "environmentVariables": {},
            "livenessProbe": dict(_PROBE),
            "readinessProbe": dict(_PROBE),
            "requestSettings": dict(_REQUESTS),
            **{key: value for key, value in properties.items() if value is not None},
            **special,
            "properties": dict(properties.get("properties") or {}),
            "model": _model_id(workspace, properties),
            "provisioningState": "Updating" if old else "Creating",
        },
    }
    emulator.serving.validate(deployment_id, stored)
    actor = call.principal.object_id if call.principal else "emulator"
    deployment = emulator.resources.put(deployment_id, stored, actor=actor)
    operation = emulator.operations.start(deployment.id, _CREATED)
    emulator.serving.deploy(deployment.id, operation)
    headers = status_headers(emulator, operation, deployment.id, location)
    return Reply(200 if old else 201, deployment.body, headers)


def _capacity(body: Body) -> int:
    capacity = (body.get("sku") or {}).get("capacity")
    if capacity is None:
        return 1
    if not isinstance(capacity, int) or isinstance(capacity, bool) or not 1 <= capacity <= 50:
        raise refused(f"The instance count is {capacity}; allowed are 1 to 50.", target="sku.capacity")
    return capacity


def _compute(
    emulator: Emulator, workspace: Resource, endpoint: Resource, name: str, properties: Body
) -> Resource | None:
    """The Kubernetes compute that a deployment will be on; None for a managed one."""
    compute = endpoint.properties.get("compute")
    kind, wanted = (kubernetes_deployments.TYPE if compute else _MANAGED), properties.get("endpointComputeType")
    if str(wanted or _MANAGED).lower() != kind.lower():
        raise refused(
            f"Deployment '{name}' is of type {wanted or _MANAGED}, which endpoint {endpoint.name} cannot hold: its deployments are of type"
            f" {kind}.",
            target="endpointComputeType",
        )
    if not compute:
        return None
    kubernetes_deployments.check_names(endpoint.name, name)
    return attached_computes.for_endpoint(emulator, workspace, compute)


def _managed(properties: Body) -> Body:
    """The properties that are special in a managed deployment."""
    size = properties.get("instanceType") or "Standard_DS3_v2"
    if vm_sizes.find(size) is None:
        raise _invalid({"VmSize": [f"Not supported VM Size: {size}"]})
    scale = (properties.get("scaleSettings") or {}).get("scaleType") or "Default"
    if scale != "Default":
        raise refused(
            f"The scaleType of a managed deployment is '{scale}'; allowed is Default. Managed deployments scale by rules of Azure Monitor.",
            target="scaleSettings.scaleType",
        )
    return {"endpointComputeType": _MANAGED, "instanceType": size, "scaleSettings": {"scaleType": "Default"}}


def _check_references(emulator: Emulator, workspace: Resource, properties: Body) -> None:
    """Refuse a deployment that names a model, code or an environment that does not exist."""
    model_id = _model_id(workspace, properties)
    model = emulator.resources.get(model_id) if model_id else None
    if model_id and model is None:
        name = f"{ids.segment(model_id, 'models') or model_id}:{ids.name_of(model_id)}"
        message = f"Model {name} was not found in workspace {workspace.name}."
        details = [{"code": "NoSuchModelRegistered", "message": message, "details": []}]
        raise ServiceError(404, "UserError", message, inner=("NotFound", "NoSuchModelRegistered"), details=details)
    code = properties.get("codeConfiguration") or {}
    environment = properties.get("environmentId")
    if not code.get("codeId") or not environment:
        if model is not None and model.properties.get("modelType") == "mlflow_model":
            raise not_emulated("deploying an MLflow model without code and environment")
        raise refused(
            "A deployment needs a code configuration (a folder and a scoring script) and an environment.",
            target="codeConfiguration" if not code.get("codeId") else "environmentId",
        )
    if not code.get("scoringScript"):
        raise refused("The code configuration names no scoring script.", target="codeConfiguration.scoringScript")
    for what, collection, reference in (
        ("Code", "codes", code["codeId"]),
        ("Environment", "environments", environment),
    ):
        asset_id = str(reference).removeprefix("azureml:")
        if asset_id.startswith("//"):
            raise not_emulated(f"assets of a registry ({reference})")
        if emulator.resources.get(asset_id) is None:
            name = f"{ids.segment(asset_id, collection) or asset_id}:{ids.name_of(asset_id)}"
            raise missing(f"{what} {name} was not found in workspace {workspace.name}.")


def _model_id(workspace: Resource, properties: Body) -> str | None:
    model = properties.get("model")
    if not model:
        return None
    reference = str(model).removeprefix("azureml:")
    if reference.startswith("/subscriptions/"):
        return reference
    name, _, version = reference.partition(":")
    return f"{workspace.id}/models/{name}/versions/{version}"


def _invalid(errors: dict[str, list[str]]) -> ServiceError:
    """The inference back end's 400: its own answer stands as text in the details (`error-codes`, shape G)."""
    inner = {
        "errors": errors,
        "type": "https://tools.ietf.org/html/rfc9110#section-15.5.1",
        "title": "One or more validation errors occurred.",
        "status": 400,
        "traceId": uuid.uuid4().hex,
    }
    message = f"InferencingClient HttpRequest error, error detail: {json.dumps(inner)}"
    detail = {"code": "InferencingClientCreateDeploymentFailed", "message": message, "details": []}
    return ServiceError(400, "BadRequest", "The request is invalid.", details=[detail])


def _new_capacity(deployment: Resource, request: Body) -> int:
    properties = deployment.properties
    if properties["endpointComputeType"] == _MANAGED:
        return _capacity(request)
    wanted, scale = request["sku"].get("capacity"), properties["scaleSettings"]
    if scale["scaleType"] != "Default" and wanted not in (None, deployment.body["sku"]["capacity"]):
        raise refused(
            f"Deployment {deployment.name} is scaled between {scale['minInstances']} and {scale['maxInstances']} instances by its"
            f" scaleSettings; its count cannot be set to {wanted}.",
            target="sku.capacity",
        )
    return kubernetes_deployments.replicas(scale, wanted)


def _patch(emulator: Emulator, call: Call, deployment: Resource) -> Reply:
    online_endpoints.check_idle(emulator, deployment, f"update deployment {deployment.name}")
    request = call.json()
    old = deployment.body["sku"]["capacity"]
    capacity = _new_capacity(deployment, request) if request.get("sku") else old

    def edit(body: Body) -> None:
        if request.get("tags") is not None:
            body["tags"] = request["tags"]
        if capacity != old:
            body["sku"]["capacity"] = capacity
            body["properties"]["provisioningState"] = "Updating"

    changed = emulator.resources.change(deployment.id, edit) or deployment
    if capacity == old:
        return Reply(200, changed.body)
    operation = emulator.operations.start(deployment.id, _CREATED)
    emulator.serving.deploy(deployment.id, operation)
    return Reply(202, changed.body, status_headers(emulator, operation, deployment.id, deployment.body["location"]))


def _delete(emulator: Emulator, call: Call, endpoint: Resource) -> Reply:
    deployment = emulator.resources.get(f"{endpoint.id}/deployments/{call.params['name']}")
    if deployment is None:
        return Reply(204, media_type="")
    traffic = endpoint.properties["traffic"].get(deployment.name, 0)
    if traffic:
        raise refused(
            f"Cannot delete deployment '{deployment.name}': it gets {traffic} percent of the traffic of endpoint {endpoint.name}. "
            "Set its traffic to 0 first.",
            "BadArgument",
            "ArgumentInvalid",
            "DeploymentHasTraffic",
        )
    emulator.resources.change(deployment.id, lambda body: body["properties"].update(provisioningState="Deleting"))
    operation = emulator.operations.start(deployment.id, _DELETED)
    emulator.operations.settle(operation)
    headers = status_headers(emulator, operation, deployment.id, deployment.body["location"])
    return Reply(202, headers=headers, media_type="")


def _gone(emulator: Emulator, deployment_id: str) -> None:
    emulator.serving.remove(deployment_id)
    endpoint_id, name = ids.parent_of(deployment_id), ids.name_of(deployment_id)
    emulator.resources.delete(deployment_id)
    emulator.resources.change(endpoint_id, lambda body: body["properties"]["traffic"].pop(name, None))


def _logs(emulator: Emulator, call: Call, deployment: Resource) -> Reply:
    body = call.json()
    container = body.get("containerType") or "InferenceServer"
    if container not in _CONTAINERS:
        raise refused(
            f"containerType '{container}' is unknown. Allowed: {', '.join(_CONTAINERS)}.", target="containerType"
        )
    tail = body.get("tail")
    if tail is not None and (not isinstance(tail, int) or isinstance(tail, bool) or tail < 1):
        raise refused(f"tail is {tail!r}; it must be a whole number from 1.", target="tail")
    return Reply(body={"content": emulator.serving.logs(deployment.id, container, tail)})
