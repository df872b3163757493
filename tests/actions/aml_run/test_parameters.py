"""The parameters file of aml-run: every key, its default, and what it may hold."""

import json
from pathlib import Path

import pytest

from aml_actions.errors import ActionError
from aml_actions.findings import Findings
from aml_actions.settings import load_parameters
from aml_run.parameters import RunParameters
from aml_run.spec import ACTION

LEGACY = {
    "experiment_name": "my-experiment",
    "tags": {"a": "b", "n": 1, "t": True},
    "wait_for_completion": False,
    "download_artifacts": True,
    "runconfig_yaml_file": "code/train/run_config.yml",
    "pipeline_yaml_file": "pipelines/train.yml",
    "runconfig_python_file": "code/train/run_config.py",
    "runconfig_python_function_name": "make",
    "pipeline_publish": True,
    "pipeline_name": "training",
    "pipeline_version": "1.0",
    "pipeline_continue_on_step_failure": True,
}
"""Every key of the legacy action, with a value other than its default where there is one."""


def findings_of(root: Path, content: dict[str, object]) -> tuple[RunParameters | None, list[ActionError]]:
    folder = root / ".cloud" / ".azure"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps(content))
    findings = Findings()
    sets, _ = load_parameters(ACTION, RunParameters, "run.json", root, findings)
    assert findings.warnings == []
    return (sets[0] if sets else None), findings.errors


def test_a_repository_without_a_parameters_file_gets_the_defaults(tmp_path: Path) -> None:
    (parameters,), _ = load_parameters(ACTION, RunParameters, "run.json", tmp_path, Findings())
    assert parameters == RunParameters()
    assert (parameters.wait_for_completion, parameters.download_artifacts, parameters.pipeline_publish) == (
        True,
        False,
        False,
    )
    assert parameters.runconfig_yaml_file == "code/train/run_config.yml"
    assert parameters.pipeline_yaml_file == "code/train/pipeline.yml"
    assert parameters.runconfig_python_file == "code/train/run_config.py"
    assert parameters.runconfig_python_function_name == "main"


def test_every_legacy_key_is_accepted(tmp_path: Path) -> None:
    parameters, errors = findings_of(tmp_path, LEGACY)
    assert errors == []
    assert parameters is not None
    assert {key: getattr(parameters, key) for key in LEGACY} == LEGACY


def test_the_new_keys_are_accepted(tmp_path: Path) -> None:
    new = {
        "job_file": "job.yml",
        "python_requirements": "requirements.txt",
        "set": {"inputs.lr": 0.1, "tags": {"a": []}},
    }
    parameters, errors = findings_of(tmp_path, new)
    assert errors == []
    assert parameters is not None
    assert {key: getattr(parameters, key) for key in new} == new


@pytest.mark.parametrize("name", ["ab", "a" * 37, "has space", "-first", "dot.ted"])
def test_a_bad_experiment_name_is_refused(tmp_path: Path, name: str) -> None:
    _, (error,) = findings_of(tmp_path, {"experiment_name": name})
    assert name in str(error)


@pytest.mark.parametrize("name", ["abc", "a" * 36, "0_-x"])
def test_a_good_experiment_name_is_not(tmp_path: Path, name: str) -> None:
    assert findings_of(tmp_path, {"experiment_name": name})[1] == []


@pytest.mark.parametrize("name", ["", "a.b", "main()", "1st", "a b"])
def test_what_cannot_be_the_name_of_a_function_is_refused(tmp_path: Path, name: str) -> None:
    _, (error,) = findings_of(tmp_path, {"runconfig_python_function_name": name})
    assert "the name of a function" in str(error)


@pytest.mark.parametrize(
    "key", ["job_file", "runconfig_yaml_file", "pipeline_yaml_file", "runconfig_python_file", "pipeline_name"]
)
def test_an_empty_text_is_no_value(tmp_path: Path, key: str) -> None:
    assert findings_of(tmp_path, {key: ""})[1]
