"""Template deployments: the one template that `azure-ai-ml` sends to create a workspace.

Its parameters are read; its expressions are not evaluated. Any other template is refused.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aml_emulator import ids
from aml_emulator.arm import dependencies
from aml_emulator.arm.subscriptions import GROUP, normal_location, register_provider
from aml_emulator.http import Call, Reply, Router, ServiceError, not_emulated, not_found
from aml_emulator.ml import workspaces
from aml_emulator.ml.scope import find_group
from aml_emulator.resources import now

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

_DEPLOYMENTS = f"{GROUP}/providers/Microsoft.Resources/deployments"
_SDK_PARAMETERS = {
    "workspaceName",
    "storageAccountOption",
    "storageAccountName",
    "keyVaultName",
    "applicationInsightsOption",
}
_NAME = re.compile(r"[\w.()-]{1,64}")


@dataclass(frozen=True)
class _Part:
    """One resource that the deployment creates or finds."""

    id: str
    exists: bool

    @property
    def namespace(self) -> str:
        return ids.type_of(self.id).partition("/")[0]


def register(router: Router, emulator: Emulator) -> None:
    """Routes of deployments. The SDK lists operations below the group without the `providers` segment."""

    def put(call: Call) -> Reply:
        return _put(emulator, call)

    def get(call: Call) -> Reply:
        return Reply(body=_find(emulator, call).body)

    def operations(call: Call) -> Reply:
        return Reply(body={"value": _operations(_find(emulator, call))})

    router.add("PUT", f"{_DEPLOYMENTS}/{{deployment}}", put)
    for base in (_DEPLOYMENTS, f"{GROUP}/deployments"):
        router.add("GET", f"{base}/{{deployment}}", get)
        router.add("GET", f"{base}/{{deployment}}/operations", operations)


def _find(emulator: Emulator, call: Call) -> Resource:
    deployment_id = (
        f"{find_group(emulator, call).id}/providers/Microsoft.Resources/deployments/{call.params['deployment']}"
    )
    found = emulator.resources.get(deployment_id)
    if found is None:
        raise ServiceError(404, "DeploymentNotFound", f"Deployment '{call.params['deployment']}' could not be found.")
    return found


def _put(emulator: Emulator, call: Call) -> Reply:
    group, name = find_group(emulator, call), call.params["deployment"]
    if not _NAME.fullmatch(name):
        raise ServiceError(
            400, "InvalidDeployment", f"The deployment name '{name}' is invalid: at most 64 letters, digits or '-._()'."
        )
    properties = call.json().get("properties") or {}
    template, parameters = properties.get("template") or {}, properties.get("parameters") or {}
    values = _values(template, parameters)
    workspace_id = f"{group.id}/providers/{ids.PROVIDER}/workspaces/{values['workspaceName']}"
    actor = call.principal.object_id if call.principal else "emulator"
    try:
        parts = _create(emulator, group, workspace_id, values, actor)
    except ServiceError as error:
        if error.status == 501:
            raise
        raise _invalid(name, error) from None
    deployment = emulator.resources.put(
        f"{group.id}/providers/Microsoft.Resources/deployments/{name}",
        {"properties": _properties(template, parameters, parts)},
        actor=actor,
    )
    return Reply(201, deployment.body)


def _values(template: Body, parameters: Body) -> dict[str, Any]:
    """The value of each parameter of the SDK's template: given, or a default that is no expression."""
    declared = template.get("parameters") or {}
    types = {str(item.get("type", "")).lower() for item in template.get("resources") or []}
    if not set(declared) >= _SDK_PARAMETERS or f"{ids.PROVIDER}/workspaces".lower() not in types:
        raise not_emulated("evaluating an ARM template other than the one that azure-ai-ml sends to create a workspace")
    values = {}
    for name, declaration in declared.items():
        value = (parameters.get(name) or {}).get("value")
        default = declaration.get("defaultValue")
        if value is None and not (isinstance(default, str) and default.startswith("[")):
            value = default
        values[name] = value
    if not values.get("workspaceName"):
        raise ServiceError(
            400,
            "InvalidTemplate",
            "Deployment template validation failed: 'The value for the template parameter 'workspaceName' is not provided.'.",
        )
    return values


