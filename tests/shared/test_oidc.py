"""A step signs in without a secret: GitHub's id token in the place of clientSecret, against a real issuer and a real Entra."""

from __future__ import annotations

import io
import json
import re
import shlex
import subprocess
import sys
import time
import types
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from support.emulator import RunningEmulator, command
from support.id_tokens import AUDIENCE, TokenServer, issuer, run_of, token_server
from support.steps import CREDENTIALS, Outcome, decode, run_step, step_environment, write_parameters

from aml_actions.cloud import AZURE, CHINA, US_GOVERNMENT
from aml_actions.credentials import Credentials, parse, token_credential, with_id_token
from aml_actions.errors import ActionError, InvalidSettings
from aml_actions.federation import GitHubCredential, create_command, explain_refused_token
from aml_actions.id_tokens import Claims, IdTokens, read_claims
from aml_actions.spec import ActionSpec, Parameters, azure_credentials_input, result_output
from aml_actions.step import main

REPOSITORY = "octo/credit-risk"
SUBJECT = f"repo:{REPOSITORY}:environment:prod"
REQUEST_TOKEN = "request-token-of-the-job"
WITHOUT_SECRET = {name: value for name, value in CREDENTIALS.items() if name != "clientSecret"}
VARIABLES = {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://x/?a=b", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t"}

SPEC = ActionSpec(
    name="aml-probe",
    title="Probe",
    description="Probes.",
    inputs=(azure_credentials_input(),),
    outputs=(result_output("All."),),
    parameters=Parameters,
    parameters_file="",
    work="oidc_work:work",
)


def federate(emulator: RunningEmulator, *arguments: str) -> None:
    done = command("federate", *arguments, state=emulator.state)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def trusted(emulator: RunningEmulator) -> Iterator[RunningEmulator]:
    """An emulator whose service principal trusts the environment prod of the repository."""
    federate(emulator, "--subject", SUBJECT)
    yield emulator
    federate(emulator, "--subject", SUBJECT, "--remove")


@pytest.fixture
def github(emulator: RunningEmulator) -> Iterator[TokenServer]:
    """Where a job in the environment prod asks for id tokens."""
    with token_server(emulator, run_of(REPOSITORY, environment="prod")) as found:
        yield found


def without_secret(emulator: RunningEmulator) -> str:
    return json.dumps({name: value for name, value in emulator.identity.items() if name != "clientSecret"})


Run = Callable[..., Outcome]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, emulator: RunningEmulator, github: TokenServer) -> Run:
    """Run a step whose work is the given function, by default one request to Azure."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", emulator.env["REQUESTS_CA_BUNDLE"])
    monkeypatch.setenv("AZUREML_CURRENT_CLOUD", "")  # MLClient sets it by itself; it goes back to what it was
    monkeypatch.delenv("AZUREML_CURRENT_CLOUD")

    def call(work: Callable[[Any], None] = ask_azure, credentials: str = "", **env: str) -> Outcome:
        module = types.ModuleType("oidc_work")
        module.work = work  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "oidc_work", module)
        scratch = tmp_path / uuid.uuid4().hex
        job = {"ACTIONS_ID_TOKEN_REQUEST_URL": github.url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": REQUEST_TOKEN, **env}
        inputs = {"azure_credentials": credentials or without_secret(emulator)}
        stream = io.StringIO()
        code = main(SPEC, step_environment(scratch, tmp_path, inputs, job), stream)
        summary = (scratch / "GITHUB_STEP_SUMMARY").read_text(encoding="utf-8")
        return Outcome(code, stream.getvalue(), {}, summary)

    return call


def ask_azure(step: Any) -> None:
    found = step.rest().get(f"/subscriptions/{step.credentials.subscription_id}", params={"api-version": "2022-12-01"})
    step.workflow.info(f"subscription {found['subscriptionId']}")


def masks(log: str) -> list[str]:
    return re.findall(r"^::add-mask::(.*)$", log, re.MULTILINE)


def test_a_step_signs_in_and_its_tokens_are_masked_and_never_shown(
    run: Run, trusted: RunningEmulator, github: TokenServer
) -> None:
    done = run()
    assert done.code == 0, done.log
    assert f"subscription {trusted.identity['subscriptionId']}" in done.log
    assert github.asked == [({"api-version": ["2.0"], "audience": [AUDIENCE]}, f"Bearer {REQUEST_TOKEN}")]
    [token] = github.tokens
    assert {REQUEST_TOKEN, token} <= set(masks(done.log))
    shown = re.sub(r"^::add-mask::.*$", "", done.log, flags=re.MULTILINE) + done.summary
    for secret in (token, REQUEST_TOKEN):
        assert secret not in shown


def test_a_token_that_is_shown_by_mistake_is_hidden(run: Run, trusted: RunningEmulator, github: TokenServer) -> None:
    def work(step: Any) -> None:
        ask_azure(step)
        step.workflow.info(f"it was {github.tokens[0]}")

    assert "it was ***\n" in run(work).log


def test_every_access_token_of_a_job_of_many_hours_is_bought_with_a_fresh_id_token(
    run: Run, trusted: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This process believes that hours pass; issuer and Entra, which run in another one, do not."""
    real = time.time
    tokens = []

    def work(step: Any) -> None:
        for hours in range(6):
            monkeypatch.setattr(time, "time", lambda later=hours * 3600: real() + later)
            for _ in range(2):
                tokens.append(step.credential.get_token(f"{trusted.base_url}/.default").token)
            ask_azure(step)
        monkeypatch.setattr(time, "time", real)

    variables = issuer(trusted).environment(REPOSITORY, "refs/heads/main", "prod", "4711")
    done = run(work, **variables)
    assert done.code == 0, done.log
    assert len(set(tokens)) == 6
    id_tokens = {mask for mask in masks(done.log) if mask.count(".") == 2}
    assert len(id_tokens - set(variables.values())) == 6, "the request token of the job is masked, too"


