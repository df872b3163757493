"""Pull requests and their conversations by PyGithub."""

from __future__ import annotations

from collections.abc import Callable

import github
import pytest
from emulator.github.api.conftest import Hosted
from emulator.github.conftest import commit, git
from support.emulator import command

WRITES = "pull_requests=write"
MakeHosted = Callable[..., Hosted]

COMMENTS = """
name: Comment
on: push
permissions:
  pull-requests: write
jobs:
  only:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683
      - uses: ./comment
"""
ACTION = """
name: Comment
description: Comments with the token of the job, which nobody passes on
inputs:
  token: {description: a token, default: "${{ github.token }}"}
runs:
  using: composite
  steps:
    - shell: bash
      env: {TOKEN: "${{ inputs.token }}"}
      run: python3 comment/comment.py
"""
SCRIPT = """
import json, os, urllib.request
address = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/issues/1/comments"
headers = {"Authorization": f"Bearer {os.environ['TOKEN']}", "User-Agent": "test"}
body = json.dumps({"body": "by the run"}).encode()
urllib.request.urlopen(urllib.request.Request(address, body, headers))
"""


@pytest.fixture
def branched(hosted: Hosted) -> Hosted:
    """A hosted repository with a branch beside main."""
    git(hosted.root, "checkout", "-q", "-b", "better-model")
    commit(hosted.root, {"train.py": "print('better')\n"})
    git(hosted.root, "checkout", "-q", "main")
    return hosted


def test_a_pull_request_of_the_command_is_found_by_its_branch(branched: Hosted) -> None:
    number = branched.run("pull", branched.full_name, "--head", "better-model", "--title", "A better model")
    repository = branched.client(WRITES).get_repo(branched.full_name)
    (found,) = repository.get_pulls(state="open", head="contoso:better-model")
    assert (str(found.number), found.title, found.state, found.base.ref) == (number, "A better model", "open", "main")
    assert found.head.repo.full_name == branched.full_name
    assert found.head.sha != found.base.sha
    assert list(repository.get_pulls(head="contoso:other")) == []
    assert list(repository.get_pulls(head="fabrikam:better-model")) == []
    assert [one.number for one in repository.get_pulls(base="main")] == [found.number]


def test_a_comment_is_written_edited_and_removed(branched: Hosted) -> None:
    number = int(branched.run("pull", branched.full_name, "--head", "better-model"))
    issue = branched.client(WRITES).get_repo(branched.full_name).get_issue(number)
    first, second = issue.create_comment("one"), issue.create_comment("two <b>*|`")
    assert first.html_url.endswith(f"/pull/{number}#issuecomment-{first.id}")
    first.edit("changed")
    assert [one.body for one in issue.get_comments()] == ["changed", "two <b>*|`"]
    second.delete()
    assert [one.id for one in issue.get_comments()] == [first.id]
    assert (first.user.login, issue.pull_request is not None) == ("octocat", True)


def test_a_long_conversation_comes_in_pages(branched: Hosted) -> None:
    number = int(branched.run("pull", branched.full_name, "--head", "better-model"))
    issue = branched.client("issues=write").get_repo(branched.full_name).get_issue(number)
    for count in range(35):
        issue.create_comment(f"comment {count}")
    assert [one.body for one in issue.get_comments()] == [f"comment {count}" for count in range(35)]


@pytest.mark.parametrize("permission", ["pull_requests=read", "issues=read", "contents=write"])
def test_a_token_that_may_not_write_is_refused(branched: Hosted, permission: str) -> None:
    number = branched.run("pull", branched.full_name, "--head", "better-model")
    answer = branched.ask("POST", f"issues/{number}/comments", branched.token(permission), json={"body": "no"})
    assert answer.status_code == 403
    assert answer.json()["message"] == "Resource not accessible by personal access token"


def test_what_is_not_there_is_not_found(branched: Hosted) -> None:
    number = branched.run("pull", branched.full_name, "--head", "better-model")
    token = branched.token(WRITES)
    for method, path in (
        ("GET", "pulls/77"),
        ("GET", "issues/77"),
        ("GET", "issues/77/comments"),
        ("POST", "issues/77/comments"),
        ("PATCH", "issues/comments/77"),
        ("DELETE", "issues/comments/77"),
        ("GET", "pulls/many"),
    ):
        assert branched.ask(method, path, token, json={"body": "text"}).status_code == 404, path
    assert branched.ask("GET", f"pulls/{number}", "").status_code == 404


@pytest.mark.parametrize(
    ("body", "told"),
    [({}, "wasn't supplied"), ({"body": "  "}, "empty"), ({"body": 7}, "no text"), ({"body": "x" * 65537}, "too long")],
)
def test_a_comment_that_github_would_refuse_is_refused(branched: Hosted, body: dict[str, object], told: str) -> None:
    number = branched.run("pull", branched.full_name, "--head", "better-model")
    answer = branched.ask("POST", f"issues/{number}/comments", branched.token(WRITES), json=body)
    assert answer.status_code == 422
    assert told in answer.json()["message"]


def test_a_pull_request_is_opened_and_closed_by_the_api(branched: Hosted) -> None:
    repository = branched.client(WRITES).get_repo(branched.full_name)
    made = repository.create_pull(base="main", head="better-model", title="By the API", body="why")
    with pytest.raises(github.GithubException, match="A pull request already exists for contoso:better-model"):
        repository.create_pull(base="main", head="better-model", title="Again")
    made.edit(title="Renamed", state="closed")
    assert (made.title, made.state) == ("Renamed", "closed")
    assert list(repository.get_pulls(state="open")) == []
    assert [one.number for one in repository.get_pulls(state="all")] == [made.number]
    again = repository.create_pull(base="main", head="better-model", title="Once more")
    assert again.number == made.number + 1


@pytest.mark.parametrize(("head", "base"), [("no-such", "main"), ("better-model", "no-such"), ("main", "main")])
def test_a_pull_request_of_no_branches_is_refused(branched: Hosted, head: str, base: str) -> None:
    body = {"title": "t", "head": head, "base": base}
    assert branched.ask("POST", "pulls", branched.token(WRITES), json=body).status_code == 422


def test_a_fork_is_said_to_be_one(branched: Hosted) -> None:
    number = branched.run("pull", branched.full_name, "--head", "patch-1", "--fork", "stranger/iris")
    found = branched.client(WRITES).get_repo(branched.full_name).get_pull(int(number))
    assert (found.head.repo.full_name, found.head.label) == ("stranger/iris", "stranger:patch-1")


def test_the_command_says_what_is_wrong_with_a_branch(branched: Hosted) -> None:
    done = command("github", "pull", branched.full_name, "--head", "no-such", state=branched.emulator.state)
    assert done.returncode == 1
    assert f"{branched.full_name} has no branch no-such." in done.stderr
    done = command("github", "pull", branched.full_name, "--head", "main", state=branched.emulator.state)
    assert "would have no commits" in done.stderr


def test_a_run_writes_a_comment_with_the_token_that_its_action_has_by_default(make_hosted: MakeHosted) -> None:
    hosted = make_hosted(
        files={".github/workflows/comment.yml": COMMENTS, "comment/action.yml": ACTION, "comment/comment.py": SCRIPT}
    )
    git(hosted.root, "branch", "better-model")
    assert hosted.run("pull", hosted.full_name, "--head", "better-model") == "1"
    hosted.run("push", hosted.full_name, "--wait")
    (comment,) = hosted.client(WRITES).get_repo(hosted.full_name).get_issue(1).get_comments()
    assert (comment.body, comment.user.login) == ("by the run", "github-actions[bot]")
