"""Deployments of batch endpoints: a pipeline component with the settings that its jobs run with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aml_emulator import ids
from aml_emulator.http import Call, Reply, Router, not_emulated
from aml_emulator.ml import batch_endpoints, datastores, online_endpoints
from aml_emulator.ml.batch_endpoints import DEPLOYMENT_TYPE
from aml_emulator.ml.scope import WorkspaceRoutes, missing, page, properties_of, refused
from aml_emulator.operations import status_headers

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

KIND = "PipelineComponent"
"""The `deploymentConfigurationType` that runs here."""

_CREATED = "batch-deployment"
_DELETED = "batch-deployment-delete"
_SETTINGS = {
    "continueonstepfailure": "continue_on_step_failure",
    "continueonfailedoptionalinput": "continue_on_failed_optional_input",
    "defaultcompute": "default_compute",
    "defaultdatastore": "default_datastore",
    "forcererun": "force_rerun",
}
_PREFIX = "componentdeployment.settings."  # of settings that an older SDK wrote


def register(router: Router, emulator: Emulator) -> None:
    """Routes of deployments of batch endpoints."""
    emulator.operations.on(_CREATED, lambda resource_id: _ready(emulator, resource_id))
    emulator.operations.on(_DELETED, lambda resource_id: _gone(emulator, resource_id))
    routes = WorkspaceRoutes(router, emulator)

    def endpoint_of(call: Call, workspace: Resource) -> Resource:
        return batch_endpoints.find(emulator, workspace, call.params["endpoint"])

    def listing(call: Call, workspace: Resource) -> Reply:
        found = emulator.resources.list(endpoint_of(call, workspace).id, DEPLOYMENT_TYPE)
        return page(emulator, call, [item.body for item in found])

    def get(call: Call, workspace: Resource) -> Reply:
        return Reply(body=find(emulator, endpoint_of(call, workspace), call.params["name"]).body)

    def put(call: Call, workspace: Resource) -> Reply:
        return _put(emulator, call, workspace, endpoint_of(call, workspace))

    def patch(call: Call, workspace: Resource) -> Reply:
        return _patch(emulator, call, find(emulator, endpoint_of(call, workspace), call.params["name"]))

    def delete(call: Call, workspace: Resource) -> Reply:
        return _delete(emulator, call, endpoint_of(call, workspace))

    base = "/batchEndpoints/{endpoint}/deployments"
    routes.add("GET", base, listing)
    routes.add("GET", f"{base}/{{name}}", get)
    routes.add("PUT", f"{base}/{{name}}", put)
    routes.add("PATCH", f"{base}/{{name}}", patch)
    routes.add("DELETE", f"{base}/{{name}}", delete)


def find(emulator: Emulator, endpoint: Resource, name: str) -> Resource:
    """A deployment of a batch endpoint.

    Raises:
        ServiceError: 404.

    """
    found = emulator.resources.get(f"{endpoint.id}/deployments/{name}")
    if found is None:
        raise missing(f"Deployment {name} of endpoint {endpoint.name} was not found.", "NotFound", "DeploymentNotFound")
    return found


def component_of(emulator: Emulator, deployment: Resource) -> Resource:
    """The pipeline component that a deployment runs.

    Raises:
        ServiceError: it was deleted.

    """
    workspace_id = ids.parent_of(ids.parent_of(deployment.id))
    return _component(emulator, workspace_id, deployment.properties["deploymentConfiguration"])


def pipeline_settings(deployment: Resource) -> Body:
    """The settings of a deployment as those of a pipeline job: names in snake case, and truth values as such."""
    found: Body = {}
    for name, value in (deployment.properties["deploymentConfiguration"].get("settings") or {}).items():
        word = str(value).lower()
        found[_SETTINGS[_plain(name)]] = word == "true" if word in ("true", "false") else value
    return found


def _put(emulator: Emulator, call: Call, workspace: Resource, endpoint: Resource) -> Reply:
    name, body, properties = call.params["name"], call.json(), properties_of(call)
    online_endpoints.check_name("deployment", name)
    online_endpoints.check_idle(emulator, endpoint, f"create a deployment in endpoint {endpoint.name}")
    deployment_id = f"{endpoint.id}/deployments/{name}"
    old = emulator.resources.get(deployment_id)
    if old is not None:
        online_endpoints.check_idle(emulator, old, f"update deployment {name}")
    location = body.get("location") or endpoint.body["location"]
    stored: Body = {
        "location": location,
        "tags": body.get("tags") or {},
        "properties": {
            "description": None,
            "codeConfiguration": None,
            "compute": None,
            "environmentId": None,
            "environmentVariables": {},
            "errorThreshold": -1,
            "loggingLevel": "Info",
            "maxConcurrencyPerInstance": 1,
            "miniBatchSize": 10,
            "model": None,
            "outputAction": "AppendRow",
            "outputFileName": "predictions.csv",
            "resources": {"instanceCount": 1, "instanceType": None, "properties": None},
            "retrySettings": {"maxRetries": 3, "timeout": "PT30S"},
            **{key: value for key, value in properties.items() if value is not None},
            "deploymentConfiguration": _configuration(emulator, workspace, properties),
            "properties": {**(properties.get("properties") or {}), "azureml.onlineendpointid": endpoint.id},
            "provisioningState": "Updating" if old else "Creating",
        },
    }
    actor = call.principal.object_id if call.principal else "emulator"
    operation = emulator.operations.start(deployment_id, _CREATED)
    headers = status_headers(emulator, operation, deployment_id, location)
    stored["properties"]["properties"]["AzureAsyncOperationUri"] = headers["Azure-AsyncOperation"]
    deployment = emulator.resources.put(deployment_id, stored, actor=actor)
    emulator.operations.settle(operation)
    return Reply(200 if old else 201, deployment.body, headers)


def _configuration(emulator: Emulator, workspace: Resource, properties: Body) -> Body:
    configuration = properties.get("deploymentConfiguration") or {}
    kind = configuration.get("deploymentConfigurationType") or "Model"
    if kind != KIND:
        raise not_emulated(f"batch deployments of type {kind}. Those of a pipeline component are ({KIND})")
    component = _component(emulator, workspace.id, configuration)
    settings = configuration.get("settings") or {}
    unknown = [name for name in settings if _plain(name) not in _SETTINGS]
    if unknown:
        known = ", ".join(_SETTINGS.values())
        raise not_emulated(f"the settings {', '.join(unknown)} of a batch deployment. Those that are: {known}")
    store = next((value for name, value in settings.items() if _plain(name) == "defaultdatastore"), None)
    if store not in (None, "", datastores.BLOB_STORE):
        raise not_emulated(f"the default_datastore '{store}' of a pipeline. Outputs go to {datastores.BLOB_STORE}")
    return {
        "deploymentConfigurationType": KIND,
        "componentId": {"referenceType": "Id", "assetId": component.id},
        "description": configuration.get("description"),
        # A map of texts on the wire; the SDK sends truth values too, which the service keeps as texts.
        "settings": {name: str(value) for name, value in settings.items() if value is not None},
        "tags": configuration.get("tags") or {},
    }


def _component(emulator: Emulator, workspace_id: str, configuration: Body) -> Resource:
    reference: Any = configuration.get("componentId")
    named = str((reference.get("assetId") if isinstance(reference, dict) else reference) or "")
    asset_id = named.removeprefix("azureml:")
    if not asset_id:
        raise refused(
            "A deployment of a pipeline component needs a componentId.", target="deploymentConfiguration.componentId"
        )
    if asset_id.startswith("//"):
        raise not_emulated(f"components of a registry ({named})")
    found = emulator.resources.get(asset_id)
    if found is None:
        name = f"{ids.segment(asset_id, 'components') or asset_id}:{ids.name_of(asset_id)}"
        raise missing(f"Component {name} was not found in workspace {ids.name_of(workspace_id)}.")
    kind = (found.properties.get("componentSpec") or {}).get("type")
    if kind != "pipeline":
        raise refused(
            f"The component {named} is of type {kind}; a batch deployment runs a component of type pipeline.",
            target="deploymentConfiguration.componentId",
        )
    return found


def _plain(name: str) -> str:
    """A setting's name without what its spellings differ in."""
    return name.lower().removeprefix(_PREFIX).replace("_", "")


