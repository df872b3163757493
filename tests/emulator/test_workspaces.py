"""Resource groups, providers and workspaces, as `azure-ai-ml` and `azure-mgmt-resource` make and ask for them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import requests
from support.azure_resources import smallest_body
from support.emulator import RunningEmulator

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.mgmt.resource.resources import ResourceManagementClient

Rest = Callable[..., requests.Response]


@pytest.fixture(scope="module")
def arm(emulator: RunningEmulator, variables: dict[str, str]) -> ResourceManagementClient:
    from azure.identity import DefaultAzureCredential
    from azure.mgmt.resource.resources import ResourceManagementClient

    return ResourceManagementClient(
        DefaultAzureCredential(),
        emulator.identity["subscriptionId"],
        base_url=emulator.identity["resourceManagerEndpointUrl"],
        credential_scopes=[f"{emulator.base_url}/.default"],
    )


def test_a_resource_group_is_made_found_changed_and_deleted(arm: ResourceManagementClient) -> None:
    name = f"rg-{uuid.uuid4().hex[:8]}"
    assert not arm.resource_groups.check_existence(name)
    made = arm.resource_groups.create_or_update(name, {"location": "West Europe", "tags": {"team": "a"}})
    assert (made.name, made.location) == (name, "westeurope")
    assert arm.resource_groups.check_existence(name.upper())
    assert arm.resource_groups.update(name, {"tags": {"team": "b"}}).tags == {"team": "b"}
    assert name in [group.name for group in arm.resource_groups.list()]
    arm.resource_groups.begin_delete(name).result()
    assert not arm.resource_groups.check_existence(name)


def test_a_provider_is_registered_before_it_says_so(arm: ResourceManagementClient) -> None:
    import time

    namespace = "Microsoft.OperationalInsights"
    arm.providers.unregister(namespace)
    assert arm.providers.get(namespace).registration_state == "NotRegistered"
    assert arm.providers.register(namespace).registration_state == "Registering"
    deadline = time.monotonic() + 5
    while arm.providers.get(namespace).registration_state != "Registered":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_group_in_a_region_that_does_not_exist_is_refused(arm: ResourceManagementClient) -> None:
    from azure.core.exceptions import HttpResponseError

    with pytest.raises(HttpResponseError, match=r"westmoon.*List of available regions"):
        arm.resource_groups.create_or_update("rg-moon", {"location": "westmoon"})


def test_the_sdk_creates_a_workspace_with_what_it_rests_on(client: MLClient, rest: Rest, group: str) -> None:
    from azure.ai.ml.entities import Workspace

    name = f"ws-{uuid.uuid4().hex[:8]}"
    wanted = Workspace(name=name, location="northeurope", display_name="Shown", description="Text", tags={"a": "b"})
    client.workspaces.begin_create(wanted).result()
    found = client.workspaces.get(name)
    assert (found.location, found.display_name, found.description) == ("northeurope", "Shown", "Text")
    assert found.tags["a"] == "b"
    assert found.mlflow_tracking_uri.startswith("azureml://127.0.0.1:")
    for part in (found.storage_account, found.key_vault, found.application_insights):
        assert rest("GET", part).json()["id"] == part
    listed = {item["type"] for item in rest("GET", f"{group}/resources").json()["value"]}
    assert {"Microsoft.Storage/storageAccounts", "Microsoft.KeyVault/vaults"} <= listed
    assert rest("GET", f"/subscriptions/{group.split('/')[2]}/providers/Microsoft.KeyVault").json()[
        "registrationState"
    ] != ("NotRegistered")


def test_a_workspace_can_rest_on_a_storage_account_that_exists(client: MLClient, rest: Rest, group: str) -> None:
    from azure.ai.ml.entities import Workspace

    account = f"own{uuid.uuid4().hex[:12]}"
    account_id = f"{group}/providers/Microsoft.Storage/storageAccounts/{account}"
    assert rest("PUT", account_id, json=smallest_body(account_id)).status_code == 201
    name = f"ws-{uuid.uuid4().hex[:8]}"
    client.workspaces.begin_create(Workspace(name=name, location="westeurope", storage_account=account_id)).result()
    assert client.workspaces.get(name).storage_account == account_id


def test_a_customer_managed_key_is_recorded_when_its_vault_exists(client: MLClient, rest: Rest, group: str) -> None:
    from azure.ai.ml.entities import CustomerManagedKey, Workspace
    from azure.core.exceptions import HttpResponseError

    vault = f"{group}/providers/Microsoft.KeyVault/vaults/keys-{uuid.uuid4().hex[:6]}"
    key = CustomerManagedKey(key_vault=vault, key_uri="https://keys.vault.azure.net/keys/k/1")
    name = f"ws-{uuid.uuid4().hex[:8]}"
    with pytest.raises(HttpResponseError):
        client.workspaces.begin_create(Workspace(name=name, location="westeurope", customer_managed_key=key)).result()
    assert rest("PUT", vault, json=smallest_body(vault)).status_code == 201
    client.workspaces.begin_create(Workspace(name=name, location="westeurope", customer_managed_key=key)).result()
    made = rest("GET", f"{group}/providers/Microsoft.MachineLearningServices/workspaces/{name}").json()
    assert made["properties"]["encryption"]["status"] == "Enabled"
    assert made["properties"]["encryption"]["keyVaultProperties"]["keyVaultArmId"] == vault


def test_a_workspace_on_an_account_that_does_not_exist_is_refused(client: MLClient, group: str) -> None:
    from azure.ai.ml.entities import Workspace
    from azure.core.exceptions import HttpResponseError

    missing = f"{group}/providers/Microsoft.Storage/storageAccounts/nowhere"
    wanted = Workspace(name="ws-nowhere", location="westeurope", storage_account=missing)
    with pytest.raises(HttpResponseError) as refused:
        client.workspaces.begin_create(wanted).result()
    assert refused.value.error.code == "InvalidTemplateDeployment"
    assert refused.value.error.details[0].code == "ResourceNotFound"


@pytest.mark.parametrize("name", ["ab", "-ab", "with.dot", "x" * 34])
def test_a_workspace_name_that_azure_refuses_is_refused(client: MLClient, name: str) -> None:
    from azure.ai.ml.entities import Workspace
    from azure.core.exceptions import HttpResponseError

    with pytest.raises(HttpResponseError) as refused:
        client.workspaces.begin_create(Workspace(name=name, location="westeurope")).result()
    assert refused.value.status_code == 400
    assert f"'{name}'" in refused.value.error.details[0].message


def test_a_workspace_is_changed_and_deleted(client: MLClient) -> None:
    from azure.ai.ml.entities import Workspace
    from azure.core.exceptions import ResourceNotFoundError

    name = f"ws-{uuid.uuid4().hex[:8]}"
    client.workspaces.begin_create(Workspace(name=name, location="westeurope")).result()
    found = client.workspaces.get(name)
    found.description = "changed"
    client.workspaces.begin_update(found).result()
    assert client.workspaces.get(name).description == "changed"
    assert name in [workspace.name for workspace in client.workspaces.list()]
    client.workspaces.begin_delete(name, delete_dependent_resources=False).result()
    with pytest.raises(ResourceNotFoundError):
        client.workspaces.get(name)


def test_ids_are_the_same_in_any_case(ml: MLClient, rest: Rest, workspace_id: str) -> None:
    shown = rest("GET", workspace_id).json()
    for spelling in (
        workspace_id.lower(),
        workspace_id.upper(),
        workspace_id.replace("resourceGroups", "resourcegroups"),
    ):
        assert rest("GET", spelling).json()["id"] == shown["id"] == workspace_id


def test_what_is_not_there_is_told_in_arms_words(rest: Rest, emulator: RunningEmulator, group: str) -> None:
    subscription = f"/subscriptions/{emulator.identity['subscriptionId']}"
    provider = "providers/Microsoft.MachineLearningServices/workspaces/none"
    cases = {
        f"/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/{provider}": "SubscriptionNotFound",
        f"{subscription}/resourceGroups/none/{provider}": "ResourceGroupNotFound",
        f"{subscription}/resourceGroups/none/{provider}/computes": "ResourceGroupNotFound",
        f"{group}/{provider}": "ResourceNotFound",
        f"{group}/{provider}/jobs/none": "ResourceNotFound",
    }
    for path, code in cases.items():
        answer = rest("GET", path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, code), path


def test_a_request_without_an_api_version_is_refused(rest: Rest, group: str) -> None:
    answer = rest("GET", group, **{"api-version": ""})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "MissingApiVersionParameter")


def test_what_the_emulator_does_not_do_it_refuses_by_name(rest: Rest, group: str, workspace_id: str) -> None:
    linked = {"properties": {"mode": "Incremental", "templateLink": {"uri": "https://127.0.0.1/template.json"}}}
    cases = [
        ("GET", "/some/unknown/path", None),
        ("PUT", f"{workspace_id}/schedules/daily", {"properties": {}}),
        ("PUT", f"{workspace_id}/serverlessEndpoints/b", {"properties": {}}),
        ("PUT", f"{group}/providers/Microsoft.Resources/deployments/own", linked),
        ("PUT", workspace_id, {"location": "westeurope", "kind": "Hub"}),
    ]
    for method, path, body in cases:
        answer = rest(method, path, json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (501, "NotEmulated"), path
    unknown = rest("DELETE", "/some/unknown/path").json()["error"]["message"]
    assert "DELETE /some/unknown/path" in unknown


def test_a_body_that_is_not_json_is_told(rest: Rest, emulator: RunningEmulator, token: str, group: str) -> None:
    answer = requests.put(
        f"{emulator.base_url}{group}?api-version=2022-09-01",
        data=b"{not json",
        headers={"Authorization": f"Bearer {token}"},
        verify=emulator.env["REQUESTS_CA_BUNDLE"],
        timeout=60,
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidRequestContent")
