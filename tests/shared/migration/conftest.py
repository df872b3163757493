"""Repositories of the kinds that used the abandoned actions, written from the description of the two public templates."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

WORKSPACE = {"name": "demoworkspace", "resource_group": "demo-rg", "create_workspace": True}

SMALL_WORKFLOW = """\
name: aml-train-deploy-workflow
on:
  push:
    branches:
      - master
jobs:
  train-deploy:
    runs-on: ubuntu-latest
    steps:
      # Checks out the repository
      - name: Check Out Repository
        id: checkout_repository
        uses: actions/checkout@v2

      - name: Connect/Create the Workspace
        id: aml_workspace
        uses: Azure/aml-workspace@v1   # the workspace
        with:
          azure_credentials: ${{ secrets.AZURE_CREDENTIALS }}

      - name: Connect/Create Compute Target
        id: aml_compute_training
        uses: 'azure/AML-Compute@v1'
        with:
          azure_credentials: ${{ secrets.AZURE_CREDENTIALS }}

      - name: Submit Training Run
        id: aml_run
        uses: "Azure/aml-run@latest"
        with:
          azure_credentials: ${{ secrets.AZURE_CREDENTIALS }}

      - name: Register Model
        id: aml_registermodel
        uses: Azure/aml-registermodel@0123456789abcdef0123456789abcdef01234567 # v1
        with:
          azure_credentials: ${{ secrets.AZURE_CREDENTIALS }}
          run_id: ${{ steps.aml_run.outputs.run_id }}
          experiment_name: ${{ steps.aml_run.outputs.experiment_name }}

      - name: Deploy Model
        id: aml_deploy
        uses: Azure/aml-deploy@v1
        with:
          azure_credentials: ${{ secrets.AZURE_CREDENTIALS }}
          model_name: ${{ steps.aml_registermodel.outputs.model_name }}
          model_version: ${{ steps.aml_registermodel.outputs.model_version }}
"""

TRAIN = """\
import argparse
import os
import joblib
import numpy as np
from azureml.core import Run
from sklearn.datasets import load_iris
from sklearn.svm import SVC

run = Run.get_context()
parser = argparse.ArgumentParser()
parser.add_argument("--kernel", type=str, default="linear")
parser.add_argument("--penalty", type=float, default=1.0)
args = parser.parse_args()
run.log("Kernel type", {kernel})
run.log("Penalty", {penalty})
data, target = load_iris(return_X_y=True)
model = SVC(kernel=args.kernel, C=args.penalty).fit(data, target)
os.makedirs("outputs", exist_ok=True)
joblib.dump(model, "outputs/model.pkl")
"""

SCORE = """\
import os
import joblib
from azureml.monitoring import ModelDataCollector

