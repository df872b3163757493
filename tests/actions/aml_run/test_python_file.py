"""A Python file that makes the job: how it is loaded and called, and what its mistakes look like."""

import io
from pathlib import Path
from typing import Any

import pytest

from aml_actions.errors import ActionError
from aml_actions.workflow import Workflow
from aml_actions.workspace import WorkspaceRef
from aml_run import python_file
from aml_run.definition import Definition
from aml_run.python_file import PythonWorkspace
from aml_run.sdk_v1_objects import ScriptRunConfig

CLIENT: Any = object()
"""Stands for the client where nothing is asked of the cloud."""
NAME = "code/train/run_config.py"


class Repository:
    """A repository with a Python file."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.stream = io.StringIO()

    def call(self, text: str, function: str = "main") -> Any:
        file = self.root / NAME
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        chosen = Definition("python", file, NAME, None, "runconfig_python_file")
        workspace = PythonWorkspace(WorkspaceRef("sub", "rg", "ws"), CLIENT)
        return python_file.call(chosen, function, workspace, self.root, None, Workflow(self.stream))

    def refusal(self, text: str, function: str = "main") -> ActionError:
        with pytest.raises(ActionError) as caught:
            self.call(text, function)
        return caught.value


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_the_function_gets_the_workspace(repository: Repository) -> None:
    text = "def main(workspace):\n    return workspace.name, workspace.resource_group, workspace.subscription_id\n"
    assert repository.call(text) == ("ws", "rg", "sub")


@pytest.mark.parametrize(
    "signature",
    [
        "ml_client",
        "client",
        "x: MLClient",
        "x: 'azure.ai.ml.MLClient'",
    ],
)
def test_the_function_gets_the_client_when_it_asks_for_it(repository: Repository, signature: str) -> None:
    text = f"class MLClient: pass\ndef main({signature}):\n    return {signature.split(':')[0]}\n"
    assert repository.call(text) is CLIENT


def test_other_signatures(repository: Repository) -> None:
    assert repository.call("def make(): return 1\n", "make") == 1
    assert repository.call("def main(workspace, lr=2): return lr\n") == 2
    assert repository.call("def main(*arguments): return len(arguments)\n") == 1
    assert "wants 2 arguments" in str(repository.refusal("def main(workspace, lr): return lr\n"))


def test_modules_of_the_repository_and_beside_the_file_are_found(repository: Repository) -> None:
    (repository.root / "shared_code.py").write_text("WHERE = 'root'\n")
    (repository.root / "code/train").mkdir(parents=True)
    (repository.root / "code/train/helper.py").write_text("WHERE = 'beside'\n")
    # Of the same name as a module that everything imports: it must not take its place.
    (repository.root / "code/train/logging.py").write_text("raise RuntimeError('shadowed')\n")
    text = "import shared_code, helper, logging\ndef main(w):\n    logging.getLogger()\n    return shared_code.WHERE, helper.WHERE\n"
    assert repository.call(text) == ("root", "beside")


def test_it_works_in_the_root_of_the_repository_and_leaves_no_trace(repository: Repository) -> None:
    before = Path.cwd()
    text = "import os, sys\ndef main(w):\n    return os.getcwd(), sys.path[0]\n"
    assert repository.call(text) == (str(repository.root), str(repository.root))
    assert Path.cwd() == before
    assert not list(repository.root.rglob("__pycache__"))


def test_what_it_and_its_programs_print_is_shown_and_not_obeyed(repository: Repository) -> None:
    text = (
        "import subprocess, sys\n"
        "def main(w):\n"
        "    print('::set-output name=run_id::forged')\n"
        "    print('to stderr', file=sys.stderr)\n"
        "    subprocess.run(['echo', '::error::forged'])\n"
    )
    repository.call(text)
    lines = repository.stream.getvalue().splitlines()
    stop = next(line for line in lines if line.startswith("::stop-commands::"))
    end = f"::{stop.removeprefix('::stop-commands::')}::"
    relayed = lines[lines.index(stop) + 1 : lines.index(end)]
    assert set(relayed) == {"::set-output name=run_id::forged", "to stderr", "::error::forged"}
    assert not [line for line in lines if "forged" in line and line not in relayed]


def test_an_error_in_the_function_is_told_at_its_line(repository: Repository) -> None:
    error = repository.refusal("def main(w):\n    return make()\ndef make():\n    return {}['learning rate']\n")
    assert (error.file, error.line) == (NAME, 4)
    assert "KeyError: 'learning rate'" in error.what
    assert "return {}['learning rate']" in str(error.value)
    # The user's own frames, and no others.
    assert str(error.details).count("File ") == 2


def test_an_error_in_another_module_of_the_repository_is_told_there(repository: Repository) -> None:
    (repository.root / "settings.py").write_text("x = 1\ny = x / 0\n")
    error = repository.refusal("import settings\ndef main(w): pass\n")
    assert (error.file, error.line) == ("settings.py", 2)


def test_a_syntax_error_is_told_at_its_line(repository: Repository) -> None:
    error = repository.refusal("def main(w):\n    return (\n")
    assert (error.file, error.line) == (NAME, 2)
    assert "SyntaxError" in error.what


def test_an_end_of_the_process_is_an_error(repository: Repository) -> None:
    assert "exit code 0" in repository.refusal("import sys\ndef main(w): sys.exit(0)\n").what


def test_a_package_that_is_not_there_names_the_way_to_have_it(repository: Repository) -> None:
    error = repository.refusal("import lightgbm_of_mine\ndef main(w): pass\n")
    assert (error.file, error.line) == (NAME, 1)
    assert "python_requirements" in str(error.fix)
    assert "lightgbm_of_mine" in str(error.fix)


def test_a_function_that_is_not_there(repository: Repository) -> None:
    error = repository.refusal("def create(w): pass\ndef other(w): pass\n")
    assert "has no function main" in error.what
    assert error.value == "it has create, other"
    assert "runconfig_python_function_name" in str(error.fix)


# --- SDK v1


def test_a_script_run_of_sdk_v1_is_understood(repository: Repository) -> None:
    (repository.root / "code/train").mkdir(parents=True)
    (repository.root / "code/train/environment.yml").write_text(
        "channels: [conda-forge]\ndependencies:\n- python=3.11\n- pip:\n  - mlflow-skinny\n"
    )
    text = """\
