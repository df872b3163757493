"""The ARM resource store: bodies by id, as the service would answer them."""

from __future__ import annotations

import builtins
import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from aml_emulator import ids
from aml_emulator.database import Database

Body = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS resources (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE COLLATE NOCASE,
    parent TEXT NOT NULL COLLATE NOCASE,
    type TEXT NOT NULL COLLATE NOCASE,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS resources_by_parent ON resources (parent, type);
CREATE INDEX IF NOT EXISTS resources_by_type ON resources (type);
"""


def now() -> str:
    """This moment as ARM writes it (ISO 8601, UTC)."""
    return datetime.now(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Resource:
    """One stored resource. `body` is this caller's own copy: change it and `put` it back."""

    id: str
    body: Body

    @property
    def name(self) -> str:
        """The resource's own name."""
        return ids.name_of(self.id)

    @property
    def properties(self) -> Body:
        """The `properties` member, made when absent."""
        found: Body = self.body.setdefault("properties", {})
        return found


class Resources:
    """Every ARM resource of the emulator, looked up without regard to case."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._on_delete: dict[str, list[Callable[[Resource], None]]] = {}
        database.create(_SCHEMA)

    def on_delete(self, resource_type: str, hook: Callable[[Resource], None]) -> None:
        """Have a function called with every resource of an ARM type that is gone, however it went."""
        self._on_delete.setdefault(resource_type.lower(), []).append(hook)

    def get(self, resource_id: str) -> Resource | None:
        """The resource of that id, or None."""
        row = self._database.row("SELECT id, body FROM resources WHERE id = ?", (resource_id,))
        return Resource(row["id"], json.loads(row["body"])) if row else None

    def put(self, resource_id: str, body: Body, *, actor: str = "emulator") -> Resource:
        """Create or replace; id, name, type and systemData are filled in. The first spelling of an id stays."""
        with self._database.transaction():
            old = self.get(resource_id)
            stored = copy.deepcopy(body)
            stored_id = old.id if old else resource_id
            stamp = now()
            created = (old.body.get("systemData") or {}) if old else {}
            stored |= {
                "id": stored_id,
                "name": ids.name_of(stored_id),
                "type": ids.type_of(stored_id),
                "systemData": {
                    "createdAt": created.get("createdAt", stamp),
                    "createdBy": created.get("createdBy", actor),
                    "createdByType": "Application",
                    "lastModifiedAt": stamp,
                    "lastModifiedBy": actor,
                    "lastModifiedByType": "Application",
                },
            }
            self._database.execute(
                "INSERT INTO resources (id, parent, type, body) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET body = excluded.body",
                (stored_id, ids.parent_of(stored_id), ids.type_of(stored_id), json.dumps(stored)),
            )
            return Resource(stored_id, stored)

    def change(self, resource_id: str, edit: Callable[[Body], None]) -> Resource | None:
        """Read, edit in place and write back as one step; None when there is no such resource (any more)."""
        with self._database.transaction():
            found = self.get(resource_id)
            if found is None:
                return None
            edit(found.body)
            return self.put(found.id, found.body)

    def all_of(self, resource_type: str) -> list[Resource]:
        """Every resource of one ARM type, oldest first."""
        rows = self._database.rows("SELECT id, body FROM resources WHERE type = ? ORDER BY sequence", (resource_type,))
        return [Resource(row["id"], json.loads(row["body"])) for row in rows]

    def delete(self, resource_id: str) -> bool:
        """Delete a resource and everything below it; whether it was there."""
        pattern = resource_id.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "/%"
        with self._database.transaction():
            watched = self._watched(resource_id, pattern)
            self._database.execute("DELETE FROM resources WHERE id LIKE ? ESCAPE '\\'", (pattern,))
            was_there = self._database.execute("DELETE FROM resources WHERE id = ?", (resource_id,)) > 0
        for gone in watched:
            for hook in self._on_delete[ids.type_of(gone.id).lower()]:
                hook(gone)
        return was_there

    def _watched(self, resource_id: str, pattern: str) -> builtins.list[Resource]:
        """Of what a deletion takes, that which somebody wants to know of; children before their parents."""
        if not self._on_delete:
            return []
        rows = self._database.rows(
            "SELECT id, type, body FROM resources WHERE id = ? OR id LIKE ? ESCAPE '\\' ORDER BY length(id) DESC",
            (resource_id, pattern),
        )
        return [Resource(row["id"], json.loads(row["body"])) for row in rows if row["type"].lower() in self._on_delete]

    def list(self, parent: str, resource_type: str | None = None) -> list[Resource]:
        """Direct children, oldest first; `resource_type` is the full ARM type."""
        if resource_type is None:
            rows = self._database.rows("SELECT id, body FROM resources WHERE parent = ? ORDER BY sequence", (parent,))
        else:
            rows = self._database.rows(
                "SELECT id, body FROM resources WHERE parent = ? AND type = ? ORDER BY sequence",
                (parent, resource_type),
            )
        return [Resource(row["id"], json.loads(row["body"])) for row in rows]
