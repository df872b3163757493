"""The app settings: the one place where the function reads its environment."""

from __future__ import annotations

import json
import math
import sqlite3
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from bridge import logs, routing
from bridge.credentials import AppCredentials, Credentials, PersonalToken
from bridge.deduplication import BlobStore, MemoryStore, SqliteStore, Store
from bridge.errors import SettingsError
from bridge.github_api import GitHubApi
from bridge.github_client import GitHubClient, Patience
from bridge.handler import Bridge
from bridge.routing import Routing

if TYPE_CHECKING:
    from azure.identity import ManagedIdentityCredential

FUNCTION_FOLDER = Path(__file__).resolve().parents[1]
DEFAULT_API = "https://api.github.com"
DEFAULT_CONTAINER = "aml-events"

_UNRESOLVED = "@Microsoft.KeyVault("
_LONGEST_BUDGET = 25.0


@dataclass(frozen=True)
class _Number:
    default: float
    at_most: float


_NUMBERS = {
    "GITHUB_RETRY_SECONDS": _Number(Patience.budget, _LONGEST_BUDGET),
    "GITHUB_ANSWER_SECONDS": _Number(Patience.answer, 120.0),
}


def bridge(environ: Mapping[str, str]) -> Bridge:
    """Everything that handles events, as the app settings say.

    Raises:
        SettingsError: with everything that is missing or wrong.
    """
    return _Reader(environ).bridge()


def storage_patience() -> dict[str, Any]:
    """How the storage client retries: its own patience is minutes, and Event Grid waits for half a minute."""
    from azure.storage.blob import LinearRetry

    return {
        "retry_policy": LinearRetry(backoff=1, retry_total=2, random_jitter_range=0),
        "connection_timeout": 5,
        "read_timeout": 10,
    }


