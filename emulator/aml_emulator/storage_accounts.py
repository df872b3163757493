"""Storage accounts: their keys, and which container belongs to which.

A URL of the form `https://account.blob.core.local@127.0.0.1:8444/container/blob` reaches us as `/container/blob`: the account is in
the user-info part, which clients do not send. Containers are therefore stored under names that are unique in the whole emulator, and
each knows its account. Where two accounts have a container of the same name, the second is stored as `account/container`, and reached by
addresses that name the account: `/account/container/blob`.
"""

from __future__ import annotations

import base64
import secrets

from aml_emulator.database import Database

_SCHEMA = """
CREATE TABLE IF NOT EXISTS storage_accounts (name TEXT PRIMARY KEY, key TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS container_accounts (container TEXT PRIMARY KEY, account TEXT NOT NULL);
"""


class StorageAccounts:
    """The storage accounts of the emulator."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.create(_SCHEMA)

    def create(self, name: str) -> None:
        """Make an account with a new key; one that exists keeps its key."""
        key = base64.b64encode(secrets.token_bytes(64)).decode()
        self._database.execute("INSERT OR IGNORE INTO storage_accounts (name, key) VALUES (?, ?)", (name, key))

    def delete(self, name: str) -> None:
        """Forget an account and what it owned."""
        with self._database.transaction():
            self._database.execute("DELETE FROM container_accounts WHERE account = ?", (name,))
            self._database.execute("DELETE FROM storage_accounts WHERE name = ?", (name,))

    def key(self, name: str) -> str | None:
        """The account's key (base64), or None when there is no such account."""
        row = self._database.row("SELECT key FROM storage_accounts WHERE name = ?", (name,))
        return row["key"] if row else None

    def assign(self, container: str, account: str) -> None:
        """Say which account a container belongs to."""
        self._database.execute(
            "INSERT OR REPLACE INTO container_accounts (container, account) VALUES (?, ?)", (container, account)
        )

    def owner(self, container: str) -> str | None:
        """The account a container belongs to, or None."""
        row = self._database.row("SELECT account FROM container_accounts WHERE container = ?", (container,))
        return row["account"] if row else None

    def release(self, container: str) -> None:
        """Forget whose a container was that is gone."""
        self._database.execute("DELETE FROM container_accounts WHERE container = ?", (container,))

    def place(self, account: str, container: str) -> str:
        """The name under which the blob store keeps an account's container.

        That is the container's own name, unless a container of another account had it when this one was made.
        """
        qualified = f"{account}/{container}"
        free = self.owner(container) in (None, account) and self.owner(qualified) is None
        return container if free else qualified

    @staticmethod
    def name_of(place: str) -> str:
        """A container's own name, of the name under which it is stored."""
        return place.rpartition("/")[2]

    def containers(self, account: str) -> list[str]:
        """The containers of an account."""
        rows = self._database.rows("SELECT container FROM container_accounts WHERE account = ?", (account,))
        return [row["container"] for row in rows]
