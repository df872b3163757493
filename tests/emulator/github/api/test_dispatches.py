"""`repository_dispatch` by PyGithub, its limits, and who may not make one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import github
import pytest
from emulator.github.api.conftest import Hosted


def ended(repository: Any, count: int = 1, seconds: float = 60) -> list[Any]:
    """The runs of a repository once that many are over."""
    deadline = time.monotonic() + seconds
    while True:
        runs = list(repository.get_workflow_runs())
        if len(runs) >= count and all(run.status == "completed" for run in runs):
            return runs
        assert time.monotonic() < deadline, runs
        time.sleep(0.2)


def test_a_dispatch_runs_the_workflow_that_listens(hosted: Hosted) -> None:
    repository = hosted.client("contents=write", "actions=read").get_repo(hosted.full_name)
    assert repository.create_repository_dispatch("greet", {"who": "you"})
    (run,) = ended(repository)
    assert (run.name, run.event, run.conclusion) == ("Greet", "repository_dispatch", "success")
    assert (run.path, run.head_branch) == (".github/workflows/greet.yml", "main")
    assert "hello you" in hosted.run("log", str(run.id))


def test_a_dispatch_that_nothing_listens_to_is_taken(hosted: Hosted) -> None:
    repository = hosted.client("contents=write", "actions=read").get_repo(hosted.full_name)
    assert repository.create_repository_dispatch("nobody-knows")
    assert repository.get_workflow_runs().totalCount == 0


def test_a_dispatch_at_the_limits_is_taken(hosted: Hosted) -> None:
    repository = hosted.client().get_repo(hosted.full_name)
    assert repository.create_repository_dispatch("e" * 100, {f"name-{number}": number for number in range(10)})
    overhead = len('{"text":""}')
    assert repository.create_repository_dispatch("big", {"text": "x" * (64 * 1024 - overhead - 1)})
    assert hosted.ask("POST", "dispatches", hosted.token(), json={"event_type": "bare"}).status_code == 204


@pytest.mark.parametrize(
    ("body", "field", "told"),
    [
        ({}, "event_type", '"event_type" wasn\'t supplied.'),
        ({"event_type": 7}, "event_type", "7 is not a string"),
        ({"event_type": ""}, "event_type", "too short"),
        ({"event_type": "e" * 101}, "event_type", "100 characters are allowed; 101 were supplied."),
        ({"event_type": "e", "ref": "main"}, "ref", '"ref" is not a permitted key.'),
        ({"event_type": "e", "client_payload": [1]}, "client_payload", "not an object"),
        ({"event_type": "e", "client_payload": None}, "client_payload", "not an object"),
        (
            {"event_type": "e", "client_payload": dict.fromkeys("abcdefghijk", 1)},
            "client_payload",
            "No more than 10 properties are allowed; 11 were supplied.",
        ),
        (
            {"event_type": "e", "client_payload": {"text": "x" * (64 * 1024 - 11)}},
            "client_payload",
            "client_payload is too large.",
        ),
        (
            {"event_type": "e", "client_payload": {"text": "\u00e9" * (32 * 1024)}},
            "client_payload",
            "client_payload is too large.",
        ),
    ],
)
def test_a_dispatch_beyond_the_limits_is_refused(hosted: Hosted, body: dict[str, Any], field: str, told: str) -> None:
    answer = hosted.ask("POST", "dispatches", hosted.token(), json=body)
    said = answer.json()
    assert answer.status_code == 422
    assert (said["status"], said["errors"][0]["field"]) == ("422", field)
    assert told in said["message"]
    assert said["documentation_url"].startswith("https://docs.github.com/rest/repos/repos")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{", "Problems parsing JSON"),
        (b"[1]", "Body should be a JSON object"),
        (b'{"a": NaN}', "Problems parsing JSON"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(hosted: Hosted, content: bytes, told: str) -> None:
    answer = hosted.ask("POST", "dispatches", hosted.token(), data=content)
    assert (answer.status_code, answer.json()["message"]) == (400, told)


def test_a_token_that_is_none_is_refused(hosted: Hosted) -> None:
    client = hosted.client_of(github.Auth.Token("github_pat_invented"))
    with pytest.raises(github.BadCredentialsException) as refusal:
        client.get_repo(hosted.full_name)
    assert refusal.value.status == 401
    assert refusal.value.data["message"] == "Bad credentials"


def test_a_token_that_has_expired_is_refused(hosted: Hosted) -> None:
    token = hosted.run("token", hosted.full_name, "--seconds", "0.01")
    assert hosted.ask("POST", "dispatches", token, json={"event_type": "e"}).status_code == 401


def test_a_token_that_may_only_read_dispatches_nothing(hosted: Hosted) -> None:
    answer = hosted.ask("POST", "dispatches", hosted.token("contents=read"), json={"event_type": "greet"})
    assert (answer.status_code, answer.json()["message"]) == (
        403,
        "Resource not accessible by personal access token",
    )
    assert answer.headers["x-accepted-github-permissions"] == "contents=write"


def test_a_repository_is_hidden_from_the_token_of_another(hosted: Hosted, make_hosted: Callable[..., Hosted]) -> None:
    other = make_hosted()
    for token in (other.token(), ""):
        hidden = hosted.ask("POST", "dispatches", token, json={"event_type": "greet"})
        missing = hosted.ask("POST", "/repos/contoso/nowhere/dispatches", token, json={"event_type": "greet"})
        assert hidden.status_code == missing.status_code == 404
        assert hidden.json() == missing.json()
        assert hidden.json()["message"] == "Not Found"
    with pytest.raises(github.UnknownObjectException):
        other.client().get_repo(hosted.full_name)


def test_a_repository_that_is_removed_is_gone_for_its_tokens_and_for_its_successor(hosted: Hosted) -> None:
    token = hosted.token()
    assert hosted.ask("GET", f"/repos/{hosted.full_name}", token).status_code == 200
    hosted.run("remove", hosted.full_name)
    assert hosted.ask("GET", f"/repos/{hosted.full_name}", token).status_code == 404
    hosted.run("add", hosted.full_name, str(hosted.root))
    assert hosted.ask("GET", f"/repos/{hosted.full_name}", token).status_code == 404
