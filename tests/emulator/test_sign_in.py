"""Signing in: what Entra gives, what it refuses and in which words, and that every service checks what it is shown."""

from __future__ import annotations

import time
from pathlib import Path

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from support.emulator import RunningEmulator, sign_in

from aml_emulator.identity import Identity
from aml_emulator.signing_key import new_key
from aml_emulator.tokens import TokenAuthority


def _authority(emulator: RunningEmulator) -> TokenAuthority:
    """The emulator's own authority: signs what only the emulator could have signed."""
    identity = Identity.ensure(emulator.state / "identity.json")
    return TokenAuthority(emulator.base_url, identity, emulator.state / "pki" / "token-signing.pem")


def _ask(emulator: RunningEmulator, token: str | None, path: str | None = None) -> requests.Response:
    path = path or f"/subscriptions/{emulator.identity['subscriptionId']}"
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    return requests.get(
        f"{emulator.base_url}{path}",
        params={"api-version": "2022-12-01"},
        headers=headers,
        verify=emulator.env["REQUESTS_CA_BUNDLE"],
        timeout=60,
    )


def test_the_secret_of_the_service_principal_buys_a_signed_token(emulator: RunningEmulator) -> None:
    answer = sign_in(emulator).json()
    configuration = requests.get(
        f"{emulator.base_url}/{emulator.identity['tenantId']}/v2.0/.well-known/openid-configuration",
        verify=emulator.env["REQUESTS_CA_BUNDLE"],
        timeout=60,
    ).json()
    keys = requests.get(configuration["jwks_uri"], verify=emulator.env["REQUESTS_CA_BUNDLE"], timeout=60).json()
    key = jwt.PyJWK(keys["keys"][0] | {"alg": "RS256"})
    claims = jwt.decode(answer["access_token"], key, algorithms=["RS256"], audience=emulator.base_url)
    assert claims["appid"] == emulator.identity["clientId"]
    assert claims["tid"] == emulator.identity["tenantId"]
    assert claims["iss"] == configuration["issuer"]
    assert claims["exp"] - time.time() == pytest.approx(answer["expires_in"], abs=5)
    assert _ask(emulator, answer["access_token"]).json()["subscriptionId"] == emulator.identity["subscriptionId"]


@pytest.mark.parametrize(
    ("changes", "status", "error", "number"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_secret": None}, 401, "invalid_client", 7000218),
        ({"client_id": "00000000-0000-0000-0000-000000000000"}, 400, "unauthorized_client", 700016),
        ({"client_id": None}, 400, "invalid_request", 900144),
        ({"tenant": "00000000-0000-0000-0000-000000000000"}, 400, "invalid_request", 90002),
        ({"scope": "https://nowhere.example/.default"}, 400, "invalid_resource", 500011),
        ({"scope": "https://ml.azure.com/user"}, 400, "invalid_scope", 1002012),
        ({"scope": None}, 400, "invalid_request", 900144),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
    ],
)
def test_entra_refuses_in_its_own_words(
    emulator: RunningEmulator, changes: dict[str, str | None], status: int, error: str, number: int
) -> None:
    answer = sign_in(emulator, **changes)
    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"]) == (status, error, [number])
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert "Trace ID: " in body["error_description"]
    assert emulator.identity["clientSecret"] not in answer.text
    assert {"timestamp", "trace_id", "correlation_id", "error_uri"} <= body.keys()


def test_a_wrong_secret_reaches_the_user_of_azure_identity(
    emulator: RunningEmulator, variables: dict[str, str]
) -> None:
    from azure.core.exceptions import ClientAuthenticationError
    from azure.identity import ClientSecretCredential

    identity = emulator.identity
    credential = ClientSecretCredential(
        identity["tenantId"],
        identity["clientId"],
        "wrong",
        authority=emulator.base_url,
        disable_instance_discovery=True,
    )
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215: Invalid client secret provided"):
        credential.get_token(f"{emulator.base_url}/.default")


