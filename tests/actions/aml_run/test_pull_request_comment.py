"""The comment of a pull request: one, updated, and never in the way. Real steps against the emulator's GitHub."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from emulator.github.api.conftest import Hosted
from emulator.github.conftest import commit, git
from support.steps import Outcome
from support.training import TRACKED, TrainingRepository

from aml_actions.runner import Runner
from aml_run.comment import PullRequest, bounded, marker, pull_request_of

NAME = "octo/credit-risk"
"""The repository that steps of tests run for."""
TRAIN = """\
import mlflow
mlflow.log_metric("accuracy", 0.75)
"""
SUBMIT_ONLY = {"pull_request_comment": True, "wait_for_completion": False, "rerun": "new"}


@pytest.fixture(scope="module")
def hosted(prepared: TrainingRepository, tmp_path_factory: pytest.TempPathFactory) -> Hosted:
    root = tmp_path_factory.mktemp("hosted")
    git(root, "init", "-q", "-b", "main")
    commit(root, {"README.md": "credit risk\n"})
    found = Hosted(prepared.emulator, NAME, root)
    found.run("add", NAME, str(root))
    return found


class Opened:
    """A pull request of a branch of its own, and the steps of its workflow."""

    def __init__(self, hosted: Hosted, repository: TrainingRepository, branch: str, folder: Path) -> None:
        git(hosted.root, "checkout", "-q", "-b", branch)
        commit(hosted.root, {f"{branch}.txt": branch})
        git(hosted.root, "checkout", "-q", "main")
        self.hosted, self.repository, self.branch, self.folder = hosted, repository, branch, folder
        self.number = int(hosted.run("pull", NAME, "--head", branch))
        self.token = hosted.token("pull_requests=write")
        self.issue = hosted.client("pull_requests=write").get_repo(NAME).get_issue(self.number)

    @property
    def comments(self) -> list[str]:
        return [one.body for one in self.issue.get_comments()]

    def step(
        self,
        parameters: dict[str, Any],
        *,
        event: dict[str, Any] | None = None,
        token: str | None = None,
        **env: str,
    ) -> Outcome:
        """Run aml-run for the pull request; by default the event is its own."""
        repo = {"full_name": NAME}
        own = {"pull_request": {"number": self.number, "head": {"ref": self.branch, "repo": repo}}}
        file = self.folder / "event.json"
        file.write_text(json.dumps(own if event is None else event))
        return self.repository.step(
            "aml-run",
            parameters,
            github_token=self.token if token is None else token,
            env={
                "GITHUB_API_URL": self.hosted.api,
                "GITHUB_EVENT_PATH": str(file),
                "GITHUB_EVENT_NAME": "pull_request",
                "GITHUB_WORKFLOW": "Train --> model",
                "GITHUB_JOB": "train",
                "GITHUB_ACTION": "aml_run",
                **env,
            },
        )


@pytest.fixture
def opened(
    request: pytest.FixtureRequest, hosted: Hosted, repository: TrainingRepository, tmp_path: Path
) -> Iterator[Opened]:
    repository.training("print('trained')")
    yield Opened(hosted, repository, request.node.name.replace("[", "-").replace("]", ""), tmp_path)
    hosted.run("fault", "clear")


def notices(done: Outcome) -> list[str]:
    return [line for line in done.log.splitlines() if line.startswith("::notice")]


def test_a_second_run_updates_the_comment_of_the_first(opened: Opened) -> None:
    opened.repository.training(TRAIN, conda=TRACKED)
    opened.issue.create_comment("Please have a look.")
    first = opened.step({"pull_request_comment": True})
    assert first.code == 0, first.log
    (_, before) = opened.comments
    assert "| accuracy | 0.75 |" in before
    assert f"[{first.outputs['run_id']}](" in before.replace("\\_", "_")
    assert before.startswith("<!-- aml-run ")
    assert "Files of the job" not in before
    assert "#issuecomment-" in first.log
    assert f"::add-mask::{opened.token}" in first.log
    assert opened.token not in first.summary + before

    opened.repository.training(TRAIN.replace("0.75", "0.8"), conda=TRACKED)
    second = opened.step({"pull_request_comment": True})
    assert second.code == 0, second.log
    (_, after) = opened.comments
    assert "| accuracy | 0.8 |" in after
    assert "0.75" not in after


def test_a_job_that_fails_is_in_the_comment_too(opened: Opened) -> None:
    opened.repository.training("raise SystemExit('no <b>data</b> for @octocat')")
    done = opened.step({"pull_request_comment": True})
    assert done.code == 1
    (text,) = opened.comments
    assert text.splitlines()[1].startswith("### ❌ aml-run:")
    assert "@octocat" not in text
    assert "<b>" not in text


def test_steps_and_workflows_have_comments_of_their_own(opened: Opened) -> None:
    opened.step(SUBMIT_ONLY)
    opened.step(SUBMIT_ONLY, GITHUB_ACTION="another_step")
    opened.step(SUBMIT_ONLY, GITHUB_WORKFLOW="another workflow")
    opened.step(SUBMIT_ONLY)
    assert len(opened.comments) == 3


def test_comments_that_piled_up_become_one(opened: Opened) -> None:
    opened.step(SUBMIT_ONLY)
    (text,) = opened.comments
    opened.issue.create_comment(text)
    opened.issue.create_comment("> " + text)
    opened.step(SUBMIT_ONLY)
    assert len(opened.comments) == 2
    assert opened.comments[1].startswith("> <!-- aml-run")


def test_a_push_finds_the_pull_request_of_its_branch(opened: Opened) -> None:
    push = {"GITHUB_EVENT_NAME": "push", "GITHUB_REF": f"refs/heads/{opened.branch}"}
    done = opened.step(SUBMIT_ONLY, event={"ref": push["GITHUB_REF"]}, **push)
    assert done.code == 0, done.log
    assert len(opened.comments) == 1


def test_a_push_to_a_branch_without_one_is_a_notice(opened: Opened) -> None:
    push = {"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/feature/none"}
    done = opened.step(SUBMIT_ONLY, event={}, **push)
    assert done.code == 0
    (notice,) = notices(done)
    assert "The branch feature/none has no open pull request." in notice
    assert opened.comments == []


def test_a_fork_gets_one_notice_and_nobody_is_asked(opened: Opened) -> None:
    event = {"pull_request": {"number": opened.number, "head": {"repo": {"full_name": "stranger/credit-risk"}}}}
    done = opened.step(SUBMIT_ONLY, event=event, GITHUB_API_URL="https://127.0.0.1:1")
    assert done.code == 0
    (notice,) = notices(done)
    assert "in a fork" in notice
    assert opened.comments == []


def test_a_token_without_the_permission_is_a_notice_that_names_it(opened: Opened) -> None:
    done = opened.step(SUBMIT_ONLY, token=opened.hosted.token("pull_requests=read", "contents=write"))
    assert done.code == 0
    (notice,) = notices(done)
    assert "permissions%3A pull-requests%3A write" in notice or "permissions: pull-requests: write" in notice
    assert opened.comments == []


@pytest.mark.parametrize(
    "token", ["${{ github.token }}", "ghs_revoked0000000000000000000000000000"], ids=["default-outside-github", "dead"]
)
def test_no_token_or_a_dead_one_is_a_notice(opened: Opened, token: str) -> None:
    done = opened.step(SUBMIT_ONLY, token=token)
    assert done.code == 0
    assert len(notices(done)) == 1
    assert opened.comments == []


def test_a_github_that_does_not_answer_is_a_notice(opened: Opened) -> None:
    done = opened.step(SUBMIT_ONLY, GITHUB_API_URL="https://127.0.0.1:1/api/v3")
    assert done.code == 0
    (notice,) = notices(done)
    assert "could not be reached" in notice


def test_a_github_that_fails_for_a_moment_is_asked_again(opened: Opened) -> None:
    opened.hosted.run("fault", "add", "--status", "502", "--path", "/issues/")
    done = opened.step(SUBMIT_ONLY)
    assert done.code == 0
    assert notices(done) == []
    assert len(opened.comments) == 1


def test_a_rate_limit_is_not_waited_for(opened: Opened) -> None:
    opened.hosted.run(
        "fault", "add", "--status", "403", "--header", "Retry-After=3600", "--count", "5", "--path", "/issues/"
    )
    done = opened.step(SUBMIT_ONLY)
    assert done.code == 0
    assert len(notices(done)) == 1


def test_nothing_is_written_unasked(opened: Opened) -> None:
    done = opened.step({"wait_for_completion": False, "rerun": "new"})
    assert done.code == 0
    assert (opened.comments, notices(done)) == ([], [])


# --- without a run


def test_events_and_their_pull_requests() -> None:
    own = {"pull_request": {"number": 7, "head": {"repo": {"full_name": "Octo/Credit-Risk"}}}}
    assert pull_request_of(own, NAME) == PullRequest(7)
    deleted = {"pull_request": {"number": 7, "head": {"repo": None}}}
    assert pull_request_of(deleted, NAME) == PullRequest(7, is_fork=True)
    comment = {"issue": {"number": 8, "pull_request": {"url": "x"}}}
    assert pull_request_of(comment, NAME) == PullRequest(8)
    assert pull_request_of({"issue": {"number": 8}}, NAME) is None
    assert pull_request_of({"ref": "refs/heads/main", "pull_request": None}, NAME) is None


def test_the_marker_is_one_comment_whatever_the_names_hold() -> None:
    environ = {"GITHUB_WORKSPACE": "/w", "GITHUB_REPOSITORY": NAME, "GITHUB_WORKFLOW": "a --> <img src=x>\n"}
    mark = marker(Runner.from_environment(environ), "run.json")
    assert mark.count("-->") == 1
    assert mark.endswith(" -->")
    assert mark == marker(
        Runner.from_environment({**environ, "GITHUB_RUN_ID": "2", "GITHUB_RUN_ATTEMPT": "3"}), "run.json"
    )
    assert mark != marker(Runner.from_environment(environ), "other.json")


def test_a_long_comment_loses_whole_sections() -> None:
    sections = [f"#### Section {number}\n\n" + "x" * 1000 for number in range(100)]
    text = bounded("\n".join(["### Title", *sections]), "https://github.com/o/r/actions/runs/1", 10_500)
    assert len(text) <= 10_500
    assert text.count("#### Section") == text.count("x" * 1000) == 10
    assert "has the rest" in text
    assert bounded("short", "https://github.com/o/r/actions/runs/1") == "short"
    assert len(bounded("### " + "y" * 100_000, "https://github.com/o/r/actions/runs/1")) <= 60_000