from azureml.core import ComputeTarget, Environment, Experiment, Run, ScriptRunConfig, Workspace
from azureml.core.compute_target import ComputeTargetException
from azureml.core.runconfig import DockerConfiguration, MpiConfiguration
import azureml.core.conda_dependencies

def main(workspace: Workspace):
    assert Workspace.from_config() is workspace
    try:
        target = ComputeTarget(workspace=workspace, name="cluster")
    except ComputeTargetException:
        raise
    environment = Environment.from_conda_specification(name="e", file_path="code/train/environment.yml")
    environment.docker.enabled = True
    environment.docker.base_image = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"
    environment.environment_variables["A"] = 1
    return ScriptRunConfig(
        source_directory="code/train",
        script="train.py",
        arguments=["--penalty", 1.0, "--fast", True],
        compute_target=target,
        environment=environment,
        distributed_job_config=MpiConfiguration(process_count_per_node=2, node_count=3),
        max_run_duration_seconds=600,
        docker_runtime_config=DockerConfiguration(use_docker=True, shm_size="4g"),
    )
"""
    config = repository.call(text)
    assert isinstance(config, ScriptRunConfig)
    assert config.document() == {
        "target": "cluster",
        "framework": "Python",
        "communicator": "IntelMpi",
        "node_count": "3",
        "max_run_duration_seconds": "600",
        "mpi": {"process_count_per_node": "2", "node_count": "3"},
        "docker": {"use_docker": "true", "shared_volumes": "true", "arguments": [], "shm_size": "4g"},
        "environment": {
            "name": "e",
            "python": {
                "conda_dependencies": {
                    "channels": ["conda-forge"],
                    "dependencies": ["python=3.11", "pip", {"pip": ["mlflow-skinny"]}],
                }
            },
            "docker": {"enabled": "true", "base_image": "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"},
            "environment_variables": {"A": "1"},
        },
        "script": "train.py",
        "arguments": ["--penalty", "1.0", "--fast", "true"],
    }


def test_conda_dependencies_made_in_code(repository: Repository) -> None:
    text = """\
