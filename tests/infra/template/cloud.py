"""The template on a running emulator: deployed by the real client, and what has become of it read back as any client reads it."""

from __future__ import annotations

import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import requests
from infra.template import shapes, walk
from support.emulator import RunningEmulator, sign_in

from aml_emulator import ids

if TYPE_CHECKING:
    from azure.mgmt.resource.deployments import DeploymentsMgmtClient
    from azure.mgmt.resource.deployments.models import DeploymentExtended, WhatIfChange

NAMESPACES = (
    "MachineLearningServices",
    "Storage",
    "KeyVault",
    "Insights",
    "OperationalInsights",
    "ContainerRegistry",
    "ManagedIdentity",
    "Network",
    "Web",
    "App",
    "EventGrid",
)
_FUNCTION = walk.ROOT / "infra" / "function"
_FRESH_SECONDS = 300
_OF_ITS_HISTORY = ("systemData", "etag", "modifiedOn", "lastModifiedTime", "allocationStateTransitionTime")
_OF_ITS_HISTORY += ("updated", "secretUriWithVersion")  # Key Vault makes a version at each PUT, also of the same value
"""What a resource says about its last change: the one thing that deploying it again may alter."""

PROBE = {
    "host.json": '{"version": "2.0"}',
    "requirements.txt": "azure-functions==1.26.0\n",
    "function_app.py": """
import json, os, sys
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.function_name(name="aml_event_to_github")
@app.event_grid_trigger(arg_name="event")
def take(event: func.EventGridEvent) -> None:
    pass


@app.route(route="environment")
def environment(req: func.HttpRequest) -> str:
    return json.dumps({**os.environ, "PYTHON": f"{sys.version_info.major}.{sys.version_info.minor}"})
""",
}
"""Code that says in which environment it runs: nothing else shows what the vault holds."""


