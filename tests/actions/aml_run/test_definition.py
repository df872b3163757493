"""Which file says what to run, and what a user is told when there is none."""

import json
from pathlib import Path

import pytest

from aml_actions.errors import ActionError, InvalidSettings
from aml_actions.settings import load_parameters
from aml_run import definition
from aml_run.definition import Definition
from aml_run.parameters import RunParameters
from aml_run.spec import ACTION

V1 = "script: train.py\ntarget: cpu\n"
V2 = "$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json\ncommand: echo\n"
BEFORE_2019 = (
    "ArgumentVector:\n- train.py\nTarget: cpu-cluster\nFramework: Python\nCondaDependenciesFile: environment.yml\n"
)


def repository(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def chosen(root: Path, warnings: list[str] | None = None, **parameters: object) -> Definition:
    return definition.choose(RunParameters(**parameters), root, (warnings if warnings is not None else []).append)  # type: ignore[arg-type]


def refusal(root: Path, **parameters: object) -> str:
    with pytest.raises(ActionError) as caught:
        chosen(root, **parameters)
    return str(caught.value)


def test_without_a_key_it_is_the_legacy_default(tmp_path: Path) -> None:
    found = chosen(repository(tmp_path, {"code/train/run_config.yml": V1}))
    assert (found.name, found.is_v2) == ("code/train/run_config.yml", False)


def test_a_job_file_wins_over_the_default(tmp_path: Path) -> None:
    root = repository(tmp_path, {"code/train/run_config.yml": V1, "job.yml": V2})
    found = chosen(root, job_file="job.yml")
    assert (found.name, found.is_v2) == ("job.yml", True)


@pytest.mark.parametrize(
    "text",
    [V2, "type: command\ncommand: echo\n", "command: echo\ncompute: azureml:cpu\n", "type: pipeline\njobs: {}\n"],
)
def test_a_v2_job_is_recognised_under_the_legacy_key_too(tmp_path: Path, text: str) -> None:
    assert chosen(repository(tmp_path, {"a.yml": text}), runconfig_yaml_file="a.yml").is_v2


@pytest.mark.parametrize("text", [V1, "command: echo\ntarget: cpu\n", "node_count: 1\n", "environment: {python: {}}\n"])
def test_a_v1_file_is_recognised(tmp_path: Path, text: str) -> None:
    assert not chosen(repository(tmp_path, {"a.yml": text}), runconfig_yaml_file="a.yml").is_v2


def test_a_path_from_the_root_of_the_container_is_taken_from_the_repository(tmp_path: Path) -> None:
    warnings: list[str] = []
    found = chosen(repository(tmp_path, {"code/a.yml": V1}), warnings, runconfig_yaml_file="/code/a.yml")
    assert found.name == "code/a.yml"
    assert "write code/a.yml" in warnings[0]


def test_a_folder_above_the_repository_is_out_of_bounds(tmp_path: Path) -> None:
    repository(tmp_path, {"secret.yml": V1, "repo/x": ""})
    assert "outside the repository" in refusal(tmp_path / "repo", runconfig_yaml_file="../secret.yml")


def test_a_link_out_of_the_repository_is_out_of_bounds(tmp_path: Path) -> None:
    repository(tmp_path, {"secret.yml": V1, "repo/x": ""})
    (tmp_path / "repo" / "a.yml").symlink_to(tmp_path / "secret.yml")
    assert "outside the repository" in refusal(tmp_path / "repo", runconfig_yaml_file="a.yml")


def test_two_keys_are_one_too_many(tmp_path: Path) -> None:
    root = repository(tmp_path, {"a.yml": V1, "b.yml": V2})
    assert "Both job_file and runconfig_yaml_file" in refusal(root, job_file="b.yml", runconfig_yaml_file="a.yml")


def test_nothing_to_run_names_what_lies_there_instead(tmp_path: Path) -> None:
    text = refusal(repository(tmp_path, {"code/train/run_config.py": ""}))
    assert "There is nothing to run" in text
    assert "code/train/run_config.py is there" in text


def test_a_named_file_that_is_missing(tmp_path: Path) -> None:
    text = refusal(tmp_path, job_file="jobs/train.yml")
    assert "job_file" in text
    assert "jobs/train.yml" in text


def test_a_v1_file_as_job_file_is_told_where_it_belongs(tmp_path: Path) -> None:
    text = refusal(repository(tmp_path, {"a.yml": V1}), job_file="a.yml")
    assert "runconfig_yaml_file" in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BEFORE_2019, "before 2019"),
        ("pipeline: {name: x, steps: {}}\n", "pipeline of SDK v1"),
        ("name: conda\ndependencies: []\n", "neither format: name, dependencies"),
        ("- a\n", "no keys"),
        ("", "no keys"),
    ],
)
def test_a_file_of_another_kind_is_named_for_what_it_is(tmp_path: Path, text: str, said: str) -> None:
    assert said in refusal(repository(tmp_path, {"a.yml": text}), runconfig_yaml_file="a.yml")


# --- the parameters file


def parameters_of(root: Path, content: dict[str, object]) -> RunParameters:
    repository(root, {".cloud/.azure/run.json": json.dumps(content)})
    return load_parameters(ACTION, RunParameters, "run.json", root)


def test_a_repository_without_a_parameters_file_gets_the_defaults(tmp_path: Path) -> None:
    parameters = load_parameters(ACTION, RunParameters, "run.json", tmp_path)
    assert (parameters.wait_for_completion, parameters.tags) == (True, {})


def test_a_file_with_every_legacy_default_is_accepted(tmp_path: Path) -> None:
    parameters = parameters_of(
        tmp_path,
        {
            "experiment_name": "my-experiment",
            "tags": {"a": "b", "n": 1, "t": True},
            "wait_for_completion": True,
            "download_artifacts": False,
            "runconfig_yaml_file": "code/train/run_config.yml",
            "runconfig_python_function_name": "main",
            "pipeline_publish": False,
            "pipeline_continue_on_step_failure": False,
        },
    )
    assert parameters.experiment_name == "my-experiment"
    assert parameters.tags == {"a": "b", "n": 1, "t": True}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pipeline_yaml_file", "code/train/pipeline.yml"),
        ("runconfig_python_file", "code/train/run_config.py"),
        ("runconfig_python_function_name", "other"),
        ("pipeline_publish", True),
        ("pipeline_name", "p"),
        ("pipeline_version", "1"),
        ("pipeline_continue_on_step_failure", True),
    ],
)
def test_a_key_of_a_later_version_is_refused_by_name(tmp_path: Path, key: str, value: object) -> None:
    with pytest.raises(InvalidSettings) as caught:
        parameters_of(tmp_path, {key: value})
    assert key in str(caught.value)
    assert "this version" in str(caught.value) or "not run" in str(caught.value)


@pytest.mark.parametrize("name", ["ab", "a" * 37, "has space", "-first", "dot.ted"])
def test_a_bad_experiment_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        parameters_of(tmp_path, {"experiment_name": name})
    assert name in str(caught.value)
