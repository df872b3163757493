"""aml-compute as a step of a job."""

import json
from types import SimpleNamespace

import pytest
from azure.core.exceptions import HttpResponseError
from support.steps import CREDENTIALS

from aml_actions.workspace import WorkspaceRef, write

UNREACHABLE = json.dumps(
    {
        "clientId": "a",
        "clientSecret": "secret-of-nobody",
        "tenantId": "b",
        "subscriptionId": "c",
        "resourceManagerEndpointUrl": "https://127.0.0.1:9",
    }
)


def test_a_missing_cluster_is_created_as_described(step, compute, leaves_no_secret):
    outcome = step(
        "aml-compute",
        {
            "name": "cpu-cluster",
            "compute_type": "amlcluster",
            "vm_size": "Standard_D2s_v3",
            "vm_priority": "lowpriority",
            "min_nodes": 0,
            "max_nodes": 2,
            "idle_seconds_before_scaledown": 300,
            "remote_login_port_public_access": "Disabled",
            "identity_type": "SystemAssigned",
        },
    )
    assert outcome.code == 0, outcome.log
    made = compute("cpu-cluster")
    inner = made["properties"]["properties"]
    assert made["properties"]["computeType"] == "AmlCompute"
    assert inner["vmSize"].lower() == "standard_d2s_v3"
    assert inner["vmPriority"] == "LowPriority"
    assert inner["scaleSettings"]["minNodeCount"] == 0
    assert inner["scaleSettings"]["maxNodeCount"] == 2
    assert inner["scaleSettings"]["nodeIdleTimeBeforeScaleDown"] == "PT5M"
    assert inner["remoteLoginPortPublicAccess"] == "Disabled"
    assert made["identity"]["type"] == "SystemAssigned"
    assert made["tags"]["repository"] == "octo/credit-risk"
    assert outcome.outputs["compute_name"] == "cpu-cluster"
    assert outcome.result["created"] is True
    assert outcome.result["provisioning_state"] == "Succeeded"
    for part in ("cpu-cluster", "LowPriority", "0 to 2", "Succeeded", "created in"):
        assert part in outcome.summary
    leaves_no_secret(outcome)


def test_the_defaults_are_the_legacy_ones(step, compute):
    assert step("aml-compute", {"name": "plain", "compute_type": "amlcluster"}).code == 0
    inner = compute("plain")["properties"]["properties"]
    assert inner["vmSize"].lower() == "standard_ds3_v2"
    assert inner["vmPriority"] == "Dedicated"
    assert (inner["scaleSettings"]["minNodeCount"], inner["scaleSettings"]["maxNodeCount"]) == (0, 4)
    assert inner["scaleSettings"]["nodeIdleTimeBeforeScaleDown"] == "PT2M"


def test_an_existing_cluster_is_found_and_stays_as_it_is(step, compute, cpu):
    described = {"name": cpu, "compute_type": "amlcluster", "max_nodes": 2}
    assert step("aml-compute", described).code == 0
    before = compute(cpu)
    outcome = step("aml-compute", described)
    assert outcome.code == 0, outcome.log
    assert outcome.result["created"] is False
    assert "found in" in outcome.summary
    assert "::warning" not in outcome.log
    assert compute(cpu) == before


def test_an_existing_cluster_that_differs_is_warned_of_and_not_changed(step, compute, cpu):
    assert step("aml-compute", {"name": cpu, "compute_type": "amlcluster"}).code == 0
    before = compute(cpu)
    outcome = step("aml-compute", {"name": cpu, "compute_type": "akscluster"})
    assert outcome.code == 0, outcome.log
    assert "it is AmlCompute, not akscluster" in outcome.log
    outcome = step(
        "aml-compute",
        {
            "name": cpu,
            "vm_size": "Standard_NC6",
            "vm_priority": "lowpriority",
            "max_nodes": 9,
            "compute_type": "amlcluster",
        },
    )
    assert outcome.code == 0, outcome.log
    for part in (
        "its vm_size is Standard_DS3_v2, not Standard_NC6",
        "its vm_priority is dedicated, not lowpriority",
        "its max_nodes is 4, not 9",
    ):
        assert part in outcome.log
    assert compute(cpu) == before


