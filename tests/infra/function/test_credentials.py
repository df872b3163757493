"""Tokens of a GitHub App: asked for rarely, narrow, renewed in time; and no secret in a log."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from bridge import logs
from bridge.errors import TryLater
from bridge.handler import Bridge
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from infra.function.conftest import Lines, event
from infra.function.github_server import TOKEN, Fault, GitHub

APP_ID = "Iv23liABC"


@pytest.fixture(scope="module")
def keys() -> tuple[str, str]:
    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private, public.decode()


@pytest.fixture
def bridge(build: Callable[..., Bridge], github: GitHub, keys: tuple[str, str]) -> Bridge:
    github.app, github.tokens = (APP_ID, keys[1]), {}
    return build(
        GITHUB_APP_ID=APP_ID, GITHUB_APP_PRIVATE_KEY=keys[0], ALLOWED_REPOSITORIES="contoso/*", ROUTING='{"rules": []}'
    )


def send(bridge: Bridge, repository: str = "contoso/churn") -> str:
    return bridge.handle(event(), repository=repository).name


def test_many_events_at_once_ask_for_one_token_of_one_repository(bridge: Bridge, github: GitHub) -> None:
    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(lambda _: send(bridge), range(30))) == {"dispatched"}
    assert github.token_requests == [{"repositories": ["churn"], "permissions": {"contents": "write"}}]
    assert send(bridge, "contoso/fraud") == "dispatched"
    assert len(github.token_requests) == 2
    assert {repository for repository, _ in github.dispatches} == {"contoso/churn", "contoso/fraud"}


def test_a_token_is_not_used_in_its_last_five_minutes(bridge: Bridge, github: GitHub) -> None:
    github.token_lives = 290
    assert [send(bridge) for _ in range(2)] == ["dispatched"] * 2
    assert len(github.token_requests) == 2
    github.token_lives = 330
    assert [send(bridge) for _ in range(3)] == ["dispatched"] * 3
    assert len(github.token_requests) == 3


def test_a_token_that_github_revoked_is_replaced_at_once(bridge: Bridge, github: GitHub) -> None:
    send(bridge)
    github.tokens.clear()
    assert send(bridge) == "dispatched"
    assert (len(github.token_requests), github.attempts(), len(github.dispatches)) == (2, 3, 2)


def test_a_token_that_is_refused_again_after_its_renewal_is_left_to_a_redelivery(
    bridge: Bridge, github: GitHub
) -> None:
    github.always = Fault(401, "Bad credentials")
    with pytest.raises(TryLater, match="GitHub answered 401: Bad credentials") as raised:
        send(bridge)
    assert (raised.value.reason, github.attempts()) == ("unauthorized", 2)


def test_an_app_that_is_not_installed_or_not_known_waits_for_somebody_to_mend_it(
    bridge: Bridge, github: GitHub
) -> None:
    github.installed = False
    with pytest.raises(TryLater, match="The GitHub App is not installed in the repository"):
        send(bridge)
    github.installed = True
    known, github.app = github.app, None
    with pytest.raises(TryLater, match="GitHub answered 401"):
        send(bridge)
    github.app = known
    assert send(bridge) == "dispatched"


@pytest.mark.parametrize(
    ("fault", "reason", "text"),
    [
        (
            (422, {"message": "The permissions requested are not granted"}),
            "no_token",
            "GitHub answered 422: The permissions",
        ),
        ((201, {}), "no_token", "GitHub answered 201 without 'token'"),
        ((503, {}), "github_unavailable", "GitHub answered 503"),
    ],
    ids=["not granted", "no token in the answer", "unavailable"],
)
def test_a_token_that_cannot_be_had_never_costs_an_event(
    fault: tuple[int, dict], reason: str, text: str, bridge: Bridge, github: GitHub
) -> None:
    github.token_fault = fault
    with pytest.raises(TryLater, match=text) as raised:
        send(bridge)
    assert raised.value.reason == reason
    github.token_fault = None
    assert send(bridge) == "dispatched"


def test_no_token_and_no_key_is_ever_logged(
    bridge: Bridge, build: Callable[..., Bridge], github: GitHub, keys: tuple[str, str], log: Lines
) -> None:
    github.faults.extend([Fault(500, "ghs_0001_installation is not welcome"), None])
    send(bridge)
    github.tokens[TOKEN] = "*"
    github.always = Fault(403, f"not with {TOKEN} and not with {keys[0].splitlines()[3]}")
    with pytest.raises(TryLater):
        build().handle(event())
    text = "\n".join(log.raw)
    assert log.steps() == ["received", "retry", "dispatched", "received", "failed"]
    assert "***" in text
    for secret in (TOKEN, "ghs_0001_installation", *keys[0].splitlines()[1:-1]):
        assert secret not in text


def test_requests_say_who_asks_and_which_version_of_the_api(bridge: Bridge, github: GitHub) -> None:
    send(bridge)
    assert [(method, path) for method, path, _ in github.requests] == [
        ("GET", "/repos/contoso/churn/installation"),
        ("POST", "/app/installations/77/access_tokens"),
        ("POST", "/repos/contoso/churn/dispatches"),
    ]
    for _, _, headers in github.requests:
        assert headers["user-agent"] == "aml-events-function"
        assert headers["x-github-api-version"] == "2022-11-28"
        assert headers["accept"] == "application/vnd.github+json"


def test_a_key_stays_hidden_however_many_tokens_come_after_it() -> None:
    logs.hide("first-secret-of-all")
    for number in range(1_000):
        logs.hide(f"token-number-{number:04d}", passing=True)
    assert logs.masked("a first-secret-of-all b token-number-0999 c") == "a *** b *** c"
