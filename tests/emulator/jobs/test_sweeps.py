"""Sweeps as a data scientist has them: trials from a search space, the best by a metric that the script logged."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from azure.ai.ml import Input, Output, dsl
from azure.ai.ml.sweep import BanditPolicy, Choice, Uniform
from azure.core.exceptions import HttpResponseError

from .conftest import Step

MLFLOW = "dependencies: [python=3.11, pip, {pip: [mlflow-skinny]}]"
TRAIN = """
import pathlib, sys
import mlflow
x, y, folder = float(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
mlflow.log_metric("score", x * 10 + y)
pathlib.Path(folder, "score.txt").write_text(f"{x:g} {y:g}")
pathlib.Path("outputs/model.txt").write_text(f"{x:g} {y:g}")
"""


@pytest.fixture(scope="module")
def train(step: Step) -> Any:
    """A component that logs a metric made of its two numbers."""
    return step(
        "python train.py ${{inputs.x}} ${{inputs.y}} ${{outputs.model}}",
        {"train.py": TRAIN},
        MLFLOW,
        inputs={"x": Input(type="number"), "y": Input(type="number", default=0)},
        outputs={"model": Output(type="uri_folder")},
    )


def finished(ml: Any, name: str, seconds: float = 120) -> Any:
    """A job that has ended."""
    deadline = time.monotonic() + seconds
    while (job := ml.jobs.get(name)).status not in ("Completed", "Failed", "Canceled"):
        assert time.monotonic() < deadline, job.status
        time.sleep(0.1)
    return job


def test_a_grid_of_two_by_two_finds_the_best_trial(
    ml: Any, cluster: str, train: Any, rest: Any, workspace_id: str, tmp_path: Path
) -> None:
    trial = train(x=Choice([1, 2]), y=Choice([3, 5]))
    sweep = trial.sweep(
        compute=cluster,
        sampling_algorithm="grid",
        primary_metric="score",
        goal="maximize",
        max_total_trials=10,
        max_concurrent_trials=2,
    )
    sweep.experiment_name = "sweeps"
    job = ml.jobs.create_or_update(sweep)
    ml.jobs.stream(job.name)
    found = ml.jobs.get(job.name)
    assert (found.status, found.type) == ("Completed", "sweep")
    trials = {child.name: child for child in ml.jobs.list(parent_job_name=job.name)}
    assert set(trials) == {f"{job.name}_{number}" for number in range(4)}
    assert {child.status for child in trials.values()} == {"Completed"}
    assert found.properties["best_child_run_id"] == f"{job.name}_3"
    best = rest("GET", f"{workspace_id}/jobs/{job.name}_3").json()["properties"]
    assert (best["jobType"], best["parameters"]) == ("Command", {"x": 2, "y": 5})
    ml.jobs.download(job.name, download_path=tmp_path, output_name="model")
    assert (tmp_path / "named-outputs" / "model" / "score.txt").read_text() == "2 5"
    ml.jobs.download(job.name, download_path=tmp_path)
    assert (tmp_path / "artifacts" / "outputs" / "model.txt").read_text() == "2 5"
    log = (tmp_path / "hd-artifacts" / "azureml-logs" / "hyperdrive.txt").read_text()
    assert f"The best trial is {job.name}_3: score = 25." in log


def test_no_more_trials_run_at_a_time_than_the_sweep_says(ml: Any, cluster: str, step: Step) -> None:
    trial = step("sleep 0.5", {"x": ""}, inputs={"x": Input(type="number")})(x=Uniform(0, 1))
    sweep = trial.sweep(compute=cluster, sampling_algorithm="random", primary_metric="score", goal="minimize")
    sweep.set_limits(max_total_trials=4, max_concurrent_trials=2)
    job = ml.jobs.create_or_update(sweep)
    most = 0
    while ml.jobs.get(job.name).status not in ("Completed", "Failed"):
        under_way = [child for child in ml.jobs.list(parent_job_name=job.name) if child.status != "Completed"]
        most = max(most, len(under_way))
        time.sleep(0.05)
    found = ml.jobs.get(job.name)
    assert (found.status, most) == ("Completed", 2)
    assert "best_child_run_id" not in found.properties  # nothing logged the metric
    assert len(list(ml.jobs.list(parent_job_name=job.name))) == 4


def test_a_sweep_as_a_step_hands_on_the_model_of_its_best_trial(
    ml: Any, cluster: str, train: Any, step: Step, tmp_path: Path
) -> None:
    show = step(
        "cat ${{inputs.model}}/score.txt > ${{outputs.said}}/said.txt",
        {"x": ""},
        inputs={"model": Input(type="uri_folder")},
        outputs={"said": Output(type="uri_folder")},
    ).component

    @dsl.pipeline(default_compute=cluster)
    def pipeline() -> Any:
        trial = train.component(x=Choice([1, 3, 2]))
        tune = trial.sweep(sampling_algorithm="grid", primary_metric="score", goal="maximize")
        tune.set_limits(max_total_trials=3, max_concurrent_trials=2)
        said = show(model=tune.outputs.model)
        return {"said": said.outputs.said}

    job = ml.jobs.create_or_update(pipeline())
    assert finished(ml, job.name).status == "Completed"
    ml.jobs.download(job.name, download_path=tmp_path, output_name="said")
    assert (tmp_path / "named-outputs" / "said" / "said.txt").read_text() == "3 0"


def test_a_sweep_whose_trials_all_fail_fails_and_says_why(ml: Any, cluster: str, step: Step) -> None:
    trial = step("python t.py", {"t.py": "raise ValueError('no data')"}, inputs={"x": Input(type="number")})
    sweep = trial(x=Choice([1, 2, 3, 4, 5])).sweep(
        compute=cluster, sampling_algorithm="grid", primary_metric="score", goal="maximize", max_concurrent_trials=1
    )
    job = ml.jobs.create_or_update(sweep)
    with pytest.raises(Exception, match="No trial of the sweep completed"):
        ml.jobs.stream(job.name)
    assert len(list(ml.jobs.list(parent_job_name=job.name))) == 3  # it gives up early


def test_canceling_a_sweep_cancels_its_trials(ml: Any, cluster: str, step: Step) -> None:
    trial = step("sleep 300", {"x": ""}, inputs={"x": Input(type="number")})(x=Choice([1, 2]))
    job = ml.jobs.create_or_update(
        trial.sweep(compute=cluster, sampling_algorithm="grid", primary_metric="score", goal="maximize")
    )
    deadline = time.monotonic() + 30
    while [child.status for child in ml.jobs.list(parent_job_name=job.name)] != ["Running", "Running"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    ml.jobs.begin_cancel(job.name).result()
    assert ml.jobs.get(job.name).status == "Canceled"
    assert {child.status for child in ml.jobs.list(parent_job_name=job.name)} == {"Canceled"}


def test_a_bandit_ends_a_trial_that_is_far_behind(ml: Any, cluster: str, step: Step) -> None:
    script = """
import sys, time
import mlflow
x = float(sys.argv[1])
for number in range(200 if x < 5 else 3):
    mlflow.log_metric("score", x, step=number)
    time.sleep(0.2)
"""
    trial = step("python t.py ${{inputs.x}}", {"t.py": script}, MLFLOW, inputs={"x": Input(type="number")})
    sweep = trial(x=Choice([10, 1])).sweep(
        compute=cluster,
        sampling_algorithm="grid",
        primary_metric="score",
        goal="maximize",
        early_termination_policy=BanditPolicy(slack_factor=0.5, evaluation_interval=2),
    )
    job = ml.jobs.create_or_update(sweep)
    assert finished(ml, job.name).status == "Completed"
    assert ml.jobs.get(f"{job.name}_0").status == "Completed"
    assert ml.jobs.get(f"{job.name}_1").status == "Canceled"


def test_a_grid_over_a_range_is_refused(ml: Any, cluster: str, step: Step) -> None:
    trial = step("true", {"x": ""}, inputs={"x": Input(type="number")})(x=Uniform(0, 1))
    sweep = trial.sweep(compute=cluster, sampling_algorithm="grid", primary_metric="score", goal="maximize")
    with pytest.raises(HttpResponseError, match="Grid sampling takes only 'choice'; 'x' is 'uniform'"):
        ml.jobs.create_or_update(sweep)
