"""One comment of a pull request with the summary of the run: made once, updated by every later run.

It is a courtesy: whatever is in its way - a fork, a token without permission, a GitHub that does not answer - is one notice, and the
step stays as green as its jobs are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aml_actions.errors import ActionError
from aml_actions.markdown import escape, link
from aml_run import summary

if TYPE_CHECKING:
    from github.Issue import Issue
    from github.Repository import Repository

    from aml_actions.runner import Runner
    from aml_actions.step import Step
    from aml_run.outcome import Outcome
    from aml_run.parameters import RunParameters

LONGEST = 60_000
"""Characters; GitHub takes 65536."""
_SHORTEST_HIDDEN = 8
"""Characters of a secret that is hidden; the same as in the job summary."""
_SECONDS = 20
_MOST_COMMENTS = 1000
"""Comments of a pull request that are looked through for ours."""


class NotWritten(Exception):
    """There is no comment; the text says why, for a notice."""


@dataclass(frozen=True)
class PullRequest:
    """Where the comment belongs.

    Attributes:
        number: of the pull request.
        is_fork: its branch is in another repository; the token of such a run may not write.
    """

    number: int
    is_fork: bool = False


def update(step: Step[RunParameters], outcomes: Sequence[Outcome]) -> None:
    """Write the comment that `pull_request_comment` asks for, or say why there is none."""
    if not any(parameters.pull_request_comment for parameters in step.parameter_sets):
        return
    token = step.inputs.get("github_token", "")
    if token.startswith("${{"):  # the default, which only GitHub evaluates
        token = ""
    try:
        url = _write(step.runner, token, step.inputs.get("parameters_file", ""), _body(step, outcomes), step.user_agent)
    except NotWritten as why:
        step.workflow.notice(f"pull_request_comment: nothing was written. {why}", title="aml-run")
        return
    step.workflow.info(f"Comment of the pull request: {url}")


def marker(runner: Runner, parameters_file: str) -> str:
    """Return the hidden first line by which a later run finds the comment: the same for the same step of the same workflow.

    It is a digest, so that no name can end the HTML comment.
    """
    what = json.dumps([runner.workflow, runner.job, runner.leg, runner.step, parameters_file])
    return f"<!-- aml-run {hashlib.sha256(what.encode()).hexdigest()[:32]} -->"


def pull_request_of(event: Mapping[str, Any], repository: str) -> PullRequest | None:
    """Return the pull request that an event is about; None for one that names none, such as a push."""
    found = event.get("pull_request")
    if isinstance(found, dict) and isinstance(found.get("number"), int):
        head = (found.get("head") or {}).get("repo") or {}
        # The repository of a head that was deleted is null: it was a fork.
        return PullRequest(found["number"], str(head.get("full_name") or "").lower() != repository.lower())
    issue = event.get("issue")
    if isinstance(issue, dict) and issue.get("pull_request") and isinstance(issue.get("number"), int):
        return PullRequest(issue["number"])
    return None


def bounded(body: str, page: str, longest: int = LONGEST) -> str:
    """Return a comment that GitHub takes: whole sections are left out from its end, and it says so.

    Args:
        body: sections that begin with ``####``.
        page: of the workflow run, which has all of it.
        longest: characters.
    """
    if len(body) <= longest:
        return body
    note = f"\n\n{link('The summary of the workflow run', page)} has the rest.\n"
    kept, *sections = body.split("\n#### ")
    for section in sections:
        if len(kept) + len(section) + len(note) + 6 > longest:
            break
        kept += f"\n#### {section}"
    return kept[: longest - len(note)] + note


def _body(step: Step[RunParameters], outcomes: Sequence[Outcome]) -> str:
    runner = step.runner
    if len(outcomes) > 1:
        text = summary.of_several(outcomes, runner, brief=True)
    elif outcomes[0].is_green:
        text = summary.of_one(outcomes[0], runner, brief=True)
    else:
        text = summary.of_failed(outcomes[0], runner)
    told = [
        f"**{escape(outcome.error.what)}**"
        for outcome in outcomes
        if isinstance(outcome.error, ActionError) and len(outcomes) > 1
    ]
    text = "\n\n".join([text, *told])
    marked = marker(runner, step.inputs.get("parameters_file", ""))
    foot = f"\n\n{link('Workflow run', runner.run_link)} · commit {escape(runner.sha[:12])}\n"
    room = LONGEST - len(marked) - len(foot)
    return f"{marked}\n{step.workflow.hide(bounded(text, runner.run_link, room), _SHORTEST_HIDDEN)}{foot}"


def _write(runner: Runner, token: str, parameters_file: str, body: str, user_agent: str) -> str:
    """Make or update the comment and return its address.

    Raises:
        NotWritten: there is no comment.
    """
    if not runner.api_url:
        raise NotWritten("This is no run of GitHub Actions.")
    found = pull_request_of(_event(runner), runner.repository)
    if found and found.is_fork:
        raise NotWritten("The branch is in a fork, whose runs may not write to this repository.")
    if not token:
        raise NotWritten("The input github_token is empty.")
    import github
    import requests

    try:
        repository = _repository(runner, token, user_agent)
        number = found.number if found else _number_by_branch(repository, runner)
        return _put(repository.get_issue(number), marker(runner, parameters_file), body)
    except github.GithubException as error:
        if error.status in (401, 403, 404):
            raise NotWritten(
                f"GitHub refused it ({error.status}): the job needs `permissions: pull-requests: write`, and in the "
                "input github_token a token of it."
            ) from None
        raise NotWritten(f"GitHub refused it ({error.status}).") from None
    except requests.RequestException as error:
        # The text of the exception may hold an address with a proxy's password.
        raise NotWritten(f"{runner.api_url} could not be reached ({type(error).__name__}).") from None


def _repository(runner: Runner, token: str, user_agent: str) -> Repository:
    import github
    from urllib3.util import Retry

    # PyGithub's own retries wait an hour for a rate limit: nobody would wait so long for a comment.
    retry = Retry(total=2, backoff_factor=1, status_forcelist=(500, 502, 503, 504), allowed_methods=None)
    client = github.Github(
        auth=github.Auth.Token(token),
        base_url=runner.api_url.rstrip("/"),
        timeout=_SECONDS,
        user_agent=user_agent,
        retry=retry,
        seconds_between_requests=None,
        seconds_between_writes=None,
    )
    return client.get_repo(runner.repository, lazy=True)


def _number_by_branch(repository: Repository, runner: Runner) -> int:
    """Return the number of the open pull request of the pushed branch.

    Raises:
        NotWritten: there is none.
    """
    branch = runner.ref.removeprefix("refs/heads/")
    if branch == runner.ref:
        raise NotWritten(f"The run belongs to no branch and to no pull request ({runner.event_name} of {runner.ref}).")
    owner = runner.repository.partition("/")[0]
    for one in repository.get_pulls(state="open", head=f"{owner}:{branch}"):
        return one.number
    raise NotWritten(f"The branch {branch} has no open pull request.")


def _put(issue: Issue, mark: str, body: str) -> str:
    """Update our comment or make it; of several, which runs at the same time may make, the first one stays."""
    ours = [one for one in _first(issue.get_comments(), _MOST_COMMENTS) if (one.body or "").startswith(mark)]
    if not ours:
        return issue.create_comment(body).html_url
    first, *others = ours
    first.edit(body)
    for one in others:
        one.delete()
    return str(first.html_url)


def _first(comments: Iterable[Any], most: int) -> list[Any]:
    return [one for _, one in zip(range(most), comments, strict=False)]


def _event(runner: Runner) -> dict[str, Any]:
    if runner.event_file is None:
        return {}
    try:
        found = json.loads(runner.event_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
