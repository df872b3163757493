"""What a job took: only what is known."""

from datetime import datetime, timedelta, timezone

from aml_actions.run_history import ChildRun, Usage, parse_usage
from aml_run.usage import Used, used

NOON = datetime(2026, 11, 25, 12, tzinfo=timezone.utc)


def took(minutes: float, nodes: int | None = 1, queued: float = 2) -> Usage:
    start = NOON + timedelta(minutes=queued)
    return Usage(NOON, start, start + timedelta(minutes=minutes), "cpu-cluster", "STANDARD_DS3_V2", nodes)


def child(name: str, usage: Usage, parent: str = "job", status: str = "Completed") -> ChildRun:
    return ChildRun(name, name, status, usage=usage, parent=parent)


def test_a_single_job() -> None:
    found = used(took(30, nodes=4), [])
    assert found.rows() == [
        ("Duration", "30 min"),
        ("Waited in the queue", "2 min"),
        ("Node size", "STANDARD_DS3_V2"),
        ("Nodes", "4"),
        ("Node-hours", "2"),
    ]
    assert found.as_json()["node_hours"] == 2.0


def test_a_pipeline_adds_up_the_jobs_that_ran() -> None:
    children = [
        child("step", took(60), "job"),
        child("sweep", took(100, nodes=None), "job"),
        child("trial 1", took(30, nodes=2), "sweep"),
        child("trial 2", Usage(NOON), "sweep", "Canceled"),
    ]
    found = used(took(120, nodes=None), children)
    assert (found.node_hours, found.jobs, found.queued, found.nodes) == (2.0, 2, None, None)
    assert ("Node-hours", "2 of 2 jobs") in found.rows()


def test_a_sum_that_would_be_too_small_is_left_out() -> None:
    assert used(took(120), [child("a", took(60)), child("b", took(60, nodes=None))]).node_hours is None


def test_what_nobody_knows_is_not_there() -> None:
    assert used(Usage(), []).rows() == []
    assert Used().as_json() == {}


def test_times_as_the_service_writes_them() -> None:
    found = parse_usage(
        {
            "createdUtc": "2026-11-25T12:00:00.1234567+00:00",
            "startTimeUtc": "2026-11-25T12:00:10.1Z",
            "endTimeUtc": "2026-11-25T14:01:10.1+01:00",
            "compute": {"target": "gpu", "vmSize": "STANDARD_NC6", "instanceCount": 2},
            "computeRequest": {"nodeCount": 3, "gpuCount": 1},
        }
    )
    assert (found.queued_seconds, found.running_seconds) == (9.976544, 3660.0)
    assert (found.compute, found.vm_size, found.nodes) == ("gpu", "STANDARD_NC6", 3)


def test_clocks_that_contradict_each_other_give_no_time() -> None:
    found = parse_usage(
        {"createdUtc": "2026-11-25T12:00:01Z", "startTimeUtc": "2026-11-25T12:00:00Z", "endTimeUtc": "x"}
    )
    assert (found.queued_seconds, found.running_seconds) == (None, None)
