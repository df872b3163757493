"""Python files as a step runs them: every kind of value that the function may return, up to the completed job."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
from support.runner_log import commands
from support.training import COMPUTE, IMAGE, PLAIN, TrainingRepository

FILE = "code/train/run_config.py"

COMMAND = f"""\
from azure.ai.ml import MLClient, command
from azure.ai.ml.entities import Environment

def main(ml_client: MLClient):
    cluster = ml_client.compute.get("{COMPUTE}")
    return command(
        code="code/train",
        command="python train.py --epochs ${{{{inputs.epochs}}}}",
        inputs={{"epochs": 2}},
        environment=Environment(image="{IMAGE}:latest", conda_file="code/train/environment.yml"),
        compute=cluster.name,
        display_name="made in Python",
        tags={{"made-by": "python"}},
    )
"""

SCRIPT_RUN = f"""\
from azureml.core import ComputeTarget, Environment, ScriptRunConfig

def main(workspace):
    print("::error::forged")
    print("region", workspace.location, workspace.get_details()["name"])
    environment = Environment.from_conda_specification(name="e", file_path="code/train/environment.yml")
    environment.docker.base_image = "{IMAGE}"
    environment.environment_variables = {{"EXAMPLE": "it's"}}
    return ScriptRunConfig(
        source_directory="code/train",
        script="train.py",
        arguments=["--epochs", 3],
        compute_target=ComputeTarget(workspace=workspace, name="{COMPUTE}"),
        environment=environment,
    )