class _Reader:
    """One reading of the app settings: collects everything that is wrong, so that it is mended in one go."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._problems: list[str] = []

    def bridge(self) -> Bridge:
        patience = Patience(budget=self._number("GITHUB_RETRY_SECONDS"), answer=self._number("GITHUB_ANSWER_SECONDS"))
        found = self._routing()
        api = GitHubApi(self._api_url())
        credentials = self._credentials(api)
        store = self._store()
        if self._problems or found is None or credentials is None or store is None:
            raise SettingsError(self._problems)
        return Bridge(found, GitHubClient(api, credentials, patience), store, patience)

    def _value(self, name: str) -> str:
        """A setting without surrounding space; empty when it is missing, or is a reference that was not resolved."""
        value = self._environ.get(name, "").strip()
        if value.startswith(_UNRESOLVED):
            problem = (
                f"{name} is a Key Vault reference that was not resolved. Likely causes: the function's identity lacks the "
                "role Key Vault Secrets User on the vault, the secret does not exist, or the vault's firewall refuses the "
                "app. The portal names the cause beside the setting."
            )
            if problem not in self._problems:
                self._problems.append(problem)
            return ""
        return value

    def _given(self, name: str) -> bool:
        return bool(self._environ.get(name, "").strip())

    def _number(self, name: str) -> float:
        known = _NUMBERS[name]
        value = self._value(name)
        if not value:
            return known.default
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not 0 < number <= known.at_most:
            self._problems.append(f"{name} is '{value}'; it has to be seconds above 0 and at most {known.at_most:g}.")
            return known.default
        return number

    def _api_url(self) -> str:
        url = (self._value("GITHUB_API_URL") or DEFAULT_API).rstrip("/")
        parts = urlparse(url)
        local = parts.hostname in ("127.0.0.1", "localhost", "::1")
        if not parts.hostname or parts.query or parts.scheme not in ("https", "http"):
            self._problems.append(f"GITHUB_API_URL is '{url}'; it has to be an address such as {DEFAULT_API}.")
        elif parts.scheme == "http" and not local:
            self._problems.append(
                f"GITHUB_API_URL is '{url}'; over http the token could be read on its way. Use https."
            )
        else:
            return url
        return DEFAULT_API

    def _routing(self) -> Routing | None:
        allowed = tuple(name.strip() for name in self._value("ALLOWED_REPOSITORIES").split(",") if name.strip())
        found, problems = routing.parse(self._document(), allowed)
        self._problems.extend(problems)
        return found

    def _document(self) -> object:
        """The routing document: the setting itself, or the file in the function's folder that it names."""
        value = self._value("ROUTING")
        if not value:
            return None
        where = "ROUTING"
        if not value.startswith("{"):
            path = FUNCTION_FOLDER / value
            where = f"the file {value} that ROUTING names"
            try:
                value = path.read_text(encoding="utf-8")
            except (OSError, ValueError) as error:
                self._problems.append(f"T{where[1:]} cannot be read ({type(error).__name__}).")
                return None
        try:
            return json.loads(value)
        except ValueError as error:
            self._problems.append(f"{where[0].upper()}{where[1:]} is not JSON: {error}.")
            return None

    def _credentials(self, api: GitHubApi) -> Credentials | None:
        names = ("GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY")
        token, app_id, key = self._value("GITHUB_TOKEN"), *(self._value(name) for name in names)
        app_given = [name for name in names if self._given(name)]
        if self._given("GITHUB_TOKEN") and app_given:
            self._problems.append(f"GITHUB_TOKEN and {' and '.join(app_given)} are both set. Keep one of the two.")
        elif token:
            return PersonalToken(token)
        elif len(app_given) == 1:
            missing = next(name for name in names if name not in app_given)
            self._problems.append(f"{app_given[0]} is set and {missing} is not. A GitHub App needs both.")
        elif app_id and key:
            return self._app(app_id, key, api)
        elif not app_given and not self._given("GITHUB_TOKEN"):
            self._problems.append(
                "There are no credentials for GitHub. Set GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY, or GITHUB_TOKEN."
            )
        return None

    def _app(self, app_id: str, key: str, api: GitHubApi) -> Credentials | None:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        pem = key.replace("\\r", "").replace("\\n", "\n").strip('"').strip() + "\n"
        logs.hide(pem)
        try:
            load_pem_private_key(pem.encode(), password=None)
        except (ValueError, TypeError):
            self._problems.append(
                "GITHUB_APP_PRIVATE_KEY is no private key. Give the whole .pem file, from -----BEGIN to END-----, with real "
                "line breaks or with \\n in their place."
            )
            return None
        return AppCredentials(app_id, pem, api)

    def _store(self) -> Store | None:
        """Where claims are kept: what DEDUPLICATION_STORE says, by default the storage account of the function app."""
        wanted = self._value("DEDUPLICATION_STORE")
        connection = self._value("AzureWebJobsStorage")
        if wanted == "memory":
            return MemoryStore()
        if wanted.startswith("sqlite:"):
            return self._sqlite_store(FUNCTION_FOLDER / wanted.removeprefix("sqlite:"))
        if wanted not in ("", "blob"):
            self._problems.append(f"DEDUPLICATION_STORE is '{wanted}'; it has to be blob, sqlite:<file> or memory.")
            return None
        if connection.lower().startswith("usedevelopmentstorage="):  # the Python SDK does not know this short form
            return self._sqlite_store(Path(tempfile.gettempdir()) / "aml-events.db")
        return self._blob_store(connection)

    def _sqlite_store(self, path: Path) -> Store | None:
        try:
            return SqliteStore(path)
        except (OSError, sqlite3.Error) as error:
            self._problems.append(f"DEDUPLICATION_STORE: {path} cannot be opened or made ({error}).")
            return None

    def _blob_store(self, connection: str) -> Store | None:
        from azure.storage.blob import BlobServiceClient

        url = self._value("AzureWebJobsStorage__blobServiceUri")
        account = self._value("AzureWebJobsStorage__accountName")
        if account and not url:
            url = f"https://{account}.blob.core.windows.net"
        if url:
            service = BlobServiceClient(url, credential=self._identity(), **storage_patience())
        elif connection:
            try:
                service = BlobServiceClient.from_connection_string(connection, **storage_patience())
            except ValueError:
                self._problems.append("AzureWebJobsStorage is no connection string of a storage account.")
                return None
        else:
            self._problems.append(
                "There is no place to remember events in. On Azure, AzureWebJobsStorage__accountName (or AzureWebJobsStorage) "
                "names the storage account; elsewhere set DEDUPLICATION_STORE to sqlite:<file>."
            )
            return None
        return BlobStore(service.get_container_client(self._value("DEDUPLICATION_CONTAINER") or DEFAULT_CONTAINER))

    def _identity(self) -> ManagedIdentityCredential:
        """The function's identity, chosen by the same setting as the host's own access to its storage account."""
        from azure.identity import ManagedIdentityCredential

        client_id = self._value("AzureWebJobsStorage__clientId")
        return ManagedIdentityCredential(client_id=client_id) if client_id else ManagedIdentityCredential()
