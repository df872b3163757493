"""aml-workspace as a step of a job."""

import io
import json
import re
import uuid

import pytest
import requests
from support.azure_resources import smallest_body
from support.emulator import sign_in
from support.steps import CREDENTIALS, step_environment, write_parameters


@pytest.fixture
def names():
    """Name and resource group that no other test uses."""
    unique = uuid.uuid4().hex[:8]
    return {"name": f"ws-{unique}", "resource_group": f"rg-{unique}"}


@pytest.fixture
def put_resource(emulator):
    """Make one of the resources that a workspace rests on, as another team would have."""
    token = sign_in(emulator).json()["access_token"]

    def put(path):
        answer = requests.put(
            f"{emulator.base_url}/subscriptions/{emulator.identity['subscriptionId']}{path}",
            params={"api-version": "2023-01-01"},
            json=smallest_body(path),
            headers={"Authorization": f"Bearer {token}"},
            verify=emulator.env["REQUESTS_CA_BUNDLE"],
            timeout=30,
        )
        assert answer.ok, answer.text
        return answer.json()

    return put


def prepared(workspace, parameters):
    """The step in this process, before anything is asked of Azure."""
    from aml_actions.step import prepare
    from aml_actions.workflow import Workflow
    from aml_workspace.spec import ACTION

    write_parameters(workspace, "workspace.json", parameters)
    inputs = {"azure_credentials": json.dumps(CREDENTIALS)}
    environ = step_environment(workspace.parent / "runner", workspace, inputs, {})
    outputs = {output.name for output in ACTION.outputs}
    return prepare(ACTION, environ, Workflow.from_environment(environ, io.StringIO(), outputs))


def exists(arm, path, version="2024-10-01"):
    from azure.core.exceptions import HttpResponseError

    try:
        return arm(path, version)
    except HttpResponseError as error:
        if error.status_code == 404:
            return None
        raise


def workspace_path(names):
    return f"/resourceGroups/{names['resource_group']}/providers/Microsoft.MachineLearningServices/workspaces/{names['name']}"


def group_path(names):
    return f"/resourceGroups/{names['resource_group']}"


def test_a_missing_workspace_is_created_with_its_resource_group(
    step, arm, names, workspace, emulator, leaves_no_secret
):
    outcome = step(
        "aml-workspace", {**names, "create_workspace": True, "location": "westeurope", "friendly_name": "ML team"}
    )
    assert outcome.code == 0, outcome.log
    made = arm(workspace_path(names))
    assert made["location"] == "westeurope"
    assert made["properties"]["friendlyName"] == "ML team"
    assert made["tags"]["repository"] == "octo/credit-risk"
    assert made["tags"]["workflow-run"] == "https://github.com/octo/credit-risk/actions/runs/4711"
    assert arm(group_path(names), "2022-09-01")["location"] == "westeurope"
    assert outcome.result["created"] is True
    assert outcome.outputs["workspace_name"] == names["name"]
    assert outcome.outputs["resource_group"] == names["resource_group"]
    assert outcome.outputs["subscription_id"] == emulator.identity["subscriptionId"]
    assert names["name"] in outcome.summary
    assert outcome.outputs["studio_url"] in outcome.summary
    assert "created in" in outcome.summary
    leaves_no_secret(outcome)


def test_the_link_to_the_studio_opens(step, names, emulator):
    outcome = step("aml-workspace", {**names, "create_workspace": True, "location": "westeurope"})
    assert outcome.code == 0, outcome.log
    page = requests.get(outcome.outputs["studio_url"], verify=emulator.env["REQUESTS_CA_BUNDLE"], timeout=30)
    assert page.status_code == 200
    assert outcome.outputs["studio_url"].startswith(f"{emulator.base_url}/?wsid=/subscriptions/")


def test_the_second_run_finds_it_and_changes_nothing(step, arm, names):
    first = step("aml-workspace", {**names, "create_workspace": True, "location": "westeurope"})
    assert first.code == 0, first.log
    before = arm(workspace_path(names))
    second = step(
        "aml-workspace", {**names, "create_workspace": True, "location": "eastus", "friendly_name": "Another name"}
    )
    assert second.code == 0, second.log
    assert second.result["created"] is False
    assert second.result["location"] == "westeurope"
    assert "found in" in second.summary
    assert arm(workspace_path(names)) == before


