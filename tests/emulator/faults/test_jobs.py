"""Jobs that are stuck, silent, preempted, seen differently from two sides, or whose image does not build."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.workbench import Workbench, workbench

from aml_emulator import ids
from aml_emulator.faults.fault import Fault


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    with workbench(tmp_path_factory.mktemp("bench")) as found:
        yield found


@pytest.fixture
def fault(bench: Workbench) -> Iterator[Callable[..., Fault]]:
    """`fault("jobs.stuck", seconds=1)`: a fault, taken back after the test."""
    yield lambda operation, **members: bench.emulator.faults.add({"operation": operation, **members})
    bench.emulator.faults.clear()


def states(bench: Workbench, job: str) -> list[str]:
    return [state.status for state in bench.emulator.tracking.states(ids.name_of(job))]


def shown(bench: Workbench, path: str) -> dict[str, Any]:
    reply = bench.ask("GET", path, query="api-version=2024-10-01")
    assert reply.status == 200, reply.body
    return reply.body


@pytest.fixture
def group(bench: Workbench) -> None:
    """The resource group of the bench's workspace, which its routes ask for."""
    bench.emulator.resources.put(bench.workspace.partition("/providers/")[0], {"location": "westeurope"})


def low_priority(bench: Workbench) -> str:
    cluster = bench.cluster(1)
    bench.emulator.resources.change(
        cluster, lambda body: body["properties"]["properties"].update(vmPriority="LowPriority")
    )
    return cluster


def test_a_job_stays_queued_until_the_fault_is_taken_back(bench: Workbench, fault: Callable[..., Fault]) -> None:
    made = fault("jobs.stuck")
    job = bench.submit("true")
    bench.wait(job, "Queued")
    time.sleep(0.5)
    assert bench.status(job) == "Queued"
    assert [use.path for use in made.uses] == [job]
    assert bench.run("true") != job  # the fault meets one job
    bench.emulator.faults.clear()
    assert bench.wait(job) == "Completed"


def test_a_job_that_is_stuck_for_some_seconds_runs_after_them(bench: Workbench, fault: Callable[..., Fault]) -> None:
    fault("jobs.stuck", seconds=0.7)
    started = time.monotonic()
    assert bench.status(bench.run("true")) == "Completed"
    assert time.monotonic() - started > 0.7


def test_a_stuck_job_can_be_canceled(bench: Workbench, fault: Callable[..., Fault]) -> None:
    fault("jobs.stuck")
    job = bench.submit("true")
    bench.wait(job, "Queued")
    bench.emulator.jobs.cancel(job)
    assert bench.wait(job, seconds=5) == "Canceled"
    assert states(bench, job)[-2:] == ["CancelRequested", "Canceled"]


@pytest.mark.usefixtures("group")
def test_a_cluster_says_why_the_job_in_its_queue_gets_no_node(bench: Workbench, fault: Callable[..., Fault]) -> None:
    from aml_emulator.ml import vm_sizes

    message = "Operation results in exceeding quota limits of Total Cluster Dedicated Regional vCPUs."
    fault("jobs.stuck", code="ClusterCoreQuotaReached", message=message)
    cluster = f"{bench.workspace}/computes/quota-cluster"
    body = {"properties": {"computeType": "AmlCompute", "properties": {"vmSize": vm_sizes.all_sizes()[0].name}}}
    import json

    assert bench.ask("PUT", cluster, json.dumps(body).encode()).status == 201
    job = bench.submit("true", computeId=cluster)
    bench.wait(job, "Queued")
    deadline = time.monotonic() + 10
    while (errors := shown(bench, cluster)["properties"]["properties"]["errors"]) is None:
        assert time.monotonic() < deadline
    assert errors == [{"error": {"code": "ClusterCoreQuotaReached", "message": message}}]
    bench.emulator.jobs.cancel(job)
    bench.wait(job)
    assert shown(bench, cluster)["properties"]["properties"]["errors"] is None


def test_a_fault_finds_its_job_by_name(bench: Workbench, fault: Callable[..., Fault]) -> None:
    made = fault("jobs.stuck", match="a job of nobody", count=0)
    assert bench.status(bench.run("true")) == "Completed"
    assert made.used == 0


def test_a_job_that_does_not_respond_goes_on_and_is_heard_of_again(
    bench: Workbench, fault: Callable[..., Fault]
) -> None:
    fault("jobs.not_responding", seconds=1)
    job = bench.submit("echo worked")
    assert bench.wait(job, "NotResponding")
    started = time.monotonic()
    assert bench.wait(job) == "Completed"
    assert time.monotonic() - started > 0.5
    assert bench.log(job) == "worked\n"
    assert states(bench, job)[-5:] == ["Running", "NotResponding", "Running", "Finalizing", "Completed"]


def test_a_job_that_does_not_respond_for_ever_can_be_canceled(bench: Workbench, fault: Callable[..., Fault]) -> None:
    fault("jobs.not_responding")
    job = bench.submit("true")
    bench.wait(job, "NotResponding")
    time.sleep(0.3)
    assert bench.status(job) == "NotResponding"
    bench.emulator.jobs.cancel(job)
    assert bench.wait(job, seconds=5) == "Canceled"