def test_credentials_with_a_secret_use_it_although_the_job_may_have_id_tokens(
    run: Run, emulator: RunningEmulator, github: TokenServer
) -> None:
    done = run(credentials=emulator.credentials)
    assert done.code == 0, done.log
    assert github.asked == []
    assert f"subscription {emulator.identity['subscriptionId']}" in done.log


def test_github_is_asked_again_when_it_is_busy_or_broken(
    run: Run, trusted: RunningEmulator, github: TokenServer
) -> None:
    github.answers += [(503, {}, "busy"), (429, {"Retry-After": "0"}, "slow down"), (500, {}, "broken")]
    done = run()
    assert done.code == 0, done.log
    assert len(github.asked) == 4


def tokens_of(url: str, masked: list[str], retries: int = 1) -> IdTokens:
    return IdTokens(url, REQUEST_TOKEN, AUDIENCE, masked.append, retries=retries)


@pytest.mark.parametrize(
    ("answer", "asked", "words"),
    [
        ((502, {}, "bad\ngateway"), 2, ["status 502", "Given: bad gateway", "GitHub is busy", "githubstatus.com"]),
        ((429, {"Retry-After": "0"}, ""), 2, ["status 429", "GitHub is busy"]),
        ((403, {}, '{"message": "no"}'), 1, ["status 403", '{"message": "no"}', "`permissions: id-token: write`"]),
        ((401, {}, ""), 1, ["status 401", "the job has ended"]),
        ((200, {}, "<html>hidden-words</html>"), 1, ["holds no id token", "the page of a proxy"]),
        ((200, {}, '{"value": ""}'), 1, ["holds no id token"]),
        ((200, {}, '{"value": ["hidden-words"]}'), 1, ["holds no id token"]),
        ((200, {}, '["hidden-words"]'), 1, ["holds no id token"]),
    ],
)
def test_what_github_answers_in_place_of_a_token_is_told(
    github: TokenServer,
    monkeypatch: pytest.MonkeyPatch,
    emulator: RunningEmulator,
    answer: tuple[int, dict[str, str], str],
    asked: int,
    words: list[str],
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", emulator.env["REQUESTS_CA_BUNDLE"])
    github.answers += [answer] * 2
    masked: list[str] = []
    with pytest.raises(ActionError) as caught:
        tokens_of(github.url, masked)()
    assert len(github.asked) == asked
    assert masked == []
    for word in words:
        assert word in str(caught.value)
    assert "hidden-words" not in str(caught.value)


def test_a_github_that_cannot_be_reached_or_trusted_is_told(
    github: TokenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    for url in (github.url, "https://127.0.0.1:9/idtoken"):
        with pytest.raises(ActionError, match="could not be asked for the id token") as caught:
            tokens_of(url, [], retries=0)()
        assert REQUEST_TOKEN not in str(caught.value)


@pytest.mark.parametrize("missing", list(VARIABLES))
def test_a_job_without_the_permission_is_told_which(run: Run, missing: str) -> None:
    done = run(**{missing: ""})
    assert done.code == 1
    [annotation] = done.annotations
    for words in (
        "holds no clientSecret",
        "ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN are not set",
        "comes from a fork",
        "`id-token: write` and `contents: read`",
        "docs/troubleshooting.md#openid-connect",
    ):
        assert words in annotation


def test_a_subject_that_nobody_registered_is_told_with_the_command_that_registers_it(
    run: Run, emulator: RunningEmulator
) -> None:
    federate(emulator, "--subject", "repo:octo/other:ref:refs/heads/main")
    try:
        done = run()
    finally:
        federate(emulator, "--subject", "repo:octo/other:ref:refs/heads/main", "--remove")
    assert done.code == 1
    [annotation] = done.annotations
    client, own = emulator.identity["clientId"], issuer(emulator).issuer
    assert f"for the application {client} (AADSTS700213)" in annotation
    assert f"Given: issuer {own}, subject {SUBJECT}, audience {AUDIENCE}" in annotation
    assert "a job with `environment:` has another subject" in annotation
    assert "Trace ID: " in done.summary
    assert "az identity federated-credential create" in done.summary
    assert "Traceback" not in done.log
    # The command, as a shell reads it, registers exactly what the token has.
    [fix] = re.findall(r"^Fix: `(.*)`$", annotation, re.MULTILINE)
    words = shlex.split(fix)
    assert words[:6] == ["az", "ad", "app", "federated-credential", "create", "--id"]
    registered = json.loads(words[-1])
    assert registered["subject"] == SUBJECT
    federate(emulator, "--subject", registered["subject"], "--issuer", registered["issuer"])
    try:
        assert run().code == 0
    finally:
        federate(emulator, "--subject", SUBJECT, "--remove")


@pytest.mark.parametrize(
    ("registered", "number", "words"),
    [
        (("--subject", SUBJECT.upper().replace("REPO", "repo")), 7002138, "in other upper and lower case"),
        (("--subject", SUBJECT, "--audience", "api://other"), 700212, "has this audience"),
        (("--subject", SUBJECT, "--issuer", "https://token.actions.githubusercontent.com"), 700211, "has this issuer"),
    ],
)
def test_what_of_the_registered_credential_differs_is_told(
    run: Run, emulator: RunningEmulator, registered: tuple[str, ...], number: int, words: str
) -> None:
    federate(emulator, *registered)
    try:
        [annotation] = run().annotations
    finally:
        issued = registered[2:] if "--issuer" in registered else ()
        federate(emulator, "--subject", registered[1], *issued, "--remove")
    assert f"(AADSTS{number})" in annotation
    assert words in annotation
    assert f"subject {SUBJECT}" in annotation
    assert "az ad app federated-credential create" in annotation


def test_an_application_without_any_federated_credential_is_told(run: Run) -> None:
    [annotation] = run().annotations
    assert "(AADSTS70025)" in annotation
    assert "az ad app federated-credential create" in annotation


def test_a_token_that_is_too_old_or_signed_by_another_needs_no_registration(
    run: Run, trusted: RunningEmulator, github: TokenServer
) -> None:
    signer = issuer(trusted)
    old = signer.issue(run_of(REPOSITORY, environment="prod"), AUDIENCE, seconds=-60)
    forged = f"{old.rpartition('.')[0]}.{'A' * 342}"
    for token, number, words in ((old, 700024, "clock"), (forged, 50013, "signature of the id token")):
        github.answers.append((200, {}, json.dumps({"value": token})))
        done = run()
        [annotation] = done.annotations
        assert f"(AADSTS{number})" in annotation
        assert words in annotation
        assert "federated-credential create --id" not in annotation
        assert token in masks(done.log)


def test_another_refusal_is_explained_as_with_a_secret(run: Run, emulator: RunningEmulator) -> None:
    other = {**json.loads(without_secret(emulator)), "clientId": "00000000-0000-0000-0000-000000000000"}
    [annotation] = run(credentials=json.dumps(other)).annotations
    assert "(AADSTS700016)" in annotation
    assert "az ad app show" in annotation


def test_a_refusal_is_the_same_error_through_the_azure_ml_sdk(run: Run, emulator: RunningEmulator) -> None:
    from aml_actions.workspace import WorkspaceRef

    def work(step: Any) -> None:
        ref = WorkspaceRef(step.credentials.subscription_id, "rg-none", "ws-none")
        with step.doing("looking for the workspace"):
            step.ml_client(ref).workspaces.get("ws-none")

    [annotation] = run(work).annotations
    assert "(AADSTS70025)" in annotation


MESSAGE = "Authentication failed: AADSTS{}: Words of Entra. Trace ID: 11111111-2222-3333-4444-555555555555"


@pytest.mark.parametrize("number", [700213, 7002138, 7002131, 700211, 700212, 7002121, 70021, 70025])
def test_every_number_about_registration_has_the_command(number: int) -> None:
    claims = Claims("https://token.actions.githubusercontent.com", SUBJECT, AUDIENCE)
    error = explain_refused_token(MESSAGE.format(number), claims, "the-client")
    assert error is not None
    assert error.fix == f"`{create_command(claims, 'the-client')}`"
    assert "Words of Entra." in (error.details or "")
    assert "11111111-2222-3333-4444-555555555555" in (error.details or "")


@pytest.mark.parametrize("number", [700024, 50013, 90061, 700222])
def test_the_other_numbers_about_id_tokens_have_another_fix(number: int) -> None:
    error = explain_refused_token(MESSAGE.format(number), Claims("i", "s", "a"), "the-client")
    assert error is not None
    assert error.fix
    assert "az ad app" not in error.fix


def test_a_branch_with_any_name_is_quoted_for_a_shell() -> None:
    claims = Claims("https://x", "repo:o/r:ref:refs/heads/it's-$(touch x)\"", AUDIENCE)
    command_line = create_command(claims, "id")
    said = subprocess.run(
        ["bash", "-c", command_line.replace("az ", "printf '%s\\n' ", 1)], capture_output=True, text=True, check=True
    )
    assert json.loads(said.stdout.splitlines()[-1])["subject"] == claims.subject
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{2,119}", json.loads(said.stdout.splitlines()[-1])["name"])


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "e30.W10.x", "e30.!!.x"])
def test_what_is_no_token_has_no_claims(token: str) -> None:
    assert read_claims(token) is None


