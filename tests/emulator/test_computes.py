"""Compute clusters, by the real SDK."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import requests

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

Rest = Callable[..., requests.Response]


def test_a_cluster_is_created_read_scaled_and_deleted(ml: MLClient) -> None:
    from azure.ai.ml.entities import AmlCompute
    from azure.core.exceptions import ResourceNotFoundError

    wanted = AmlCompute(
        name="cpu-cluster",
        size="STANDARD_DS3_V2",
        tier="low_priority",
        min_instances=1,
        max_instances=4,
        idle_time_before_scale_down=90,
        tags={"made": "here"},
    )
    made = ml.compute.begin_create_or_update(wanted).result()
    assert (made.provisioning_state, made.size, made.tier) == ("Succeeded", "STANDARD_DS3_V2", "low_priority")
    found = ml.compute.get("CPU-Cluster")
    assert (found.name, found.min_instances, found.max_instances) == ("cpu-cluster", 1, 4)
    assert (found.idle_time_before_scale_down, found.tags) == (90, {"made": "here"})
    found.max_instances = 6
    assert ml.compute.begin_update(found).result().max_instances == 6
    assert [compute.name for compute in ml.compute.list()] == ["cpu-cluster"]
    ml.compute.begin_delete("cpu-cluster").result()
    with pytest.raises(ResourceNotFoundError):
        ml.compute.get("cpu-cluster")


def test_creation_is_an_operation_that_takes_a_moment(ml: MLClient, rest: Rest, workspace_id: str) -> None:
    body = {"properties": {"computeType": "AmlCompute", "properties": {"vmSize": "Standard_D2_v3"}}}
    answer = rest("PUT", f"{workspace_id}/computes/moment", json=body)
    assert (answer.status_code, answer.json()["properties"]["provisioningState"]) == (201, "Creating")
    assert int(answer.headers["retry-after-ms"]) <= 200
    address = answer.headers["Azure-AsyncOperation"].split("?")[0]
    path = address[address.index("/subscriptions") :]
    assert "/computeOperationsStatus/" in path
    seen = [rest("GET", path).json()["status"]]
    while seen[-1] == "InProgress":
        seen.append(rest("GET", path).json()["status"])
    assert (seen[0], seen[-1]) == ("InProgress", "Succeeded")
    assert rest("GET", f"{workspace_id}/computes/moment").json()["properties"]["provisioningState"] == "Succeeded"


def test_a_machine_size_that_azure_does_not_have_fails_as_it_fails_there(ml: MLClient) -> None:
    from azure.ai.ml.entities import AmlCompute
    from azure.core.exceptions import HttpResponseError

    with pytest.raises(HttpResponseError, match="Standard_Nope is not supported in region westeurope") as failed:
        ml.compute.begin_create_or_update(AmlCompute(name="nope", size="Standard_Nope")).result()
    assert failed.value.error.code == "VmSizeNotSupported"
    assert ml.compute.get("nope").provisioning_state == "Failed"


def test_a_cluster_never_changes_its_machines(ml: MLClient) -> None:
    from azure.ai.ml.entities import AmlCompute
    from azure.core.exceptions import HttpResponseError

    ml.compute.begin_create_or_update(AmlCompute(name="fixed", size="Standard_DS3_v2")).result()
    with pytest.raises(HttpResponseError, match="Standard_DS3_v2 and cannot be changed to Standard_DS4_v2"):
        ml.compute.begin_create_or_update(AmlCompute(name="fixed", size="Standard_DS4_v2")).result()


@pytest.mark.parametrize("name", ["ab", "1abc", "with_underscore", "x" * 25, "cluster-12"])
def test_a_name_that_azure_refuses_is_refused(rest: Rest, workspace_id: str, name: str) -> None:
    body = {"properties": {"computeType": "AmlCompute", "properties": {"vmSize": "Standard_D2_v3"}}}
    answer = rest("PUT", f"{workspace_id}/computes/{name}", json=body)
    assert answer.status_code == 400
    assert f"'{name}'" in answer.json()["error"]["message"]


def test_more_nodes_at_least_than_at_most_are_refused(rest: Rest, workspace_id: str) -> None:
    scale = {"minNodeCount": 3, "maxNodeCount": 2}
    body = {
        "properties": {"computeType": "AmlCompute", "properties": {"vmSize": "Standard_D2_v3", "scaleSettings": scale}}
    }
    answer = rest("PUT", f"{workspace_id}/computes/scale", json=body)
    assert answer.status_code == 400
    assert "minNodeCount 3, maxNodeCount 2" in answer.json()["error"]["message"]


def test_a_compute_that_is_not_there_gets_an_empty_404(rest: Rest, workspace_id: str) -> None:
    answer = rest("GET", f"{workspace_id}/computes/none")
    assert (answer.status_code, answer.content) == (404, b"")


def test_other_kinds_of_compute_are_refused_by_name(rest: Rest, workspace_id: str) -> None:
    body = {"properties": {"computeType": "ComputeInstance", "properties": {}}}
    answer = rest("PUT", f"{workspace_id}/computes/instance", json=body)
    assert answer.status_code == 501
    assert "ComputeInstance" in answer.json()["error"]["message"]


def test_a_password_never_comes_back(rest: Rest, workspace_id: str) -> None:
    account = {"adminUserName": "me", "adminUserPassword": "P4ssword-of-mine"}
    inner = {"vmSize": "Standard_D2_v3", "userAccountCredentials": account}
    body = {"properties": {"computeType": "AmlCompute", "properties": inner}}
    answer = rest("PUT", f"{workspace_id}/computes/login", json=body)
    assert answer.status_code == 201
    assert "P4ssword-of-mine" not in answer.text
    assert "P4ssword-of-mine" not in rest("GET", f"{workspace_id}/computes/login").text


def test_the_sizes_to_choose_from_can_be_listed(ml: MLClient) -> None:
    sizes = {size.name: size for size in ml.compute.list_sizes(location="westeurope")}
    assert sizes["Standard_DS3_v2"].vCPUs == 4  # the SDK keeps the service's own spelling
    assert sizes["Standard_NC4as_T4_v3"].gpus == 1


def test_a_cluster_keeps_the_principal_that_it_got(rest: Rest, workspace_id: str) -> None:
    properties = {"computeType": "AmlCompute", "properties": {"vmSize": "Standard_D2_v3"}}
    body = {"identity": {"type": "SystemAssigned"}, "properties": properties}
    first, again = (rest("PUT", f"{workspace_id}/computes/someone", json=body).json()["identity"] for _ in range(2))
    assert first["type"] == "SystemAssigned"
    assert first["principalId"] == again["principalId"]
