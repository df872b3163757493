"""GitHub Apps by PyGithub's GithubIntegration, with a real key: installations, their tokens, and forged signatures."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import github
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from emulator.github.api.conftest import Hosted, pem


def test_an_app_gets_a_token_and_dispatches(hosted: Hosted, key: rsa.RSAPrivateKey, tmp_path: Path) -> None:
    made = hosted.app(key, tmp_path)
    for issuer in (made["app_id"], made["client_id"]):
        integration = hosted.integration(issuer, key)
        owner, name = hosted.full_name.split("/")
        installation = integration.get_repo_installation(owner, name)
        assert (installation.id, installation.app_id) == (made["installation_id"], made["app_id"])
        issued = integration.get_access_token(installation.id, {"contents": "write"})
        assert issued.permissions == {"metadata": "read", "contents": "write"}
        left = issued.expires_at - datetime.now(timezone.utc)
        assert timedelta(minutes=59) < left <= timedelta(hours=1)
        client = hosted.client_of(github.Auth.Token(issued.token))
        assert client.get_repo(hosted.full_name).create_repository_dispatch("nobody-knows", {})
    app = integration.get_app()
    assert (app.id, app.permissions) == (made["app_id"], {"metadata": "read", "contents": "write"})
    assert made["installation_id"] in [one.id for one in integration.get_installations()]
    assert integration.get_app_installation(int(made["installation_id"])).id == made["installation_id"]


def test_a_token_is_asked_for_one_repository_of_several(
    make_hosted: Callable[..., Hosted], key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    first, second, foreign = make_hosted(), make_hosted(), make_hosted()
    made = first.app(key, tmp_path)
    assert second.app(key, tmp_path)["installation_id"] == made["installation_id"]
    auth = github.Auth.AppAuth(made["app_id"], pem(key))
    path = f"/app/installations/{made['installation_id']}/access_tokens"

    def ask(body: dict[str, Any]) -> Any:
        return first.ask("POST", path, auth.token, json=body)

    one = ask({"repositories": [second.full_name.partition("/")[2]], "permissions": {"contents": "read"}})
    assert one.status_code == 201
    assert [found["full_name"] for found in one.json()["repositories"]] == [second.full_name]
    token = one.json()["token"]
    assert second.ask("GET", f"/repos/{second.full_name}", token).status_code == 200
    assert first.ask("GET", f"/repos/{first.full_name}", token).status_code == 404
    refused = second.ask("POST", "dispatches", token, json={"event_type": "greet"})
    assert (refused.status_code, refused.json()["message"]) == (403, "Resource not accessible by integration")
    listed = second.ask("GET", "/installation/repositories", token).json()
    assert [found["full_name"] for found in listed["repositories"]] == [second.full_name]

    everything = ask({}).json()["token"]
    assert first.ask("GET", f"/repos/{first.full_name}", everything).status_code == 200
    assert second.ask("GET", f"/repos/{second.full_name}", everything).status_code == 200
    assert foreign.ask("GET", f"/repos/{foreign.full_name}", everything).status_code == 404

    number = second.ask("GET", f"/repos/{second.full_name}", everything).json()["id"]
    assert ask({"repository_ids": [number]}).status_code == 201
    for body, told in (
        ({"repositories": [foreign.full_name.partition("/")[2]]}, "not accessible to the parent installation"),
        ({"repository_ids": [10**9]}, "not accessible to the parent installation"),
        ({"repositories": "all"}, "must be a list"),
        ({"permissions": {"actions": "write"}}, "permissions requested are not granted"),
        ({"permissions": {"contents": "admin"}}, "permissions requested are not granted"),
        ({"permissions": {"nonsense": "read"}}, "no permission 'nonsense'"),
    ):
        answer = ask(body)
        assert answer.status_code == 422, body
        assert told in answer.json()["message"]


def test_an_app_sees_only_where_it_is_installed(
    make_hosted: Callable[..., Hosted], key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    mine, foreign = make_hosted(), make_hosted(owner="fabrikam")
    made = mine.app(key, tmp_path)
    theirs = foreign.app(rsa.generate_private_key(public_exponent=65537, key_size=2048), tmp_path)
    integration = mine.integration(made["app_id"], key)
    for ask in (
        lambda: integration.get_repo_installation(*foreign.full_name.split("/")),
        lambda: integration.get_app_installation(int(theirs["installation_id"])),
        lambda: integration.get_access_token(int(theirs["installation_id"])),
    ):
        with pytest.raises(github.UnknownObjectException):
            ask()


def claims(app_id: int | str, **changes: Any) -> dict[str, Any]:
    now = int(time.time())
    return {"iat": now - 60, "exp": now + 300, "iss": str(app_id), **changes}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"exp": 1_600_000_000}, "'Expiration time' claim ('exp') must be a numeric value"),
        ({"exp": "soon"}, "'Expiration time' claim ('exp') must be a numeric value"),
        ({"exp": int(time.time()) + 10_000}, "'Expiration time' claim ('exp') is too far in the future"),
        ({"iat": int(time.time()) - 7200}, "'Expiration time' claim ('exp') is too far in the future"),
        ({"iat": int(time.time()) + 10_000}, "'Issued at' claim ('iat') must be an Integer"),
        ({"iat": None}, "'Issued at' claim ('iat') must be an Integer"),
    ],
)
def test_a_signature_of_the_wrong_time_is_refused(
    hosted: Hosted, key: rsa.RSAPrivateKey, tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    made = hosted.app(key, tmp_path)
    good = jwt.encode(claims(made["app_id"]), key, algorithm="RS256")
    assert hosted.ask("GET", "/app", good).status_code == 200
    answer = hosted.ask("GET", "/app", jwt.encode(claims(made["app_id"], **changes), key, algorithm="RS256"))
    assert answer.status_code == 401
    assert told in answer.json()["message"]


def test_a_signature_of_somebody_else_is_refused(hosted: Hosted, key: rsa.RSAPrivateKey, tmp_path: Path) -> None:
    made = hosted.app(key, tmp_path)
    thief = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    content = claims(made["app_id"])
    forged = (
        jwt.encode(content, thief, algorithm="RS256"),
        jwt.encode(content, "a secret that is long enough for it", algorithm="HS256"),
        jwt.encode(content, "", algorithm="none"),
        "no.token.at-all",
        hosted.token(),
        "",
    )
    for token in forged:
        answer = hosted.ask("GET", "/app", token)
        assert (answer.status_code, answer.json()["message"]) == (401, "A JSON web token could not be decoded"), token
    unknown = hosted.ask("GET", "/app", jwt.encode(claims(10**6), key, algorithm="RS256"))
    assert (unknown.status_code, unknown.json()["message"]) == (404, "Integration not found")
    of_app = jwt.encode(content, key, algorithm="RS256")
    assert hosted.ask("GET", f"/repos/{hosted.full_name}", of_app).status_code == 401


def test_a_key_that_is_none_is_told(hosted: Hosted, tmp_path: Path) -> None:
    from support.emulator import command

    file = tmp_path / "key.pem"
    file.write_text("-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----\n")
    done = command("github", "app", hosted.full_name, "--public-key", str(file), state=hosted.emulator.state)
    assert done.returncode == 1
    assert "openssl rsa -in KEY.pem -pubout" in done.stderr