@pytest.mark.parametrize(
    ("cloud", "audience"),
    [
        (AZURE, "api%3A%2F%2FAzureADTokenExchange"),
        (CHINA, "api%3A%2F%2FAzureADTokenExchangeChina"),
        (US_GOVERNMENT, "api%3A%2F%2FAzureADTokenExchangeUSGov"),
    ],
)
def test_each_cloud_has_its_audience(cloud: Any, audience: str) -> None:
    signed_in = with_id_token(parse(json.dumps(WITHOUT_SECRET)), VARIABLES)
    credential = token_credential(signed_in, cloud, lambda secret: None)
    assert isinstance(credential, GitHubCredential)
    assert credential._tokens._url == f"https://x/?a=b&audience={audience}"


def test_an_id_token_that_nobody_would_mask_is_not_asked_for() -> None:
    with pytest.raises(ValueError, match="must be masked"):
        token_credential(with_id_token(parse(json.dumps(WITHOUT_SECRET)), VARIABLES), AZURE)


def test_the_request_token_is_not_in_the_representation() -> None:
    found = with_id_token(
        parse(json.dumps(WITHOUT_SECRET)), {**VARIABLES, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "hunter22"}
    )
    assert isinstance(found, Credentials)
    assert "hunter22" not in repr(found)
    assert found.secrets == ("hunter22",)


