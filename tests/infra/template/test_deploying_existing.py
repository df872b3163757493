"""A workspace on resources that are there already, in a group of their own: none is made again, none is changed, and roles go to them."""

from __future__ import annotations

from typing import Any

import pytest
from emulator.providers import bodies
from infra.template import parameters_at_work as table
from infra.template.cloud import Deployed
from infra.template.deployments import BEFORE, Deployments

from aml_emulator import ids

ROLES = {
    table.STORAGE: ("cluster", "ba92f5b4-2d11-453d-a403-e96b0029c9fe"),
    table.REGISTRY: ("cluster", "7f951dda-4ed3-4680-a7ca-43fe172d538d"),
    table.VAULT + "/secrets/github-token": ("function", "4633458b-17de-408a-b874-0445c86b69e6"),
}


@pytest.fixture(scope="module")
def existing(deployments: Deployments) -> Deployed:
    return deployments(table.EXISTING)


@pytest.fixture(scope="module")
def elsewhere(existing: Deployed) -> str:
    """Begin of the ids of what is there already."""
    return f"{existing.cloud.subscription}/resourceGroups/{existing.given['keyVaultResourceGroupName']}/providers/"


@pytest.mark.parametrize("resource", [table.STORAGE, table.VAULT, table.INSIGHTS, table.REGISTRY, table.LAKE])
def test_it_is_not_made_again_and_stays_as_it_was(existing: Deployed, elsewhere: str, resource: str) -> None:
    assert existing.get(resource) is None
    there = existing.there(elsewhere + resource)
    assert there["tags"] == BEFORE
    sent: dict[str, dict[str, Any]] = {table.REGISTRY: bodies.REGISTRY, table.STORAGE: bodies.STORAGE}
    sent |= {table.LAKE: bodies.STORAGE, table.VAULT: bodies.VAULT, table.INSIGHTS: bodies.insights("")}
    for name, value in sent[resource]["properties"].items():
        if name not in ("tenantId", "WorkspaceResourceId"):
            assert there["properties"][name] == value


def test_only_the_functions_own_storage_and_insights_are_made(existing: Deployed) -> None:
    inside = [each for each in existing.ids() if each.startswith(f"{existing.group}/")]
    made = {ids.name_of(each) for each in inside if ids.type_of(each) == "Microsoft.Storage/storageAccounts"}
    assert made == {existing.id_of(table.FUNCTION_STORAGE).rpartition("/")[2]}
    insights = {ids.name_of(each) for each in inside if ids.type_of(each) == "Microsoft.Insights/components"}
    assert insights == {existing.id_of(table.FUNCTION_INSIGHTS).rpartition("/")[2]}
    kinds = {ids.type_of(each) for each in inside}
    assert not kinds & {
        "Microsoft.KeyVault/vaults",
        "Microsoft.ContainerRegistry/registries",
        "Microsoft.OperationalInsights/workspaces",
    }


@pytest.mark.parametrize("resource", ROLES)
def test_a_role_is_given_where_the_resource_is(existing: Deployed, elsewhere: str, resource: str) -> None:
    identity = f"Microsoft.ManagedIdentity/userAssignedIdentities/{existing.outputs['functionAppName']}-identity"
    principals = {
        "cluster": existing.there(table.CLUSTER)["identity"]["principalId"],
        "function": existing.there(identity)["properties"]["principalId"],
    }
    scope = existing.id_of(elsewhere + resource)
    path = f"{scope}/providers/Microsoft.Authorization/roleAssignments"
    answer = existing.cloud.ask("GET", path, version="2022-04-01")
    here = [each for each in answer.json()["value"] if each["id"].startswith(f"{scope}/providers/")]
    found = [(each["properties"]["principalId"], ids.name_of(each["properties"]["roleDefinitionId"])) for each in here]
    who, role = ROLES[resource]
    assert found == [(principals[who], role)]


def test_a_second_deployment_changes_nothing(existing: Deployed) -> None:
    before = existing.resources()
    assert {str(each.change_type.value) for each in existing.what_if()} <= {"NoChange", "Ignore"}
    existing.again()
    assert existing.resources() == before


def test_a_group_that_is_not_named_is_the_deployments_own(existing: Deployed) -> None:
    """So a name of something that is not there is an error, and nothing else is made in its place."""
    from azure.core.exceptions import HttpResponseError

    cloud = existing.cloud
    wanted = {"storageAccountNewOrExisting": "existing", "wsStorageAccountName": "missingaccount"}
    with pytest.raises(HttpResponseError) as failed:
        cloud.deploy(**wanted)
    assert "missingaccount" in str(failed.value)
    assert failed.value.error.code in ("DeploymentFailed", "InvalidTemplateDeployment")
