"""The name of the experiment that a job gets from its repository."""

from dataclasses import replace
from pathlib import Path

import pytest

from aml_actions.runner import Runner
from aml_run.naming import default_experiment

RUNNER = Runner.from_environment(
    {
        "GITHUB_WORKSPACE": "/work",
        "GITHUB_REPOSITORY": "octo/iris",
        "GITHUB_REF": "refs/heads/feature/x",
        "GITHUB_SHA": "abc",
        "GITHUB_ACTOR": "mona",
        "RUNNER_TEMP": str(Path("/tmp")),
    }
)


@pytest.mark.parametrize(
    ("repository", "branch", "name"),
    [
        ("iris", "main", "iris-main"),
        ("my.repo", "v1.2", "my-repo-v1-2"),
        (".github", "main", "github-main"),
        ("a-very-long-repository-name-indeed", "feature", "a-very-long-repository-name-indeed-f"),
        ("räder", "main", "r-der-main"),
        ("...", "...", "experiment"),
    ],
)
def test_the_default_experiment_is_repository_and_branch(repository: str, branch: str, name: str) -> None:
    assert default_experiment(replace(RUNNER, repository_name=repository, branch=branch)) == name
