"""Long-running operations that take their time or fail, and reads that do not know of a write yet, with the real SDK."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from support.emulator import RunningEmulator

from .conftest import Fault

if TYPE_CHECKING:
    from azure.ai.ml import MLClient


def cluster(name: str) -> Any:
    from azure.ai.ml.entities import AmlCompute

    return AmlCompute(name=name, size="Standard_DS3_v2", max_instances=1)


def test_a_compute_takes_longer(ml: MLClient, fault: Fault, listed: Any) -> None:
    fault("add", "lro.compute", "--seconds", "2", "--match", "slow-cluster")
    started = time.monotonic()
    made = ml.compute.begin_create_or_update(cluster("slow-cluster"))
    assert ml.compute.get("slow-cluster").provisioning_state == "Creating"
    made.result()
    assert time.monotonic() - started > 2
    assert ml.compute.get("slow-cluster").provisioning_state == "Succeeded"
    assert listed()[0]["uses"][0]["path"].endswith("/computes/slow-cluster")


def test_a_compute_fails_with_the_code_that_was_asked_for(
    ml: MLClient, fault: Fault, rest: Any, workspace_id: str
) -> None:
    from azure.core.exceptions import HttpResponseError

    message = "The specified cluster has a Standard DSv3 Family vCPU quota of 0 and cannot accommodate it."
    fault("add", "lro.compute", "--code", "ClusterMinNodesExceedCoreQuota", "--message", message)
    with pytest.raises(HttpResponseError, match="ClusterMinNodesExceedCoreQuota"):
        ml.compute.begin_create_or_update(cluster("poor-cluster")).result()
    properties = rest("GET", f"{workspace_id}/computes/poor-cluster").json()["properties"]
    assert properties["provisioningState"] == "Failed"
    assert properties["provisioningErrors"][0]["error"]["message"] == message
    ml.compute.begin_create_or_update(cluster("poor-cluster")).result()
    assert ml.compute.get("poor-cluster").provisioning_state == "Succeeded"


def test_a_workspace_fails_and_then_succeeds(client: MLClient, fault: Fault) -> None:
    from azure.ai.ml.entities import Workspace

    fault("add", "lro.workspace", "--code", "InternalServerError", "--message", "It did not work.", "--seconds", "0.5")
    workspace = Workspace(name="unlucky", location="westeurope")
    with pytest.raises(Exception, match="It did not work"):
        client.workspaces.begin_create(workspace).result()
    client.workspaces.begin_create(workspace).result()
    assert client.workspaces.get("unlucky").name == "unlucky"


def test_an_endpoint_and_a_deletion_fail(ml: MLClient, fault: Fault) -> None:
    from azure.ai.ml.entities import ManagedOnlineEndpoint
    from azure.core.exceptions import HttpResponseError

    fault("add", "lro.endpoint", "--fails", "--match", "unlucky-endpoint", "--count", "1")
    with pytest.raises(HttpResponseError):
        ml.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name="unlucky-endpoint")).result()
    assert ml.online_endpoints.get("unlucky-endpoint").provisioning_state == "Failed"
    ml.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name="unlucky-endpoint")).result()
    fault("add", "lro.endpoint", "--fails", "--match", "unlucky-endpoint")
    with pytest.raises(HttpResponseError):
        ml.online_endpoints.begin_delete("unlucky-endpoint").result()
    assert ml.online_endpoints.get("unlucky-endpoint").provisioning_state == "Failed"
    ml.online_endpoints.begin_delete("unlucky-endpoint").result()


def test_an_operation_goes_on_when_its_fault_is_taken_back(ml: MLClient, fault: Fault) -> None:
    fault("add", "lro.compute", "--seconds", "600")
    made = ml.compute.begin_create_or_update(cluster("held-cluster"))
    threading.Timer(1.0, fault, ("clear",)).start()
    made.result(timeout=60)
    assert ml.compute.get("held-cluster").provisioning_state == "Succeeded"


def test_a_write_is_not_seen_for_some_reads(rest: Any, fault: Fault, group: str, listed: Any) -> None:
    tags = [{"tags": {"number": number}, "location": "westeurope"} for number in ("one", "two", "three")]
    rest("PUT", group, json=tags[0])
    fault("add", "groups.get", "--stale", "older", "--reads", "2")
    assert rest("GET", group).json()["tags"] == {"number": "one"}
    rest("PUT", group, json=tags[1])
    assert [rest("GET", group).json()["tags"]["number"] for _ in range(3)] == ["one", "one", "two"]
    rest("PUT", group, json=tags[2])  # the fault met one write
    assert rest("GET", group).json()["tags"] == {"number": "three"}
    assert listed()[0]["used"] == 1


def test_what_was_written_is_missing_for_some_seconds(rest: Any, fault: Fault, emulator: RunningEmulator) -> None:
    fault("add", "groups.get", "--stale", "missing", "--seconds", "1")
    group = f"/subscriptions/{emulator.identity['subscriptionId']}/resourceGroups/rg-late"
    assert rest("PUT", group, json={"location": "westeurope"}).status_code == 201
    started = time.monotonic()
    assert rest("GET", group).status_code == 404
    while rest("GET", group).status_code == 404:
        assert time.monotonic() < started + 20
    assert time.monotonic() - started > 0.8
    assert rest("GET", group).status_code == 200


def test_the_sdk_rides_out_a_burst_and_a_lost_answer(ml: MLClient, fault: Fault, listed: Any) -> None:
    fault("add", "computes.list", "--status", "503", "--count", "2")
    assert list(ml.compute.list()) is not None
    fault("add", "computes.list", "--drop", "body")
    assert list(ml.compute.list()) is not None
    assert [one["used"] for one in listed()] == [2, 1]
