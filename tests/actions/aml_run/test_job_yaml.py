"""The v2 job YAML that a translated run configuration becomes, as the SDK reads it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from aml_run import job_file
from aml_run.job_yaml import job_yaml
from aml_run.launchers import Distribution
from aml_run.training_environment import TrainingEnvironment
from aml_run.translate import CommandSettings


def settings(folder: Path, **changes: Any) -> CommandSettings:
    usual: dict[str, Any] = {
        "code": folder,
        "command": "python train.py --kernel linear",
        "compute": "cpu-cluster",
        "nodes": 1,
        "environment": TrainingEnvironment(image="registry.example.com/train:1"),
        "environment_variables": {},
        "shm_size": "",
        "docker_args": "",
        "timeout": None,
        "distribution": None,
    }
    return CommandSettings(**{**usual, **changes})


def sent(folder: Path, **changes: Any) -> Any:
    """What the SDK would send for the settings."""
    job: Any = job_file.load_text(job_yaml(settings(folder, **changes), folder), "run_config.yml", folder)
    assert Path(job.base_path) == folder, "the SDK must look for code and conda file in the folder of the code"
    return job._to_job()._to_rest_object().properties


def test_everything_that_is_set_arrives_in_the_job(tmp_path: Path) -> None:
    (tmp_path / "environment.yml").write_text("name: x\ndependencies:\n- python=3.11\n")
    changes: dict[str, Any] = {
        "nodes": 2,
        "environment": TrainingEnvironment(image="registry.example.com/train:1", conda=tmp_path / "environment.yml"),
        "environment_variables": {"A": "yes", "N": "010", "EMPTY": ""},
        "shm_size": "4g",
        "docker_args": "--ulimit memlock=-1",
        "timeout": 3600,
        "distribution": Distribution("pytorch", 4),
    }
    properties = sent(tmp_path, **changes)
    assert properties.command == "python train.py --kernel linear"
    assert properties.code_id == "."
    assert properties.compute_id == "cpu-cluster"
    assert properties.environment_variables == {"A": "yes", "N": "010", "EMPTY": ""}
    assert (properties.resources.instance_count, properties.resources.shm_size) == (2, "4g")
    assert properties.resources.docker_args == "--ulimit memlock=-1"
    assert properties.limits.as_dict()["timeout"] == "PT1H"
    assert properties.distribution.as_dict() == {"distributionType": "PyTorch", "processCountPerInstance": 4}
    assert yaml.safe_load(job_yaml(settings(tmp_path, **changes), tmp_path))["environment"] == {
        "image": "registry.example.com/train:1",
        "conda_file": "environment.yml",
    }


def test_what_is_not_set_is_left_to_the_service(tmp_path: Path) -> None:
    properties = sent(tmp_path)
    assert properties.limits is None or properties.limits.timeout is None
    assert properties.distribution is None
    assert not properties.environment_variables


@pytest.mark.parametrize(
    "command", ["python train.py --note 'it''s: #1'", 'echo "a\tb"', "python t.py --n '…'", "a\nb", "- x", "{a}", "yes"]
)
def test_a_command_survives_the_yaml(tmp_path: Path, command: str) -> None:
    assert sent(tmp_path, command=command).command == command


def test_a_long_command_stays_one_line(tmp_path: Path) -> None:
    command = "python train.py " + " ".join(f"--argument-{number} value" for number in range(100))
    assert sent(tmp_path, command=command).command == command


@pytest.mark.parametrize(
    ("distribution", "there"),
    [
        (Distribution("mpi", 4), {"distributionType": "Mpi", "processCountPerInstance": 4}),
        (
            Distribution("tensorflow", workers=3, parameter_servers=1),
            {"distributionType": "TensorFlow", "workerCount": 3, "parameterServerCount": 1},
        ),
    ],
)
def test_launchers(tmp_path: Path, distribution: Distribution, there: dict[str, object]) -> None:
    assert sent(tmp_path, distribution=distribution).distribution.as_dict() == there


def test_a_dockerfile_becomes_a_build_context(tmp_path: Path) -> None:
    environment = TrainingEnvironment(dockerfile="FROM python:3.11\n")
    text = job_yaml(settings(tmp_path, environment=environment), tmp_path)
    job: Any = job_file.load_text(text, "run_config.yml", tmp_path)
    build = job.environment.build
    assert (Path(build.path) / build.dockerfile_path).read_text() == "FROM python:3.11\n"


@pytest.mark.parametrize("inline", [True, False])
def test_conda_packages_beside_a_dockerfile_become_its_last_steps(tmp_path: Path, inline: bool) -> None:
    conda = {"dependencies": ["python=3.11", {"pip": ["numpy==1.26"]}]}
    (tmp_path / "environment.yml").write_text(yaml.safe_dump(conda))
    environment = TrainingEnvironment(
        dockerfile="FROM condaforge/miniforge3\nRUN true", conda=conda if inline else tmp_path / "environment.yml"
    )
    text = job_yaml(settings(tmp_path, environment=environment), tmp_path)
    job: Any = job_file.load_text(text, "run_config.yml", tmp_path)
    folder = Path(job.environment.build.path)
    lines = (folder / "Dockerfile").read_text().splitlines()
    assert lines[:2] == ["FROM condaforge/miniforge3", "RUN true"]
    copied = next(line.split()[1] for line in lines if line.startswith("COPY "))
    assert yaml.safe_load((folder / copied).read_text()) == conda
    assert any(line.startswith("RUN conda env create") for line in lines)
    assert any(line.startswith("ENV PATH=") for line in lines)


def test_conda_packages_are_installed_by_root_after_another_user(tmp_path: Path) -> None:
    environment = TrainingEnvironment(dockerfile="FROM x\nuser app\n", conda={"dependencies": []})
    text = job_yaml(settings(tmp_path, environment=environment), tmp_path)
    folder = Path(yaml.safe_load(text)["environment"]["build"]["path"])
    lines = (folder / "Dockerfile").read_text().splitlines()
    assert lines[:3] == ["FROM x", "user app", "USER root"]


def test_a_build_context_elsewhere_is_referred_to(tmp_path: Path) -> None:
    environment = TrainingEnvironment(context="https://github.com/octo/images.git#main", dockerfile_path="a/Dockerfile")
    text = job_yaml(settings(tmp_path, environment=environment), tmp_path)
    build = job_file.load_text(text, "run_config.yml", tmp_path).environment.build  # type: ignore[attr-defined]
    assert (build.path, build.dockerfile_path) == ("https://github.com/octo/images.git#main", "a/Dockerfile")


def test_the_size_of_a_kubernetes_instance_arrives_in_the_job(tmp_path: Path) -> None:
    assert sent(tmp_path, instance_type="large").resources.instance_type == "large"


def test_inline_conda_dependencies_stay_inline(tmp_path: Path) -> None:
    conda = {"dependencies": ["python=3.10", {"pip": ["numpy==1.26"]}]}
    text = job_yaml(settings(tmp_path, environment=TrainingEnvironment(image="x:1", conda=conda)), tmp_path)
    job: Any = job_file.load_text(text, "run_config.yml", tmp_path)
    assert job.environment.conda_file == conda