def test_the_hand_off_file_is_read_by_both_sdks(step, names, workspace, emulator):
    outcome = step("aml-workspace", {**names, "create_workspace": True, "location": "westeurope"})
    assert outcome.code == 0, outcome.log
    content = json.loads((workspace / ".azureml" / "aml_arm_config.json").read_text())
    subscription = emulator.identity["subscriptionId"]
    assert content == {
        "Id": None,
        "Scope": f"/subscriptions/{subscription}{workspace_path(names)}",
        "subscription_id": subscription,
        "resource_group": names["resource_group"],
        "workspace_name": names["name"],
    }


def test_an_existing_resource_group_gives_its_region(step, arm, names):
    """The workspace lies where its resource group lies, unless a location is given."""
    other = {**names, "name": f"{names['name']}-2"}
    assert step("aml-workspace", {**names, "create_workspace": True, "location": "northeurope"}).code == 0
    outcome = step("aml-workspace", {**other, "create_workspace": True})
    assert outcome.code == 0, outcome.log
    assert arm(workspace_path(other))["location"] == "northeurope"


def test_a_missing_workspace_that_may_not_be_created_is_an_error_and_nothing_is_made(step, arm, names, workspace):
    outcome = step("aml-workspace", names)
    assert outcome.code == 1
    (annotation,) = outcome.annotations
    assert annotation.startswith(
        f"The workspace {names['name']} (resource group {names['resource_group']}, subscription "
    )
    assert "does not exist." in annotation
    assert "set create_workspace to true" in annotation
    assert outcome.outputs == {}
    assert exists(arm, group_path(names), "2022-09-01") is None
    assert not (workspace / ".azureml").exists(), "a later step must not find a workspace that is not there"


def test_without_a_region_the_resource_group_cannot_be_made(step, arm, names):
    outcome = step("aml-workspace", {**names, "create_workspace": True})
    assert outcome.code == 1
    assert "without a region it cannot be created" in outcome.annotations[0]
    assert exists(arm, group_path(names), "2022-09-01") is None


def test_the_resource_group_is_not_made_when_that_is_not_wanted(step, arm, names):
    outcome = step(
        "aml-workspace", {**names, "create_workspace": True, "create_resource_group": False, "location": "westeurope"}
    )
    assert outcome.code == 1
    assert f"az group create --name {names['resource_group']}" in outcome.annotations[0]
    assert exists(arm, group_path(names), "2022-09-01") is None


def test_without_a_file_the_repository_names_everything(step, arm):
    """As the README of the legacy action promised."""
    outcome = step("aml-workspace")
    assert outcome.code == 1
    assert "The workspace credit-risk (resource group credit-risk, " in outcome.annotations[0]


def test_a_repository_name_that_is_no_workspace_name_is_adapted_and_told(step):
    outcome = step("aml-workspace", GITHUB_REPOSITORY="octo/credit.risk")
    assert (
        "::notice title=aml-workspace::The workspace is named credit-risk, after the repository credit.risk."
        in outcome.log
    )
    assert "The workspace credit-risk (resource group credit.risk, " in outcome.annotations[0]


def test_a_wrong_secret_is_explained(step, emulator, names):
    wrong = {**emulator.identity, "clientSecret": "not~the-secret-of-it"}
    outcome = step("aml-workspace", {**names, "create_workspace": True}, credentials=json.dumps(wrong))
    assert outcome.code == 1
    (annotation,) = outcome.annotations
    assert "AADSTS7000215" in annotation
    assert "az ad app credential reset" in annotation
    assert "Traceback" not in outcome.log
    assert "not~the-secret-of-it" not in outcome.log.replace("::add-mask::not~the-secret-of-it", "")


def test_an_unknown_tenant_is_explained(step, emulator, names):
    wrong = {**emulator.identity, "tenantId": str(uuid.uuid4())}
    outcome = step("aml-workspace", names, credentials=json.dumps(wrong))
    assert outcome.code == 1
    assert "there is no such tenant in this cloud" in outcome.annotations[0]
    assert wrong["tenantId"] in outcome.annotations[0]
    assert "Traceback" not in outcome.log


