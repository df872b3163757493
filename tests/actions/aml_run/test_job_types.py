"""Kinds of jobs other than a single command: pipelines and sweeps with their children, and what the emulator does not run."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.training import COMPUTE, IMAGE, PLAIN, TRACKED, TrainingRepository

ENVIRONMENT = f"environment: {{image: '{IMAGE}:latest', conda_file: environment.yml}}"

PIPELINE = f"""\
type: pipeline
experiment_name: two-steps
inputs: {{lr: 0.25}}
settings: {{default_compute: azureml:{COMPUTE}}}
outputs:
  model: {{type: uri_folder}}
jobs:
  prepare:
    type: command
    code: src
    command: python prepare.py --to ${{{{outputs.data}}}}
    {ENVIRONMENT}
    outputs: {{data: {{type: uri_folder}}}}
  train:
    type: command
    code: src
    command: python train.py --lr ${{{{inputs.lr}}}} --data ${{{{inputs.data}}}} --model ${{{{outputs.model}}}}
    {ENVIRONMENT}
    inputs:
      lr: ${{{{parent.inputs.lr}}}}
      data: ${{{{parent.jobs.prepare.outputs.data}}}}
    outputs: {{model: "${{{{parent.outputs.model}}}}"}}
"""

PREPARE = """\
import argparse, pathlib
parser = argparse.ArgumentParser()
parser.add_argument("--to")
folder = pathlib.Path(parser.parse_args().to)
folder.mkdir(parents=True, exist_ok=True)
(folder / "rows.txt").write_text("1 2 3")
pathlib.Path("outputs").mkdir(exist_ok=True)
pathlib.Path("outputs/prepared.txt").write_text("prepared")
"""

TRAIN = """\
import argparse, pathlib, sys
import mlflow
parser = argparse.ArgumentParser()
for name in ("--lr", "--data", "--model"):
    parser.add_argument(name)
arguments = parser.parse_args()
rows = (pathlib.Path(arguments.data) / "rows.txt").read_text()
mlflow.log_metric("rows", len(rows.split()))
mlflow.log_metric("lr", float(arguments.lr))
if float(arguments.lr) > 1:
    print("ValueError: the rate is too high")
    sys.exit(4)
model = pathlib.Path(arguments.model)
model.mkdir(parents=True, exist_ok=True)
(model / "model.txt").write_text("weights")
pathlib.Path("outputs").mkdir(exist_ok=True)
pathlib.Path("outputs/trained.txt").write_text("trained")
"""

SWEEP = f"""\
type: sweep
compute: azureml:{COMPUTE}
trial:
  code: src
  command: python trial.py --lr ${{{{search_space.lr}}}}
  {ENVIRONMENT}
search_space:
  lr: {{type: choice, values: [0.1, 0.4]}}