from azureml.core import Environment
from azureml.core.conda_dependencies import CondaDependencies
def main(w):
    packages = CondaDependencies.create(conda_packages=["scikit-learn"], pip_packages=["mlflow"], python_version="3.10")
    packages.add_channel("conda-forge")
    packages.add_pip_package("pandas")
    environment = Environment("e")
    environment.python.conda_dependencies = packages
    return environment
"""
    assert repository.call(text).document()["python"]["conda_dependencies"] == {
        "channels": ["conda-forge"],
        "dependencies": ["python=3.10", "scikit-learn", "pip", {"pip": ["mlflow", "pandas"]}],
    }


def use(expression: str, imported: str = "") -> str:
    return f"{imported}\n\ndef main(workspace):\n    return {expression}\n"


@pytest.mark.parametrize(
    ("imported", "expression", "name", "instead"),
    [
        ("from azureml.train.estimator import Estimator", "Estimator('x')", "azureml.train.estimator.Estimator", "ScriptRunConfig"),
        ("from azureml.train.sklearn import SKLearn", "SKLearn()", "azureml.train.sklearn.SKLearn", "azure.ai.ml.command"),
        ("from azureml.train.automl import AutoMLConfig", "AutoMLConfig(task='x')", "AutoMLConfig", "azure.ai.ml.automl"),
        ("from azureml.train.hyperdrive import HyperDriveConfig", "HyperDriveConfig()", "HyperDriveConfig", ".sweep("),
        ("from azureml.pipeline.core import Pipeline", "Pipeline(steps=[])", "azureml.pipeline.core.Pipeline", "@dsl.pipeline"),
        ("from azureml.pipeline.steps import PythonScriptStep", "PythonScriptStep()", "PythonScriptStep", "@dsl.pipeline"),
        ("from azureml.core import Dataset", "Dataset.get_by_name(workspace, 'd')", "azureml.core.Dataset", "Input("),
        ("import azureml.core", "azureml.core.Datastore.get(workspace, 'd')", "azureml.core.Datastore", "Input("),
        ("from azureml.core import Experiment", "Experiment(workspace, 'e').submit(1)", "Experiment", "return the job"),
        ("from azureml.core import Environment", "Environment.get(workspace, 'E')", "Environment.get", "azureml:E@latest"),
        ("", "workspace.compute_targets['x']", "workspace.compute_targets", "workspace.ml_client"),
    ],
)  # fmt: skip
def test_other_classes_of_sdk_v1_are_refused_by_name_where_they_are_used(
    repository: Repository, imported: str, expression: str, name: str, instead: str
) -> None:
    error = repository.refusal(use(expression, imported))
    assert (error.file, error.line) == (NAME, 4)
    assert name in error.what
    assert instead.lower() in str(error.fix).lower()
    assert "azureml-core (SDK v1)" in str(error.cause)


def test_what_is_only_imported_does_no_harm(repository: Repository) -> None:
    text = "from azureml.core import Dataset, Datastore, Model, Keyvault\nfrom azureml.widgets import RunDetails\n"
    assert repository.call(text + "def main(w): return 7\n") == 7


def test_a_setting_that_sdk_v1_did_not_have_is_not_lost_in_silence(repository: Repository) -> None:
    text = (
        "from azureml.core import Environment\ndef main(w):\n    e = Environment('e')\n    e.docker.base_imge = 'x'\n"
    )
    error = repository.refusal(text)
    assert (error.file, error.line) == (NAME, 4)
    assert "`base_imge`" in error.what
    assert "`baseImage`" in str(error.fix)


def test_sdk_v1_is_gone_again_afterwards(repository: Repository) -> None:
    repository.call("import azureml.core\ndef main(w): pass\n")
    with pytest.raises(ModuleNotFoundError):
        __import__("azureml.core")