"""

TRAIN = """\
import argparse, os
parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int)
print("epochs:", parser.parse_args().epochs, os.environ.get("EXAMPLE", ""))
"""

JOB = f"""\
type: command
code: ../code/train
command: python train.py --epochs ${{{{inputs.epochs}}}}
inputs: {{epochs: 7}}
environment: {{image: "{IMAGE}:latest", conda_file: ../code/train/environment.yml}}
compute: azureml:{COMPUTE}
"""


def write(repository: TrainingRepository, text: str) -> None:
    repository.write({FILE: text, "code/train/train.py": TRAIN, "code/train/environment.yml": PLAIN})


def test_a_job_of_sdk_v2_is_run(repository: TrainingRepository, client: Any) -> None:
    write(repository, COMMAND)
    done = repository.step("aml-run", {"tags": {"team": "blue"}})
    assert done.code == 0, done.log
    assert "epochs: 2" in done.log
    assert (done.result["definition"], done.result["type"], done.result["compute"]) == (FILE, "command", COMPUTE)
    assert done.outputs["experiment_name"] == "credit-risk-main"
    job = client.jobs.get(done.outputs["run_id"])
    assert job.display_name == "made in Python"
    assert {"made-by": "python", "team": "blue", "GITHUB_ACTOR": "octocat"}.items() <= job.tags.items()


def test_a_job_of_sdk_v2_takes_values_from_the_parameters_file(repository: TrainingRepository, client: Any) -> None:
    write(repository, COMMAND)
    done = repository.step(
        "aml-run",
        {
            "set": {"inputs.epochs": 11, "display_name": "other", "environment_variables.EXAMPLE": "set"},
            "experiment_name": "mine",
        },
    )
    assert done.code == 0, done.log
    assert "set inputs.epochs: 2 -> 11" in done.log
    assert "epochs: 11 set" in done.log
    assert client.jobs.get(done.outputs["run_id"]).display_name == "other"


def test_a_script_run_of_sdk_v1_is_run(repository: TrainingRepository, client: Any) -> None:
    write(repository, SCRIPT_RUN)
    done = repository.step("aml-run", {"runconfig_python_file": "code/train/run_config"})
    assert done.code == 0, done.log
    assert "epochs: 3 it's" in done.log
    assert "region westeurope ws-aml-run" in done.log
    assert "::error::forged" in done.log
    assert not [line for line in commands(done.log) if "forged" in line]
    # As the legacy file that it replaces, it is shown as the v2 job that it is.
    assert f"{FILE} as a v2 job YAML (its paths are relative to code/train/)" in done.log
    assert client.jobs.get(done.outputs["run_id"]).compute.endswith(COMPUTE)


@pytest.mark.parametrize("kind", ["str", "Path"])
def test_the_path_of_a_job_file_is_run(repository: TrainingRepository, kind: str) -> None:
    write(repository, f"from pathlib import Path\ndef main(workspace):\n    return {kind}('jobs/job.yml')\n")
    repository.write({"jobs/job.yml": JOB})
    done = repository.step("aml-run", {"set": {"inputs.epochs": 8}} if kind == "Path" else {})
    assert done.code == 0, done.log
    assert f"epochs: {8 if kind == 'Path' else 7}" in done.log
    assert done.result["definition"] == FILE


def test_packages_of_a_requirements_file_are_there_for_the_file_only(
    repository: TrainingRepository, actions_home: Path
) -> None:
    wheel = repository.root / "wheels/rate_of_mine-1.0-py3-none-any.whl"
    wheel.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("rate_of_mine.py", "EPOCHS = 5\n")
        archive.writestr(
            "rate_of_mine-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: rate-of-mine\nVersion: 1.0\n"
        )
        archive.writestr(
            "rate_of_mine-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr("rate_of_mine-1.0.dist-info/RECORD", "")
    write(
        repository,
        COMMAND.replace('"epochs": 2', '"epochs": rate_of_mine.EPOCHS').replace(
            "from azure", "import rate_of_mine\nfrom azure", 1
        ),
    )
    repository.write({"requirements-job.txt": "./wheels/rate_of_mine-1.0-py3-none-any.whl\n"})

    without = repository.step("aml-run", {})
    assert without.code == 1
    assert "python_requirements" in without.annotations[0]
    assert "::error title=aml-run,file=code/train/run_config.py,line=1::" in without.log

    done = repository.step(
        "aml-run", {"python_requirements": "requirements-job.txt"}, env={"AML_ACTIONS_HOME": str(actions_home)}
    )
    assert done.code == 0, done.log
    assert "epochs: 5" in done.log
    assert "Installed the packages of requirements-job.txt" in done.log
    (repository.root / "requirements-job.txt").unlink()
    wheel.unlink()


def test_packages_that_contradict_the_step_are_refused(repository: TrainingRepository, actions_home: Path) -> None:
    write(repository, COMMAND)
    repository.write({"code/job.txt": "azure-ai-ml<1.30\n"})
    done = repository.step(
        "aml-run", {"python_requirements": "code/job.txt"}, env={"AML_ACTIONS_HOME": str(actions_home)}
    )
    assert done.code == 1
    (annotation,) = done.annotations
    assert "could not be installed" in annotation
    assert "azure-ai-ml" in annotation
    assert done.outputs == {}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("    pass", "returned nothing"),
        ("    return {'command': 'x'}", "returned something that is no job"),
        ("    return 'jobs/none.yml'", "the path of a file that does not exist"),
        ("    raise ValueError('no data')", "failed: ValueError: no data"),
        ("    workspace.ml_client.compute.get('no-such-cluster')", "no-such-cluster"),
        ("    from azureml.core import ScriptRunConfig\n    return ScriptRunConfig('nowhere', 'train.py')", "no folder of the repository"),
        (
            "    from azureml.core import Environment, ScriptRunConfig\n    e = Environment.from_docker_image('e', 'image:1')\n"
            "    return ScriptRunConfig('code/train', 'tran.py', compute_target='c', environment=e)",
            "tran.py",
        ),
    ],
)  # fmt: skip
def test_what_is_no_job_submits_nothing(repository: TrainingRepository, body: str, said: str) -> None:
    write(repository, f"def main(workspace):\n{body}\n")
    done = repository.step("aml-run", {})
    assert done.code == 1
    (annotation,) = done.annotations
    assert said in annotation
    assert f"file={FILE}" in done.log
    assert "group::debug" not in done.log
    assert done.outputs == {}


def test_a_function_that_submits_the_job_itself_is_told_so(repository: TrainingRepository) -> None:
    write(
        repository,
        COMMAND.replace("return command(", "return ml_client.jobs.create_or_update(command(").rstrip() + ")\n",
    )
    done = repository.step("aml-run", {})
    assert done.code == 1
    assert "a job that it has submitted itself" in done.annotations[0]
