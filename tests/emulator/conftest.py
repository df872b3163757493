"""The real Azure SDK, pointed at the running emulator by nothing but the variables that `aml-emulator env` prints."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
import requests
from support.emulator import RunningEmulator, sign_in

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

Rest = Callable[..., requests.Response]


@pytest.fixture(scope="module")
def variables(emulator: RunningEmulator) -> Iterator[dict[str, str]]:
    """The emulator's variables in this process, for one module of tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AZUREML_CURRENT_CLOUD", "")  # MLClient sets it by itself; it goes back to what it was
        patch.delenv("AZUREML_CURRENT_CLOUD")
        for name, value in emulator.env.items():
            patch.setenv(name, value)
        yield emulator.env


@pytest.fixture(scope="module")
def token(emulator: RunningEmulator) -> str:
    """An ARM token of the service principal, got as any client gets it."""
    found = sign_in(emulator)
    assert found.status_code == 200, found.text
    return str(found.json()["access_token"])


@pytest.fixture(scope="module")
def rest(emulator: RunningEmulator, token: str) -> Rest:
    """`rest(method, path, json=..., **parameters)`: a signed ARM request."""

    def call(method: str, path: str, /, json: Any = None, headers: dict[str, str] | None = None, **parameters: str):
        return requests.request(
            method,
            f"{emulator.base_url}{path}",
            params={"api-version": "2024-10-01", **parameters},
            json=json,
            headers={"Authorization": f"Bearer {token}", **(headers or {})},
            verify=emulator.env["REQUESTS_CA_BUNDLE"],
            timeout=60,
        )

    return call


@pytest.fixture(scope="module")
def group(emulator: RunningEmulator, rest: Rest) -> str:
    """Id of a new resource group."""
    group_id = f"/subscriptions/{emulator.identity['subscriptionId']}/resourceGroups/rg-{uuid.uuid4().hex[:8]}"
    made = rest("PUT", group_id, json={"location": "westeurope"})
    assert made.status_code == 201, made.text
    return group_id


@pytest.fixture(scope="module")
def client(emulator: RunningEmulator, variables: dict[str, str], group: str) -> MLClient:
    """An MLClient of the group, as a user's script makes it."""
    from azure.ai.ml import MLClient
    from azure.identity import DefaultAzureCredential

    subscription = emulator.identity["subscriptionId"]
    return MLClient(DefaultAzureCredential(), subscription, group.rsplit("/", 1)[-1], "workspace")


@pytest.fixture(scope="module")
def ml(client: MLClient) -> MLClient:
    """The client of a workspace that the SDK has just created."""
    from azure.ai.ml.entities import Workspace

    client.workspaces.begin_create(Workspace(name="workspace", location="westeurope")).result()
    return client


@pytest.fixture(scope="module")
def workspace_id(group: str, ml: MLClient) -> str:
    """ARM id of that workspace."""
    return f"{group}/providers/Microsoft.MachineLearningServices/workspaces/workspace"