def test_a_cluster_in_a_virtual_network_of_another_resource_group(step, compute, emulator):
    network = {"vnet_resource_group_name": "rg-network", "vnet_name": "ml-net", "subnet_name": "training"}
    outcome = step("aml-compute", {"name": "inside", "compute_type": "amlcluster", **network})
    assert outcome.code == 0, outcome.log
    assert compute("inside")["properties"]["properties"]["subnet"]["id"] == (
        f"/subscriptions/{emulator.identity['subscriptionId']}/resourceGroups/rg-network"
        "/providers/Microsoft.Network/virtualNetworks/ml-net/subnets/training"
    )


def test_a_part_of_a_virtual_network_is_warned_of(step, compute):
    outcome = step(
        "aml-compute", {"name": "outside", "compute_type": "amlcluster", "vnet_name": "ml-net", "subnet_name": ""}
    )
    assert outcome.code == 0, outcome.log
    assert outcome.log.count("made outside a virtual network") == 1
    assert not compute("outside")["properties"]["properties"].get("subnet")


def test_the_ssh_user_comes_from_masked_secrets(step, compute):
    password = "pass~Word-of-ssh-1"
    outcome = step(
        "aml-compute",
        {"name": "ssh", "compute_type": "amlcluster"},
        ADMIN_USER_NAME="azureuser",
        ADMIN_USER_PASSWORD=password,
    )
    assert outcome.code == 0, outcome.log
    assert f"::add-mask::{password}" in outcome.log
    assert password not in outcome.log.replace(f"::add-mask::{password}", "") + outcome.summary
    assert compute("ssh")["properties"]["properties"]["userAccountCredentials"]["adminUserName"] == "azureuser"


def test_half_of_an_ssh_user_is_warned_of(step, team, cpu):
    outcome = step("aml-compute", {"name": cpu, "compute_type": "amlcluster"}, ADMIN_USER_NAME="azureuser")
    assert outcome.code == 0, outcome.log
    assert "No SSH user is made" in outcome.log


def test_a_missing_target_without_a_type_is_an_error(step, team):
    outcome = step("aml-compute", {"name": "cpu"})
    assert outcome.code == 1
    assert (
        "The compute target cpu does not exist, and without compute_type it cannot be created."
        in outcome.annotations[0]
    )
    assert outcome.outputs == {}


def test_without_a_workspace_the_missing_step_is_named(step):
    outcome = step("aml-compute", {"name": "cpu", "compute_type": "amlcluster"})
    assert outcome.code == 1
    assert "run aml-workspace first" in outcome.annotations[0]


def test_a_workspace_that_was_deleted_meanwhile_is_named(step, workspace, emulator):
    """The hand-off file of an earlier run on a self-hosted runner."""
    write(WorkspaceRef(emulator.identity["subscriptionId"], "rg-gone", "ws-gone"), SimpleNamespace(workspace=workspace))
    outcome = step("aml-compute", {"name": "cpu"})
    assert outcome.code == 1
    assert "rg-gone" in outcome.annotations[0]
    assert "looking for compute cpu" in outcome.annotations[0]
    assert "Traceback" not in outcome.log


def test_the_default_name_is_cut_from_the_repository(step, team, compute):
    outcome = step("aml-compute", {"compute_type": "amlcluster"}, GITHUB_REPOSITORY="octo/credit_risk.of-customers")
    assert outcome.code == 0, outcome.log
    assert outcome.outputs["compute_name"] == "credit-risk-of-c"
    assert compute("credit-risk-of-c")


