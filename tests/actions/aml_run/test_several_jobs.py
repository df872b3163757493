"""A parameters file that is a list: one job for each of its objects."""

import json
from typing import Any

from support.runner_log import commands
from support.training import COMPUTE, IMAGE, TRACKED, TrainingRepository

JOB = f"""\
type: command
code: src
command: python train.py --lr ${{{{inputs.lr}}}}
inputs: {{lr: 0.1}}
environment: {{image: "{IMAGE}:latest", conda_file: environment.yml}}
compute: azureml:{COMPUTE}
"""

TRAIN = """\
import argparse, sys, time
import mlflow
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
lr = parser.parse_args().lr
for epoch in range(3):
    print(f"epoch {epoch} with lr {lr}", flush=True)
    time.sleep(1)
if lr > 1:
    sys.exit(3)
mlflow.log_metric("accuracy", 1 - lr)
"""


def write(repository: TrainingRepository) -> None:
    repository.write({"jobs/job.yml": JOB, "jobs/src/train.py": TRAIN, "jobs/environment.yml": TRACKED})


def job(**more: Any) -> dict[str, Any]:
    return {"job_file": "jobs/job.yml", **more}


def test_all_run_and_their_results_come_together(repository: TrainingRepository, client: Any) -> None:
    write(repository)
    done = repository.step(
        "aml-run",
        [
            job(experiment_name="first"),
            job(experiment_name="second", set={"inputs.lr": 0.5}, tags={"which": "second"}, download_artifacts=True),
            job(wait_for_completion=False),
        ],
    )
    assert done.code == 0, done.log
    runs = json.loads(done.outputs["runs"])
    assert [run["experiment_name"] for run in runs] == ["first", "second", "credit-risk-main"]
    assert [run["status"] for run in runs] == ["Completed", "Completed", "Submitted"]
    first, second, third = (run["run_id"] for run in runs)

    # Single values are those of the first job, the metrics those of all that somebody waited for.
    assert (done.outputs["run_id"], done.outputs["experiment_name"]) == (first, "first")
    assert done.result == runs[0]
    assert json.loads(done.outputs["run_metrics"]) == {first: {"accuracy": 0.9}, second: {"accuracy": 0.5}}
    assert f"| {second} | accuracy | 0.5 |" in done.outputs["run_metrics_markdown"]
    assert runs[0]["artifact_path"] is None
    assert done.outputs["artifact_path"] == runs[1]["artifact_path"]
    assert client.jobs.get(second).tags["which"] == "second"
    assert client.jobs.get(third).name == third

    # The log of each is folded under its name, and nothing of another one stands in it.
    inside = ""
    for line in done.log.splitlines():
        if line.startswith("::group::"):
            inside = line
        elif line == "::endgroup::":
            inside = ""
        elif line.startswith("epoch "):
            assert inside.startswith(f"::group::{second if 'lr 0.5' in line else first} · Output")
    obeyed = commands(done.log)
    assert sum(line.startswith("::group::") for line in obeyed) == sum(line == "::endgroup::" for line in obeyed)

    # One table has all of them.
    assert "### ✅ aml-run: 3 jobs" in done.summary
    assert all(f"[{name.replace('_', chr(92) + '_')}](" in done.summary for name in (first, second, third))


def test_one_that_fails_turns_the_step_red_and_ends_no_other(repository: TrainingRepository) -> None:
    write(repository)
    done = repository.step("aml-run", [job(set={"inputs.lr": 2}), job(), job(set={"inputs.lr": 3})])
    assert done.code == 1
    (annotation,) = done.annotations
    runs = json.loads(done.outputs["runs"])
    assert [run["status"] for run in runs] == ["Failed", "Completed", "Failed"]
    assert "2 of 3 jobs did not complete." in annotation
    for run in (runs[0], runs[2]):
        assert f"Job {run['run_id']} failed: its script ended with exit code 3." in annotation
        assert run["run_url"] in annotation
    assert json.loads(done.outputs["run_metrics"]) == {runs[1]["run_id"]: {"accuracy": 0.9}}
    assert done.outputs["run_id"] == runs[0]["run_id"]
    assert "### ❌ aml-run: 3 jobs" in done.summary


def test_one_that_is_refused_does_not_stop_the_others(repository: TrainingRepository) -> None:
    write(repository)
    done = repository.step("aml-run", [job(set={"compute": "azureml:no-such-cluster"}), job()])
    assert done.code == 1
    assert "no-such-cluster" in done.annotations[0]
    (run,) = json.loads(done.outputs["runs"])
    assert run["status"] == "Completed"
    assert done.outputs["run_id"] == run["run_id"]


def test_nothing_is_submitted_when_one_of_them_is_wrong(repository: TrainingRepository) -> None:
    write(repository)
    wrong = {"resources.instance_count": "two"}
    done = repository.step("aml-run", [job(), job(set=wrong), job(set={"resorces.x": 1})])
    assert done.code == 1
    (annotation,) = done.annotations
    assert "resources.instance_count: Not a valid integer" in annotation
    assert "resorces" in annotation
    assert done.outputs == {}


def test_a_fixed_name_stands_for_one_job_only(repository: TrainingRepository) -> None:
    write(repository)
    done = repository.step("aml-run", [job(set={"name": "the-one"}), job(set={"name": "the-one"})])
    assert done.code == 1
    assert "names a job that exists already" in done.annotations[0]
    assert done.outputs == {}


def test_a_single_job_is_a_list_of_one(repository: TrainingRepository) -> None:
    write(repository)
    done = repository.step("aml-run", job(wait_for_completion=False))
    assert done.code == 0, done.log
    assert json.loads(done.outputs["runs"]) == [done.result]
