"""`set`: values that the parameters file puts into a job."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from aml_actions.errors import ActionError
from aml_actions.spec import CheckContext
from aml_run.check import check
from aml_run.overrides import apply
from aml_run.parameters import RunParameters

JOB = yaml.safe_load("""\
type: pipeline
inputs: {lr: 0.1, files: [a, b]}
jobs:
  train: &step
    compute: azureml:one
    inputs: {epochs: 1}
  again: *step
tags: {1: one}
""")


def changed(**overrides: Any) -> dict[str, Any]:
    return apply(JOB, {path.replace("__", "."): value for path, value in overrides.items()}, "job.yml")[0]


def test_values_are_put_where_their_paths_lead() -> None:
    done = changed(inputs__lr=0.5, jobs__train__inputs__epochs=20, experiment_name="e")
    assert done["inputs"]["lr"] == 0.5
    assert done["jobs"]["train"]["inputs"] == {"epochs": 20}
    assert done["experiment_name"] == "e"


def test_lists_are_reached_by_number_in_either_spelling() -> None:
    assert changed(inputs__files__1="c")["inputs"]["files"] == ["a", "c"]
    assert apply(JOB, {"inputs.files[0]": "c"}, "job.yml")[0]["inputs"]["files"] == ["c", "b"]


def test_what_is_missing_on_the_way_is_made() -> None:
    assert changed(settings__default_compute="c")["settings"] == {"default_compute": "c"}


def test_the_document_and_places_that_yaml_made_one_stay_as_they_are() -> None:
    before = yaml.safe_dump(JOB)
    done = changed(jobs__train__compute="azureml:two")
    assert done["jobs"]["train"]["compute"] == "azureml:two"
    assert done["jobs"]["again"]["compute"] == "azureml:one"
    assert yaml.safe_dump(JOB) == before


def test_keys_that_are_numbers_are_found() -> None:
    assert changed(tags__1="uno")["tags"] == {1: "uno"}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("inputs.lr.value", "inputs.lr is a single value"),
        ("inputs.files.2", "is no entry of its list"),
        ("inputs.files.x", "is no entry of its list"),
        ("inputs..lr", "has an empty part"),
        ("", "has an empty part"),
    ],
)
def test_paths_that_lead_nowhere_are_errors(path: str, said: str) -> None:
    with pytest.raises(ActionError) as caught:
        apply(JOB, {path: 1}, "job.yml")
    assert said in caught.value.what
    assert caught.value.key == f"set.{path}"


def test_each_change_is_told() -> None:
    _, changes = apply(JOB, {"inputs.lr": 0.5, "compute": "c"}, "job.yml")
    assert [str(change) for change in changes] == ["set inputs.lr: 0.1 -> 0.5", 'set compute: (not set) -> "c"']


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("environment_variables.DB_PASSWORD", "hunter2"),
        ("environment_variables", {"API_TOKEN": "hunter2"}),
        ("services", [{"clientSecret": "hunter2"}]),
    ],
)
def test_what_looks_like_a_secret_is_not_told(path: str, value: Any) -> None:
    _, (change,) = apply({"environment_variables": {"API_TOKEN": "hunter2"}}, {path: value}, "job.yml")
    assert "hunter2" not in str(change)
    assert path in str(change)


def test_a_path_that_leads_nowhere_is_told_before_azure_is_asked(tmp_path: Path) -> None:
    (tmp_path / "job.yml").write_text("type: command\ncommand: echo\ncompute: c\ninputs: {lr: 0.1}\n")
    parameters = RunParameters.model_validate({"job_file": "job.yml", "set": {"inputs.lr.value": 1}})
    (error,) = check(parameters, CheckContext(tmp_path, ".cloud/.azure/run.json")).errors
    assert (error.file, error.key) == (".cloud/.azure/run.json", "set.inputs.lr.value")
