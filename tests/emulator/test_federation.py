"""Signing in without a secret: an id token of the emulator's GitHub is exchanged for an access token, and what Entra does not take."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from emulator.github.conftest import commit, git
from support.emulator import RunningEmulator, command, sign_in
from support.id_tokens import AUDIENCE, issuer, run_of

from aml_emulator.federation import MOST, Federation
from aml_emulator.http import ServiceError
from aml_emulator.server import build
from aml_emulator.signing_key import SigningKey
from aml_emulator.state import StateDirectory

REPOSITORY = "Octo/iris"
MAIN = f"repo:{REPOSITORY}:ref:refs/heads/main"
ELSEWHERE = "https://token.actions.githubusercontent.com"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def federate(emulator: RunningEmulator, *arguments: str) -> str:
    done = command("federate", *arguments, state=emulator.state)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def trusted(emulator: RunningEmulator) -> Iterator[RunningEmulator]:
    """An emulator whose service principal trusts the main branch of a repository."""
    federate(emulator, "--subject", MAIN)
    yield emulator
    federate(emulator, "--subject", MAIN, "--remove")


def get(emulator: RunningEmulator, url: str, token: str = "") -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.get(url, headers=headers, verify=emulator.env["REQUESTS_CA_BUNDLE"], timeout=60)


def arm(emulator: RunningEmulator, method: str, path: str, body: object = None) -> dict[str, Any]:
    answer = requests.request(
        method,
        f"{emulator.base_url}/subscriptions/{emulator.identity['subscriptionId']}{path}",
        params={"api-version": "2024-11-30"},
        headers={"Authorization": f"Bearer {sign_in(emulator).json()['access_token']}"},
        json=body,
        verify=emulator.env["REQUESTS_CA_BUNDLE"],
        timeout=60,
    )
    assert answer.ok, answer.text
    found: dict[str, Any] = answer.json() if answer.content else {}
    return found


def assertion(emulator: RunningEmulator, client_id: str = "", **changes: Any) -> requests.Response:
    """Present an id token of the main branch, with changes of its claims; None drops one."""
    signer = issuer(emulator)
    claims = jwt.decode(signer.issue(run_of(REPOSITORY), AUDIENCE), options={"verify_signature": False})
    changed = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    return exchange(emulator, signer.key.sign(changed), client_id)


def exchange(emulator: RunningEmulator, token: str, client_id: str = "") -> requests.Response:
    client = {"client_id": client_id} if client_id else {}
    return sign_in(emulator, client_secret=None, client_assertion=token, client_assertion_type=ASSERTION_TYPE, **client)


def test_a_workflow_signs_in_with_the_unmodified_credential_of_azure_identity(
    trusted: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from azure.identity import ClientAssertionCredential

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", trusted.env["REQUESTS_CA_BUNDLE"])
    variables = issuer(trusted).environment(REPOSITORY, "refs/heads/main", "", "4711", {"sha": "c0ffee"})
    url, request_token = variables.values()
    assert list(variables) == ["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"]

    def id_token() -> str:
        answer = get(trusted, f"{url}&audience=api%3A%2F%2FAzureADTokenExchange", request_token)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["value"])

    credential = ClientAssertionCredential(
        trusted.identity["tenantId"],
        trusted.identity["clientId"],
        id_token,
        authority=trusted.base_url,
        disable_instance_discovery=True,
    )
    token = credential.get_token(f"{trusted.base_url}/.default").token
    subscription = f"{trusted.base_url}/subscriptions/{trusted.identity['subscriptionId']}?api-version=2022-12-01"
    assert get(trusted, subscription, token).status_code == 200
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["appid"], claims["appidacr"]) == (trusted.identity["clientId"], "2")


def test_an_id_token_says_who_runs_and_is_verified_by_the_keys_of_its_issuer(emulator: RunningEmulator) -> None:
    more = {"sha": "c0ffee", "workflow": "Train", "actor": "octocat", "job_workflow_ref": "Octo/iris/x.yml@main"}
    url, request_token = issuer(emulator).environment(REPOSITORY, "refs/heads/main", "prod", "4711", more).values()
    token = get(emulator, f"{url}&audience={AUDIENCE}", request_token).json()["value"]
    configuration = get(emulator, f"{emulator.base_url}/github/_services/token/.well-known/openid-configuration").json()
    key = jwt.PyJWK(get(emulator, configuration["jwks_uri"]).json()["keys"][0] | {"alg": "RS256"})
    claims = jwt.decode(token, key, algorithms=["RS256"], audience=AUDIENCE, issuer=configuration["issuer"])
    assert claims["sub"] == f"repo:{REPOSITORY}:environment:prod"
    assert claims["exp"] - claims["iat"] == 300
    known = {"repository": REPOSITORY, "ref": "refs/heads/main", "run_id": "4711", "environment": "prod", **more}
    assert {name: claims[name] for name in known} == known
    assert "event_name" not in claims, "what is not known is not invented"
    default = get(emulator, url, request_token).json()["value"]
    assert jwt.decode(default, options={"verify_signature": False})["aud"] == "https://github.com/Octo"


def test_only_the_run_itself_gets_its_id_tokens(emulator: RunningEmulator) -> None:
    signer = issuer(emulator)
    url, request_token = signer.environment(REPOSITORY, "refs/heads/main", "", "4711").values()
    id_token = get(emulator, f"{url}&audience={signer.issuer}/idtoken", request_token).json()["value"]
    for shown in ("", "nonsense", id_token, sign_in(emulator).json()["access_token"]):
        assert get(emulator, url, shown).status_code == 401, shown
    assert get(emulator, url.replace("run=4711", "run=4712"), request_token).status_code == 403
    assert exchange(emulator, request_token).status_code == 401


@pytest.mark.parametrize(
    ("changes", "number", "named"),
    [
        ({"sub": f"repo:{REPOSITORY}:ref:refs/heads/other"}, 700213, "subject 'repo:Octo/iris:ref:refs/heads/other'"),
        ({"sub": f"repo:{REPOSITORY}:environment:prod"}, 700213, "subject 'repo:Octo/iris:environment:prod'"),
        ({"sub": MAIN.replace("Octo", "octo")}, 7002138, "not with case-sensitive comparison"),
        ({"aud": "api://AzureADTokenExchangeChina"}, 700212, "audience 'api://AzureADTokenExchangeChina'"),
        ({"iss": f"{ELSEWHERE}/"}, 700211, f"issuer '{ELSEWHERE}/'"),
        ({"exp": int(time.time()) - 60}, 700024, "not within its valid time range"),
        ({"exp": None}, 700024, "not within its valid time range"),
        ({"nbf": int(time.time()) + 3600}, 700024, "not within its valid time range"),
        ({"exp": "soon"}, 50027, "malformed"),
        ({"sub": None}, 50027, "malformed"),
        ({"aud": None}, 50027, "malformed"),
    ],
)
def test_entra_says_what_does_not_match(
    trusted: RunningEmulator, changes: dict[str, Any], number: int, named: str
) -> None:
    assert assertion(trusted).status_code == 200
    answer = assertion(trusted, **changes)
    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"]) == (401, "invalid_client", [number])
    assert named in body["error_description"]


def test_a_token_that_another_signed_is_refused(trusted: RunningEmulator, tmp_path: Path) -> None:
    signer, other = issuer(trusted), SigningKey(tmp_path / "other.pem")
    claims = jwt.decode(signer.issue(run_of(REPOSITORY), AUDIENCE), options={"verify_signature": False})
    assert exchange(trusted, other.sign(claims)).json()["error_codes"] == [50013]
    other.id = signer.key.id
    refused = exchange(trusted, other.sign(claims)).json()
    assert refused["error_codes"] == [50013]
    assert "did not match the expected signature" in refused["error_description"]
    unsigned = jwt.encode(claims, None, algorithm="none", headers={"kid": signer.key.id})
    assert exchange(trusted, unsigned).json()["error_codes"] == [50013]
    assert exchange(trusted, "nonsense").json()["error_codes"] == [50027]


def test_the_request_must_say_what_kind_of_assertion_it_brings(trusted: RunningEmulator) -> None:
    token = issuer(trusted).issue(run_of(REPOSITORY), AUDIENCE)
    without = sign_in(trusted, client_secret=None, client_assertion=token)
    assert without.json()["error_codes"] == [900144]
    other = sign_in(trusted, client_secret=None, client_assertion=token, client_assertion_type="saml")
    assert other.json()["error_codes"] == [9002313]


def test_keys_of_another_issuer_are_asked_of_nobody(emulator: RunningEmulator) -> None:
    federate(emulator, "--subject", "somebody", "--issuer", ELSEWHERE)
    try:
        answer = assertion(emulator, iss=ELSEWHERE, sub="somebody").json()
    finally:
        federate(emulator, "--subject", "somebody", "--issuer", ELSEWHERE, "--remove")
    assert answer["error_codes"] == [90061]
    assert "The emulator asks no issuer but its own GitHub" in answer["error_description"]


def test_the_command_lists_adds_and_removes(emulator: RunningEmulator) -> None:
    subject = f"repo:octo/{uuid.uuid4().hex}:environment:prod"
    assert subject in federate(emulator, "--subject", subject, "--audience", "api://mine")
    again = command("federate", "--subject", subject, state=emulator.state)
    assert again.returncode == 1
    assert "There is a credential with the issuer" in again.stderr
    found = json.loads(federate(emulator, "--list", "--json"))
    own = f"{emulator.base_url}/github/_services/token"
    assert {"issuer": own, "subject": subject, "audience": "api://mine"} in found
    assert subject in federate(emulator, "--list")
    federate(emulator, "--subject", subject, "--remove")
    assert subject not in federate(emulator, "--list")
    gone = command("federate", "--subject", subject, "--remove", state=emulator.state)
    assert gone.returncode == 1
    assert "There is no federated credential" in gone.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--subject is missing"),
        (("--subject", " x"), "without spaces around it"),
        (("--subject", "x" * 601), "1 to 600 characters"),
        (("--subject", "x", "--issuer", "http://plain"), "must be an https address"),
    ],
)
def test_the_command_refuses_what_entra_would_not_take(
    emulator: RunningEmulator, arguments: tuple[str, ...], message: str
) -> None:
    done = command("federate", *arguments, state=emulator.state)
    assert done.returncode != 0
    assert message in done.stderr


def test_trust_in_the_emulators_own_github_survives_a_move_to_other_ports(tmp_path: Path) -> None:
    state = StateDirectory(tmp_path / "state")
    state.create()
    first = Federation(build(state, 1, 2)[0])
    first.add(MAIN)
    first.add(MAIN, ELSEWHERE)
    moved = Federation(build(state, 3, 4)[0])
    assert [one.issuer for one in moved.of_principal()] == [moved.own_issuer, ELSEWHERE]
    assert moved.own_issuer != first.own_issuer
    for number in range(MOST - 2):
        moved.add(f"other {number}")
    with pytest.raises(ServiceError, match="at most 20"):
        moved.add("one too many")


def test_a_user_assigned_identity_signs_in_by_its_own_federated_credential(emulator: RunningEmulator) -> None:
    group = f"/resourceGroups/rg-{uuid.uuid4().hex[:8]}"
    arm(emulator, "PUT", group, {"location": "westeurope"})
    path = f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/deployer"
    made = arm(emulator, "PUT", path, {"location": "westeurope"})["properties"]
    refused = assertion(emulator, client_id=made["clientId"]).json()
    assert refused["error_codes"] == [70025]
    assert "has no configured federated identity credentials" in refused["error_description"]
    credential = {"issuer": issuer(emulator).issuer, "subject": MAIN, "audiences": [AUDIENCE]}
    arm(emulator, "PUT", f"{path}/federatedIdentityCredentials/github", {"properties": credential})
    token = assertion(emulator, client_id=made["clientId"]).json()["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["appid"], claims["oid"]) == (made["clientId"], made["principalId"])
    with_secret = sign_in(emulator, client_id=made["clientId"])
    assert with_secret.json()["error_codes"] == [7000215], "an identity has no secret, least of all another's"


def test_credentials_without_a_secret_are_printed(emulator: RunningEmulator) -> None:
    printed = command("credentials", "--without-secret", state=emulator.state)
    assert json.loads(printed.stdout) == {
        name: value for name, value in emulator.identity.items() if name != "clientSecret"
    }


def test_no_token_is_in_the_logs(trusted: RunningEmulator) -> None:
    url, request_token = issuer(trusted).environment(REPOSITORY, "refs/heads/main", "", "4711").values()
    token = get(trusted, f"{url}&audience={AUDIENCE}", request_token).json()["value"]
    assert exchange(trusted, token).status_code == 200
    for name in ("server.log", "requests.jsonl"):
        text = (trusted.state / name).read_text()
        assert "idtoken" in text
        assert token not in text
        assert request_token not in text


WORKFLOW = """\
on: push
permissions: {id-token: write}
jobs:
  sign-in:
    runs-on: ubuntu-latest
    environment: prod
    steps:
      - env: {CLIENT: "${{ vars.CLIENT }}", ENTRA: "${{ vars.ENTRA }}", ARM: "${{ vars.ARM }}"}
        run: |
          ask() { curl --silent --show-error --cacert "$SSL_CERT_FILE" "$@"; }
          value() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
          token=$(ask -H "Authorization: Bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \\
            "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=api://AzureADTokenExchange" | value value)
          ask "$ENTRA" -d grant_type=client_credentials -d "client_id=$CLIENT" -d "scope=$ARM/.default" \\
            -d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \\
            -d "client_assertion=$token" | value expires_in
          echo "it was $ACTIONS_ID_TOKEN_REQUEST_TOKEN"
"""


def test_a_workflow_of_a_hosted_repository_signs_in(emulator: RunningEmulator, tmp_path: Path) -> None:
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    commit(root, {".github/workflows/a.yml": WORKFLOW}, "first")
    name = f"octo/r{uuid.uuid4().hex[:8]}"
    run: Callable[..., str] = lambda *arguments: _github(emulator, *arguments)  # noqa: E731
    run("add", name, str(root))
    entra = f"{emulator.base_url}/{emulator.identity['tenantId']}/oauth2/v2.0/token"
    for variable, value in {"CLIENT": emulator.identity["clientId"], "ENTRA": entra, "ARM": emulator.base_url}.items():
        run("variable", name, variable, value)
    federate(emulator, "--subject", f"repo:{name}:environment:prod")
    try:
        said = run("push", name, "--wait")
    finally:
        federate(emulator, "--subject", f"repo:{name}:environment:prod", "--remove")
    assert "3599" in said
    assert "it was ***" in said


def _github(emulator: RunningEmulator, *arguments: str) -> str:
    done = command("github", *arguments, state=emulator.state)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout
