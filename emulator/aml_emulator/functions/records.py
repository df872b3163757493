"""What outlives the emulator's process: which code each app has, the functions that were found in it, and its deployments."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aml_emulator.resources import now

if TYPE_CHECKING:
    import sqlite3

    from aml_emulator.database import Database

BUILDING, DEPLOYING, FAILED, SUCCESS = 1, 2, 3, 4
"""States of a deployment, as the publishing service numbers them."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS function_packages (
    site TEXT PRIMARY KEY COLLATE NOCASE,
    folder TEXT NOT NULL,
    build INTEGER NOT NULL,
    functions TEXT
);
CREATE TABLE IF NOT EXISTS function_deployments (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    site TEXT NOT NULL COLLATE NOCASE,
    deployer TEXT NOT NULL,
    build INTEGER NOT NULL,
    status INTEGER NOT NULL,
    text TEXT NOT NULL,
    received TEXT NOT NULL,
    ended TEXT
);
"""


@dataclass(frozen=True)
class Package:
    """The code of an app: its folder's name below the app's, and whether the packages of requirements.txt are installed for it."""

    folder: str
    build: bool


@dataclass(frozen=True)
class Deployment:
    """One publication of code. `received` and `ended` are moments as ARM writes them; `text` says what went wrong."""

    id: str
    deployer: str
    build: bool
    status: int
    text: str
    received: str
    ended: str | None

    @property
    def complete(self) -> bool:
        """Whether it has come to an end."""
        return self.status in (FAILED, SUCCESS)


class Records:
    """Packages, functions and deployments by the app's resource id."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.create(_SCHEMA)

    def package(self, site_id: str) -> Package | None:
        """The code that an app has now."""
        row = self._database.row("SELECT folder, build FROM function_packages WHERE site = ?", (site_id,))
        return Package(row["folder"], bool(row["build"])) if row else None

    def use(self, site_id: str, package: Package) -> None:
        """Give an app new code, whose functions are not known yet."""
        self._database.execute(
            "INSERT OR REPLACE INTO function_packages (site, folder, build, functions) VALUES (?, ?, ?, NULL)",
            (site_id, package.folder, package.build),
        )

    def functions(self, site_id: str) -> list[dict[str, Any]] | None:
        """The functions that the host found in an app's present code with its present settings; None when it has not looked."""
        row = self._database.row("SELECT functions FROM function_packages WHERE site = ?", (site_id,))
        return json.loads(row["functions"]) if row and row["functions"] is not None else None

    def found(self, site_id: str, functions: list[dict[str, Any]] | None) -> None:
        """Note the functions of an app; None forgets them."""
        self._database.execute(
            "UPDATE function_packages SET functions = ? WHERE site = ?",
            (None if functions is None else json.dumps(functions), site_id),
        )

    def begin(self, deployment_id: str, site_id: str, *, deployer: str, build: bool) -> None:
        """Note a deployment that was taken on."""
        self._database.execute(
            "INSERT INTO function_deployments (id, site, deployer, build, status, text, received) VALUES (?, ?, ?, ?, ?, '', ?)",
            (deployment_id, site_id, deployer, build, BUILDING, now()),
        )

    def update(self, deployment_id: str, status: int, text: str = "") -> None:
        """Note how far a deployment is."""
        ended = now() if status in (FAILED, SUCCESS) else None
        self._database.execute(
            "UPDATE function_deployments SET status = ?, text = ?, ended = ? WHERE id = ?",
            (status, text, ended, deployment_id),
        )

    def deployments(self, site_id: str) -> list[Deployment]:
        """The deployments of an app, the newest first."""
        rows = self._database.rows(
            "SELECT * FROM function_deployments WHERE site = ? ORDER BY sequence DESC", (site_id,)
        )
        return [_deployment(row) for row in rows]

    def abandon(self, text: str) -> None:
        """End every deployment that is under way as failed: whoever did it is gone."""
        rows = self._database.rows("SELECT id FROM function_deployments WHERE status < ?", (FAILED,))
        for row in rows:
            self.update(row["id"], FAILED, text)

    def forget(self, site_id: str) -> None:
        """Forget an app that is gone."""
        with self._database.transaction():
            for table in ("function_packages", "function_deployments"):
                self._database.execute(f"DELETE FROM {table} WHERE site = ?", (site_id,))  # noqa: S608 - one of two names


def _deployment(row: sqlite3.Row) -> Deployment:
    return Deployment(
        row["id"], row["deployer"], bool(row["build"]), row["status"], row["text"], row["received"], row["ended"]
    )
