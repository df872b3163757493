"""Jobs that scenarios need: a training with metrics and a model, alone and as a step of a pipeline."""

from __future__ import annotations

from collections.abc import Mapping

from support.training import COMPUTE, IMAGE, RUN_CONFIG, TRACKED, TrainingRepository, azure_client

TRAIN = """\
import os, pathlib
import mlflow

mlflow.log_metrics({"accuracy": float(os.environ["ACCURACY"]), "loss": float(os.environ["LOSS"])})
pathlib.Path("outputs").mkdir(exist_ok=True)
pathlib.Path("outputs/model.pkl").write_text("weights")
"""
PIPELINE = f"""\
$schema: https://azuremlschemas.azureedge.net/latest/pipelineJob.schema.json
type: pipeline
settings: {{default_compute: "azureml:{COMPUTE}", force_rerun: true}}
jobs:
  prepare:
    type: command
    code: .
    command: echo prepared
    environment: {{image: "{IMAGE}:latest", conda_file: environment.yml}}
  fit:
    type: command
    code: .
    command: ACCURACY=0.9 LOSS=0.1 python train.py
    environment: {{image: "{IMAGE}:latest", conda_file: environment.yml}}
"""


_JOBS: dict[tuple[str, float, float], dict[str, str]] = {}


def trained(repository: TrainingRepository, accuracy: float = 0.9, loss: float = 0.25) -> dict[str, str]:
    """Train with certain metrics, once for each; the inputs of aml-registermodel. All scenarios share one workspace."""
    metrics = (repository.emulator.base_url, accuracy, loss)
    if metrics not in _JOBS:
        _JOBS[metrics] = _train(repository, accuracy, loss)
    return _JOBS[metrics]


def _train(repository: TrainingRepository, accuracy: float, loss: float) -> dict[str, str]:
    config = RUN_CONFIG.replace("EXAMPLE: value", f'ACCURACY: "{accuracy}", LOSS: "{loss}"')
    repository.training(TRAIN, conda=TRACKED, run_config=config)
    done = repository.step("aml-run", {})
    assert done.code == 0, done.log
    return {"run_id": done.outputs["run_id"], "experiment_name": done.outputs["experiment_name"]}


def trained_in_a_pipeline(repository: TrainingRepository) -> Mapping[str, str]:
    """Train in the second step of a pipeline; the inputs of aml-registermodel, and the job of that step."""
    repository.training(TRAIN, conda=TRACKED)
    repository.write({"code/train/job.yml": PIPELINE})
    done = repository.step("aml-run", {"job_file": "code/train/job.yml"})
    assert done.code == 0, done.log
    parent = done.outputs["run_id"]
    with azure_client(repository.emulator, repository.workspace) as client:
        children = {job.display_name: str(job.name) for job in client.jobs.list(parent_job_name=parent)}
    return {"run_id": parent, "experiment_name": done.outputs["experiment_name"], "child": children["fit"]}
