from __future__ import annotations

import pytest

from aml_emulator.studio.git import GitFact, origin

SHA = "9f3c1e7b2a4d5c6e8f90123456789abcdef01234"


def test_the_tags_of_a_workflow_lead_to_its_commit_branch_and_run() -> None:
    assert origin(
        {
            "GITHUB_REPOSITORY": "contoso/iris",
            "GITHUB_SHA": SHA,
            "GITHUB_REF": "refs/heads/feature/more-data",
            "GITHUB_ACTOR": "octocat",
            "GITHUB_RUN_ID": "42",
            "GITHUB_SERVER_URL": "https://git.contoso.com/",
        }
    ) == [
        GitFact("Repository", "contoso/iris", "https://git.contoso.com/contoso/iris"),
        GitFact("Commit", SHA[:12], f"https://git.contoso.com/contoso/iris/commit/{SHA}"),
        GitFact("Branch", "feature/more-data", "https://git.contoso.com/contoso/iris/tree/feature/more-data"),
        GitFact("Started by", "octocat", "https://git.contoso.com/octocat"),
        GitFact("Workflow run", "42", "https://git.contoso.com/contoso/iris/actions/runs/42"),
    ]


@pytest.mark.parametrize(
    ("reference", "fact"),
    [
        ("refs/pull/7/merge", GitFact("Pull request", "#7", "https://github.com/contoso/iris/pull/7")),
        ("refs/tags/v1.2", GitFact("Tag", "v1.2", "https://github.com/contoso/iris/tree/v1.2")),
        ("main", GitFact("Reference", "main")),
    ],
)
def test_a_reference_is_a_branch_a_tag_or_a_pull_request(reference: str, fact: GitFact) -> None:
    assert origin({"GITHUB_REPOSITORY": "contoso/iris", "GITHUB_REF": reference})[1] == fact


@pytest.mark.parametrize(
    "tags",
    [
        {"GITHUB_REPOSITORY": "javascript:alert(1)", "GITHUB_SHA": SHA, "GITHUB_ACTOR": "octocat"},
        {"GITHUB_REPOSITORY": "contoso/iris", "GITHUB_SERVER_URL": "javascript://x", "GITHUB_SHA": SHA},
        {"GITHUB_SHA": SHA, "GITHUB_RUN_ID": "1"},
    ],
)
def test_tags_that_name_no_repository_are_shown_without_links(tags: dict[str, str]) -> None:
    facts = origin(tags)
    assert facts
    assert all(fact.url is None for fact in facts)


def test_a_job_that_came_from_no_repository_has_no_origin() -> None:
    assert origin({"purpose": "try"}) == []