def test_an_endpoint_that_nobody_answers_is_explained(step, emulator, names):
    wrong = {**emulator.identity, "resourceManagerEndpointUrl": "https://127.0.0.1:9/"}
    outcome = step("aml-workspace", names, credentials=json.dumps(wrong))
    assert outcome.code == 1
    assert "resourceManagerEndpointUrl of azure_credentials does not describe a cloud" in outcome.annotations[0]
    assert "https://127.0.0.1:9" in outcome.annotations[0]


def test_a_certificate_that_is_not_trusted_is_explained(step, names):
    outcome = step("aml-workspace", names, REQUESTS_CA_BUNDLE="")
    assert outcome.code == 1
    assert "the TLS certificate is not trusted" in outcome.annotations[0]
    assert "REQUESTS_CA_BUNDLE" in outcome.annotations[0]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"name": "my workspace"}, "3 to 33 letters"),
        ({"name": "ab"}, "3 to 33 letters"),
        ({"name": "<your-workspace-name>"}, "still has the placeholder of a sample"),
        ({"resource_group": "rg."}, "not ending with a period"),
        ({"resource_group": "rg team"}, "no spaces"),
        ({"storage_account": "mlteam"}, "or the short form Microsoft.Storage/storageAccounts/<name>"),
        ({"key_vault": "Microsoft.Storage/storageAccounts/x"}, "or the short form Microsoft.KeyVault/vaults/<name>"),
        ({"app_insights": "x"}, "or the short form Microsoft.Insights/components/<name>"),
        ({"container_registry": "x"}, "or the short form Microsoft.ContainerRegistry/registries/<name>"),
        ({"cmk_key_vault": "x"}, "or the short form Microsoft.KeyVault/vaults/<name>"),
        ({"resource_cmk_uri": "keys/ml"}, "https://"),
        ({"create_workspace": 1}, "true or false"),
    ],
)
def test_a_name_or_key_that_cannot_be_right_is_refused_before_azure_is_asked(step, parameters, said):
    unreachable = json.dumps(
        {
            "clientId": "a",
            "clientSecret": "secret-of-nobody",
            "tenantId": "b",
            "subscriptionId": "c",
            "resourceManagerEndpointUrl": "https://127.0.0.1:9",
        }
    )
    outcome = step("aml-workspace", parameters, credentials=unreachable)
    assert outcome.code == 1
    assert said in outcome.annotations[0]


def test_half_of_an_encryption_key_is_refused_when_the_workspace_must_be_made(step, names, arm):
    parameters = {
        **names,
        "create_workspace": True,
        "location": "westeurope",
        "cmk_key_vault": "Microsoft.KeyVault/vaults/keys",
    }
    outcome = step("aml-workspace", parameters)
    assert outcome.code == 1
    assert "cmk_key_vault needs resource_cmk_uri too" in outcome.annotations[0]
    assert exists(arm, group_path(names), "2022-09-01") is None


def test_the_old_sku_is_accepted_and_warned_of(step, names):
    outcome = step("aml-workspace", {**names, "create_workspace": True, "location": "westeurope", "sku": "basic"})
    assert outcome.code == 0, outcome.log
    assert re.search(
        r"^::warning [^:]*title=aml-workspace[^:]*::The parameter sku \(basic\) is ignored", outcome.log, re.M
    )
    assert outcome.log.count("The parameter sku (basic) is ignored") == 1


def test_every_key_of_a_new_workspace_reaches_azure(step, arm, put_resource, names):
    """Short ids mean the workspace's resource group, whole ones another; hbi and the friendly name too."""
    home = {**names, "name": f"{names['name']}-0"}
    assert step("aml-workspace", {**home, "create_workspace": True, "location": "westeurope"}).code == 0
    unique = names["name"].removeprefix("ws-")
    short = {
        "storage_account": f"Microsoft.Storage/storageAccounts/st{unique}",
        "key_vault": f"Microsoft.KeyVault/vaults/kv{unique}",
        "app_insights": f"microsoft.insights/components/ai{unique}",
    }
    for resource in short.values():
        put_resource(f"{group_path(names)}/providers/{resource}")
    elsewhere = f"/resourceGroups/{home['resource_group']}/providers/Microsoft.ContainerRegistry/registries/cr{unique}"
    whole = put_resource(elsewhere)["id"]
    outcome = step(
        "aml-workspace",
        {
            **names,
            **short,
            "container_registry": whole,
            "create_workspace": True,
            "create_resource_group": False,
            "location": "northeurope",
            "friendly_name": "ML team",
            "hbi_workspace": True,
        },
    )
    assert outcome.code == 0, outcome.log
    made = arm(workspace_path(names))
    inner = made["properties"]
    group = made["id"].partition("/providers/")[0]
    assert made["location"] == "northeurope"
    assert (inner["friendlyName"], inner["hbiWorkspace"]) == ("ML team", True)
    for key, field in (
        ("storage_account", "storageAccount"),
        ("key_vault", "keyVault"),
        ("app_insights", "applicationInsights"),
    ):
        assert inner[field].lower() == f"{group}/providers/{short[key]}".lower(), key
    assert inner["containerRegistry"] == whole


