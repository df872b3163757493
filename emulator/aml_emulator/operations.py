"""Long-running operations: started by a request, finished by whoever does the work, read at their status address.

They are stored, so a client that polls across a restart of the emulator gets its answer.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aml_emulator import ids
from aml_emulator.database import Database
from aml_emulator.http import Call, Reply, Router, ServiceError
from aml_emulator.resources import now

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.faults.fault import Fault
    from aml_emulator.faults.switchboard import Switchboard
    from aml_emulator.resources import Body, Resources

POLL_MILLISECONDS = 100
"""What `retry-after-ms` says: without it the SDK sleeps 5 to 30 s between two looks."""

SETTLING_SECONDS = 0.2
"""How long work takes that takes no time here: long enough that a poller sees it in progress once."""

Completion = Callable[[str], None]
"""What makes an operation's resource ready, given the resource id."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS operations (
    id TEXT PRIMARY KEY,
    resource TEXT NOT NULL COLLATE NOCASE,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    started TEXT NOT NULL,
    ended TEXT,
    error TEXT
);
"""


class Operations:
    """Every long-running operation of the emulator.

    A `kind` names the status address (`computeOperationsStatus`, `mfeOperationsStatus`) and, where `on` gave one, the completion
    that `settle` runs a moment later. An operation that was under way when the emulator stopped is completed at its next start.
    """

    def __init__(self, database: Database, faults: Switchboard, resources: Resources) -> None:
        self._database, self._faults, self._resources = database, faults, resources
        self._met: dict[str, Fault] = {}
        self._completions: dict[str, Completion] = {}
        self._stopped = threading.Event()
        database.create(_SCHEMA)

    def on(self, kind: str, completion: Completion) -> None:
        """Name the work that ends operations of a kind."""
        self._completions[kind] = completion

    def start(self, resource_id: str, kind: str) -> str:
        """Begin an operation on a resource; its id."""
        operation_id = str(uuid.uuid4())
        self._database.execute(
            "INSERT INTO operations (id, resource, kind, status, started) VALUES (?, ?, ?, 'InProgress', ?)",
            (operation_id, resource_id, kind, now()),
        )
        if fault := self._faults.long_running(resource_id):
            self._met[operation_id] = fault
        return operation_id

    def settle(self, operation_id: str) -> None:
        """Complete an operation of a kind with a completion in a moment, in the background."""
        if operation_id in self._met:
            threading.Thread(target=self._complete, args=(operation_id,), name="operation", daemon=True).start()
            return
        timer = threading.Timer(SETTLING_SECONDS, self._complete, (operation_id,))
        timer.daemon = True
        timer.start()

    def hold(self, operation_id: str) -> None:
        """Wait as long as a fault has the operation take; without one, not at all.

        Raises:
            ServiceError: the fault has it fail.

        """
        if fault := self._met.pop(operation_id, None):
            held(self._faults, fault)
            if fault.fails:
                raise failed(fault)

    def stop(self) -> None:
        """Leave what is under way to the next start."""
        self._stopped.set()

    def resume(self) -> None:
        """Complete what a stopped emulator left under way."""
        for row in self._database.rows("SELECT id, kind FROM operations WHERE status = 'InProgress' ORDER BY started"):
            if row["kind"] in self._completions:
                self._complete(row["id"])

    def succeed(self, operation_id: str) -> None:
        """End an operation well."""
        self._end(operation_id, "Succeeded", None)

    def fail(self, operation_id: str, error: dict[str, Any]) -> None:
        """End an operation with an error: {"code", "message", "details"?...}."""
        self._end(operation_id, "Failed", error)

    def get(self, operation_id: str) -> dict[str, Any] | None:
        """The operation as its status address shows it; None when it is unknown."""
        row = self._database.row("SELECT * FROM operations WHERE id = ?", (operation_id,))
        if row is None:
            return None
        body = {
            "name": row["id"],
            "status": row["status"],
            "startTime": row["started"],
            "percentComplete": 0.0 if row["status"] == "InProgress" else 100.0,
        }
        if row["ended"]:
            body["endTime"] = row["ended"]
        if row["error"]:
            body["error"] = json.loads(row["error"])
        return body

    def running(self, resource_id: str) -> str | None:
        """The operation that is under way on a resource, or None."""
        row = self._database.row(
            "SELECT id FROM operations WHERE resource = ? AND status = 'InProgress' ORDER BY started DESC",
            (resource_id,),
        )
        return row["id"] if row else None

    def _complete(self, operation_id: str) -> None:
        if self._stopped.is_set():
            return
        row = self._database.row("SELECT resource, kind, status FROM operations WHERE id = ?", (operation_id,))
        if row is None or row["status"] != "InProgress":
            return
        try:
            self.hold(operation_id)
        except ServiceError as error:
            self._mark_failed(row["resource"], error)
            self.fail(operation_id, error.body()["error"])
            return
        if self._stopped.is_set():
            return
        try:
            self._completions[row["kind"]](row["resource"])
        except ServiceError as error:
            self.fail(operation_id, error.body()["error"])
        else:
            self.succeed(operation_id)

    def _mark_failed(self, resource_id: str, error: ServiceError) -> None:
        """Show in the resource that its operation failed; of the reason, computes tell themselves and nothing else does."""

        def edit(body: Body) -> None:
            body["properties"]["provisioningState"] = "Failed"
            if ids.segment(resource_id, "computes"):
                body["properties"]["provisioningErrors"] = [{"error": {"code": error.code, "message": error.message}}]

        self._resources.change(resource_id, edit)

    def _end(self, operation_id: str, status: str, error: dict[str, Any] | None) -> None:
        self._database.execute(
            "UPDATE operations SET status = ?, ended = ?, error = ? WHERE id = ? AND status = 'InProgress'",
            (status, now(), json.dumps(error) if error else None, operation_id),
        )


def held(faults: Switchboard, fault: Fault) -> None:
    """Wait as long as a fault says (at least as long as any operation takes), or until it is taken back or the emulator stops."""
    deadline = time.monotonic() + SETTLING_SECONDS + (fault.seconds or 0.0)
    while (left := deadline - time.monotonic()) > 0 and not faults.stopped.is_set():
        if fault.gone.wait(min(left, POLL_MILLISECONDS / 1000)):
            return


def failed(fault: Fault) -> ServiceError:
    """The error of an operation that a fault has fail."""
    message = fault.message or "The operation failed because of an internal error. Please retry."
    return ServiceError(500, fault.code or "InternalServerError", message)


def status_headers(emulator: Emulator, operation_id: str, resource_id: str, location: str) -> dict[str, str]:
    """Headers of the answer that started an operation."""
    service = "compute" if ids.segment(resource_id, "computes") else "mfe"
    subscription = ids.segment(resource_id, "subscriptions")
    address = (
        f"{emulator.base_url}/subscriptions/{subscription}/providers/{ids.PROVIDER}/locations/{location}"
        f"/{service}OperationsStatus/{operation_id}?api-version=2024-10-01"
    )
    return {"Azure-AsyncOperation": address, "retry-after-ms": str(POLL_MILLISECONDS)}


def register(router: Router, emulator: Emulator) -> None:
    """Routes of the status addresses."""

    def status(call: Call) -> Reply:
        found = emulator.operations.get(call.params["operation"])
        if found is None:
            raise ServiceError(404, "OperationNotFound", f"The operation '{call.params['operation']}' was not found.")
        reply = Reply(body={"id": call.path, **found})
        if found["status"] == "InProgress":
            reply.headers["retry-after-ms"] = str(POLL_MILLISECONDS)
        return reply

    for service in ("compute", "mfe", "workspace"):
        router.add(
            "GET",
            f"/subscriptions/{{subscription}}/providers/{ids.PROVIDER}/locations/{{location}}"
            f"/{service}OperationsStatus/{{operation}}",
            status,
        )
