"""Faults of jobs as the real SDK sees them, over TLS."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import Fault

if TYPE_CHECKING:
    from azure.ai.ml import MLClient


@pytest.fixture
def job(ml: MLClient, tmp_path: Path) -> Callable[[str], Any]:
    """`job(line)`: a command job on a cluster of one node, not yet sent."""
    from azure.ai.ml import command
    from azure.ai.ml.entities import AmlCompute, Environment

    ml.compute.begin_create_or_update(AmlCompute(name="one-node", size="Standard_DS3_v2", max_instances=1)).result()
    (tmp_path / "conda.yml").write_text("dependencies: [python=3.11]")
    environment = Environment(
        image="mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04", conda_file=tmp_path / "conda.yml"
    )
    return lambda line: command(command=line, environment=environment, compute="one-node", experiment_name="faults")


def wait(ml: MLClient, name: str, *wanted: str) -> str:
    deadline = time.monotonic() + 60
    while (found := ml.jobs.get(name).status) not in wanted:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return next(one for one in wanted if one == found)  # the SDK has an enum whose text is its name


def test_a_stuck_job_is_canceled_and_its_cluster_said_why(
    ml: MLClient, job: Callable[[str], Any], fault: Fault, rest: Any, workspace_id: str
) -> None:
    fault("add", "jobs.stuck", "--code", "ClusterCoreQuotaReached", "--message", "Maximum allowed: 100.")
    name = ml.jobs.create_or_update(job("true")).name
    wait(ml, name, "Queued")
    cluster = rest("GET", f"{workspace_id}/computes/one-node").json()["properties"]["properties"]
    assert cluster["errors"] == [{"error": {"code": "ClusterCoreQuotaReached", "message": "Maximum allowed: 100."}}]
    ml.jobs.begin_cancel(name).result()
    assert wait(ml, name, "Canceled", "Completed") == "Canceled"


def test_a_job_waits_for_the_only_node_while_the_cluster_tells_of_both(
    ml: MLClient, job: Callable[[str], Any], rest: Any, workspace_id: str
) -> None:
    first = ml.jobs.create_or_update(job("sleep 60")).name
    wait(ml, first, "Running")
    second = ml.jobs.create_or_update(job("true")).name
    wait(ml, second, "Queued")
    cluster = rest("GET", f"{workspace_id}/computes/one-node").json()["properties"]["properties"]
    assert (cluster["currentNodeCount"], cluster["targetNodeCount"]) == (1, 1)
    assert cluster["nodeStateCounts"]["runningNodeCount"] == 1
    ml.jobs.begin_cancel(first).result()
    assert wait(ml, second, "Completed", "Failed") == "Completed"
    cluster = rest("GET", f"{workspace_id}/computes/one-node").json()["properties"]["properties"]
    assert (cluster["currentNodeCount"], cluster["nodeStateCounts"]["idleNodeCount"]) == (1, 1)


def test_a_submission_whose_answer_is_lost_makes_one_job(
    ml: MLClient, job: Callable[[str], Any], fault: Fault, listed: Any
) -> None:
    made = job("true")
    made.name = "lost-answer"
    fault("add", "jobs.create", "--drop", "answer", "--match", "lost-answer")
    assert ml.jobs.create_or_update(made).name == "lost-answer"  # the SDK sends it again
    assert listed()[0]["used"] == 1
    assert wait(ml, "lost-answer", "Completed", "Failed") == "Completed"


def test_run_history_does_not_know_a_new_job_at_first(
    ml: MLClient, job: Callable[[str], Any], fault: Fault, rest: Any, workspace_id: str
) -> None:
    fault("add", "runs.details", "--stale", "missing", "--reads", "2")
    name = ml.jobs.create_or_update(job("true")).name
    details = f"/history/v1.0{workspace_id}/runs/{name}/details"
    answers = [rest("GET", details) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [404, 404, 200]
    assert answers[0].json()["componentName"] == "run-history"
    wait(ml, name, "Completed")


def test_a_log_breaks_off_and_is_read_again(
    ml: MLClient, job: Callable[[str], Any], fault: Fault, rest: Any, workspace_id: str, emulator: Any
) -> None:
    import requests

    name = ml.jobs.create_or_update(job("seq 1000")).name
    wait(ml, name, "Completed")
    logs = rest("GET", f"/history/v1.0{workspace_id}/runs/{name}/details").json()["logFiles"]
    address, bundle = logs["user_logs/std_log.txt"], emulator.env["REQUESTS_CA_BUNDLE"]
    fault("add", "logs.read", "--drop", "body", "--match", name)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        requests.get(address, verify=bundle, timeout=30)
    assert requests.get(address, verify=bundle, timeout=30).text.split()[-1] == "1000"


def test_an_expired_token_is_refused_and_a_new_one_is_got(ml: MLClient, fault: Fault) -> None:
    from azure.core.exceptions import ClientAuthenticationError

    fault("add", "jobs.list", "--status", "401")
    with pytest.raises(ClientAuthenticationError, match="ExpiredAuthenticationToken"):
        list(ml.jobs.list())
    assert list(ml.jobs.list()) is not None
