"""What a version is made of, from the parameters file and the commit."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from aml_actions.errors import ActionError, InvalidSettings
from aml_actions.findings import Findings
from aml_actions.registered_models import SOURCE_PROPERTY
from aml_actions.run_history import ChildRun
from aml_actions.runner import Runner
from aml_actions.settings import check_settings
from aml_actions.spec import CheckContext
from aml_registermodel.files import Found
from aml_registermodel.parameters import RegisterModelParameters
from aml_registermodel.registration import default_name, wanted
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


def checked(root: Path, content: dict[str, object]) -> tuple[RegisterModelParameters, Findings]:
    """The parameters as a step gets them, and what is said of them."""
    file = root / ".cloud/.azure/registermodel.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(content))
    findings = Findings()
    sets = check_settings(ACTION, "registermodel.json", root, findings)
    findings.raise_errors()
    (parameters,) = sets
    assert isinstance(parameters, RegisterModelParameters)
    return parameters, findings


def parameters_of(root: Path, content: dict[str, object]) -> RegisterModelParameters:
    return checked(root, content)[0]


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
    assert wanted(RegisterModelParameters(), RUNNER, SOURCE).name == "iris-main"


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


EVERY_KEY: dict[str, tuple[object, str, object]] = {
    "model_name": ("my.model_1", "name", "my.model_1"),
    "model_framework": ("onnx", "properties.model_framework", "Onnx"),
    "model_tags": ({"stage": True}, "tags.stage", "true"),
    "model_properties": ({"data": 7}, "properties.data", "7"),
    "model_description": ("Irises", "description", "Irises"),
    "datasets": (["one", "two"], "properties.datasets", '["one", "two"]'),
    "sample_input_dataset": ("in", "properties.sample_input_dataset", "in"),
    "sample_output_dataset": ("out", "properties.sample_output_dataset", "out"),
}
"""Key, and what of the version it becomes. The keys that choose the file, the step and the gate have tests of their own."""
ELSEWHERE = {"model_file_name", "pipeline_child_run_name", "metrics_max", "metrics_min", "force_registration"}
TOGETHER = {"cpu_cores", "memory_gb", "model_framework_version"}


def test_every_key_has_a_row() -> None:
    assert {*EVERY_KEY, *ELSEWHERE, *TOGETHER} == set(RegisterModelParameters.model_fields)


@pytest.mark.parametrize("key", EVERY_KEY)
def test_a_key_becomes_a_part_of_the_version(tmp_path: Path, key: str) -> None:
    given, place, made = EVERY_KEY[key]
    version: object = wanted(parameters_of(tmp_path, {key: given}), RUNNER, SOURCE)
    for part in place.split("."):
        version = version[part] if isinstance(version, dict) else getattr(version, part)
    assert version == made


@pytest.mark.parametrize(
    ("framework", "kept"),
    [
        ("scikitlearn", "ScikitLearn"),
        ("onnx", "Onnx"),
        ("tensorflow", "TensorFlow"),
        ("keras", "TfKeras"),
        ("custom", "Custom"),
    ],
)
def test_the_framework_has_the_spelling_of_sdk_v1(tmp_path: Path, framework: str, kept: str) -> None:
    version = wanted(
        parameters_of(tmp_path, {"model_framework": framework, "model_framework_version": "2.0"}), RUNNER, SOURCE
    )
    assert version.properties["model_framework"] == kept
    assert version.properties["model_framework_version"] == "2.0"
    assert version.tags.get("model_framework") == (None if framework == "custom" else kept)


def test_an_explicit_name_may_be_as_long_as_the_service_allows(tmp_path: Path) -> None:
    assert wanted(parameters_of(tmp_path, {"model_name": "a" * 255}), RUNNER, SOURCE).name == "a" * 255


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("model_name", "a" * 256, "1 to 255 letters"),
        ("model_name", "has space", "no spaces"),
        ("model_name", "", "1 to 255 letters"),
        ("model_name", "<your-model-name>", "placeholder of a sample"),
        ("model_file_name", "  ", "at least 1 character"),
        ("model_file_name", "../model.pkl", "without `..`"),
        ("pipeline_child_run_name", "", "at least 1 character"),
        ("model_framework", "pytorch", "'scikitlearn', 'onnx', 'tensorflow', 'keras' or 'custom'"),
        ("model_framework_version", "1.5", "without model_framework"),
        ("cpu_cores", 0, "greater than 0"),
        ("memory_gb", "much", "a number"),
        ("datasets", "one", "an array"),
        ("metrics_max", ["a", True], "a string"),
        ("force_registration", "perhaps", "true or false"),
        ("model_tags", ["a"], "an object"),
    ],
)
def test_a_bad_value_is_refused_by_name(tmp_path: Path, key: str, value: object, said: str) -> None:
    with pytest.raises(ActionError, match=key) as caught:
        parameters_of(tmp_path, {key: value})
    assert said in str(caught.value)
    problem = caught.value.problems[0] if isinstance(caught.value, InvalidSettings) else caught.value
    assert (problem.file, (problem.key or "").split("[")[0]) == (".cloud/.azure/registermodel.json", key)


@pytest.mark.parametrize(
    ("content", "key", "said"),
    [
        ({"cpu_cores": 1}, "cpu_cores", "cpu_cores is ignored"),
        ({"memory_gb": 1}, "memory_gb", "memory_gb is ignored"),
        ({"metrics_max": ["a"], "metrics_min": ["a", "b"]}, "metrics_min", "exactly the same a can pass"),
        ({"model_tags": {"GITHUB_SHA": "x"}}, "model_tags.GITHUB_SHA", "GITHUB_SHA of model_tags"),
        (
            {"model_properties": {"model_framework": "x"}},
            "model_properties.model_framework",
            "model_framework of model_properties",
        ),
        ({"cpu": 0.1}, "cpu", "did you mean cpu_cores?"),
        ({"memory": 1}, "memory", "did you mean memory_gb?"),
        ({"model_description": "<your-model-description>"}, "model_description", "placeholder of a sample"),
        ({"cpu_cores": "0.5", "memory_gb": 1}, "cpu_cores", "it is read as 0.5"),
        ({"modelName": "iris"}, "modelName", "it is read as that"),
    ],
)
def test_what_is_accepted_but_not_right_is_said(
    tmp_path: Path, content: dict[str, object], key: str, said: str
) -> None:
    [warning] = checked(tmp_path, content)[1].warnings
    assert said in str(warning)
    assert (warning.file, warning.key) == (".cloud/.azure/registermodel.json", key)


def test_half_of_the_resources_is_not_kept(tmp_path: Path) -> None:
    """As in the legacy action: both or neither."""
    properties = wanted(parameters_of(tmp_path, {"cpu_cores": 1}), RUNNER, SOURCE).properties
    assert not {"cpu_cores", "memory_gb"} & set(properties)


def test_the_file_of_the_model_is_no_matter_of_a_check_without_a_step(tmp_path: Path) -> None:
    """Only the inputs tell whether it is a file of the repository or one of a job."""
    findings = ACTION.run_check(
        RegisterModelParameters(model_file_name="not/there.pkl"), CheckContext(tmp_path, "registermodel.json")
    )
    assert (findings.errors, findings.warnings) == ([], [])


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
