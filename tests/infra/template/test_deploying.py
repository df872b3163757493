"""The template deployed: what it makes, that it may be deployed again and again, and where its secrets are."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from emulator.providers import bodies
from infra.template import cloud as clouds
from infra.template import shapes
from infra.template.cloud import SITE, Cloud, Deployed, real_function
from support.emulator import command

from aml_emulator import ids

TOKEN = "github_pat_11TOPSECRET0_of_the_template"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nTOPSECRETKEYOFTHETEMPLATE\n-----END RSA PRIVATE KEY-----\n"
SUBSCRIPTION = (
    "Microsoft.EventGrid/systemTopics/{eventGridTopicPrefix}-workspace/eventSubscriptions/{eventGridSubscriptionName}"
)


def kinds(deployed: Deployed) -> set[str]:
    return {ids.type_of(each) for each in deployed.ids()}


def test_the_parameters_file_deploys(by_the_file: Deployed) -> None:
    assert by_the_file.outputs["workspaceName"] == "mlops-workspace"
    workspace = by_the_file.there("Microsoft.MachineLearningServices/workspaces/mlops-workspace")["properties"]
    assert workspace["provisioningState"] == "Succeeded"
    cluster = by_the_file.there("Microsoft.MachineLearningServices/workspaces/mlops-workspace/computes/githubcluster")
    assert cluster["properties"]["properties"]["scaleSettings"]["maxNodeCount"] == 2
    assert cluster["properties"]["properties"]["remoteLoginPortPublicAccess"] == "Disabled"
    for name in ("storageAccount", "keyVault", "applicationInsights", "containerRegistry"):
        assert by_the_file.there(workspace[name])["properties"]["provisioningState"] == "Succeeded"


def test_the_template_needs_no_parameter(by_default: Deployed) -> None:
    assert by_default.outputs["workspaceName"] == f"mlw-{by_default.names['unique']}"
    unused = {name for name in shapes.KINDS if name.startswith("Microsoft.Network/")}
    unused |= {"Microsoft.Resources/deployments", "Microsoft.KeyVault/vaults/secrets"}
    assert kinds(by_default) == set(shapes.KINDS) - unused - {"Microsoft.EventGrid/systemTopics/eventSubscriptions"}


def test_the_outputs_name_what_was_made(by_default: Deployed) -> None:
    outputs = by_default.outputs
    assert by_default.there(outputs["workspaceId"])["name"] == outputs["workspaceName"]
    assert by_default.there(outputs["workspaceId"] + "/computes/" + outputs["computeName"])
    assert by_default.there(outputs["functionAppResourceId"])["name"] == outputs["functionAppName"]
    assert by_default.there("Microsoft.Storage/storageAccounts/" + outputs["storageAccountName"])
    assert by_default.there("Microsoft.KeyVault/vaults/" + outputs["keyVaultName"])
    assert by_default.there("Microsoft.EventGrid/systemTopics/" + outputs["systemTopicName"])
    account, _, container = outputs["deadLetterContainer"].partition("/")
    assert by_default.there(f"Microsoft.Storage/storageAccounts/{account}/blobServices/default/containers/{container}")
    hosts = by_default.there(SITE)["properties"]["hostNameSslStates"]
    assert outputs["scmHost"] in [each["name"] for each in hosts if each["hostType"] == "Repository"]
    assert outputs["eventFunctionResourceId"] == f"{outputs['functionAppResourceId']}/functions/aml_event_to_github"


def test_every_identity_may_do_what_it_has_to_and_nothing_else(cloud: Cloud, by_the_file: Deployed) -> None:
    """Each assignment: whom it is given to, the role, and where."""
    deployed = cloud.deploy(**by_the_file.given, patToken=TOKEN)
    site = deployed.outputs["functionAppName"]
    identity = f"Microsoft.ManagedIdentity/userAssignedIdentities/{site}-identity"
    workspace = "Microsoft.MachineLearningServices/workspaces/{workspaceName}"
    principals = {
        deployed.there(identity)["properties"]["principalId"]: "function",
        deployed.there(workspace + "/computes/{computeName}")["identity"]["principalId"]: "cluster",
        deployed.there("Microsoft.EventGrid/systemTopics/{plain}-workspace")["identity"]["principalId"]: "topic",
    }
    storage = deployed.id_of("Microsoft.Storage/storageAccounts/fn{unique}")
    given = [
        (principals[body["properties"]["principalId"]], role_of(body), scope_of(body["id"]))
        for key, body in deployed.resources().items()
        if ids.type_of(key) == "Microsoft.Authorization/roleAssignments"
    ]
    contributor = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
    assert sorted(given) == sorted(
        [
            ("cluster", contributor, deployed.id_of("Microsoft.Storage/storageAccounts/{wsStorageAccountName}")),
            (
                "cluster",
                "7f951dda-4ed3-4680-a7ca-43fe172d538d",
                deployed.id_of("Microsoft.ContainerRegistry/registries/{containerRegistryName}"),
            ),
            ("function", "b7e6dc6d-f1e8-4753-8033-0f276bb0955b", storage),
            (
                "function",
                "3913510d-42f4-4e42-8a64-420c390055eb",
                deployed.id_of(f"Microsoft.Insights/components/{site}-insights"),
            ),
            (
                "function",
                "4633458b-17de-408a-b874-0445c86b69e6",
                deployed.id_of("Microsoft.KeyVault/vaults/{keyVaultName}/secrets/github-token"),
            ),
            ("topic", contributor, f"{storage}/blobServices/default/containers/deadletter"),
        ]
    )


def role_of(assignment: dict[str, Any]) -> str:
    return ids.name_of(assignment["properties"]["roleDefinitionId"])


def scope_of(assignment_id: str) -> str:
    return assignment_id.rpartition("/providers/")[0]


def of_the_file(cloud: Cloud, by_the_file: Deployed) -> Deployed:
    return by_the_file


def with_everything(cloud: Cloud, by_the_file: Deployed) -> Deployed:
    """In a private network, with a data lake, its events, a token, and the subscriptions to the function of this repository."""
    lake = f"lake{uuid.uuid4().hex[:8]}"
    wanted = {
        "privateNetwork": True,
        "DataLakestorageName": lake,
        "dataLakeNewOrExisting": "new",
        "storageEvents": True,
    }
    made = cloud.deploy(**by_the_file.given | wanted, repo_name="octo/churn", patToken=TOKEN)
    return made.subscribed(real_function())


@pytest.mark.parametrize("make", [of_the_file, with_everything])
def test_a_second_deployment_changes_nothing(
    cloud: Cloud, by_the_file: Deployed, make: Callable[[Cloud, Deployed], Deployed]
) -> None:
    deployed = make(cloud, by_the_file)
    before, listed = deployed.resources(), everything(deployed)
    assert len(before) > 30
    changes = {change.resource_id: str(change.change_type.value) for change in deployed.what_if()}
    assert set(changes.values()) <= {"NoChange", "Ignore"}
    told = {key for key, kind in changes.items() if kind == "NoChange"}
    assert told == {key for key in before if key.startswith("/")}
    deployed.again()
    assert deployed.resources() == before
    assert everything(deployed) == listed


def everything(deployed: Deployed) -> list[str]:
    """Ids of what ARM lists in the group."""
    return sorted(each["id"] for each in deployed.cloud.ask("GET", f"{deployed.group}/resources").json()["value"])


def test_what_if_tells_the_one_thing_that_a_new_value_changes(by_the_file: Deployed) -> None:
    """So that the test above could fail."""
    changed = Deployed(by_the_file.cloud, by_the_file.group, by_the_file.given | {"computeMaxNodes": 3})
    (change,) = [each for each in changed.what_if() if each.change_type not in ("NoChange", "Ignore")]
    assert (change.change_type, ids.name_of(change.resource_id)) == ("Modify", "githubcluster")
    (delta,) = change.delta
    assert (delta.path, delta.before, delta.after) == ("properties.properties.scaleSettings.maxNodeCount", 2, 3)


def test_subscriptions_cannot_be_made_before_the_code_is_there(cloud: Cloud, by_the_file: Deployed) -> None:
    from azure.core.exceptions import HttpResponseError

    deployed = cloud.deploy(**by_the_file.given)
    with pytest.raises(HttpResponseError) as failed:
        deployed.again(deployEventSubscriptions=True)
    assert failed.value.error.code == "DeploymentFailed"
    (detail,) = failed.value.error.details
    assert (detail.code, detail.message) == ("Endpoint validation", "Destination endpoint not found.")
    assert deployed.get(SUBSCRIPTION) is None
    deployed.subscribed(clouds.PROBE)
    assert deployed.there(SUBSCRIPTION)["properties"]["provisioningState"] == "Succeeded"


def test_a_credential_that_is_not_given_again_stays(cloud: Cloud, by_the_file: Deployed) -> None:
    deployed = cloud.deploy(**by_the_file.given, patToken=TOKEN).publish(clouds.PROBE)
    deployed.again(patToken="")
    assert deployed.environment()["GITHUB_TOKEN"] == TOKEN
    deployed.again(gitHubAppId="77", gitHubAppPrivateKey=KEY)
    environment = deployed.environment()
    assert (environment["GITHUB_APP_ID"], environment["GITHUB_APP_PRIVATE_KEY"]) == ("77", KEY)
    assert environment["GITHUB_TOKEN"] == ""


@pytest.mark.parametrize("vault", ["new", "existing"])
def test_a_secret_is_nowhere_but_in_the_vault(cloud: Cloud, by_the_file: Deployed, vault: str) -> None:
    given = dict(by_the_file.given)
    if vault == "existing":
        elsewhere, name = cloud.group(), f"kv{uuid.uuid4().hex[:8]}"
        cloud.put(f"{elsewhere}/providers/Microsoft.KeyVault/vaults/{name}", bodies.VAULT)
        given |= {"keyVaultNewOrExisting": "existing", "keyVaultName": name}
        given |= {"keyVaultResourceGroupName": ids.name_of(elsewhere)}
    deployed = cloud.deploy(**given, patToken=TOKEN, gitHubAppPrivateKey=KEY)
    deployed.again(gitHubAppId="77")
    deployment = f"{deployed.group}/providers/Microsoft.Resources/deployments/infra"
    seen = {key: json.dumps(body) for key, body in deployed.resources().items()}
    seen["deployment"] = cloud.ask("GET", deployment).text
    seen["operations"] = cloud.ask("GET", f"{deployed.group}/deployments/infra/operations").text
    seen["template"] = cloud.ask("POST", f"{deployment}/exportTemplate").text
    seen["what-if"] = json.dumps([change.as_dict() for change in deployed.what_if()])
    requests = command("requests", "--json", "--last", "0", state=cloud.emulator.state)
    assert ids.name_of(deployed.group) in requests.stdout
    seen["requests"] = requests.stdout
    if vault == "existing":
        nested = (
            f"{elsewhere}/providers/Microsoft.Resources/deployments/{deployed.outputs['functionAppName']}-key-vault"
        )
        seen["nested deployment"] = cloud.ask("GET", nested).text
        assert "secretValue" in seen["nested deployment"]
    seen |= {str(file): file.read_text() for file in cloud.emulator.state.glob("*.log*")}
    assert '"patToken"' in seen["deployment"]
    assert "secrets/github-app-private-key" in seen["app settings"]
    for where, text in seen.items():
        assert "TOPSECRET" not in text, where
