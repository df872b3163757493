"""The SDK's job that is made from a translated run configuration."""

from pathlib import Path
from typing import Any

import pytest

from aml_run.submission import command_job
from aml_run.translate import CommandSettings, Distribution, TrainingEnvironment


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


def test_everything_that_is_set_arrives_in_the_job(tmp_path: Path) -> None:
    conda = tmp_path / "environment.yml"
    conda.write_text("name: x\ndependencies:\n- python=3.11\n- pip:\n  - mlflow-skinny\n")
    job: Any = command_job(
        settings(
            tmp_path,
            nodes=2,
            environment=TrainingEnvironment(image="registry.example.com/train:1", conda=conda),
            environment_variables={"A": "b"},
            shm_size="4g",
            docker_args="--ulimit memlock=-1",
            timeout=3600,
            distribution=Distribution("pytorch", 4),
        ),
        tmp_path,
    )
    sent = job._to_job()._to_rest_object().properties
    assert sent.command == "python train.py --kernel linear"
    assert sent.code_id == str(tmp_path)
    assert sent.compute_id == "cpu-cluster"
    assert sent.environment_variables == {"A": "b"}
    assert (sent.resources.instance_count, sent.resources.shm_size) == (2, "4g")
    assert sent.resources.docker_args == "--ulimit memlock=-1"
    assert sent.limits.as_dict()["timeout"] == "PT1H"
    assert sent.distribution.as_dict() == {"distributionType": "PyTorch", "processCountPerInstance": 4}
    environment = job.environment
    assert environment.image == "registry.example.com/train:1"
    assert environment.conda_file["dependencies"][0] == "python=3.11"


def test_what_is_not_set_is_left_to_the_service(tmp_path: Path) -> None:
    job: Any = command_job(settings(tmp_path), tmp_path)
    sent = job._to_job()._to_rest_object().properties
    assert sent.limits is None or sent.limits.timeout is None
    assert sent.distribution is None
    assert not sent.environment_variables


@pytest.mark.parametrize(
    ("distribution", "sent"),
    [
        (Distribution("mpi", 4), {"distributionType": "Mpi", "processCountPerInstance": 4}),
        (
            Distribution("tensorflow", workers=3, parameter_servers=1),
            {"distributionType": "TensorFlow", "workerCount": 3, "parameterServerCount": 1},
        ),
    ],
)
def test_launchers(tmp_path: Path, distribution: Distribution, sent: dict[str, object]) -> None:
    job: Any = command_job(settings(tmp_path, distribution=distribution), tmp_path)
    assert job._to_job()._to_rest_object().properties.distribution.as_dict() == sent


def test_a_dockerfile_becomes_a_build_context(tmp_path: Path) -> None:
    environment = TrainingEnvironment(dockerfile="FROM python:3.11\n")
    job: Any = command_job(settings(tmp_path, environment=environment), tmp_path)
    build = job.environment.build
    assert (Path(build.path) / build.dockerfile_path).read_text() == "FROM python:3.11\n"
