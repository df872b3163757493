"""What every answer of the API has: headers, rate limits, refusals of what is not there; faults on request."""

from __future__ import annotations

import json
import time

import github
import pytest
from emulator.github.api.conftest import Hosted
from support.emulator import command

from aml_emulator.github.rate_limits import RateLimits


def test_a_repository_and_its_user_are_described(hosted: Hosted) -> None:
    client = hosted.client()
    repository = client.get_repo(hosted.full_name.upper())
    assert (repository.full_name, repository.default_branch) == (hosted.full_name, "main")
    assert (repository.private, repository.permissions.push, repository.permissions.admin) == (True, True, False)
    assert client.get_user().login == "octocat"
    assert hosted.ask("GET", "/user").status_code == 401


def test_answers_have_the_headers_of_github(hosted: Hosted) -> None:
    token = hosted.token()
    answers = [hosted.ask("GET", f"/repos/{hosted.full_name}", token) for _ in range(2)]
    assert len({answer.headers["x-github-request-id"] for answer in answers}) == 2
    headers = answers[1].headers
    assert headers["x-ratelimit-limit"] == "5000"
    assert int(headers["x-ratelimit-remaining"]) + int(headers["x-ratelimit-used"]) == 5000
    assert int(headers["x-ratelimit-used"]) > int(answers[0].headers["x-ratelimit-used"])
    assert (
        0 < int(headers["x-ratelimit-reset"]) - time.time() <= 3600
    )  # the hour began with the first request of any test
    assert headers["x-github-api-version-selected"] == "2022-11-28"


def test_the_rate_limit_is_told_and_not_touched(hosted: Hosted) -> None:
    client = hosted.client()
    first, second = (client.get_rate_limit().rate for _ in range(2))
    assert (first.limit, first.used) == (5000, second.used)
    client.get_repo(hosted.full_name)
    assert client.get_rate_limit().rate.used > second.used


def test_an_hour_of_requests_is_counted_by_who_asks() -> None:
    seconds = [1_800_000_000.0]
    limits = RateLimits(clock=lambda: seconds[0])
    assert [limits.spend("a", 2)[1] for _ in range(3)] == [True, True, False]
    assert limits.spend("b", 2)[1]
    assert limits.look("a", 2).headers()["x-ratelimit-remaining"] == "0"
    seconds[0] += 3600
    assert limits.spend("a", 2) == (limits.look("a", 2), True)


def test_clients_without_a_name_or_with_an_unknown_version_are_refused(hosted: Hosted) -> None:
    token = hosted.token()
    nameless = hosted.ask("GET", f"/repos/{hosted.full_name}", token, headers={"User-Agent": ""})
    assert (nameless.status_code, "User-Agent" in nameless.json()["message"]) == (403, True)
    old = hosted.ask("GET", f"/repos/{hosted.full_name}", token, headers={"X-GitHub-Api-Version": "2019-01-01"})
    assert (old.status_code, "2022-11-28" in old.json()["message"]) == (400, True)


def test_what_is_not_emulated_is_refused_by_name(hosted: Hosted) -> None:
    with pytest.raises(github.GithubException) as refusal:
        hosted.client().get_repo(hosted.full_name).create_issue("a title")
    assert refusal.value.status == 501
    assert f"POST /github/api/v3/repos/{hosted.full_name}/issues" in refusal.value.data["message"]


def test_a_fault_meets_the_next_requests_and_is_noted(hosted: Hosted) -> None:
    added = hosted.run(
        "fault", "add", "--status", "403", "--header", "Retry-After=1", "--count", "2", "--path", "Dispatches"
    )
    assert added.endswith("status 403, paths with 'Dispatches', 2 of 2 left")
    token = hosted.token("contents=write", "actions=read")
    assert hosted.ask("GET", f"/repos/{hosted.full_name}", token).status_code == 200
    for _ in range(2):
        answer = hosted.ask("POST", "dispatches", token, json={"event_type": "greet"})
        assert (answer.status_code, answer.headers["Retry-After"]) == (403, "1")
        assert answer.json()["message"].startswith("You have exceeded a secondary rate limit.")
    assert hosted.ask("GET", "actions/runs", token).json()["total_count"] == 0
    assert hosted.ask("POST", "dispatches", token, json={"event_type": "nobody"}).status_code == 204
    (fault,) = json.loads(hosted.run("fault", "list", "--json"))
    path = f"/github/api/v3/repos/{hosted.full_name}/dispatches"
    assert [(use["method"], use["path"]) for use in fault["uses"]] == [("POST", path)] * 2
    shown = hosted.run("fault", "list").splitlines()
    assert shown[0].endswith("0 of 2 left")
    assert len(shown) == 3


def test_faults_come_one_after_the_other_and_can_be_taken_back(hosted: Hosted) -> None:
    hosted.run("fault", "add", "--status", "502", "--path", hosted.full_name)
    hosted.run("fault", "add", "--status", "401", "--path", hosted.full_name, "--message", "No more")
    hosted.run("fault", "add", "--status", "500", "--path", hosted.full_name, "--count", "99")
    token = hosted.token()
    path = f"/repos/{hosted.full_name}"
    answers = [hosted.ask("GET", path, token) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [502, 401, 500, 500]
    assert answers[1].json()["message"] == "No more"
    hosted.run("fault", "clear")
    assert hosted.ask("GET", path, token).status_code == 200
    assert hosted.run("fault", "list") == ""


def test_a_slow_answer_is_the_usual_one(hosted: Hosted) -> None:
    hosted.run("fault", "add", "--delay", "0.3", "--header", "X-Slow=yes", "--path", hosted.full_name)
    began = time.monotonic()
    answer = hosted.ask("GET", f"/repos/{hosted.full_name}", hosted.token())
    assert (answer.status_code, answer.headers["X-Slow"]) == (200, "yes")
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        ((), 1, "A fault needs a status, a delay or headers"),
        (("--status", "200"), 1, "a number from 300 to 599, not 200"),
        (("--status", "500", "--header", "Retry-After"), 1, "does not have the form NAME=VALUE"),
        (("--status", "500", "--header", "a b=c"), 1, "cannot be a header"),
        (("--status", "500", "--count", "0"), 2, "'0' is no count"),
        (("--delay", "inf"), 2, "'inf' is no number of seconds"),
    ],
)
def test_a_fault_that_is_none_is_told(hosted: Hosted, options: tuple[str, ...], code: int, told: str) -> None:
    done = command("github", "fault", "add", *options, state=hosted.emulator.state)
    assert (done.returncode, told in done.stderr) == (code, True), done.stderr
