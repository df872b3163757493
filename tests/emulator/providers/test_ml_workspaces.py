"""Machine Learning workspaces and clusters as templates make them, by PUT."""

from __future__ import annotations

import copy
import time
import uuid
from typing import Any

import pytest
from emulator.providers import bodies


@pytest.fixture
def parts(make, home) -> dict[str, Any]:
    """A request for a workspace whose storage account, vault, registry and insights are there."""
    unique = uuid.uuid4().hex[:10]
    names = {"account": f"st{unique}", "vault": f"kv-{unique}", "component": f"ai-{unique}", "registry": f"cr{unique}"}
    logs = make(f"Microsoft.OperationalInsights/workspaces/log-{unique}", bodies.LOGS)["id"]
    make(f"Microsoft.Storage/storageAccounts/{names['account']}", bodies.STORAGE)
    make(f"Microsoft.KeyVault/vaults/{names['vault']}", bodies.VAULT)
    make(f"Microsoft.Insights/components/{names['component']}", bodies.insights(logs))
    make(f"Microsoft.ContainerRegistry/registries/{names['registry']}", bodies.REGISTRY)
    return bodies.workspace(home, **names)


PATH = "Microsoft.MachineLearningServices/workspaces/mlw-example"


def test_a_workspace_of_a_template_is_one_that_the_sdk_uses(make, rest, home, parts, emulator, variables) -> None:
    from azure.ai.ml import MLClient
    from azure.ai.ml.constants import AssetTypes
    from azure.ai.ml.entities import Data
    from azure.identity import DefaultAzureCredential

    made = make(PATH, parts)
    sent = copy.deepcopy(parts["properties"])
    del sent["provisionNetworkNow"]
    network = made["properties"].pop("managedNetwork")
    assert network["isolationMode"] == sent.pop("managedNetwork")["isolationMode"]
    assert made["properties"].items() >= {**sent, "provisioningState": "Succeeded"}.items()
    assert made["identity"]["type"] == "SystemAssigned"
    client = MLClient(
        DefaultAzureCredential(), emulator.identity["subscriptionId"], home.rpartition("/")[2], "mlw-example"
    )
    assert client.workspaces.get("mlw-example").storage_account == sent["storageAccount"]
    kept = client.data.create_or_update(Data(name="d", version="1", path=__file__, type=AssetTypes.URI_FILE))
    assert kept.path.startswith("azureml://")
    again = rest("PUT", f"{home}/providers/{PATH}", json=parts)
    assert again.status_code == 200
    for name in ("workspaceId", "storageAccount", "discoveryUrl"):
        assert again.json()["properties"][name] == made["properties"][name]
    assert again.json()["identity"] == made["identity"]


def test_what_may_change_changes(make, parts) -> None:
    make(PATH, parts)
    parts["properties"] |= {"friendlyName": "other", "publicNetworkAccess": "disabled", "description": "text"}
    changed = make(PATH, {**parts, "tags": {"a": "b"}})
    assert changed["properties"]["friendlyName"] == "other"
    assert changed["properties"]["publicNetworkAccess"] == "Disabled"
    assert changed["tags"] == {"a": "b"}


@pytest.mark.parametrize(
    ("changes", "status", "text"),
    [
        ({"storageAccount": None}, 400, "properties.storageAccount"),
        ({"keyVault": "kv"}, 400, "Property id 'kv'"),
        ({"systemDatastoresAuthMode": "Password"}, 400, "AccessKey, Identity, UserDelegationSAS"),
        ({"managedNetwork": {"isolationMode": "Some"}}, 400, "AllowInternetOutbound"),
        ({"provisionNetworkNow": True}, 501, "provisionNetworkNow"),
        ({"encryption": {"status": "Enabled"}}, 400, "keyVaultProperties"),
        ({"hbiWorkspace": "perhaps"}, 400, "properties.hbiWorkspace"),
    ],
)
def test_what_the_service_refuses_of_a_workspace(refused, parts, changes: dict, status: int, text: str) -> None:
    properties = {key: value for key, value in {**parts["properties"], **changes}.items() if value is not None}
    found, _, message = refused(PATH, {**parts, "properties": properties})
    assert found == status
    assert text in message


def test_a_workspace_needs_what_it_names(refused, parts) -> None:
    for name in ("storageAccount", "keyVault", "applicationInsights", "containerRegistry"):
        properties = {**parts["properties"], name: parts["properties"][name] + "0"}
        assert refused(PATH, {**parts, "properties": properties})[:2] == (404, "ResourceNotFound")
    assert refused(PATH, {**parts, "kind": "Hub"})[0] == 501
    assert refused(f"{PATH[: -len('mlw-example')]}x", parts)[1] == "ValidationError"


def test_some_things_stay_for_a_workspaces_life(make, refused, parts) -> None:
    make(PATH, parts)
    other = f"st{uuid.uuid4().hex[:12]}"
    account = make(f"Microsoft.Storage/storageAccounts/{other}", bodies.STORAGE)["id"]
    for changes in (
        {"storageAccount": account},
        {"hbiWorkspace": True},
        {"managedNetwork": {"isolationMode": "Disabled"}},
    ):
        status, code, message = refused(PATH, {**parts, "properties": {**parts["properties"], **changes}})
        assert (status, code) == (400, "ValidationError"), message


@pytest.mark.parametrize(
    "changes",
    [{"properties": {**bodies.STORAGE["properties"], "isHnsEnabled": True}}, {"sku": {"name": "Premium_LRS"}}],
)
def test_not_every_account_is_a_workspaces_own(make, refused, parts, changes: dict) -> None:
    account = make(f"Microsoft.Storage/storageAccounts/st{uuid.uuid4().hex[:12]}", {**bodies.STORAGE, **changes})["id"]
    properties = {**parts["properties"], "storageAccount": account}
    assert refused(PATH, {**parts, "properties": properties})[:2] == (400, "ValidationError")


def test_a_cluster_of_a_template(make, rest, refused, home, parts) -> None:
    make(PATH, parts)
    path = f"{PATH}/computes/cpu-cluster"
    lower = copy.deepcopy(bodies.CLUSTER)
    lower["properties"]["computeType"] = "amlcompute"
    lower["properties"]["properties"]["vmPriority"] = "dedicated"
    make(path, lower)
    deadline = time.monotonic() + 10
    while (found := rest("GET", f"{home}/providers/{path}").json())["properties"]["provisioningState"] != "Succeeded":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert uuid.UUID(found["identity"]["principalId"])
    inner = found["properties"]["properties"]
    assert inner.items() >= bodies.CLUSTER["properties"]["properties"].items()
    assert (found["properties"]["computeType"], found["properties"]["disableLocalAuth"]) == ("AmlCompute", True)
    wrong = copy.deepcopy(bodies.CLUSTER)
    wrong["properties"]["properties"]["remoteLoginPortPublicAccess"] = "Maybe"
    assert refused(path, wrong)[0] == 400