def test_in_azure_pipelines_a_secret_is_needed_as_before() -> None:
    with pytest.raises(InvalidSettings, match="lacks the key clientSecret"):
        parse(json.dumps(WITHOUT_SECRET), secret_required=True)


def test_an_empty_secret_is_a_mistake_not_a_wish_for_an_id_token() -> None:
    with pytest.raises(ActionError, match="leave the key out to sign in by OpenID Connect"):
        parse(json.dumps({**WITHOUT_SECRET, "clientSecret": ""}))


def test_a_workspace_is_made_by_credentials_that_hold_no_secret(
    trusted: RunningEmulator, github: TokenServer, tmp_path: Path
) -> None:
    parameters = {"name": "ws-oidc", "resource_group": "rg-oidc", "location": "westeurope", "create_workspace": True}
    write_parameters(tmp_path / "repository", "workspace.json", parameters)
    done = run_step(
        "aml-workspace",
        tmp_path / "repository",
        tmp_path / "runner",
        inputs={"azure_credentials": without_secret(trusted)},
        env={
            "REQUESTS_CA_BUNDLE": trusted.env["REQUESTS_CA_BUNDLE"],
            "ACTIONS_ID_TOKEN_REQUEST_URL": github.url,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": REQUEST_TOKEN,
        },
    )
    assert done.code == 0, done.log
    assert done.outputs["workspace_name"] == "ws-oidc"
    assert len(github.tokens) >= 1
    assert set(github.tokens) <= set(masks(done.log))
    shown = decode(re.sub(r"^::add-mask::.*$", "", done.log, flags=re.MULTILINE)) + done.summary
    assert not any(token in shown for token in github.tokens)
    found = requests.get(f"{trusted.base_url}/", verify=trusted.env["REQUESTS_CA_BUNDLE"], timeout=60)
    assert "ws-oidc" in found.text