def test_an_image_that_does_not_build_fails_the_job_with_its_log(bench: Workbench, fault: Callable[..., Fault]) -> None:
    fault("jobs.image_build")
    job = bench.run("true")
    assert bench.status(job) == "Failed"
    assert bench.error(job)["innerError"]["code"] == "ImageBuildFailure"
    assert "azureml-logs/20_image_build_log.txt" in bench.error(job)["message"]
    assert "ResolvePackageNotFound" in bench.log(job, "azureml-logs/20_image_build_log.txt")
    fault("jobs.image_build", log="step 1\nno space left on device\n", message="The disk is full.")
    job = bench.run("true")
    assert bench.log(job, "azureml-logs/20_image_build_log.txt") == "step 1\nno space left on device\n"
    assert bench.error(job)["message"].endswith("The disk is full.")


@pytest.mark.parametrize(
    ("state", "at"), [("Paused", "Running"), ("Provisioning", "Preparing"), ("Frozen", "Queued"), ("Odd", "Finalizing")]
)
def test_a_job_shows_any_state_at_any_stage(bench: Workbench, fault: Callable[..., Fault], state: str, at: str) -> None:
    fault("jobs.state", state=state, at=at, seconds=0.4)
    job = bench.submit("true")
    bench.wait(job, state)
    assert bench.wait(job) == "Completed"
    seen = states(bench, job)
    assert seen[seen.index(state) - 1 : seen.index(state) + 2] == [at, state, at]


def test_a_job_begins_anew_when_its_low_priority_node_is_taken(bench: Workbench, fault: Callable[..., Fault]) -> None:
    fault("jobs.preempted", seconds=0.3)
    job = bench.run("sleep 1; echo done", computeId=low_priority(bench))
    assert bench.status(job) == "Completed"
    assert bench.log(job) == "done\n"
    assert states(bench, job).count("Running") == 2
    assert states(bench, job).count("Queued") == 2


def test_a_preemption_may_fail_the_job(bench: Workbench, fault: Callable[..., Fault]) -> None:
    fault("jobs.preempted", seconds=0.1, fails=True)
    job = bench.run("sleep 60", computeId=low_priority(bench))
    assert bench.status(job) == "Failed"
    assert bench.error(job)["innerError"]["code"] == "PreemptionError"


def test_a_dedicated_node_is_not_taken(bench: Workbench, fault: Callable[..., Fault]) -> None:
    made = fault("jobs.preempted", seconds=0)
    assert bench.status(bench.run("sleep 0.3", computeId=bench.cluster(1))) == "Completed"
    assert made.used == 0


def test_a_cancel_may_take_its_time(bench: Workbench, fault: Callable[..., Fault]) -> None:
    fault("jobs.cancel_slow", seconds=1)
    job = bench.submit("sleep 60")
    bench.wait(job, "Running")
    started = time.monotonic()
    bench.emulator.jobs.cancel(job)
    bench.wait(job, "CancelRequested", seconds=1)
    assert bench.wait(job) == "Canceled"
    assert time.monotonic() - started > 0.9


@pytest.mark.usefixtures("group")
@pytest.mark.parametrize("side", ["arm", "history"])
def test_resource_manager_and_run_history_disagree_for_a_while(
    bench: Workbench, fault: Callable[..., Fault], side: str
) -> None:
    fault("jobs.disagree", seconds=1.5, lagging=side)
    job = bench.run("exit 3")
    history = f"/history/v1.0{bench.workspace}/runs/{ids.name_of(job)}"

    def seen() -> tuple[str, str]:
        return shown(bench, job)["properties"]["status"], shown(bench, history)["status"]

    assert seen() == (("Finalizing", "Failed") if side == "arm" else ("Failed", "Finalizing"))
    if side == "history":
        assert (shown(bench, history)["error"], shown(bench, history)["endTimeUtc"]) == (None, None)
    deadline = time.monotonic() + 10
    while seen() != ("Failed", "Failed"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.usefixtures("group")
def test_nodes_start_work_idle_and_go(bench: Workbench, fault: Callable[..., Fault]) -> None:
    cluster = bench.cluster(2)
    bench.emulator.resources.change(
        cluster,
        lambda body: body["properties"]["properties"]["scaleSettings"].update(nodeIdleTimeBeforeScaleDown="PT2S"),
    )

    def nodes() -> tuple[int, int, int]:
        counts = bench.emulator.jobs.nodes(cluster)
        return counts.preparing, counts.running, counts.idle

    fault("nodes.cold", seconds=0.6, count=0)
    first = bench.submit("sleep 1", computeId=cluster)
    bench.wait(first, "Queued")
    deadline = time.monotonic() + 10
    while nodes() != (1, 0, 0):
        assert time.monotonic() < deadline, nodes()
    bench.wait(first, "Running")
    assert nodes() == (0, 1, 0)
    bench.wait(first)
    assert nodes() == (0, 0, 1)
    started = time.monotonic()
    second = bench.run("true", computeId=cluster)  # on the node that is still there
    assert bench.status(second) == "Completed"
    assert time.monotonic() - started < 20
    assert [use.path for use in bench.emulator.faults.all()[-1].uses] == [first]
    deadline = time.monotonic() + 20
    while nodes() != (0, 0, 0):
        assert time.monotonic() < deadline, nodes()
        time.sleep(0.05)


def test_the_stop_of_the_emulator_waits_for_no_fault(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("stopped")
    with workbench(folder) as bench:
        for operation in ("jobs.stuck", "jobs.cancel_slow"):
            bench.emulator.faults.add({"operation": operation, "count": 0})
        job = bench.submit("true")
        bench.wait(job, "Queued")
        started = time.monotonic()
    assert time.monotonic() - started < 10
    with workbench(folder) as bench:
        assert bench.status(job) == "Canceled"