def test_names_with_spaces_around_them_are_read_without(step, arm, names):
    """As in the report of a user, whose resource group was asked for as `mlops-ga-rg%20`."""
    spaced = {key: f" {value} " for key, value in names.items()}
    outcome = step("aml-workspace", {**spaced, "create_workspace": True, "location": " westeurope "})
    assert outcome.code == 0, outcome.log
    assert arm(workspace_path(names))["location"] == "westeurope"


def test_the_spellings_of_real_files_are_understood(step, names, arm):
    """camelCase, booleans as texts, comments: all of them occur in public repositories."""
    text = json.dumps({"name": names["name"], "resourceGroup": names["resource_group"], "createWorkspace": "true"})
    outcome = step("aml-workspace", text.replace("}", ', "location": "westeurope", // the nearest\n}'))
    assert outcome.code == 0, outcome.log
    assert arm(workspace_path(names))
    for part in ("resourceGroup is written resource_group", "createWorkspace is written create_workspace"):
        assert part in outcome.log


def test_the_subscription_of_the_file_wins_over_the_one_of_the_credentials(step, names, emulator):
    """As with SDK v1: aml-workspace writes the file, the later steps believe it."""
    assert step("aml-workspace", {**names, "create_workspace": True, "location": "westeurope"}).code == 0
    other = json.dumps({**emulator.identity, "subscriptionId": str(uuid.uuid4())})
    outcome = step("aml-compute", {"name": "cpu", "compute_type": "amlcluster"}, credentials=other)
    assert outcome.code == 0, outcome.log
    assert f"/subscriptions/{emulator.identity['subscriptionId']}/" in outcome.result["studio_url"]


def test_a_refusal_is_no_reason_to_create(workspace):
    """403 is not 404. The sentence names the subscription, the resource group and the workspace."""
    from azure.core.exceptions import HttpResponseError

    from aml_actions.errors import ActionError
    from aml_workspace.action import work

    refused = prepared(workspace, {"name": "ws-1", "resource_group": "rg-1", "create_workspace": True})

    class Refusing:
        """Azure's answer to a principal without a role; the emulator's principal has them all."""

        def get(self, *_, **__):
            error = HttpResponseError(
                "(AuthorizationFailed) The client 'x' does not have authorization to perform action "
                "'Microsoft.MachineLearningServices/workspaces/read' over scope "
                "'/subscriptions/s/resourceGroups/rg-1/providers/Microsoft.MachineLearningServices/workspaces/ws-1'."
            )
            error.status_code = 403
            raise error

    refused._rest = Refusing()
    refused.ml_client = pytest.fail
    with pytest.raises(ActionError) as caught:
        work(refused)
    subscription = CREDENTIALS["subscriptionId"]
    assert f"workspace ws-1 (resource group rg-1, subscription {subscription})" in caught.value.what
    assert "(403" in caught.value.what
    assert not (workspace / ".azureml").exists()


def test_the_step_of_a_real_job(step, names, actions_home):
    """Through run.sh, in the environment of the locked packages, as action.yml starts it."""
    from support.steps import RUN

    outcome = step(
        "aml-workspace",
        {**names, "create_workspace": True, "location": "westeurope"},
        command=[str(RUN)],
        AML_ACTIONS_HOME=str(actions_home),
    )
    assert outcome.code == 0, outcome.log
    assert outcome.result["created"] is True
