"""Tags that lead from Azure back to a commit."""

from aml_actions.runner import Runner
from aml_actions.tags import as_texts, github_tags


def test_four_tags_lead_back_to_the_commit() -> None:
    assert github_tags(
        Runner.from_environment(
            {
                "GITHUB_WORKSPACE": "/work",
                "GITHUB_REPOSITORY": "octo/iris",
                "GITHUB_REF": "refs/heads/feature/x",
                "GITHUB_SHA": "abc",
                "GITHUB_ACTOR": "mona",
            }
        )
    ) == {
        "GITHUB_ACTOR": "mona",
        "GITHUB_REPOSITORY": "octo/iris",
        "GITHUB_SHA": "abc",
        "GITHUB_REF": "refs/heads/feature/x",
    }


def test_tags_of_a_json_file_become_text() -> None:
    assert as_texts({"a": "b", "n": 1, "f": 0.5, "t": True}) == {"a": "b", "n": "1", "f": "0.5", "t": "true"}
