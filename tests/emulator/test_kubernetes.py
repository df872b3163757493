"""Kubernetes computes, by the real SDK: attached, read, detached, and what cannot be attached."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

Rest = Callable[..., requests.Response]

SUBSCRIPTION = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/clusters/providers"
AKS = f"{SUBSCRIPTION}/Microsoft.ContainerService/managedClusters/blue"
ARC = f"{SUBSCRIPTION}/Microsoft.Kubernetes/connectedClusters/barn"


def body(kind: str = "Kubernetes", resource_id: str | None = AKS, **inner: Any) -> dict[str, Any]:
    return {"properties": {"computeType": kind, "resourceId": resource_id, "properties": inner}}


def settle(rest: Rest, answer: requests.Response) -> None:
    """Wait for the operation that an answer started."""
    assert answer.status_code in (200, 201, 202), answer.text
    address = answer.headers["Azure-AsyncOperation"].split("?")[0]
    while rest("GET", address[address.index("/subscriptions") :]).json()["status"] == "InProgress":
        pass


@pytest.mark.parametrize("cluster", [AKS, ARC], ids=["AKS", "Azure Arc"])
def test_a_cluster_is_attached_read_and_detached(ml: MLClient, cluster: str) -> None:
    from azure.ai.ml.entities import IdentityConfiguration, KubernetesCompute
    from azure.core.exceptions import ResourceNotFoundError

    wanted = KubernetesCompute(
        name="kube",
        resource_id=cluster,
        namespace="models",
        description="of the platform team",
        identity=IdentityConfiguration(type="system_assigned"),
        tags={"made": "here"},
    )
    made = ml.compute.begin_attach(wanted).result()
    assert (made.provisioning_state, made.type, made.resource_id) == ("Succeeded", "kubernetes", cluster)
    found = ml.compute.get("Kube")
    assert isinstance(found, KubernetesCompute)
    assert (found.name, found.namespace, found.description) == ("kube", "models", "of the platform team")
    assert found.tags == {"made": "here"}
    assert found.identity.principal_id
    assert "defaultinstancetype" in found.properties["instanceTypes"]
    assert [compute.name for compute in ml.compute.list(compute_type="kubernetes")] == ["kube"]

    again = ml.compute.begin_attach(wanted).result()  # attaching what is attached changes nothing
    assert again.identity.principal_id == found.identity.principal_id

    ml.compute.begin_delete("kube", action="Detach").result()
    with pytest.raises(ResourceNotFoundError):
        ml.compute.get("kube")


def test_without_a_namespace_it_is_the_cluster_s_default(rest: Rest, workspace_id: str) -> None:
    answer = rest("PUT", f"{workspace_id}/computes/plain", json=body())
    properties = answer.json()["properties"]
    assert (answer.status_code, properties["provisioningState"]) == (201, "Creating")
    assert (properties["properties"]["namespace"], properties["isAttachedCompute"]) == ("default", True)


def test_the_cluster_itself_is_not_deleted_only_detached(rest: Rest, workspace_id: str) -> None:
    path = f"{workspace_id}/computes/kept"
    settle(rest, rest("PUT", path, json=body()))
    answer = rest("DELETE", path, underlyingResourceAction="Delete")
    assert answer.status_code == 501
    assert AKS in answer.json()["error"]["message"]
    assert rest("GET", path).status_code == 200


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (body(resource_id=None), "does not identify a Kubernetes cluster"),
        (body(resource_id="my-cluster"), "does not identify a Kubernetes cluster"),
        (body(resource_id=AKS.replace("managedClusters", "containerGroups")), "does not identify a Kubernetes cluster"),
        (body(namespace="Not_A_Label"), "The namespace 'Not_A_Label' is invalid"),
        (body("AKS", ARC), "does not identify a Kubernetes cluster"),
        (body("AKS", None), "AksCompute creation is no longer supported"),
    ],
)
def test_what_is_no_cluster_is_refused_and_leaves_nothing(
    rest: Rest, workspace_id: str, wanted: dict[str, Any], words: str
) -> None:
    answer = rest("PUT", f"{workspace_id}/computes/refused", json=wanted)
    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]
    assert rest("GET", f"{workspace_id}/computes/refused").status_code == 404


def test_an_attached_cluster_stays_what_it_is(rest: Rest, workspace_id: str) -> None:
    path = f"{workspace_id}/computes/settled"
    settle(rest, rest("PUT", path, json=body(namespace="one")))
    cases = [
        (body(resource_id=ARC, namespace="one"), f"resourceId of compute 'settled' is '{AKS}' and cannot be changed"),
        (body(namespace="two"), "namespace of compute 'settled' is 'one' and cannot be changed to 'two'"),
        (body("AKS"), "type of compute 'settled' is Kubernetes and cannot be changed to AKS"),
    ]
    for wanted, words in cases:
        answer = rest("PUT", path, json=wanted)
        assert (answer.status_code, words in answer.json()["error"]["message"]) == (400, True), answer.text
    answer = rest("PATCH", path, json={"properties": {"properties": {"scaleSettings": {"maxNodeCount": 3}}}})
    assert (answer.status_code, "Only AmlCompute can" in answer.json()["error"]["message"]) == (400, True)


def test_an_inference_cluster_of_the_old_sdk_can_be_seen_and_serves_no_endpoint(
    ml: MLClient, rest: Rest, workspace_id: str
) -> None:
    from azure.ai.ml.entities import KubernetesOnlineEndpoint
    from azure.core.exceptions import HttpResponseError

    settle(rest, rest("PUT", f"{workspace_id}/computes/old-aks", json=body("AKS", agentCount=3)))
    assert ml.compute.get("old-aks").resource_id == AKS
    words = "Creation of Online Endpoints or deployments on AKS compute type is no longer supported"
    with pytest.raises(HttpResponseError, match=words) as refused:
        ml.online_endpoints.begin_create_or_update(KubernetesOnlineEndpoint(name="on-aks", compute="old-aks")).result()
    assert (refused.value.status_code, refused.value.error.details[0].code) == (400, "NotSupported")


def test_a_job_runs_on_a_kubernetes_compute(ml: MLClient, tmp_path: Path) -> None:
    from azure.ai.ml import command
    from azure.ai.ml.entities import Environment, KubernetesCompute

    ml.compute.begin_attach(KubernetesCompute(name="for-jobs", resource_id=AKS)).result()
    (tmp_path / "conda.yml").write_text("dependencies: [python=3.11]")
    job = ml.jobs.create_or_update(
        command(
            command="echo on kubernetes > outputs/said.txt",
            environment=Environment(image="mcr.microsoft.com/azureml/minimal", conda_file=tmp_path / "conda.yml"),
            compute="for-jobs",
        )
    )
    ml.jobs.stream(job.name)
    assert ml.jobs.get(job.name).status == "Completed"
    ml.jobs.download(job.name, download_path=tmp_path)
    assert (tmp_path / "artifacts" / "outputs" / "said.txt").read_text() == "on kubernetes\n"
