"""What a version is made of, from the parameters file and the commit."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from aml_actions.errors import ActionError, InvalidSettings
from aml_actions.run_history import ChildRun
from aml_actions.runner import Runner
from aml_actions.settings import load_parameters
from aml_registermodel.files import Found
from aml_registermodel.parameters import RegisterModelParameters
from aml_registermodel.registration import SOURCE_PROPERTY, default_name, wanted
from aml_registermodel.source import Source, choose_step
from aml_registermodel.spec import ACTION

RUNNER = Runner.from_environment(
    {
        "GITHUB_WORKSPACE": "/work",
        "GITHUB_REPOSITORY": "octo/iris",
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_SHA": "abc",
        "GITHUB_ACTOR": "mona",
    }
)
SOURCE = Source("azureml://jobs/j/x", "azureml://jobs/j/x", "x", Found("x", False, False), "j")


def parameters_of(root: Path, content: dict[str, object]) -> RegisterModelParameters:
    file = root / ".cloud/.azure/registermodel.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(content))
    return load_parameters(ACTION, RegisterModelParameters, "registermodel.json", root)


def test_every_legacy_key_has_a_place(tmp_path: Path) -> None:
    parameters = parameters_of(
        tmp_path,
        {
            "model_file_name": "model.pkl",
            "model_name": "my.model_1",
            "model_framework": "keras",
            "model_framework_version": "2.1",
            "model_tags": {"type": "production", "GITHUB_SHA": "forged"},
            "model_properties": {"a": 1},
            "model_description": "d",
            "datasets": ["one", "two"],
            "sample_input_dataset": "in",
            "sample_output_dataset": "out",
            "pipeline_child_run_name": "train",
            "cpu_cores": 0.5,
            "memory_gb": 1,
            "metrics_max": ["acc"],
            "metrics_min": ["loss"],
            "force_registration": False,
        },
    )
    version = wanted(parameters, RUNNER, SOURCE)
    assert (version.name, version.type, version.description) == ("my.model_1", "custom_model", "d")
    assert version.tags == {
        "model_framework": "TfKeras",
        "model_framework_version": "2.1",
        "type": "production",
        "GITHUB_ACTOR": "mona",
        "GITHUB_REPOSITORY": "octo/iris",
        "GITHUB_SHA": "abc",
        "GITHUB_REF": "refs/heads/main",
    }
    assert version.properties == {
        "a": "1",
        "model_framework": "TfKeras",
        "model_framework_version": "2.1",
        "datasets": '["one", "two"]',
        "sample_input_dataset": "in",
        "sample_output_dataset": "out",
        "cpu_cores": "0.5",
        "memory_gb": "1",
        SOURCE_PROPERTY: "azureml://jobs/j/x",
    }


def test_without_a_parameters_file_the_model_has_the_name_of_repository_and_branch(tmp_path: Path) -> None:
    parameters = load_parameters(ACTION, RegisterModelParameters, "registermodel.json", tmp_path)
    assert wanted(parameters, RUNNER, SOURCE).name == "iris-main"


@pytest.mark.parametrize(
    ("repository", "branch", "name"),
    [
        ("my.repo", "v1.2", "my.repo-v1.2"),
        (".github", "main", "github-main"),
        ("a" * 30, "main", "a" * 30 + "-m"),
        ("rä", "x", "r--x"),
    ],
)
def test_the_default_name_is_valid_and_short(repository: str, branch: str, name: str) -> None:
    assert default_name(replace(RUNNER, repository_name=repository, branch=branch)) == name


def test_an_mlflow_folder_becomes_an_mlflow_model(tmp_path: Path) -> None:
    source = replace(SOURCE, found=Found("model", True, True))
    assert wanted(parameters_of(tmp_path, {}), RUNNER, source).type == "mlflow_model"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model_name", "a" * 33),
        ("model_name", "has space"),
        ("model_framework", "pytorch"),
        ("cpu_cores", 0),
        ("memory_gb", "1"),
        ("datasets", "one"),
        ("metrics_max", ["a", 1]),
        ("model_tags", {"a": None}),
    ],
)
def test_a_bad_value_is_refused_by_name(tmp_path: Path, key: str, value: object) -> None:
    with pytest.raises(InvalidSettings, match=key):
        parameters_of(tmp_path, {key: value})


# --- pipelines


def child(name: str, step: str) -> ChildRun:
    return ChildRun(name, step, "Completed")


def test_the_step_of_a_pipeline_is_found_by_its_name() -> None:
    assert choose_step("p", [child("1", "prepare"), child("2", "train")], "train").name == "2"


@pytest.mark.parametrize(
    ("steps", "said"),
    [([], "no step"), (["prepare"], "no step"), (["train", "train"], "more than one step")],
)
def test_a_pipeline_without_that_one_step_lists_its_steps(steps: list[str], said: str) -> None:
    with pytest.raises(ActionError) as caught:
        choose_step("p", [child(str(number), step) for number, step in enumerate(steps)], "train")
    assert said in caught.value.what
    assert (caught.value.allowed or "") == (", ".join(sorted(set(steps))) or "it has no steps")
