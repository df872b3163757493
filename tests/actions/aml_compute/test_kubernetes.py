"""aml-compute attaches a Kubernetes cluster, and finds an attached one."""

import pytest
from azure.core.exceptions import HttpResponseError

CLUSTER = "Microsoft.ContainerService/managedClusters/inference"
ANOTHER = "Microsoft.ContainerService/managedClusters/another"
IDENTITY = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/train"


@pytest.fixture
def k8s(cpu):
    """A compute name that no other test uses."""
    return cpu.replace("cpu", "k8s")


def cluster_id(team, cluster=CLUSTER, group=None):
    return f"/subscriptions/{team.subscription_id}/resourceGroups/{group or team.resource_group}/providers/{cluster}"


def test_a_cluster_is_attached_by_its_short_id(step, team, compute, k8s, leaves_no_secret):
    outcome = step(
        "aml-compute",
        {
            "name": k8s,
            "compute_type": "akscluster",
            "resource_id": CLUSTER,
            "cluster_resource_group": "rg-k8s",
            "namespace": "azureml",
            "identity_type": "SystemAssigned",
        },
    )
    assert outcome.code == 0, outcome.log
    made = compute(k8s)
    assert made["properties"]["computeType"] == "Kubernetes"
    assert made["properties"]["resourceId"] == cluster_id(team, group="rg-k8s")
    assert made["properties"]["properties"]["namespace"] == "azureml"
    assert made["identity"]["type"] == "SystemAssigned"
    assert made["tags"]["repository"] == "octo/credit-risk"
    assert outcome.outputs["compute_name"] == k8s
    assert outcome.result["compute_type"] == "Kubernetes"
    assert outcome.result["resource_id"] == cluster_id(team, group="rg-k8s")
    assert outcome.result["namespace"] == "azureml"
    assert outcome.result["created"] is True
    for part in ("attached in", "azureml", cluster_id(team, group="rg-k8s")):
        assert part in outcome.summary
    assert "::warning" not in outcome.log
    leaves_no_secret(outcome)


def test_the_resource_id_alone_says_what_is_wanted(step, team, compute, k8s):
    outcome = step("aml-compute", {"name": k8s, "resource_id": cluster_id(team)})
    assert outcome.code == 0, outcome.log
    assert compute(k8s)["properties"]["resourceId"] == cluster_id(team)
    assert compute(k8s)["properties"]["properties"]["namespace"] == "default"


def test_an_attached_cluster_is_found_and_stays_as_it_is(step, team, compute, k8s):
    described = {"name": k8s, "resource_id": CLUSTER}
    assert step("aml-compute", described).code == 0
    before = compute(k8s)
    for again in (described, {"name": k8s, "compute_type": "akscluster"}, {"name": k8s}):
        outcome = step("aml-compute", again)
        assert outcome.code == 0, outcome.log
        assert outcome.result["created"] is False
        assert "found in" in outcome.summary
        assert "::warning" not in outcome.log
    assert compute(k8s) == before


def test_an_attached_cluster_that_differs_is_warned_of_and_not_changed(step, team, compute, k8s):
    assert step("aml-compute", {"name": k8s, "resource_id": CLUSTER}).code == 0
    before = compute(k8s)
    outcome = step("aml-compute", {"name": k8s, "resource_id": ANOTHER, "namespace": "azureml"})
    assert outcome.code == 0, outcome.log
    assert f"it stands for {cluster_id(team)}, not {cluster_id(team, ANOTHER)}" in outcome.log
    assert "its namespace is default, not azureml" in outcome.log
    outcome = step("aml-compute", {"name": k8s, "compute_type": "amlcluster"})
    assert outcome.code == 0, outcome.log
    assert "it is Kubernetes, not amlcluster" in outcome.log
    assert compute(k8s) == before


def test_the_keys_of_the_cluster_itself_do_not_stop_a_step_that_finds_it(step, team, k8s):
    """A file of the old action, for a cluster that is attached meanwhile."""
    assert step("aml-compute", {"name": k8s, "resource_id": CLUSTER}).code == 0
    outcome = step(
        "aml-compute", {"name": k8s, "compute_type": "akscluster", "agent_count": 3, "cluster_purpose": "DevTest"}
    )
    assert outcome.code == 0, outcome.log
    assert outcome.log.count("These parameters have no effect: agent_count, cluster_purpose.") == 1


def test_the_keys_of_the_cluster_itself_cannot_be_applied_when_it_is_attached(step, team, compute, k8s):
    outcome = step("aml-compute", {"name": k8s, "resource_id": CLUSTER, "agent_count": 3, "ssl_cname": "x"})
    assert outcome.code == 1
    assert "these parameters cannot be applied to it: agent_count, ssl_cname" in outcome.annotations[0]
    assert "az aks create" in outcome.annotations[0]
    assert not exists(compute, k8s)


def test_a_cluster_that_is_nowhere_is_an_error_with_the_way_out(step, team, k8s):
    outcome = step("aml-compute", {"name": k8s, "compute_type": "akscluster", "agent_count": 3, "ssl_cname": "x"})
    assert outcome.code == 1
    (annotation,) = outcome.annotations
    for part in (
        f"The Kubernetes cluster {k8s} is not attached to the workspace, and SDK v2 cannot create one.",
        "keys of the cluster itself: agent_count, ssl_cname",
        "az aks create",
        "Microsoft.AzureML.Kubernetes",
        '"resource_id": "Microsoft.ContainerService/managedClusters/<cluster>" to .cloud/.azure/compute.json',
    ):
        assert part in annotation
    assert f"az aks create --name {k8s} --resource-group {team.resource_group} --node-count 3" in outcome.summary
    assert outcome.outputs == {}


def test_a_user_assigned_identity_of_the_attached_cluster(step, team, compute, k8s):
    outcome = step(
        "aml-compute",
        {"name": k8s, "resource_id": CLUSTER, "identity_type": "UserAssigned", "identity_id": [IDENTITY]},
    )
    assert outcome.code == 0, outcome.log
    assert list(compute(k8s)["identity"]["userAssignedIdentities"]) == [IDENTITY]


def test_what_sdk_v1_attached_is_found_with_a_word_on_its_use(step, team, put_compute, k8s):
    put_compute(k8s, {"computeType": "AKS", "resourceId": cluster_id(team), "properties": {}})
    outcome = step("aml-compute", {"name": k8s, "compute_type": "akscluster"})
    assert outcome.code == 0, outcome.log
    assert outcome.result["compute_type"] == "AKS"
    assert "was attached by SDK v1 (type AKS): online endpoints cannot be deployed to it any more" in outcome.log


def exists(compute, name):
    try:
        return bool(compute(name))
    except HttpResponseError as error:
        if error.status_code == 404:
            return False
        raise
