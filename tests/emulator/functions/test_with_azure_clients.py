"""Over the wire: published by REST, subscribed to by Event Grid, called by its key; and the function of this repository."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from emulator.functions.conftest import package, until
from emulator.providers import bodies
from infra.function.github_server import TOKEN, GitHub, running
from support.emulator import ROOT, RunningEmulator

FUNCTION = ROOT / "infra" / "function"
PREFIX = "Microsoft.MachineLearningServices"


class Site:
    """A function app of the running emulator."""

    def __init__(
        self, emulator: RunningEmulator, rest: Callable[..., requests.Response], token: str, home: str
    ) -> None:
        self.emulator, self._rest, self._token, self.home = emulator, rest, token, home
        self.name = f"func-{uuid.uuid4().hex[:8]}"
        self.account = f"st{uuid.uuid4().hex[:12]}"
        self.id = f"{home}/providers/Microsoft.Web/sites/{self.name}"

    def put(self, path: str, body: dict[str, Any], status: int = 0) -> dict[str, Any]:
        answer = self._rest("PUT", path if path.startswith("/") else f"{self.home}/providers/{path}", json=body)
        assert answer.status_code == status or (not status and answer.ok), answer.text
        return answer.json()

    def make(self, settings: Callable[[str, str], dict[str, str]]) -> None:
        """Make it with what it rests on; settings by the address of its blobs and the client id of its identity."""
        plan = self.put(f"Microsoft.Web/serverfarms/{self.name}", bodies.PLAN)["id"]
        identity = self.put(f"Microsoft.ManagedIdentity/userAssignedIdentities/{self.name}", bodies.IDENTITY)
        made = self.put(f"Microsoft.Storage/storageAccounts/{self.account}", bodies.STORAGE)
        blobs = made["properties"]["primaryEndpoints"]["blob"]
        container = f"pkg-{self.name}"
        path = f"Microsoft.Storage/storageAccounts/{self.account}/blobServices/default/containers/{container}"
        self.put(path, bodies.CONTAINER)
        wanted = settings(blobs, identity["properties"]["clientId"])
        body = bodies.site(plan, identity["id"], f"{blobs}{container}", wanted)
        body["properties"]["functionAppConfig"]["runtime"]["version"] = "3.11"
        self.put(f"Microsoft.Web/sites/{self.name}", body)

    def publish(self, archive: bytes) -> None:
        """Publish as any client does: to the host that the app itself names."""
        hosts = self._rest("GET", self.id).json()["properties"]["hostNameSslStates"]
        base = "https://" + next(one["name"] for one in hosts if one["hostType"] == "Repository")
        answer = self.http("POST", f"{base}/api/publish?RemoteBuild=true&Deployer=tests", archive)
        assert answer.status_code == 202, answer.text
        status = until(lambda: self._complete(f"{base}/api/deployments/{answer.json()}"), 300)
        assert status["status"] == 4, status

    def http(self, method: str, url: str, data: bytes = b"") -> requests.Response:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/zip"}
        bundle = self.emulator.env["REQUESTS_CA_BUNDLE"]
        return requests.request(method, url, data=data, headers=headers, verify=bundle, timeout=60)

    def _complete(self, url: str) -> dict[str, Any] | None:
        found = self.http("GET", url).json()
        return found if found["complete"] else None

    def subscribe(self, function: str, status: int = 0) -> dict[str, Any]:
        """Have a function get the events of a new workspace."""
        workspace = f"{self.home}/providers/{PREFIX}/workspaces/mlw"
        if not self._rest("GET", workspace).ok:
            vault = f"kv-{uuid.uuid4().hex[:10]}"
            logs = self.put("Microsoft.OperationalInsights/workspaces/logs", bodies.LOGS)["id"]
            self.put("Microsoft.Insights/components/insights", bodies.insights(logs))
            self.put(f"Microsoft.KeyVault/vaults/{vault}", bodies.VAULT)
            registry = f"cr{uuid.uuid4().hex[:10]}"
            self.put(f"Microsoft.ContainerRegistry/registries/{registry}", bodies.REGISTRY)
            self.put(f"{PREFIX}/workspaces/mlw", bodies.workspace(self.home, self.account, vault, "insights", registry))
        topic = {"location": "westeurope", "properties": {"source": workspace, "topicType": f"{PREFIX}.Workspaces"}}
        until(lambda: self._rest("GET", workspace).json()["properties"].get("provisioningState") == "Succeeded")
        self.put("Microsoft.EventGrid/systemTopics/topic", topic)
        target = {"endpointType": "AzureFunction", "properties": {"resourceId": f"{self.id}/functions/{function}"}}
        path = "Microsoft.EventGrid/systemTopics/topic/eventSubscriptions/to-function"
        return self.put(path, {"properties": {"destination": target}}, status)

    def deliver(self, function: str, event: dict[str, Any]) -> int:
        """Post an event to a function as Event Grid does; the status."""
        keys = self._rest("POST", f"{self.id}/host/default/listKeys").json()
        answer = requests.post(
            f"{self.emulator.base_url}/functions/{self.name}/runtime/webhooks/EventGrid",
            params={"functionName": function, "code": keys["systemKeys"]["eventgrid_extension"]},
            json=[event],
            headers={"aeg-event-type": "Notification"},
            verify=self.emulator.env["REQUESTS_CA_BUNDLE"],
            timeout=60,
        )
        return answer.status_code

    def send(self, kind: str, **data: Any) -> None:
        """Publish an event of the workspace by the command line."""
        arguments = ["events", "send", "--source", f"{self.home}/providers/{PREFIX}/workspaces/mlw", "--type", kind]
        command = [sys.executable, "-m", "aml_emulator", *arguments, "--data", json.dumps(data)]
        subprocess.run([*command, "--state", str(self.emulator.state)], check=True, capture_output=True)


@pytest.fixture
def site(emulator: RunningEmulator, rest, token: str) -> Iterator[Site]:
    home = f"/subscriptions/{emulator.identity['subscriptionId']}/resourceGroups/rg-{uuid.uuid4().hex[:8]}"
    assert rest("PUT", home, json={"location": "westeurope"}).status_code == 201
    made = Site(emulator, rest, token, home)
    yield made
    rest("DELETE", made.id)


def test_an_event_subscription_needs_the_function_and_then_delivers(site: Site, tmp_path: Path, rest) -> None:
    notes = tmp_path / "notes"
    site.make(lambda blobs, client: {"NOTES": str(notes)})
    early = site.subscribe("take", 400)
    assert early["error"]["message"] == "Destination endpoint not found."
    site.publish(package())
    wrong = site.subscribe("hello", 400)
    assert "EventGrid Trigger type only" in wrong["error"]["message"]
    site.subscribe("take")
    site.send("DatasetDriftDetected", DriftCoefficient=0.4)
    until(lambda: notes.exists() and notes.read_text().count("\n") == 1)
    assert json.loads(notes.read_text())["kind"] == f"{PREFIX}.DatasetDriftDetected"
    keys = rest("POST", f"{site.id}/host/default/listKeys").json()
    url = f"{site.emulator.base_url}/functions/{site.name}/api/hello/eve?code={keys['functionKeys']['default']}"
    answer = requests.get(url, verify=site.emulator.env["REQUESTS_CA_BUNDLE"], timeout=60)
    assert (answer.status_code, answer.json()["url"]) == (201, url)
    assert keys["functionKeys"]["default"] not in site.emulator.state.joinpath("server.log").read_text()
    page = requests.get(
        f"{site.emulator.base_url}/function-apps/{site.name}",
        verify=site.emulator.env["REQUESTS_CA_BUNDLE"],
        timeout=60,
    )
    assert "Running" in page.text


@pytest.fixture
def github() -> Iterator[GitHub]:
    with running() as found:
        yield found


def _bridge() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for path in sorted(FUNCTION.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                made.write(path, path.relative_to(FUNCTION).as_posix())
    return buffer.getvalue()


def test_the_function_of_this_repository_takes_an_event_to_github_once(site: Site, github: GitHub) -> None:
    vault = f"kv-{uuid.uuid4().hex[:10]}"
    site.put(f"Microsoft.KeyVault/vaults/{vault}", bodies.VAULT)
    site.put(f"Microsoft.KeyVault/vaults/{vault}/secrets/token", {"properties": {"value": TOKEN}})
    site.make(
        lambda blobs, client: {
            "AzureWebJobsStorage__blobServiceUri": blobs,
            "AzureWebJobsStorage__credential": "managedidentity",
            "AzureWebJobsStorage__clientId": client,
            "DEDUPLICATION_CONTAINER": f"claims-{site.name}",
            "GITHUB_API_URL": github.url,
            "GITHUB_TOKEN": f"@Microsoft.KeyVault(VaultName={vault};SecretName=token)",
            "ALLOWED_REPOSITORIES": "contoso/churn",
        }
    )
    site.publish(_bridge())
    site.subscribe("aml_event_to_github")
    site.send("RunCompleted", experimentName="churn", runId="r1", runTags={}, runProperties={})
    until(lambda: github.dispatches, 60)
    ((repository, body),) = github.dispatches
    assert (repository, body["event_type"]) == ("contoso/churn", "machinelearningservices-runcompleted")
    assert body["client_payload"]["data"]["runId"] == "r1"
    again = {
        "id": body["client_payload"]["id"],
        "topic": body["client_payload"]["topic"],
        "subject": "",
        "eventType": f"{PREFIX}.RunCompleted",
        "eventTime": "2026-11-25T08:00:00Z",
        "data": body["client_payload"]["data"],
        "dataVersion": "",
    }
    for identity, made in ((again["id"], 1), ("another", 2)):
        assert site.deliver("aml_event_to_github", {**again, "id": identity}) == 202
        assert len(github.dispatches) == made
    log = (site.emulator.state / "functions" / site.name / "app.log").read_text()
    assert '\\"step\\": \\"duplicate\\"' in log
    assert TOKEN not in log