sampling_algorithm: grid
objective: {{goal: maximize, primary_metric: accuracy}}
limits: {{max_total_trials: 2, max_concurrent_trials: 2}}
"""

TRIAL = """\
import argparse
import mlflow
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
mlflow.log_metric("accuracy", 1 - parser.parse_args().lr)
"""


def write(repository: TrainingRepository, job: str, conda: str = TRACKED) -> None:
    repository.write(
        {
            "jobs/job.yml": job,
            "jobs/environment.yml": conda,
            "jobs/src/prepare.py": PREPARE,
            "jobs/src/train.py": TRAIN,
            "jobs/src/trial.py": TRIAL,
        }
    )


def test_a_pipeline_hands_on_metrics_and_files_of_its_steps(repository: TrainingRepository, client: Any) -> None:
    write(repository, PIPELINE)
    done = repository.step("aml-run", {"job_file": "jobs/job.yml", "download_artifacts": True})
    assert done.code == 0, done.log
    run_id = done.outputs["run_id"]
    assert done.outputs["experiment_name"] == "two-steps"
    assert (done.result["type"], done.result["compute"]) == ("pipeline", COMPUTE)

    children = {child.display_name: child.name for child in client.jobs.list(parent_job_name=run_id)}
    assert set(children) == {"prepare", "train"}
    assert json.loads(done.outputs["run_metrics"]) == {children["train"]: {"rows": 3.0, "lr": 0.25}}
    assert done.outputs["run_metrics_markdown"].startswith(
        f"## Run Details:\n\n Experiment/Pipeline ID: {children['train']} "
    )

    # The folders of SDK v1: the job that started last is the first child; no level `artifacts`.
    folder = Path(done.outputs["artifact_path"])
    assert sorted(entry.name for entry in folder.iterdir()) == ["child_0", "child_1", "parent"]
    assert (folder / "child_0/outputs/trained.txt").read_text() == "trained"
    assert (folder / "child_1/outputs/prepared.txt").read_text() == "prepared"
    assert (folder / "parent/logs/azureml/executionlogs.txt").is_file()
    assert (folder / "child_0/user_logs/std_log.txt").is_file()
    assert [file.read_text() for file in (folder / "parent").rglob("model.txt")] == ["weights"]
    assert not list(folder.rglob("artifacts"))


def test_steps_that_are_not_run_again_hand_on_what_they_logged(repository: TrainingRepository, client: Any) -> None:
    write(repository, PIPELINE)
    first, again = (repository.step("aml-run", {"job_file": "jobs/job.yml", "rerun": "new"}) for _ in range(2))
    assert (first.code, again.code) == (0, 0), again.log
    assert again.log.count(": reused from ") == 2
    children = {child.display_name: child for child in client.jobs.list(parent_job_name=again.outputs["run_id"])}
    assert children["train"].name not in first.outputs["run_metrics"]
    assert json.loads(again.outputs["run_metrics"]) == {children["train"].name: {"rows": 3.0, "lr": 0.25}}


def test_a_pipeline_takes_values_from_the_parameters_file(repository: TrainingRepository) -> None:
    write(repository, PIPELINE)
    done = repository.step(
        "aml-run", {"job_file": "jobs/job.yml", "set": {"inputs.lr": 0.5, "jobs.train.display_name": "fit"}}
    )
    assert done.code == 0, done.log
    (metrics,) = json.loads(done.outputs["run_metrics"]).values()
    assert metrics["lr"] == 0.5


def test_a_pipeline_with_a_failed_step_says_which_and_why(repository: TrainingRepository) -> None:
    write(repository, PIPELINE)
    done = repository.step("aml-run", {"job_file": "jobs/job.yml", "set": {"inputs.lr": 2}, "pipeline_publish": True})
    assert done.code == 1
    (annotation,) = done.annotations
    assert (
        f"Job {done.outputs['run_id']} failed: the script of its child job train ended with exit code 4." in annotation
    )
    assert "Last lines of user_logs/std_log.txt of its child job train" in annotation
    assert "ValueError: the rate is too high" in annotation
    assert "ValueError: the rate is too high" in done.summary
    assert done.result["status"] == "Failed"
    assert done.result["published_pipeline"] is None
    assert "published_pipeline_id" not in done.outputs


PARALLEL = f"""\
type: pipeline
settings: {{default_compute: azureml:{COMPUTE}}}
inputs:
  files: {{type: uri_folder, path: rows}}
jobs:
  score:
    type: parallel
    inputs: {{files: "${{{{parent.inputs.files}}}}"}}
    outputs: {{scored: {{type: uri_file}}}}
    input_data: ${{{{inputs.files}}}}
    mini_batch_size: "1"
    mini_batch_error_threshold: 0
    resources: {{instance_count: 1}}
    max_concurrency_per_instance: 2
    task:
      type: run_function
      code: src
      entry_script: batch.py
      {ENVIRONMENT}
      append_row_to: ${{{{outputs.scored}}}}
  show:
    type: command
    command: sort ${{{{inputs.scored}}}} && test $(wc -l < ${{{{inputs.scored}}}}) = 2
    {ENVIRONMENT}
    inputs: {{scored: "${{{{parent.jobs.score.outputs.scored}}}}"}}
