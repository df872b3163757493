"""Deployments as the real clients make them: `azure-mgmt-resource-deployments`, and `azure-ai-ml` with its own template."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import requests
from emulator.arm.template.conftest import LOGS, identity
from emulator.arm.template.language import template
from support.emulator import RunningEmulator

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.mgmt.resource.deployments import DeploymentsMgmtClient

Rest = Callable[..., requests.Response]


@pytest.fixture(scope="module")
def deployments(emulator: RunningEmulator, variables: dict[str, str], registered: None) -> DeploymentsMgmtClient:
    from azure.identity import DefaultAzureCredential
    from azure.mgmt.resource.deployments import DeploymentsMgmtClient

    return DeploymentsMgmtClient(
        DefaultAzureCredential(),
        emulator.identity["subscriptionId"],
        base_url=emulator.identity["resourceManagerEndpointUrl"],
        credential_scopes=[f"{emulator.base_url}/.default"],
    )


def properties(**members: Any) -> dict[str, Any]:
    return {"properties": {"mode": "Incremental", **members}}


def test_the_client_deploys_looks_validates_lists_and_deletes(deployments: DeploymentsMgmtClient, group: str) -> None:
    name = group.rpartition("/")[2]
    wanted = properties(
        template=template(
            parameters={"n": {"type": "string"}},
            resources=[identity("[parameters('n')]")],
            outputs={"id": {"type": "string", "value": "[reference(parameters('n')).clientId]"}},
        ),
        parameters={"n": {"value": "by-the-client"}},
    )
    looked = deployments.deployments.begin_what_if(name, "sdk", wanted).result()
    assert [(change.change_type, change.resource_id.rpartition("/")[2]) for change in looked.changes] == [
        ("Create", "by-the-client")
    ]
    assert deployments.deployments.begin_validate(name, "sdk", wanted).result().error is None
    made = deployments.deployments.begin_create_or_update(name, "sdk", wanted).result()
    assert made.properties.provisioning_state == "Succeeded"
    assert uuid.UUID(made.properties.outputs["id"]["value"])
    operations = list(deployments.deployment_operations.list(name, "sdk"))
    assert [item.properties.provisioning_state for item in operations] == ["Succeeded", "Succeeded"]
    assert [item.name for item in deployments.deployments.list_by_resource_group(name)] == ["sdk"]
    assert deployments.deployments.export_template(name, "sdk").template == wanted["properties"]["template"]
    assert deployments.deployments.check_existence(name, "sdk")
    deployments.deployments.begin_delete(name, "sdk").result()
    assert not deployments.deployments.check_existence(name, "sdk")


def test_the_client_raises_what_failed(deployments: DeploymentsMgmtClient, group: str) -> None:
    from azure.core.exceptions import HttpResponseError

    bad = {"type": LOGS, "apiVersion": "2025-07-01", "name": "badly", "location": "westmoon"}
    with pytest.raises(HttpResponseError) as failed:
        deployments.deployments.begin_create_or_update(
            group.rpartition("/")[2], "bad", properties(template=template(resources=[bad]))
        ).result()
    assert failed.value.error.code == "DeploymentFailed"
    assert failed.value.error.details[0].code == "LocationNotAvailableForResourceType"
    with pytest.raises(HttpResponseError) as refused:
        deployments.deployments.begin_create_or_update(
            group.rpartition("/")[2], "bad", properties(template=template(resources=[identity("[nothing()]")]))
        )
    assert (refused.value.status_code, refused.value.error.code) == (400, "InvalidTemplate")


def test_azure_ai_mls_own_template_is_evaluated(
    client: MLClient, rest: Rest, group: str, emulator: RunningEmulator
) -> None:
    """It registers what it needs by itself, though nothing of it was registered."""
    from azure.ai.ml.entities import Workspace

    provider = f"/subscriptions/{emulator.identity['subscriptionId']}/providers/Microsoft.Insights"
    rest("POST", f"{provider}/unregister")
    client.workspaces.begin_create(Workspace(name="evaluated", location="westeurope", tags={"a": "b"})).result()
    workspace = rest("GET", f"{group}/providers/Microsoft.MachineLearningServices/workspaces/evaluated").json()
    assert workspace["tags"]["a"] == "b"
    insights = rest("GET", workspace["properties"]["applicationInsights"]).json()
    assert insights["properties"]["WorkspaceResourceId"].lower().startswith(f"{group}/providers/{LOGS}/".lower())
    found = [
        item
        for item in rest("GET", f"{group}/providers/Microsoft.Resources/deployments").json()["value"]
        if item["name"].startswith("evaluated")
    ]
    assert [item["properties"]["provisioningState"] for item in found] == ["Succeeded"]
    kinds = {
        item["properties"]["targetResource"]["resourceType"]
        for item in rest("GET", f"{group}/deployments/{found[0]['name']}/operations").json()["value"]
    }
    assert kinds == {
        "Microsoft.Storage/storageAccounts",
        "Microsoft.KeyVault/vaults",
        "Microsoft.OperationalInsights/workspaces",
        "Microsoft.Insights/components",
        "Microsoft.MachineLearningServices/workspaces",
    }
    assert rest("GET", provider).json()["registrationState"] != "NotRegistered"
