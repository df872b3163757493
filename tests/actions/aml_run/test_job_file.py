"""What a user is told about a v2 job YAML that the SDK refuses."""

from pathlib import Path

import pytest

from aml_actions.errors import ActionError
from aml_run import job_file
from aml_run.definition import Definition

VALID = "type: command\ncommand: echo hello\nenvironment: azureml:x@latest\ncompute: azureml:c\n"


def load(tmp_path: Path, text: str) -> None:
    file = tmp_path / "job.yml"
    file.write_text(text)
    job_file.load(Definition("v2", file, "jobs/job.yml", {}, "job_file"))


def refusal(tmp_path: Path, text: str) -> ActionError:
    with pytest.raises(ActionError) as caught:
        load(tmp_path, text)
    return caught.value


def test_a_valid_file(tmp_path: Path) -> None:
    load(tmp_path, VALID)


def test_an_unknown_field_is_named(tmp_path: Path) -> None:
    error = refusal(tmp_path, VALID + "resorces: {}\n")
    assert error.value == "resorces: Unknown field."
    assert error.file == "jobs/job.yml"


def test_a_nested_value_of_a_wrong_type_is_named_by_its_path(tmp_path: Path) -> None:
    error = refusal(tmp_path, VALID + "resources: {instance_count: two}\n")
    assert error.value == "resources.instance_count: Not a valid integer."


def test_a_folder_that_is_missing_is_named_without_the_general_advice(tmp_path: Path) -> None:
    value = refusal(tmp_path, VALID + "code: nowhere\n").value or ""
    assert str(tmp_path / "nowhere") in value
    assert "In order to specify" not in value


def test_several_mistakes_are_told_at_once(tmp_path: Path) -> None:
    value = refusal(tmp_path, VALID + "resorces: {}\ncode: nowhere\n").value or ""
    assert "resorces" in value
    assert "nowhere" in value


def test_a_message_of_another_form_is_shown_as_it_is() -> None:
    assert list(job_file.findings("Validation failed")) == []
    assert list(job_file.findings("Validation failed: {not json")) == []
