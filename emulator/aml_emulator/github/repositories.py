"""The repositories that the emulator's GitHub hosts, each a git repository on this machine. Kept in the database."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

    from aml_emulator.database import Database

_SCHEMA = """
CREATE TABLE IF NOT EXISTS github_repositories (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    full_name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    folder TEXT NOT NULL,
    secrets TEXT NOT NULL,
    variables TEXT NOT NULL,
    actions TEXT NOT NULL
);
"""
_FULL_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/[A-Za-z0-9._-]{1,100}")


@dataclass(frozen=True)
class HostedRepository:
    """A repository as the emulator's GitHub knows it.

    Attributes:
        id: number of the repository, as GitHub gives one.
        full_name: "owner/name"; told without regard to case.
        folder: root of the git repository on this machine.
        secrets: what workflows read as `secrets.NAME`. Never shown, in no answer, log or page.
        variables: what workflows read as `vars.NAME`.
        actions: folder of the repository that stands behind each "owner/name@ref" of a `uses:`.

    """

    id: int
    full_name: str
    folder: Path
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    variables: Mapping[str, str] = field(default_factory=dict)
    actions: Mapping[str, Path] = field(default_factory=dict)


class Repositories:
    """Every hosted repository."""

    def __init__(self, database: Database) -> None:
        """Make the table when it is not there."""
        self._database = database
        database.create(_SCHEMA)

    def put(
        self,
        full_name: str,
        folder: Path,
        *,
        secrets: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
        actions: Mapping[str, Path] | None = None,
    ) -> HostedRepository:
        """Host a repository, or change one: what is not given stays as it is. Secrets and variables are merged by name.

        Raises ValueError when `full_name` is not "owner/name" as GitHub allows it.
        """
        if not _FULL_NAME.fullmatch(full_name):
            raise ValueError(f"{full_name!r} is not the name of a repository. It has the form owner/name.")
        with self._database.transaction():
            old = self.get(full_name)
            values = (
                str(folder),
                json.dumps({**(old.secrets if old else {}), **(secrets or {})}),
                json.dumps({**(old.variables if old else {}), **(variables or {})}),
                json.dumps({k: str(v) for k, v in {**(old.actions if old else {}), **(actions or {})}.items()}),
            )
            if old:
                self._database.execute(
                    "UPDATE github_repositories SET folder = ?, secrets = ?, variables = ?, actions = ? WHERE id = ?",
                    (*values, old.id),
                )
            else:
                self._database.execute(
                    "INSERT INTO github_repositories (full_name, folder, secrets, variables, actions) VALUES (?, ?, ?, ?, ?)",
                    (full_name, *values),
                )
            stored = self.get(full_name)
        if stored is None:
            raise RuntimeError(f"{full_name} was written and is not there.")
        return stored

    def get(self, full_name: str) -> HostedRepository | None:
        """The repository of a name, in any case, or None."""
        row = self._database.row("SELECT * FROM github_repositories WHERE full_name = ?", (full_name,))
        return _repository(row) if row else None

    def all(self) -> list[HostedRepository]:
        """Every repository, in the order in which they were added."""
        return [_repository(row) for row in self._database.rows("SELECT * FROM github_repositories ORDER BY id")]

    def remove(self, full_name: str) -> bool:
        """Host it no longer; whether it was there. Its folder is left alone."""
        return bool(self._database.execute("DELETE FROM github_repositories WHERE full_name = ?", (full_name,)))


def _repository(row: sqlite3.Row) -> HostedRepository:
    return HostedRepository(
        id=row["id"],
        full_name=row["full_name"],
        folder=Path(row["folder"]),
        secrets=json.loads(row["secrets"]),
        variables=json.loads(row["variables"]),
        actions={use: Path(folder) for use, folder in json.loads(row["actions"]).items()},
    )