@pytest.mark.parametrize("repository", ["octo/local", "octo/123"])
def test_a_repository_name_that_cannot_be_a_compute_name(step, repository):
    outcome = step(
        "aml-compute", {"compute_type": "amlcluster"}, credentials=json.dumps(CREDENTIALS), GITHUB_REPOSITORY=repository
    )
    assert outcome.code == 1
    assert "The name of the repository cannot be the name of the compute target." in outcome.annotations[0]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"name": "local"}, "Azure ML keeps amlcompute, containerinstance, local for itself"),
        ({"name": "AmlCompute"}, "Azure ML keeps"),
        ({"name": "cpu_cluster"}, "2 to 32 letters, digits and dashes"),
        ({"name": "1cpu"}, "the first one a letter"),
        ({"name": "cpu-"}, "the last one no dash"),
        ({"name": "a" * 33}, "2 to 32 letters"),
        ({"name": "my cpu"}, "no spaces"),
        ({"name": "<your-cluster-name>"}, "still has the placeholder of a sample"),
        ({"compute_type": "Machine Learning compute"}, "'amlcluster' or 'akscluster'"),
        ({"compute_type": "my-amlcluster-x"}, "'amlcluster' or 'akscluster'"),
        ({"vm_priority": "spot"}, "'dedicated' or 'lowpriority'"),
        ({"min_nodes": -1}, "greater than or equal to 0"),
        ({"max_nodes": 0}, "greater than or equal to 1"),
        ({"idle_seconds_before_scaledown": -1}, "greater than or equal to 0"),
        ({"idle_seconds_before_scaledown": "soon"}, "an integer"),
        ({"remote_login_port_public_access": "Open"}, "'Enabled', 'Disabled' or 'NotSpecified'"),
        ({"identity_type": "None"}, "'SystemAssigned' or 'UserAssigned'"),
        ({"identity_id": "/subscriptions/x"}, "an array"),
        ({"agent_count": 0}, "greater than or equal to 1"),
        ({"cluster_purpose": "Fun"}, "'DevTest' or 'FastProd'"),
        ({"load_balancer_type": "None"}, "'PublicIp' or 'InternalLoadBalancer'"),
        ({"resource_id": "aks"}, "or the short form Microsoft.ContainerService/managedClusters/<name>"),
        ({"namespace": "My Space"}, "1 to 63 lower-case letters"),
        (
            {"compute_type": "amlcluster", "resource_id": "Microsoft.ContainerService/managedClusters/aks"},
            "compute_type and resource_id contradict each other",
        ),
        ({"min_nodes": 5}, "max_nodes (4) at least min_nodes (5)"),
        ({"identity_type": "UserAssigned"}, "identity_id with at least one resource id"),
    ],
)
def test_what_cannot_be_right_is_refused_before_azure_is_asked(step, parameters, said):
    outcome = step("aml-compute", parameters, credentials=UNREACHABLE)
    assert outcome.code == 1
    assert said in outcome.annotations[0]


def test_the_spellings_of_real_files_are_understood(step, team, compute, cpu):
    """`"300"` in quotes and keys in camelCase occur in public repositories."""
    outcome = step(
        "aml-compute",
        {"name": f" {cpu} ", "computeType": "amlcluster", "idle_seconds_before_scaledown": "300", "min_node": 1},
    )
    assert outcome.code == 0, outcome.log
    inner = compute(cpu)["properties"]["properties"]
    assert inner["scaleSettings"]["nodeIdleTimeBeforeScaleDown"] == "PT5M"
    assert inner["scaleSettings"]["minNodeCount"] == 0
    assert "did you mean min_nodes?" in outcome.log


def test_a_password_in_the_file_is_not_used_not_shown_and_warned_of(step, team, compute, cpu):
    password = "in~The-history-of-git-1"
    outcome = step(
        "aml-compute",
        {
            "name": cpu,
            "compute_type": "amlcluster",
            "admin_username": "azureuser",
            "admin_user_password": password,
            "adminUserSshKey": "ssh-rsa AAAA-of-somebody",
        },
    )
    assert outcome.code == 0, outcome.log
    everything = outcome.log + outcome.summary + repr(outcome.outputs)
    assert password not in everything
    assert "AAAA-of-somebody" not in everything
    assert not compute(cpu)["properties"]["properties"].get("userAccountCredentials")
    [warning] = [line for line in outcome.log.splitlines() if "These keys are never read" in line]
    for part in (
        "admin_username, admin_user_password, adminUserSshKey",
        "ADMIN_USER_NAME and ADMIN_USER_PASSWORD or ADMIN_USER_SSH_KEY",
        "what stands in admin_user_password, adminUserSshKey is in the history of Git",
        "file=.cloud/.azure/compute.json",
    ):
        assert part in warning


def test_a_cluster_that_fails_while_it_is_made_is_not_left_behind(step, team, compute, cpu):
    outcome = step("aml-compute", {"name": cpu, "compute_type": "amlcluster", "vm_size": "Standard_NOPE"})
    assert outcome.code == 1
    [annotation] = outcome.annotations
    assert "does not offer machines of the size Standard_NOPE" in annotation
    assert f"The failed compute {cpu} was deleted again." in annotation
    assert "(VmSizeNotSupported)" in annotation
    with pytest.raises(HttpResponseError) as missing:
        compute(cpu)
    assert missing.value.status_code == 404
