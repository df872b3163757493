"""What the tests of the function share: the function's own folder on the path, a GitHub, events."""

from __future__ import annotations

import json
import logging
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from support.emulator import RunningEmulator, sign_in

from infra.function import github_server

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "infra" / "function"))


if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient
    from bridge.events import Event
    from bridge.handler import Bridge

WORKSPACE = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws"
SAMPLES = ROOT.parent / "shared" / "data" / "eventgrid"


def completed(run: str = "mighty_root_1", **changes: Any) -> dict[str, Any]:
    """A delivery that says that a run is completed, in the Event Grid schema, with an id of its own."""
    data = {
        "experimentId": "0fa9dfaa-cba3-4fa7-b590-23e48548f5c1",
        "experimentName": "churn",
        "runId": run,
        "runType": None,
        "runTags": {},
        "runProperties": {},
    }
    document = {
        "topic": WORKSPACE,
        "subject": f"experiments/0fa9dfaa-cba3-4fa7-b590-23e48548f5c1/runs/{run}",
        "eventType": "Microsoft.MachineLearningServices.RunCompleted",
        "eventTime": "2026-06-26T18:41:00.9584103Z",
        "id": str(uuid.uuid4()),
        "data": data,
        "dataVersion": "",
        "metadataVersion": "1",
    }
    data.update({key: changes.pop(key) for key in list(changes) if key in data})
    return {**document, **changes}


def event(run: str = "mighty_root_1", **changes: Any) -> Event:
    """The same as the function sees it."""
    from bridge import events

    return events.from_document(completed(run, **changes))


@pytest.fixture
def github() -> Iterator[github_server.GitHub]:
    with github_server.running() as found:
        yield found


class Lines(logging.Handler):
    """The function's log, parsed."""

    def __init__(self) -> None:
        super().__init__()
        self.raw: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.raw.append(record.getMessage())

    @property
    def parsed(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.raw]

    def steps(self) -> list[str]:
        return [line["step"] for line in self.parsed]


@pytest.fixture
def log() -> Iterator[Lines]:
    from bridge import logs

    logs.set_up()
    lines = Lines()
    logs.LOGGER.addHandler(lines)
    yield lines
    logs.LOGGER.removeHandler(lines)


@pytest.fixture
def build(github: github_server.GitHub) -> Callable[..., Bridge]:
    """Makes a bridge to the test's GitHub from app settings, impatient so that faults are quick."""
    from bridge import settings
    from bridge.github_client import GitHubClient, Patience
    from bridge.handler import Bridge

    def make(patience: Patience | None = None, **environ: str) -> Bridge:
        defaults = {
            "GITHUB_API_URL": github.url,
            "ALLOWED_REPOSITORIES": "contoso/churn",
            "DEDUPLICATION_STORE": "memory",
        }
        if "GITHUB_APP_ID" not in environ:
            defaults["GITHUB_TOKEN"] = github_server.TOKEN
        made = settings.bridge({**defaults, **environ})
        impatient = patience or Patience(budget=1.0, first_wait=0.01, longest_wait=0.05, answer=10.0)
        client = GitHubClient(made.client.api, made.client.credentials, impatient)
        return Bridge(made.routing, client, made.store, impatient)

    return make


@pytest.fixture
def bridge(build: Callable[..., Bridge]) -> Bridge:
    return build()


@pytest.fixture(scope="session")
def container(emulator: RunningEmulator) -> Callable[[], ContainerClient]:
    """Makes clients of a container that does not exist yet, in a storage account of the emulator."""
    from azure.storage.blob import BlobServiceClient
    from bridge.settings import storage_patience

    account, key = _storage_account(emulator)
    verify = emulator.env["REQUESTS_CA_BUNDLE"]
    service = BlobServiceClient(
        f"{emulator.blob_url}/{account}", credential=key, connection_verify=verify, **storage_patience()
    )
    return lambda: service.get_container_client(f"events-{uuid.uuid4().hex[:12]}")


def _storage_account(emulator: RunningEmulator) -> tuple[str, str]:
    """Name and key of the storage account of a new workspace."""
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Workspace
    from azure.identity import DefaultAzureCredential

    group = f"rg-{uuid.uuid4().hex[:8]}"
    subscription = emulator.identity["subscriptionId"]
    made = requests.put(
        f"{emulator.base_url}/subscriptions/{subscription}/resourceGroups/{group}",
        params={"api-version": "2024-10-01"},
        json={"location": "westeurope"},
        headers={"Authorization": f"Bearer {sign_in(emulator).json()['access_token']}"},
        verify=emulator.env["REQUESTS_CA_BUNDLE"],
        timeout=60,
    )
    assert made.status_code == 201, made.text
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AZUREML_CURRENT_CLOUD", "")  # MLClient sets it by itself; it goes back to what it was
        patch.delenv("AZUREML_CURRENT_CLOUD")
        for name, value in emulator.env.items():
            patch.setenv(name, value)
        client = MLClient(DefaultAzureCredential(), subscription, group, "workspace")
        client.workspaces.begin_create(Workspace(name="workspace", location="westeurope")).result()
        datastore = client.datastores.get_default(include_secrets=True)
    return datastore.account_name, datastore.credentials.account_key