def test_default_credentials_find_the_tenant_without_a_network(
    emulator: RunningEmulator, variables: dict[str, str]
) -> None:
    from azure.identity import DefaultAzureCredential

    found = DefaultAzureCredential().get_token(f"{emulator.base_url}/.default").token
    assert _ask(emulator, found).status_code == 200


def test_a_job_signs_in_by_the_managed_identity_of_its_node(
    emulator: RunningEmulator, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
    from azure.identity import ManagedIdentityCredential

    monkeypatch.setenv("MSI_ENDPOINT", f"{emulator.base_url}/msi/token")
    monkeypatch.setenv("MSI_SECRET", Identity.ensure(emulator.state / "identity.json").msi_secret)
    found = ManagedIdentityCredential().get_token(f"{emulator.base_url}/.default")
    assert found.expires_on - time.time() > 3000
    assert _ask(emulator, found.token).status_code == 200
    monkeypatch.setenv("MSI_SECRET", "wrong")
    with pytest.raises((ClientAuthenticationError, HttpResponseError)):
        ManagedIdentityCredential().get_token(f"{emulator.base_url}/.default")


def test_arm_says_what_is_wrong_with_a_token(emulator: RunningEmulator) -> None:
    authority = _authority(emulator)
    forged = jwt.encode(
        jwt.decode(authority.issue(emulator.base_url), options={"verify_signature": False}),
        _other_key(authority),
        algorithm="RS256",
    )
    cases = {
        None: "AuthenticationFailed",
        "": "AuthenticationFailed",
        "nonsense": "InvalidAuthenticationToken",
        forged: "InvalidAuthenticationToken",
        authority.issue(emulator.base_url, seconds=-60): "ExpiredAuthenticationToken",
        authority.issue("https://ml.azure.com"): "InvalidAuthenticationTokenAudience",
        authority.issue("https://storage.azure.com"): "InvalidAuthenticationTokenAudience",
    }
    for token, code in cases.items():
        answer = _ask(emulator, token)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, code)
        assert "www-authenticate" in answer.headers
    assert _ask(emulator, authority.issue(emulator.base_url)).status_code == 200


def test_the_data_plane_takes_tokens_for_machine_learning(emulator: RunningEmulator) -> None:
    workspace = (
        f"/history/v1.0/subscriptions/{emulator.identity['subscriptionId']}/resourceGroups/none"
        "/providers/Microsoft.MachineLearningServices/workspaces/none/runs/none"
    )
    authority = _authority(emulator)
    assert _ask(emulator, authority.issue("https://ml.azure.com"), workspace).status_code == 404
    assert _ask(emulator, authority.issue("https://storage.azure.com"), workspace).status_code == 401


def test_keys_and_secrets_are_readable_by_their_owner_only(emulator: RunningEmulator) -> None:
    assert emulator.state.stat().st_mode & 0o077 == 0
    secret_files = [emulator.state / "identity.json", *(emulator.state / "pki").glob("*.key")]
    secret_files.append(emulator.state / "pki" / "token-signing.pem")
    assert len(secret_files) == 4
    for path in secret_files:
        assert path.stat().st_mode & 0o077 == 0, path


def test_no_secret_is_in_the_log(emulator: RunningEmulator) -> None:
    sign_in(emulator)
    text = (emulator.state / "server.log").read_text()
    assert "oauth2/v2.0/token" in text
    assert emulator.identity["clientSecret"] not in text


def _other_key(authority: TokenAuthority) -> object:
    return load_pem_private_key(new_key(), None)


def test_the_identity_is_made_once(tmp_path: Path) -> None:
    made = Identity.ensure(tmp_path / "identity.json")
    assert Identity.ensure(tmp_path / "identity.json") == made
    assert made.credentials("https://127.0.0.1:1")["resourceManagerEndpointUrl"] == "https://127.0.0.1:1/"
