"""Whole steps whose environment is more, or less, than a conda file on the default image."""

import json

import pytest

from .conftest import SCORE, endpoint

SCORE_WITH_MODE = SCORE.replace('return {"predict"', 'return {"mode": os.environ.get("MODE"), "predict"')


@pytest.fixture
def without_code(repository):
    """The repository, without the default folder of the scoring code."""
    for name in ("score.py", "environment.yml"):
        (repository.folder / "code/deploy" / name).unlink()
    (repository.folder / "code/deploy").rmdir()
    return repository


def test_lines_of_a_dockerfile_become_part_of_the_environment(repository, azure):
    repository.write("code/deploy/score.py", SCORE_WITH_MODE)
    repository.write("code/deploy/dockerfile_steps", "# set by the platform team\nENV MODE=fast\nLABEL team=risk\n")
    repository.write(
        "code/test/test.py",
        "def main(service):\n    assert service.run('{\"data\": [1]}')['mode'] == 'fast'\n",
    )
    result = repository.deploy(extra_docker_file_steps="dockerfile_steps", test_enabled=True)
    assert result.code == 0, result.log
    (made,) = azure.online_deployments.list(repository.endpoint)
    _, name, _, version = made.environment.rsplit("/", 3)
    environment = azure.environments.get(name, version)
    assert environment.build.dockerfile_path == "Dockerfile"
    assert json.loads(result.outputs["result"])["test"]["passed"] is True


def test_a_step_that_cannot_be_carried_out_is_told_in_the_words_of_the_service(repository, azure):
    repository.write("code/deploy/dockerfile_steps", "RUN apt-get install -y libgomp1\n")
    result = repository.deploy(extra_docker_file_steps="dockerfile_steps")
    assert result.code == 1
    assert "RUN apt-get install -y libgomp1" in result.error
    assert endpoint(azure, repository.endpoint) is None


def test_a_model_that_needs_code_names_the_missing_folder(without_code, azure):
    result = without_code.deploy()
    assert result.code == 1
    assert "The folder that inference_source_directory names does not exist." in result.error
    assert "The model is a custom_model, which needs one." in result.error
    assert any("Only an MLflow or a Triton model" in warning for warning in result.warnings)
    assert endpoint(azure, without_code.endpoint) is None


def test_an_mlflow_model_is_deployed_without_code(without_code, azure, tmp_path):
    from azure.ai.ml.entities import Model

    folder = tmp_path / "mlflow"
    folder.mkdir()
    (folder / "MLmodel").write_text("flavors: {}\n")
    azure.models.create_or_update(Model(name="flow", version="1", path=str(folder), type="mlflow_model"))
    result = without_code.deploy(model_name="flow")
    # The request reaches the service, without code and environment; the emulator serves no such deployment and says so.
    assert result.code == 1
    assert "deploying an MLflow model without code and environment" in result.error
    assert endpoint(azure, without_code.endpoint) is None