def init():
    global model
    model = joblib.load(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.pkl"))

def run(data):
    return {"predict": model.predict(data).tolist()}
"""

RUN_CONFIG = """\
script: train.py
arguments: [--kernel, linear, --penalty, 1.0]
target: {target}
framework: Python
communicator: None
nodeCount: 1
environment:
  name: {environment}
  python:
    userManagedDependencies: false
    interpreterPath: python
    condaDependenciesFile: environment.yml
  docker:
    enabled: true
    baseImage: {image}
  environmentVariables:
    EXAMPLE_ENV_VAR: EXAMPLE_VALUE
history:
  outputCollection: true
"""

WEBSERVICE_TEST = """\
import json
from azureml.core import Webservice

def main(service):
    answer = service.run(json.dumps({"data": [[1, 2, 3, 4], [10, 9, 8, 7]]}))
    assert isinstance(answer["predict"], list)
"""

SMALL_FILES = {
    ".github/workflows/train_deploy.yml": SMALL_WORKFLOW,
    ".cloud/.azure/workspace.json": json.dumps(WORKSPACE, indent=4) + "\n",
    ".cloud/.azure/compute.json": '{\n    "name": "githubcluster",\n    "compute_type": "amlcluster"\n}\n',
    ".cloud/.azure/registermodel.json": '{\n    "model_file_name": "model.pkl"\n}\n',
    "code/train/train.py": TRAIN.format(kernel="args.kernel", penalty="float(args.penalty)"),
    "code/train/environment.yml": """\
name: training
dependencies:
  - python=3.8.12
  - pip=21.2
  - pip:
    - azureml-sdk==1.37.0
    - scikit-learn==1.0.2
    - matplotlib
""",
    "code/train/run_config.yml": RUN_CONFIG.format(
        target="githubcluster",
        environment="training",
        image="mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04:latest",
    ),
    "code/deploy/score.py": SCORE,
    "code/deploy/environment.yml": """\
name: deploy
dependencies:
  - python=3.8.12
  - pip:
    - azureml-defaults==1.37.0
    - azureml-monitoring==0.1.0a21
    - inference-schema[numpy-support]==1.3.0
    - scikit-learn==1.0.2
    - joblib==1.1.0
""",
    "code/test/test.py": WEBSERVICE_TEST,
    "README.md": "# A model\n",
}
"""The small template: no run.json and no deploy.json, so their defaults decide."""

TRAIN_WORKFLOW = """\
name: train
on:
  push:
    paths: ["code/**"]
  repository_dispatch:
    types: [storage-blobcreated, storage-blobdeleted]
jobs:
  deployment:
    runs-on: ubuntu-latest
    steps:
    - uses: actions/checkout@v2
    - id: aml_workspace
      uses: Azure/aml-workspace@v1
      with:
        azure_credentials: ${{ secrets.AZURE_CREDENTIALS }}
        parameters_file: workspace.json
    - id: aml_run
      uses: Azure/aml-run@v1
      with:
        azure_credentials: ${{ secrets.AZURE_CREDENTIALS }}
        parameters_file: run.json
"""

DEPLOY_WORKFLOW = """\
name: Model deployment
on:
  repository_dispatch:
    types: [machinelearningservices-runcompleted]
jobs:
  deploy:
    runs-on: ubuntu-latest
    steps:
    - name: Check variables
      run: |
        if [ -z "${{ github.event.client_payload.data.experimentName }}"]; then
          exit 1
        fi
    - uses: actions/checkout@v2
    - uses: Azure/aml-workspace@v1
      with:
        azure_credentials: ${{ secrets.AZURE_CREDENTIALS }}
    - uses: Azure/aml-compute@v1
      with:
        azure_credentials: ${{ secrets.AZURE_CREDENTIALS }}
    - id: aml_registermodel
      uses: Azure/aml-registermodel@ashishonce/adddefaulttags
      with:
        azure_credentials: ${{ secrets.AZURE_CREDENTIALS }}
        run_id: ${{ github.event.client_payload.data.runId }}
        experiment_name: ${{ github.event.client_payload.data.experimentName }}
    - id: aml_dev_deploy
      uses: Azure/aml-deploy@v1
      with:
        azure_credentials: ${{ secrets.AZURE_CREDENTIALS }}
        model_name: ${{ steps.aml_registermodel.outputs.model_name }}
        model_version: ${{ steps.aml_registermodel.outputs.model_version }}
        parameters_file: deploy_aci.json
    - run: echo "${{ steps.aml_dev_deploy.outputs.service_scoring_uri }}"
    - id: aml_prod_deploy
      uses: Azure/aml-deploy@v1
      with:
        azure_credentials: ${{ secrets.AZURE_CREDENTIALS }}
        model_name: ${{ steps.aml_registermodel.outputs.model_name }}
        model_version: ${{ steps.aml_registermodel.outputs.model_version }}
        parameters_file: deploy_aks.json
"""

ENTERPRISE_FILES = {
    ".github/workflows/train_model.yml": TRAIN_WORKFLOW,
    ".github/workflows/deploy_model.yml": DEPLOY_WORKFLOW,
    ".cloud/.azure/workspace.json": json.dumps(WORKSPACE, indent=4) + "\n",
    ".cloud/.azure/compute.json": '{\n    "name": "akscompute",\n    "compute_type": "akscluster"\n}\n',
    ".cloud/.azure/run.json": '{\n    "pipeline_yaml_file": "/pipelines/train_pipeline.yml"\n}\n',
    ".cloud/.azure/registermodel.json": '{\n    "model_file_name": "model.pkl"\n}\n',
    ".cloud/.azure/deploy_aci.json": """\
{
    "name": "igniteacrservice",
    "inference_source_directory": "code/deploy/",
    "inference_entry_script": "score.py",
    "conda_file": "environment.yml",
    "test_enabled": false,
    "delete_service_after_deployment": false
}
""",
    ".cloud/.azure/deploy_aks.json": """\
{
    "name": "igniteaksservice",
    "inference_source_directory": "code/deploy/",
    "inference_entry_script": "score.py",
    "conda_file": "environment.yml",
    "deployment_compute_target": "akscompute",
    "authentication_enabled": false,
    "test_enabled": false
}
""",
    "code/train/train.py": TRAIN.format(kernel="np.str(args.kernel)", penalty="np.float(args.penalty)"),
    "code/train/environment.yml": """\
name: data_gen_environment
dependencies:
  - python=3.6.2
  - scikit-learn=0.23.1
  - pip:
    - azureml-defaults==1.21.0
    - matplotlib==3.2.1
""",
    "code/train/run_config.yml": RUN_CONFIG.format(
        target="igniteCluster",
        environment="data_gen_environment",
        image="mcr.microsoft.com/azureml/base:intelmpi2018.3-ubuntu16.04",
    ),
    "code/deploy/score.py": SCORE,
    "code/deploy/environment.yml": """\
name: deploy
dependencies:
  - python=3.6.2
  - pip:
    - azureml-defaults==1.21.0
    - azureml-monitoring
    - inference-schema[numpy-support]
    - scikit-learn==0.23.1
""",
    "pipelines/train_pipeline.yml": """\
pipeline:
  name: SamplePipelineFromYaml
  parameters:
    PipelineParam1:
    type: int
    default: 3
  default_compute: igniteCluster
  steps:
    TrainingStep:
      type: PythonScriptStep
      name: TrainingStep
      script_name: train.py
      source_directory: /code/train
      runconfig: /code/train/run_config.yml
      allow_reuse: false
""",
    "tests/webservice/test.py": WEBSERVICE_TEST,
}
"""The enterprise template: its pipeline is mis-indented, and the abandoned action ran the run configuration instead of it."""


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode())
    return root


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


def commit(root: Path) -> Path:
    if not (root / ".git").exists():
        git(root, "init", "-q", "-b", "master")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "all")
    return root


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A clone of the small template with everything committed."""
    return commit(write(tmp_path / "my-model", SMALL_FILES))


@pytest.fixture
def enterprise(tmp_path: Path) -> Path:
    """A clone of the enterprise template with everything committed."""
    return commit(write(tmp_path / "enterprise", ENTERPRISE_FILES))