"""
BATCH = """\
import pathlib
def init():
    pass
def run(mini_batch):
    return [pathlib.Path(file).read_text().strip().upper() for file in mini_batch]
"""


def test_a_parallel_step_works_on_every_file(repository: TrainingRepository, client: Any) -> None:
    write(repository, PARALLEL, conda=PLAIN)
    repository.write({"jobs/src/batch.py": BATCH, "jobs/rows/a.txt": "iris", "jobs/rows/b.txt": "rose"})
    done = repository.step("aml-run", {"job_file": "jobs/job.yml", "download_artifacts": True})
    assert done.code == 0, done.log
    log = "".join(file.read_text() for file in Path(done.outputs["artifact_path"]).rglob("std_log*.txt"))
    assert "IRIS\nROSE\n" in log


def test_a_sweep_hands_on_the_metrics_of_its_trials(repository: TrainingRepository) -> None:
    write(repository, SWEEP)
    done = repository.step("aml-run", {"job_file": "jobs/job.yml", "download_artifacts": True})
    assert done.code == 0, done.log
    run_id = done.outputs["run_id"]
    assert (done.result["type"], done.result["compute"]) == ("sweep", COMPUTE)
    metrics = json.loads(done.outputs["run_metrics"])
    trials = {name: values["accuracy"] for name, values in metrics.items() if name != run_id}
    assert sorted(trials.values()) == [0.6, 0.9]
    assert all(name.startswith(run_id) for name in trials)
    assert "| accuracy | 0.9 |" in done.outputs["run_metrics_markdown"]

    # The files of a trial are those of a child; the parent has its own only.
    folder = Path(done.outputs["artifact_path"])
    assert sorted(entry.name for entry in folder.iterdir()) == ["child_0", "child_1", "parent"]
    assert (folder / "child_0/user_logs/std_log.txt").is_file()
    assert not (folder / "parent/user_logs").exists()


DISTRIBUTED = f"""\
type: command
code: src
command: python rank.py
{ENVIRONMENT}
compute: azureml:{COMPUTE}
resources: {{instance_count: 2}}
distribution: {{type: pytorch, process_count_per_instance: 1}}
"""


def test_every_process_of_a_job_on_several_nodes_is_heard(repository: TrainingRepository) -> None:
    write(repository, DISTRIBUTED, PLAIN)
    repository.write(
        {"jobs/src/rank.py": "import os\nprint('rank', os.environ['RANK'], 'of', os.environ['WORLD_SIZE'])\n"}
    )
    done = repository.step("aml-run", {"job_file": "jobs/job.yml"})
    assert done.code == 0, done.log
    assert "rank 0 of 2" in done.log
    assert "rank 1 of 2" in done.log


AUTOML = f"""\
type: automl
task: classification
primary_metric: accuracy
target_column_name: y
training_data: {{type: mltable, path: data}}
compute: azureml:{COMPUTE}
limits: {{max_trials: 1}}
"""

SPARK = f"""\
type: spark
code: src
entry: {{file: trial.py}}
conf: {{spark.driver.cores: 1, spark.driver.memory: 2g, spark.executor.cores: 1, spark.executor.memory: 2g, spark.executor.instances: 1}}
compute: azureml:{COMPUTE}
"""


@pytest.mark.parametrize(("job", "kind"), [(AUTOML, "AutoML"), (SPARK, "Spark")])
def test_jobs_that_the_emulator_does_not_run_reach_it_and_are_refused_in_its_words(
    repository: TrainingRepository, job: str, kind: str
) -> None:
    write(repository, job, PLAIN)
    repository.write({"jobs/data/MLTable": "type: mltable\npaths:\n- file: ./a.csv\n", "jobs/data/a.csv": "x,y\n1,2\n"})
    done = repository.step("aml-run", {"job_file": "jobs/job.yml"})
    assert done.code == 1
    (annotation,) = done.annotations
    assert kind.lower() in annotation.lower()
    assert "emulator" in annotation.lower()
    assert "group::debug" not in done.log
    assert done.outputs == {}
