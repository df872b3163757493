"""Limits of waiting: the job is cancelled, the step is red, and the cause is told as far as it is known."""

from pathlib import Path

import pytest
from support.emulator import command
from support.training import PLAIN, RUN_CONFIG, TrainingRepository

from aml_run.compute_state import told
from aml_run.limits import in_seconds
from aml_run.patience import adviser

SLEEPS = "import time\nprint('training', flush=True)\ntime.sleep(600)\n"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(45, 2700), (0.5, 30), ("90s", 90), ("45m", 2700), ("6h", 21600), ("1.5 h", 5400), ("2d", 172800)],
)
def test_a_time_is_a_number_of_minutes_or_has_a_unit(value: float | str, seconds: float) -> None:
    assert in_seconds(value) == seconds


def test_a_job_that_gets_no_node_is_cancelled_with_what_the_cluster_says(repository: TrainingRepository, client):
    made = repository.step("aml-compute", {"name": "single", "compute_type": "amlcluster", "max_nodes": 1})
    assert made.code == 0, made.log
    repository.training(SLEEPS, conda=PLAIN, run_config=RUN_CONFIG.replace("cpu-cluster", "single"))
    holds = repository.step("aml-run", {"wait_for_completion": False})
    assert holds.code == 0, holds.log
    try:
        outcome = repository.step("aml-run", {"queue_timeout": "6s"})
    finally:
        client.jobs.begin_cancel(holds.outputs["run_id"]).wait()
    assert outcome.code == 1, outcome.log
    job = outcome.outputs["run_id"]
    assert client.jobs.get(job).status == "Canceled"
    (error,) = outcome.annotations
    assert f"Job {job} has not begun to run within" in error
    assert f"Job {job} is Canceled" in error
    assert "Given: queue_timeout: 6.0 s" in error
    assert "Compute single (Standard_DS3_v2) may have 1 node and has: 1 running" in error, error
    assert "Other jobs have all of them" in error
    assert f"Job {job} waits for its start at most 6.0 s; then it is cancelled." in outcome.log


def test_a_job_whose_image_is_still_being_built_is_cancelled(repository: TrainingRepository, client):
    repository.training(SLEEPS)
    done = command("fault", "add", "jobs.image_build", "--seconds", "60", state=repository.emulator.state)
    assert done.returncode == 0, done.stderr
    try:
        outcome = repository.step("aml-run", {"queue_timeout": "5s"})
    finally:
        command("fault", "clear", state=repository.emulator.state)
    assert outcome.code == 1, outcome.log
    (error,) = outcome.annotations
    assert "it is Preparing" in error
    assert "the image of the environment is built" in error
    assert client.jobs.get(outcome.outputs["run_id"]).status == "Canceled"


def test_a_build_that_goes_on_is_told_with_the_last_line_of_its_log() -> None:
    class NoStep:
        """Nothing is asked of Azure."""

    tails = {
        "azureml-logs/20_image_build_log.txt": ["Collecting package metadata", "Solving environment: ...working...", ""]
    }
    assert adviser(NoStep(), [])("job_1", "Preparing", tails) == [  # type: ignore[arg-type]
        "The image of its environment is being built; the last line of its log: Solving environment: ...working..."
    ]


def test_a_job_that_runs_too_long_is_cancelled(repository: TrainingRepository, client):
    repository.training(SLEEPS)
    outcome = repository.step("aml-run", {"timeout": "4s", "download_artifacts": True})
    assert outcome.code == 1, outcome.log
    job = outcome.outputs["run_id"]
    assert client.jobs.get(job).status == "Canceled"
    (error,) = outcome.annotations
    assert f"Job {job} has been going on for" in error
    assert f"Job {job} is Canceled" in error
    assert "training" in outcome.log
    assert outcome.summary.count(f"Job {job} has been going on for") >= 1
    assert f"runs/{job}" in outcome.summary  # the link to its page
    assert (Path(outcome.outputs["artifact_path"]) / "parent/user_logs/std_log.txt").read_text() == "training\n"


def test_one_job_that_is_out_of_time_ends_no_other(repository: TrainingRepository, client):
    repository.training("import time\ntime.sleep(8)\nprint('trained')\n")
    outcome = repository.step("aml-run", [{"timeout": "2s", "tags": {"n": 1}}, {"tags": {"n": 2}}])
    assert outcome.code == 1, outcome.log
    import json

    runs = json.loads(outcome.outputs["runs"])
    assert [client.jobs.get(run["run_id"]).status for run in runs] == ["Canceled", "Completed"]
    assert [run["status"] for run in runs][1] == "Completed"


QUOTA = {
    "properties": {
        "provisioningState": "Succeeded",
        "properties": {
            "vmSize": "STANDARD_NC6",
            "allocationState": "Resizing",
            "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 4},
            "nodeStateCounts": {
                "idleNodeCount": 0,
                "runningNodeCount": 0,
                "preparingNodeCount": 1,
                "unusableNodeCount": 0,
            },
            "errors": [
                {
                    "error": {
                        "code": "ClusterCoreQuotaReached",
                        "message": "Operation results in exceeding quota limits of Total Cluster Dedicated Regional vCPUs. "
                        "Maximum allowed: 100, Current in use: 98, Additional requested: 6.",
                    }
                }
            ],
        },
    }
}


def test_a_quota_that_is_used_up_comes_with_its_numbers_and_what_helps() -> None:
    first, second = told("gpu", QUOTA)
    assert "Maximum allowed: 100, Current in use: 98, Additional requested: 6" in first
    assert "https://ml.azure.com/quota" in first
    assert second == "Compute gpu (STANDARD_NC6) may have 4 nodes and has: 1 preparing; allocation Resizing."


def test_a_cluster_without_nodes_is_told() -> None:
    assert (
        "No node is allowed." in told("c", {"properties": {"properties": {"scaleSettings": {"maxNodeCount": 0}}}})[-1]
    )


def test_an_instance_that_is_stopped_is_told() -> None:
    assert told("box", {"properties": {"properties": {"state": "Stopped"}}}) == [
        "Compute box is Stopped. Fix: `az ml compute start --name box`."
    ]
