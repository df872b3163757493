"""The names of jobs: valid whatever the repository is called, equal for the same place, different for another."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from aml_actions.runner import Runner
from aml_run.naming import job_stem, random_job_name

ENVIRONMENT = {
    "GITHUB_WORKSPACE": "/work",
    "GITHUB_REPOSITORY": "octo/credit-risk",
    "GITHUB_RUN_ID": "12345678901",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_JOB": "train",
    "GITHUB_ACTION": "__run",
}


def runner(**changes: str) -> Runner:
    return Runner.from_environment({**ENVIRONMENT, **changes})


@pytest.mark.parametrize(
    "repository", ["octo/credit-risk", "octo/.github", "a/" + "x" * 100, "a/Ünï_cöde", "a/---", "a/9"]
)
def test_a_name_is_valid_for_the_service(repository: str) -> None:
    stem = job_stem(runner(GITHUB_REPOSITORY=repository), ["0"])
    for name in (f"{stem}-2", random_job_name(runner(GITHUB_REPOSITORY=repository), f"{stem}-2")):
        assert re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,79}", name)


def test_attempts_of_a_workflow_run_have_the_same_stem() -> None:
    assert job_stem(runner(), ["0"]) == job_stem(runner(GITHUB_RUN_ATTEMPT="3", GITHUB_SHA="other"), ["0"])


@pytest.mark.parametrize(
    "change",
    [
        {"GITHUB_REPOSITORY": "fork/credit-risk"},
        {"GITHUB_RUN_ID": "12345678902"},
        {"GITHUB_JOB": "test"},
        {"GITHUB_ACTION": "other"},
        {"AML_ACTION_MATRIX": '{"fold": 1}'},
    ],
)
def test_another_place_is_another_stem(change: dict[str, str]) -> None:
    assert job_stem(runner(), ["0"]) != job_stem(runner(**change), ["0"])
    assert job_stem(runner(), ["0"]) != job_stem(runner(), ["1"])


def test_a_job_without_a_matrix_has_no_leg() -> None:
    assert runner(AML_ACTION_MATRIX="null").leg == ""


def test_without_a_number_of_the_run_there_is_nothing_to_find_again() -> None:
    bare = replace(runner(), run_id="", workspace=Path())
    assert job_stem(bare, ["0"]) == ""
    assert random_job_name(bare) != random_job_name(bare)