def _create(emulator: Emulator, group: Resource, workspace_id: str, values: dict[str, Any], actor: str) -> list[_Part]:
    name = str(values["workspaceName"])
    workspaces.check_name(name)
    kind = str(values.get("kind") or "default")
    if kind.lower() != "default":
        raise not_emulated(f"workspaces of kind {kind}")
    if str(values.get("privateEndpointType") or "none") != "none":
        raise not_emulated("private endpoints")
    isolation = (values.get("managedNetwork") or {}).get("isolationMode") or "Disabled"
    if str(isolation).lower() != "disabled":
        raise not_emulated(f"managed networks ({isolation})")
    location = normal_location(values.get("location") or group.body["location"])
    unique = hashlib.sha256(workspace_id.lower().encode()).hexdigest()[:13]
    storage = _part(emulator, group, values, "Microsoft.Storage/storageAccounts", "storageAccount", f"sa{unique}")
    vault = _part(emulator, group, values, "Microsoft.KeyVault/vaults", "keyVault", f"kv{unique}")
    parts = [storage, vault]
    properties: Body = {"storageAccount": storage.id, "keyVault": vault.id, "applicationInsights": None}
    if values.get("applicationInsightsOption") != "none":
        insights = _part(emulator, group, values, "Microsoft.Insights/components", "applicationInsights", f"ai{unique}")
        parts.append(insights)
        properties["applicationInsights"] = insights.id
    if values.get("containerRegistryOption") == "existing":
        registry = _part(emulator, group, values, "Microsoft.ContainerRegistry/registries", "containerRegistry", "")
        parts.append(registry)
        properties["containerRegistry"] = registry.id
    properties |= {
        "friendlyName": values.get("friendlyName") or name,
        "description": values.get("description") or "",
        "publicNetworkAccess": values.get("publicNetworkAccess") or "Enabled",
        "hbiWorkspace": str(values.get("confidential_data")).lower() == "true",
        "imageBuildCompute": values.get("imageBuildCompute") or None,
    }
    if str(values.get("encryption_status")).lower() == "enabled":
        properties["encryption"] = _encryption(emulator, values)
    for part in parts:
        _make(emulator, part, location, actor)
        register_provider(emulator, part.namespace)
    register_provider(emulator, ids.PROVIDER)
    existing = emulator.resources.get(workspace_id)
    if existing is None:
        tags = values.get("tagValues") or {}
        workspaces.create(emulator, workspace_id, location=location, properties=properties, tags=tags, actor=actor)
    return [*parts, _Part(workspace_id, existing is not None)]


def _encryption(emulator: Emulator, values: dict[str, Any]) -> Body:
    """The record of a customer-managed key. Like every vault here it is a record: nothing on this disk is encrypted with it."""
    vault = str(values.get("cmk_keyvault") or "")
    if emulator.resources.get(vault) is None:
        raise not_found(vault)
    key = {"keyVaultArmId": vault, "keyIdentifier": values.get("resource_cmk_uri")}
    return {"status": "Enabled", "keyVaultProperties": key}


def _part(
    emulator: Emulator, group: Resource, values: dict[str, Any], resource_type: str, prefix: str, default: str
) -> _Part:
    name = values.get(f"{prefix}Name") or default
    home = values.get(f"{prefix}ResourceGroupName") or group.name
    subscription = ids.segment(group.id, "subscriptions") or ""
    part_id = f"{ids.resource_group_id(subscription, home)}/providers/{resource_type}/{name}"
    exists = emulator.resources.get(part_id) is not None
    if values.get(f"{prefix}Option") == "existing" and not exists:
        raise not_found(part_id)
    return _Part(part_id, exists)


def _make(emulator: Emulator, part: _Part, location: str, actor: str) -> None:
    """Record a dependency of the workspace. Only the storage account does anything here."""
    if not part.exists:
        body = {"location": location, "tags": {}, "properties": {"provisioningState": "Succeeded"}}
        dependencies.create(emulator, part.id, body, actor)


def _properties(template: Body, parameters: Body, parts: list[_Part]) -> Body:
    types = {name: declaration.get("type") for name, declaration in template["parameters"].items()}
    return {
        "templateHash": str(int(hashlib.sha256(repr(template).encode()).hexdigest()[:15], 16)),
        "parameters": {
            name: {"type": str(types.get(name, "string")).capitalize(), "value": item.get("value")}
            for name, item in parameters.items()
        },
        "mode": "Incremental",
        "provisioningState": "Succeeded",
        "timestamp": now(),
        "duration": "PT0.1S",
        "correlationId": str(uuid.uuid4()),
        "providers": [],
        "dependencies": [],
        "outputResources": [{"id": part.id} for part in parts],
    }


def _operations(deployment: Resource) -> list[Body]:
    found = []
    for resource in deployment.properties["outputResources"]:
        operation = hashlib.sha256(resource["id"].encode()).hexdigest()[:16].upper()
        found.append(
            {
                "id": f"{deployment.id}/operations/{operation}",
                "operationId": operation,
                "properties": {
                    "provisioningOperation": "Create",
                    "provisioningState": "Succeeded",
                    "timestamp": deployment.properties["timestamp"],
                    "duration": deployment.properties["duration"],
                    "trackingId": str(uuid.uuid4()),
                    "statusCode": "Created",
                    "targetResource": {
                        "id": resource["id"],
                        "resourceType": ids.type_of(resource["id"]),
                        "resourceName": ids.name_of(resource["id"]),
                    },
                },
            }
        )
    return found


def _invalid(deployment: str, error: ServiceError) -> ServiceError:
    detail: Body = {"code": error.code, "message": error.message}
    if error.target:
        detail["target"] = error.target
    return ServiceError(
        400,
        "InvalidTemplateDeployment",
        f"The template deployment '{deployment}' is not valid according to the validation procedure. The tracking id is "
        f"'{uuid.uuid4()}'. See inner errors for details.",
        details=[detail],
    )
