"""Who may ask the emulator's GitHub: personal access tokens, GitHub Apps with their installations, installation tokens.

Tokens are kept as digests, so that the database gives none away.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import string
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from aml_emulator.github import permissions as permission_rules

if TYPE_CHECKING:
    import sqlite3

    from aml_emulator.database import Database
    from aml_emulator.github.repositories import HostedRepository

INSTALLATION_SECONDS = 3600.0
"""How long an installation token is good."""
RUN_SECONDS = 24 * 3600.0
"""How long the token of a workflow run is good, unless it is revoked before."""
USER = "octocat"
"""Whom personal access tokens belong to."""
RUNS = "github-actions[bot]"
"""As whom a workflow run asks."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS github_tokens (
    digest TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    login TEXT NOT NULL,
    budget TEXT NOT NULL,
    repositories TEXT NOT NULL,
    permissions TEXT NOT NULL,
    expires REAL
);
CREATE TABLE IF NOT EXISTS github_apps (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    client_id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    public_key TEXT NOT NULL UNIQUE,
    permissions TEXT NOT NULL,
    created REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS github_installations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    app INTEGER NOT NULL,
    owner TEXT NOT NULL COLLATE NOCASE,
    repositories TEXT NOT NULL,
    created REAL NOT NULL,
    UNIQUE (app, owner)
);
"""
_LETTERS = string.ascii_letters + string.digits
_KEY_BITS = 2048

Kind = Literal["personal", "installation", "run"]


@dataclass(frozen=True)
class Grant:
    """What a token is good for.

    Attributes:
        kind: a personal access token, a token of an App's installation, or the GITHUB_TOKEN of a workflow run.
        login: as whom it asks.
        budget: requests of grants with the same budget share one rate limit.
        repositories: ids of the repositories it sees.
        permissions: what it may do there.
        expires: seconds since 1970; None: never.

    """

    kind: Kind
    login: str
    budget: str
    repositories: frozenset[int]
    permissions: Mapping[str, str]
    expires: float | None


@dataclass(frozen=True)
class App:
    """A GitHub App. `public_key` is the PEM text that its requests are verified with."""

    id: int
    client_id: str
    owner: str
    public_key: str
    permissions: Mapping[str, str]
    created: float

    @property
    def slug(self) -> str:
        """Its name in addresses."""
        return f"app-{self.id}"


@dataclass(frozen=True)
class Installation:
    """An App in the account of an owner, for some of its repositories (their ids)."""

    id: int
    app: App
    owner: str
    repositories: frozenset[int]
    created: float


class Credentials:
    """Gives tokens and knows them again."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        """Make the tables when they are not there."""
        self._database = database
        self._clock = clock
        database.create(_SCHEMA)

    def personal(
        self,
        repositories: Collection[HostedRepository],
        permissions: Mapping[str, object],
        seconds: float | None = None,
    ) -> str:
        """A fine-grained personal access token.

        Args:
            repositories: what it sees.
            permissions: what it may do there, for example {"contents": "write"}.
            seconds: how long it is good; None: for ever.

        Raises:
            ValueError: GitHub has no such permission.

        """
        token = f"github_pat_{_random(22)}_{_random(59)}"
        ids = frozenset(one.id for one in repositories)
        self._store(token, "personal", USER, f"user {USER}", ids, permissions, seconds)
        return token

    def for_run(
        self, repository: HostedRepository, permissions: Mapping[str, object], seconds: float = RUN_SECONDS
    ) -> str:
        """The GITHUB_TOKEN of a workflow run. Raises ValueError for permissions that GitHub does not have."""
        token = f"ghs_{_random(36)}"
        ids = frozenset({repository.id})
        self._store(token, "run", RUNS, f"runs of repository {repository.id}", ids, permissions, seconds)
        return token

    def for_installation(
        self, installation: Installation, repositories: Collection[int], permissions: Mapping[str, object]
    ) -> tuple[str, float]:
        """A token of an installation, for some of its repositories, and when it expires (seconds since 1970)."""
        token = f"ghs_{_random(36)}"
        login, budget = f"{installation.app.slug}[bot]", f"installation {installation.id}"
        expires = self._store(
            token, "installation", login, budget, frozenset(repositories), permissions, INSTALLATION_SECONDS
        )
        return token, expires or 0.0

    def grant(self, token: str) -> Grant | None:
        """What a token is good for; None for one that is unknown, revoked or expired."""
        row = self._database.row("SELECT * FROM github_tokens WHERE digest = ?", (_digest(token),))
        if row is None or (row["expires"] is not None and row["expires"] <= self._clock()):
            return None
        return Grant(
            kind=row["kind"],
            login=row["login"],
            budget=row["budget"],
            repositories=frozenset(json.loads(row["repositories"])),
            permissions=json.loads(row["permissions"]),
            expires=row["expires"],
        )

    def revoke(self, token: str) -> bool:
        """Make a token worthless; whether it was there."""
        return bool(self._database.execute("DELETE FROM github_tokens WHERE digest = ?", (_digest(token),)))

    def install(self, repository: HostedRepository, public_key: str, permissions: Mapping[str, object]) -> Installation:
        """Install the App of a key in a repository; the App is made when it is new, else it gets these permissions.

        Raises:
            ValueError: the key is none, or GitHub has no such permission.

        """
        key, allowed = _public_key(public_key), json.dumps(permission_rules.checked(permissions))
        owner = repository.full_name.partition("/")[0]
        with self._database.transaction():
            self._database.execute(
                "INSERT INTO github_apps (client_id, owner, public_key, permissions, created) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (public_key) DO UPDATE SET permissions = excluded.permissions",
                (f"Iv23{_random(16)}", owner, key, allowed, self._clock()),
            )
            row = self._database.row("SELECT * FROM github_apps WHERE public_key = ?", (key,))
            if row is None:
                raise RuntimeError("An App was written and is not there.")
            app = _app(row)
            old = next((one for one in self.installations(app) if one.owner.lower() == owner.lower()), None)
            ids = json.dumps(sorted((old.repositories if old else frozenset()) | {repository.id}))
            self._database.execute(
                "INSERT INTO github_installations (app, owner, repositories, created) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (app, owner) DO UPDATE SET repositories = excluded.repositories",
                (app.id, owner, ids, self._clock()),
            )
            return next(one for one in self.installations(app) if repository.id in one.repositories)

    def app(self, issuer: str) -> App | None:
        """The App of an id or a client id."""
        row = self._database.row(
            "SELECT * FROM github_apps WHERE CAST(id AS TEXT) = ? OR client_id = ?", (issuer, issuer)
        )
        return _app(row) if row else None

    def installations(self, app: App) -> list[Installation]:
        """Every installation of an App, the oldest first."""
        rows = self._database.rows("SELECT * FROM github_installations WHERE app = ? ORDER BY id", (app.id,))
        return [
            Installation(row["id"], app, row["owner"], frozenset(json.loads(row["repositories"])), row["created"])
            for row in rows
        ]

    def _store(
        self,
        token: str,
        kind: Kind,
        login: str,
        budget: str,
        repositories: frozenset[int],
        permissions: Mapping[str, object],
        seconds: float | None,
    ) -> float | None:
        now = self._clock()
        expires = None if seconds is None else now + seconds
        allowed = permission_rules.checked(permissions)
        self._database.execute("DELETE FROM github_tokens WHERE expires <= ?", (now,))
        self._database.execute(
            "INSERT INTO github_tokens (digest, kind, login, budget, repositories, permissions, expires) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (_digest(token), kind, login, budget, json.dumps(sorted(repositories)), json.dumps(allowed), expires),
        )
        return expires


def _app(row: sqlite3.Row) -> App:
    return App(
        row["id"], row["client_id"], row["owner"], row["public_key"], json.loads(row["permissions"]), row["created"]
    )


def _public_key(text: str) -> str:
    """A key in one form, however it was written."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

    try:
        key = load_pem_public_key(text.encode())
    except ValueError:
        raise ValueError(
            "The public key of an App is a PEM text that begins with -----BEGIN PUBLIC KEY-----. "
            "Make it from the private key: openssl rsa -in KEY.pem -pubout"
        ) from None
    if not isinstance(key, RSAPublicKey) or key.key_size < _KEY_BITS:
        raise ValueError(f"The public key of an App is an RSA key of at least {_KEY_BITS} bits.")
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