def real_function() -> dict[str, str]:
    """The code in infra/function/, by the names of its files."""
    files = [path for path in sorted(_FUNCTION.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(_FUNCTION).as_posix(): path.read_text(encoding="utf-8") for path in files}


class Cloud:
    """The emulator as its users have it: one subscription in which every provider is registered."""

    def __init__(self, emulator: RunningEmulator) -> None:
        self.emulator = emulator
        self.token: str = sign_in(emulator).json()["access_token"]
        self.subscription = f"/subscriptions/{emulator.identity['subscriptionId']}"
        self.template = json.loads(walk.TEMPLATE_FILE.read_text(encoding="utf-8"))
        self.client = self._client()
        for namespace in NAMESPACES:
            assert self.ask("POST", f"{self.subscription}/providers/Microsoft.{namespace}/register").ok

    def _client(self) -> DeploymentsMgmtClient:
        from azure.identity import ClientSecretCredential
        from azure.mgmt.resource.deployments import DeploymentsMgmtClient

        identity, bundle = self.emulator.identity, self.emulator.env["REQUESTS_CA_BUNDLE"]
        credential = ClientSecretCredential(
            self.emulator.env["AZURE_TENANT_ID"],
            identity["clientId"],
            identity["clientSecret"],
            authority=self.emulator.base_url,
            connection_verify=bundle,
        )
        return DeploymentsMgmtClient(
            credential,
            identity["subscriptionId"],
            base_url=identity["resourceManagerEndpointUrl"],
            credential_scopes=[f"{self.emulator.base_url}/.default"],
            connection_verify=bundle,
            polling_interval=0.1,
        )

    def ask(self, method: str, path: str, body: Any = None, version: str = "2024-10-01") -> requests.Response:
        """A signed request to ARM."""
        url = path if path.startswith("https:") else f"{self.emulator.base_url}{path}"
        data, kind = (body, "application/zip") if isinstance(body, bytes) else (json.dumps(body), "application/json")
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind}
        bundle = self.emulator.env["REQUESTS_CA_BUNDLE"]
        parameters = {"api-version": version}
        return requests.request(method, url, params=parameters, data=data, headers=headers, verify=bundle, timeout=60)

    def put(self, resource_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Make a resource that is there before the template comes."""
        answer = self.ask("PUT", resource_id, body, version_of(resource_id))
        assert answer.ok, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def group(self) -> str:
        """Id of a new resource group."""
        group_id = f"{self.subscription}/resourceGroups/rg-{uuid.uuid4().hex[:8]}"
        self.put(group_id, {"location": "westeurope"})
        return group_id

    def deploy(self, **given: Any) -> Deployed:
        """The template, deployed with some parameters into a new resource group."""
        made = Deployed(self, self.group(), given)
        made.again()
        return made


class Deployed:
    """What a deployment of the template has made."""

    def __init__(self, cloud: Cloud, group: str, given: Mapping[str, Any]) -> None:
        self.cloud, self.group, self.given = cloud, group, dict(given)
        self.answer: DeploymentExtended

    @property
    def body(self) -> dict[str, Any]:
        """The request, as the client takes it."""
        parameters = {name: {"value": value} for name, value in self.given.items()}
        return {"properties": {"mode": "Incremental", "template": self.cloud.template, "parameters": parameters}}

    def again(self, **changed: Any) -> Deployed:
        """Deploy once more, with some parameters changed."""
        self.given |= changed
        operation = self.cloud.client.deployments.begin_create_or_update(ids.name_of(self.group), "infra", self.body)
        self.answer = operation.result()
        assert self.answer.properties.provisioning_state == "Succeeded"
        return self

    def what_if(self) -> list[WhatIfChange]:
        """What deploying once more would change."""
        found = self.cloud.client.deployments.begin_what_if(ids.name_of(self.group), "infra", self.body).result()
        assert found.error is None
        return list(found.changes)

    @property
    def outputs(self) -> dict[str, Any]:
        """The outputs by their names."""
        return {name: each["value"] for name, each in self.answer.properties.outputs.items()}

    @property
    def names(self) -> dict[str, Any]:
        """Values of all parameters, expressions of the template evaluated; `group`, `unique` and `subscription` beside them."""
        unique = self.outputs["functionAppName"][-13:]
        own = {"group": self.group, "unique": unique, "subscription": self.cloud.subscription}
        values = {name: each["defaultValue"] for name, each in self.cloud.template["parameters"].items()}
        begins = {"wsStorageAccountName": "sa", "keyVaultName": "kv", "applicationInsightsName": "ai"}
        begins |= {"workspaceName": "mlw-", "containerRegistryName": "acr"}
        values |= {name: f"{begin}{unique}" for name, begin in begins.items()} | self.given
        plain = str(values["workspaceName"]).replace("_", "-")
        by_others = {
            "location": "westeurope",
            "dataLakeLocation": values["location"],
            "eventGridTopicPrefix": plain,
            "vnetName": f"{plain}-vnet",
        }
        by_others |= {name: ids.name_of(self.group) for name in values if name.endswith("ResourceGroupName")}
        return {**values, **by_others, **self.given, **own, "plain": plain}

    def id_of(self, resource: str) -> str:
        """Id of a resource whose id within the group is written with names in braces."""
        inner = resource.format(**self.names)
        return inner if inner.startswith("/") else f"{self.group}/providers/{inner}"

    def get(self, resource: str) -> dict[str, Any] | None:
        """A resource; None when it is not there."""
        resource_id = self.id_of(resource)
        answer = self.cloud.ask("GET", resource_id, version=version_of(resource_id))
        assert answer.status_code in (200, 404), answer.text
        return answer.json() if answer.ok else None

    def there(self, resource: str) -> dict[str, Any]:
        """A resource that has to be there."""
        found = self.get(resource)
        assert found is not None, self.id_of(resource)
        return found

    @property
    def settings(self) -> dict[str, str]:
        """The settings of the function app."""
        answer = self.cloud.ask("POST", f"{self.id_of(SITE)}/config/appsettings/list", version="2024-11-01")
        found: dict[str, str] = answer.json()["properties"]
        return found

    def ids(self) -> list[str]:
        """Every resource that the deployment and those nested in it have made or changed."""
        return sorted(str(each.id) for each in self.answer.properties.output_resources)

    def resources(self) -> dict[str, dict[str, Any]]:
        """All of them as they are now, with the settings of the function app; without when they were changed last."""
        return {**{each: _without_history(self.there(each)) for each in self.ids()}, "app settings": self.settings}

    def publish(self, files: Mapping[str, str]) -> Deployed:
        """Publish code to the function app, at the address that the template's output names."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as made:
            for name, text in files.items():
                made.writestr(name, text)
        base = f"https://{self.outputs['scmHost']}/api"
        answer = self.cloud.ask("POST", f"{base}/publish?RemoteBuild=true", buffer.getvalue())
        assert answer.status_code == 202, answer.text
        found = until(lambda: self._completed(f"{base}/deployments/{answer.json()}"), _FRESH_SECONDS)
        assert found["status"] == 4, found
        return self

    def _completed(self, url: str) -> dict[str, Any] | None:
        found = self.cloud.ask("GET", url).json()
        return found if found["complete"] else None

    def subscribed(self, files: Mapping[str, str]) -> Deployed:
        """With code published, and events sent to it."""
        return self.publish(files).again(deployEventSubscriptions=True)

    def environment(self) -> dict[str, str]:
        """The environment of the function, where the probe's code is published."""
        app = self.outputs["functionAppName"]
        answer = self.cloud.ask("GET", f"{self.cloud.emulator.base_url}/functions/{app}/api/environment")
        assert answer.ok, answer.text
        found: dict[str, str] = answer.json()
        return found

    def read(self, resource: str, path: str) -> Any:
        """A value of a resource, of the app's settings or of its environment; None when it is not there."""
        if resource == SETTINGS:
            return self.settings.get(path)
        if resource == ENVIRONMENT:
            return self.environment().get(path)
        value: Any = self.get(resource)
        for key in path.split("."):
            if isinstance(value, list) and int(key) < len(value):
                value = value[int(key)]
            else:
                value = value.get(key) if isinstance(value, dict) else None
        return value


SITE = "Microsoft.Web/sites/{functionAppName}-{unique}"
SETTINGS = "the app's settings"
ENVIRONMENT = "the function's environment"


def _without_history(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_history(each) for each in value]
    if isinstance(value, dict):
        return {name: _without_history(each) for name, each in value.items() if name not in _OF_ITS_HISTORY}
    return value


def version_of(resource_id: str) -> str:
    """The version with which the template makes a resource of this type."""
    kind = next((name for name in shapes.KINDS if name.lower() == ids.type_of(resource_id).lower()), None)
    return shapes.KINDS[kind].version if kind else "2024-10-01"


def until(condition: Callable[[], Any], seconds: float = 30) -> Any:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found
