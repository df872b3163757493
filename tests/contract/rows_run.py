"""Every key of run.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from contract.table import Gives, Leaves, Row, Says, Scenario, Seen, Wire
from contract.training import PIPELINE, TRAIN
from support.training import COMPUTE, IMAGE, PLAIN, RUN_CONFIG, TRACKED, TrainingRepository

JOB = f"""\
type: command
code: .
command: echo ${{{{inputs.epochs}}}} $NOTE
inputs: {{epochs: 1}}
environment_variables: {{NOTE: from-the-file}}
environment: {{image: "{IMAGE}:latest", conda_file: environment.yml}}
compute: azureml:{COMPUTE}
"""
V1_PIPELINE = f"""\
pipeline:
  name: contract
  default_compute: {COMPUTE}
  steps:
    Fit:
      type: PythonScriptStep
      name: fit
      script_name: train.py
      source_directory: code/train
      runconfig: code/train/run_config.yml
"""
PYTHON = f"""\
import yaml
from azure.ai.ml import command
from azure.ai.ml.entities import Environment

def make_job(workspace):
    return command(
        command="echo made for " + workspace.name,
        environment=Environment(image="{IMAGE}:latest", conda_file="code/train/environment.yml"),
        compute="{COMPUTE}",
    )
"""


def _training(repository: TrainingRepository) -> None:
    config = RUN_CONFIG.replace("EXAMPLE: value", 'ACCURACY: "0.9", LOSS: "0.25"')
    repository.training(TRAIN, conda=TRACKED, run_config=config)


def _plain(repository: TrainingRepository) -> None:
    """Each source that a key names, under a name that is no default."""
    repository.training("print('trained')", conda=PLAIN)
    config = RUN_CONFIG.replace("script: train.py", "script: other.py")
    repository.write(
        {
            "code/train/other.yml": config,
            "code/train/other.py": "print('other')",
            "code/train/job.yml": JOB,
            "pipelines/train.yml": V1_PIPELINE,
            "code/train/make.py": PYTHON,
            "requirements-job.txt": "pyyaml\n",
        }
    )


def _pipeline(repository: TrainingRepository) -> None:
    repository.training(TRAIN, conda=TRACKED)
    repository.write({"code/train/job.yml": PIPELINE})


def _artifacts(repository: TrainingRepository, seen: Seen) -> bool:
    folder = Path(seen.outcome.outputs["artifact_path"])
    return (folder / "parent" / "outputs" / "model.pkl").read_text() == "weights"


def _metrics(text: str) -> bool:
    (values,) = json.loads(text).values()
    return {"accuracy": 0.9, "loss": 0.25}.items() <= values.items()


TRAINED = Scenario(
    "a run with everything",
    "aml-run",
    {
        "experiment_name": "contract-runs",
        "tags": {"team": "forecasting", "round": 3, "GITHUB_SHA": "mine"},
        "wait_for_completion": True,
        "download_artifacts": True,
        "queue_timeout": 45,
        "timeout": "6h",
        "compare_with": "no-such-model",
        "pull_request_comment": True,
    },
    prepare=_training,
)
DEFAULTS = Scenario("a run by its defaults", "aml-run", {"wait_for_completion": False}, prepare=_plain)
RUN_CONFIGURATION = Scenario(
    "a run configuration of another name",
    "aml-run",
    {"runconfig_yaml_file": "code/train/other.yml", "wait_for_completion": False},
    prepare=_plain,
)
PIPELINE_V1 = Scenario(
    "a pipeline of SDK v1",
    "aml-run",
    {"pipeline_yaml_file": "/pipelines/train.yml", "wait_for_completion": False},
    prepare=_plain,
)
PYTHON_FILE = Scenario(
    "a Python file",
    "aml-run",
    {
        "runconfig_python_file": "code/train/make",
        "runconfig_python_function_name": "make_job",
        "python_requirements": "requirements-job.txt",
        "wait_for_completion": False,
    },
    prepare=_plain,
)
JOB_FILE = Scenario(
    "a job YAML with values put into it",
    "aml-run",
    {
        "job_file": "code/train/job.yml",
        "set": {"inputs.epochs": 20, "environment_variables.NOTE": "set"},
        "wait_for_completion": False,
    },
    prepare=_plain,
)
PUBLISHED = Scenario(
    "a pipeline that is published",
    "aml-run",
    {
        "job_file": "code/train/job.yml",
        "pipeline_publish": True,
        "pipeline_name": "contract-pipeline",
        "pipeline_version": "7",
        "pipeline_continue_on_step_failure": True,
    },
    prepare=_pipeline,
)
NOT_VALID = Scenario(
    "values that are none",
    "aml-run",
    {
        "queue_timeout": "soon",
        "timeout": 0,
        "on_cancel": "ignore",
        "rerun": True,
        "compare_with": 3,
        "pull_request_comment": "yes please",
        "artifacts_limit_mb": 0,
        "log_limit_mb": -1,
    },
    code=1,
    prepare=_plain,
)
JOBS = "/jobs/[^/]+"
DEPLOYMENT = "/batchEndpoints/contract-pipeline/deployments/[^/]+"


def _job(scenario: Scenario, at: str, value: Any) -> Wire:
    return Wire("PUT", JOBS, at, value)


ROWS = (
    Row("experiment_name", TRAINED, Wire("PUT", JOBS, "properties/experimentName", "contract-runs")),
    Row("experiment_name", DEFAULTS, Wire("PUT", JOBS, "properties/experimentName", "credit-risk-main")),
    Row("tags", TRAINED, Wire("PUT", JOBS, "properties/tags/team", "forecasting")),
    Row("tags", TRAINED, Wire("PUT", JOBS, "properties/tags/round", "3")),
    Row(
        "tags",
        TRAINED,
        Wire("PUT", JOBS, "properties/tags/GITHUB_SHA", "c0ffee0000000000000000000000000000000000"),
    ),
    Row("wait_for_completion", TRAINED, Gives("run_metrics", _metrics)),
    Row("wait_for_completion", TRAINED, Gives("metrics", lambda text: json.loads(text)["accuracy"] == 0.9)),
    Row("wait_for_completion", DEFAULTS, Gives("run_metrics", "")),
    Row("wait_for_completion", DEFAULTS, Gives("metrics", "")),
    Row("compare_with", TRAINED, Says("warning", "There is no registered model or job no-such-model yet")),
    Row("pull_request_comment", TRAINED, Says("notice", "pull_request_comment: nothing was written.")),
    Row("download_artifacts", TRAINED, Leaves("the files of the job", _artifacts)),
    Row("runconfig_yaml_file", DEFAULTS, Wire("PUT", JOBS, "properties/command", lambda found: "train.py" in found)),
    Row(
        "runconfig_yaml_file",
        RUN_CONFIGURATION,
        Wire("PUT", JOBS, "properties/command", lambda found: "other.py" in found),
    ),
    Row("pipeline_yaml_file", PIPELINE_V1, Wire("PUT", JOBS, "properties/jobType", "Pipeline")),
    Row("pipeline_yaml_file", PIPELINE_V1, Says("warning", "is taken from the root of the repository")),
    Row(
        "runconfig_python_file",
        PYTHON_FILE,
        Wire("PUT", JOBS, "properties/command", "echo made for ws-of-the-contract"),
    ),
    Row("runconfig_python_function_name", PYTHON_FILE, Wire("PUT", JOBS, "properties/jobType", "Command")),
    Row("python_requirements", PYTHON_FILE, Says("", "requirements-job.txt")),
    Row("job_file", JOB_FILE, Wire("PUT", JOBS, "properties/command", "echo ${{{{inputs.epochs}}}} $NOTE")),
    Row("set", JOB_FILE, Wire("PUT", JOBS, "properties/inputs/epochs/value", "20")),
    Row("set", JOB_FILE, Wire("PUT", JOBS, "properties/environmentVariables/NOTE", "set")),
    Row(
        "queue_timeout",
        TRAINED,
        Says("", "waits for its start at most 45 min and runs at most 6 h; then it is cancelled."),
    ),
    Row("timeout", TRAINED, Says("", "waits for its start at most 45 min and runs at most 6 h; then it is cancelled.")),
    *(Row(key, NOT_VALID, Says("", key)) for key in NOT_VALID.parameters),
    Row("pipeline_publish", PUBLISHED, Wire("PUT", "/batchEndpoints/contract-pipeline")),
    Row(
        "pipeline_publish",
        PUBLISHED,
        Gives("published_pipeline_id", lambda text: "/batchEndpoints/contract-pipeline/deployments/" in text),
    ),
    Row("pipeline_publish", PUBLISHED, Gives("published_pipeline_status", "Succeeded")),
    Row("pipeline_publish", PUBLISHED, Gives("published_pipeline_endpoint", lambda text: text.startswith("https://"))),
    Row("pipeline_name", PUBLISHED, Wire("PUT", DEPLOYMENT)),
    Row("pipeline_version", PUBLISHED, Wire("PUT", "/components/contract_pipeline/versions/7")),
    Row(
        "pipeline_continue_on_step_failure",
        PUBLISHED,
        Wire(
            "PUT",
            DEPLOYMENT,
            "properties/deploymentConfiguration/settings",
            lambda found: {"true"} == {str(v).lower() for k, v in found.items() if "continue" in k.lower()},
        ),
    ),
)
