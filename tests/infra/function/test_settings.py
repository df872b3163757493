"""App settings: what is missing or wrong is said all at once, without showing a secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bridge import settings
from bridge.credentials import AppCredentials, PersonalToken
from bridge.deduplication import BlobStore, MemoryStore, SqliteStore
from bridge.errors import SettingsError, TryLater
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

FINE = {"GITHUB_TOKEN": "github_pat_secret", "ALLOWED_REPOSITORIES": "contoso/churn", "DEDUPLICATION_STORE": "memory"}


@pytest.fixture(scope="module")
def pem() -> str:
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()


def problems(**environ: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as raised:
        settings.bridge(environ)
    return raised.value.problems


def test_a_token_and_a_repository_are_enough() -> None:
    made = settings.bridge({**FINE, "GITHUB_APP_ID": " ", "GITHUB_APP_PRIVATE_KEY": ""})
    assert isinstance(made.client.credentials, PersonalToken)
    assert made.client.api.url == "https://api.github.com"
    assert made.routing.default_repository == "contoso/churn"
    assert (made.patience.budget, made.patience.answer) == (20.0, 60.0)


def test_nothing_set_names_everything_that_is_needed() -> None:
    found = " ".join(problems())
    for name in (
        "ALLOWED_REPOSITORIES",
        "GITHUB_APP_ID",
        "GITHUB_APP_PRIVATE_KEY",
        "GITHUB_TOKEN",
        "DEDUPLICATION_STORE",
    ):
        assert name in found


def test_wrong_settings_leave_the_events_with_event_grid() -> None:
    with pytest.raises(TryLater):
        settings.bridge({})


@pytest.mark.parametrize("style", ["as it is", "escaped", "one quoted line", "with carriage returns"])
def test_an_apps_key_is_read_with_real_and_with_escaped_line_breaks(pem: str, style: str) -> None:
    given = {
        "as it is": pem,
        "escaped": pem.replace("\n", "\\n"),
        "one quoted line": '"' + pem.strip().replace("\n", "\\n") + '"',
        "with carriage returns": pem.replace("\n", "\r\n"),
    }[style]
    environ = {key: value for key, value in FINE.items() if key != "GITHUB_TOKEN"}
    made = settings.bridge({**environ, "GITHUB_APP_ID": "Iv23abc", "GITHUB_APP_PRIVATE_KEY": given})
    assert isinstance(made.client.credentials, AppCredentials)


def test_a_broken_key_is_refused_without_being_shown(pem: str) -> None:
    broken = pem[:200]
    environ = {key: value for key, value in FINE.items() if key != "GITHUB_TOKEN"}
    (found,) = problems(**environ, GITHUB_APP_ID="1", GITHUB_APP_PRIVATE_KEY=broken)
    assert found.startswith("GITHUB_APP_PRIVATE_KEY is no private key.")
    assert broken[40:80] not in found


@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "GITHUB_APP_PRIVATE_KEY"])
def test_a_key_vault_reference_that_was_not_resolved_fails_loudly(name: str) -> None:
    environ = {key: value for key, value in FINE.items() if key != "GITHUB_TOKEN"}
    environ |= {"GITHUB_APP_ID": "1"} if name == "GITHUB_APP_PRIVATE_KEY" else {}
    reference = "@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/s/)"
    (found,) = problems(**environ, **{name: reference})
    assert found.startswith(f"{name} is a Key Vault reference that was not resolved.")
    assert "Key Vault Secrets User" in found


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"GITHUB_APP_ID": "1"}, "GITHUB_TOKEN and GITHUB_APP_ID are both set."),
        ({"GITHUB_TOKEN": "", "GITHUB_APP_ID": "1"}, "GITHUB_APP_ID is set and GITHUB_APP_PRIVATE_KEY is not."),
        ({"GITHUB_API_URL": "api.github.com"}, "GITHUB_API_URL is 'api.github.com'"),
        ({"GITHUB_API_URL": "ftp://api.github.com"}, "GITHUB_API_URL is 'ftp://api.github.com'"),
        ({"GITHUB_API_URL": "http://ghes.example.com/api/v3"}, "over http the token could be read"),
        ({"GITHUB_RETRY_SECONDS": "30"}, "GITHUB_RETRY_SECONDS is '30'; it has to be seconds above 0 and at most 25."),
        ({"GITHUB_ANSWER_SECONDS": "nan"}, "GITHUB_ANSWER_SECONDS is 'nan'"),
        ({"GITHUB_RETRY_SECONDS": "x"}, "GITHUB_RETRY_SECONDS is 'x'"),
        ({"DEDUPLICATION_STORE": "redis"}, "DEDUPLICATION_STORE is 'redis'"),
        (
            {"DEDUPLICATION_STORE": "sqlite:/dev/null/x.db"},
            "DEDUPLICATION_STORE: /dev/null/x.db cannot be opened or made",
        ),
        ({"DEDUPLICATION_STORE": "blob"}, "There is no place to remember events in."),
        ({"DEDUPLICATION_STORE": "", "AzureWebJobsStorage": "nonsense"}, "AzureWebJobsStorage is no connection string"),
        ({"ROUTING": "{"}, "ROUTING is not JSON"),
        ({"ROUTING": "nowhere.json"}, "The file nowhere.json that ROUTING names cannot be read (FileNotFoundError)."),
        ({"ROUTING": '{"rules": [{}]}'}, "ROUTING rules[0] needs exactly one of"),
    ],
)
def test_a_wrong_setting_is_named_with_what_would_be_right(environ: dict[str, str], problem: str) -> None:
    found = problems(**{**FINE, **environ})
    assert any(problem in each for each in found), found
    assert not any("github_pat_secret" in each for each in found)


def test_a_routing_document_can_be_a_file_beside_the_function(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "routing.json").write_text(json.dumps({"child_runs": True}))
    monkeypatch.setattr(settings, "FUNCTION_FOLDER", tmp_path)
    assert settings.bridge({**FINE, "ROUTING": "routing.json"}).routing.child_runs


def test_the_store_is_the_function_apps_own_storage_account_unless_it_is_chosen(tmp_path: Path) -> None:
    def store(**environ: str) -> object:
        return settings.bridge({**FINE, "DEDUPLICATION_STORE": "", **environ}).store

    by_name = store(AzureWebJobsStorage__accountName="stfunc", AzureWebJobsStorage__clientId="id")
    assert isinstance(by_name, BlobStore)
    assert by_name.url == "https://stfunc.blob.core.windows.net/aml-events"
    by_uri = store(AzureWebJobsStorage__blobServiceUri="https://127.0.0.1:1/acc", DEDUPLICATION_CONTAINER="other")
    assert isinstance(by_uri, BlobStore)
    assert by_uri.url == "https://127.0.0.1:1/acc/other"
    by_key = store(
        AzureWebJobsStorage="DefaultEndpointsProtocol=https;AccountName=a;AccountKey=a2V5;EndpointSuffix=core.windows.net"
    )
    assert isinstance(by_key, BlobStore)
    assert isinstance(store(AzureWebJobsStorage="UseDevelopmentStorage=true"), SqliteStore)
    assert isinstance(store(DEDUPLICATION_STORE=f"sqlite:{tmp_path / 'a.db'}"), SqliteStore)
    assert isinstance(store(DEDUPLICATION_STORE="memory"), MemoryStore)
