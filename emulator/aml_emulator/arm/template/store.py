"""Deployments as they are kept: the record that a GET shows, the template for an export, and the operations."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from aml_emulator import ids
from aml_emulator.arm.template.resources import DEPLOYMENTS

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Resource

Body = dict[str, Any]

ACTIVE = ("Accepted", "Running", "Canceling")
"""States of a deployment that is not over."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS deployment_templates (deployment TEXT PRIMARY KEY COLLATE NOCASE, template TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deployment_operations (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    deployment TEXT NOT NULL COLLATE NOCASE,
    operation TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (deployment, operation)
);
"""


def timestamp() -> str:
    """This moment as deployments show it, with seven decimals."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def duration(seconds: float) -> str:
    """A number of seconds as deployments show it."""
    return f"PT{seconds:.7f}S"


def template_hash(template: Body) -> str:
    """A number of 20 digits that is the same for the same template."""
    text = json.dumps(template, sort_keys=True).encode()
    return str(int.from_bytes(hashlib.sha256(text).digest()[:8], "big")).rjust(20, "1")[:20]


class DeploymentStore:
    """The deployments of an emulator. Records are resources; so they go with their group."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        emulator.database.create(_SCHEMA)

    def begin(self, deployment_id: str, record: Body, template: Body, actor: str) -> None:
        """Keep a deployment that begins; what an earlier one of its name left is forgotten."""
        database = self._emulator.database
        with database.transaction():
            database.execute("DELETE FROM deployment_operations WHERE deployment = ?", (deployment_id,))
            database.execute(
                "INSERT OR REPLACE INTO deployment_templates (deployment, template) VALUES (?, ?)",
                (deployment_id, json.dumps(template)),
            )
            self._emulator.resources.put(deployment_id, record, actor=actor)

    def find(self, deployment_id: str) -> Resource | None:
        """The record of a deployment."""
        return self._emulator.resources.get(deployment_id)

    def change(self, deployment_id: str, **properties: Any) -> None:  # noqa: ANN401 - any JSON
        """Change properties of a record."""

        def edit(body: Body) -> None:
            body["properties"] |= {"timestamp": timestamp(), **properties}

        self._emulator.resources.change(deployment_id, edit)

    def move(self, deployment_id: str, state: str, *, unless: str = "") -> bool:
        """Change the state of a deployment that is not over, and not in the state `unless`; whether it was changed."""
        moved = False

        def edit(body: Body) -> None:
            nonlocal moved
            now = body["properties"]["provisioningState"]
            if now in ACTIVE and now != unless:
                moved = True
                body["properties"] |= {"timestamp": timestamp(), "provisioningState": state}

        self._emulator.resources.change(deployment_id, edit)
        return moved

    def template(self, deployment_id: str) -> Body:
        """The template of a deployment."""
        row = self._emulator.database.row(
            "SELECT template FROM deployment_templates WHERE deployment = ?", (deployment_id,)
        )
        found: Body = json.loads(row["template"]) if row else {}
        return found

    def delete(self, deployment_id: str) -> None:
        """Forget a deployment. What it made stays."""
        with self._emulator.database.transaction():
            self._emulator.database.execute("DELETE FROM deployment_operations WHERE deployment = ?", (deployment_id,))
            self._emulator.database.execute("DELETE FROM deployment_templates WHERE deployment = ?", (deployment_id,))
            self._emulator.resources.delete(deployment_id)

    def all_in(self, parent: str) -> list[Resource]:
        """The deployments of a group or subscription, newest first."""
        return self._emulator.resources.list(parent, DEPLOYMENTS)[::-1]

    def note(self, deployment_id: str, operation: Operation) -> None:
        """Keep an operation as it is now."""
        self._emulator.database.execute(
            "INSERT INTO deployment_operations (deployment, operation, body) VALUES (?, ?, ?)"
            " ON CONFLICT (deployment, operation) DO UPDATE SET body = excluded.body",
            (deployment_id, operation.id, json.dumps(operation.body(deployment_id))),
        )

    def operations(self, deployment_id: str) -> list[Body]:
        """The operations of a deployment, oldest first."""
        rows = self._emulator.database.rows(
            "SELECT body FROM deployment_operations WHERE deployment = ? ORDER BY sequence", (deployment_id,)
        )
        return [json.loads(row["body"]) for row in rows]

    def end_interrupted(self) -> None:
        """End what was under way when the emulator stopped: its secret parameters are kept nowhere, so it cannot go on."""
        for found in self._emulator.resources.all_of(DEPLOYMENTS):
            if found.properties.get("provisioningState") in ACTIVE:
                error = {
                    "code": "DeploymentInterrupted",
                    "message": "The emulator was stopped while this deployment ran. Deploy the template again.",
                }
                self.change(found.id, provisioningState="Failed", error=error)


class Operation:
    """One operation of a deployment: a resource that is made, or its outputs."""

    def __init__(self, kind: str, resource_id: str | None) -> None:
        self.kind, self.resource_id = kind, resource_id
        self.id = uuid.uuid4().hex[:16].upper()
        self.state, self.status, self.error = "Running", "", dict[str, Any]()
        self._tracking = str(uuid.uuid4())
        self._started = time.monotonic()

    def body(self, deployment_id: str) -> Body:
        """The operation as the listing shows it."""
        properties: Body = {
            "provisioningOperation": self.kind,
            "provisioningState": self.state,
            "timestamp": timestamp(),
            "duration": duration(time.monotonic() - self._started),
            "trackingId": self._tracking,
        }
        if self.status:
            properties["statusCode"] = self.status
        if self.error:
            properties["statusMessage"] = {"status": "Failed", "error": self.error}
        if self.resource_id is not None:
            properties["targetResource"] = named(self.resource_id)
        return {"id": f"{deployment_id}/operations/{self.id}", "operationId": self.id, "properties": properties}


def named(resource_id: str) -> Body:
    """A resource as deployments name it."""
    return {
        "id": resource_id,
        "resourceType": ids.type_of(resource_id),
        "resourceName": "/".join(_names(resource_id)),
    }


def _names(resource_id: str) -> list[str]:
    parts = resource_id.strip("/").split("/")
    lowered = [part.lower() for part in parts]
    if "providers" not in lowered:
        return parts[-1:]
    start = len(lowered) - 1 - lowered[::-1].index("providers")
    return parts[start + 3 :: 2]