def _patch(emulator: Emulator, call: Call, deployment: Resource) -> Reply:
    request = call.json()

    def edit(body: Body) -> None:
        if request.get("tags") is not None:
            body["tags"] = request["tags"]
        if "description" in (request.get("properties") or {}):
            body["properties"]["description"] = request["properties"]["description"]

    return Reply(body=(emulator.resources.change(deployment.id, edit) or deployment).body)


def _ready(emulator: Emulator, deployment_id: str) -> None:
    emulator.resources.change(deployment_id, lambda body: body["properties"].update(provisioningState="Succeeded"))


def _delete(emulator: Emulator, call: Call, endpoint: Resource) -> Reply:
    deployment = emulator.resources.get(f"{endpoint.id}/deployments/{call.params['name']}")
    if deployment is None:
        return Reply(204, media_type="")
    emulator.resources.change(deployment.id, lambda body: body["properties"].update(provisioningState="Deleting"))
    operation = emulator.operations.start(deployment.id, _DELETED)
    emulator.operations.settle(operation)
    headers = status_headers(emulator, operation, deployment.id, deployment.body["location"])
    return Reply(202, headers=headers, media_type="")


def _gone(emulator: Emulator, deployment_id: str) -> None:
    """Delete a deployment; its endpoint is left without a default when it was that."""
    name = ids.name_of(deployment_id)
    emulator.resources.delete(deployment_id)

    def edit(body: Body) -> None:
        if str(body["properties"]["defaults"]["deploymentName"]).lower() == name.lower():
            body["properties"]["defaults"]["deploymentName"] = None

    emulator.resources.change(ids.parent_of(deployment_id), edit)
