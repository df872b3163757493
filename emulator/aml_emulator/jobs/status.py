"""The state of a job: changed in its resource and in its run at the same time, here and nowhere else."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from aml_emulator import ids
from aml_emulator.eventgrid.hooks import job_ended
from aml_emulator.faults import shown
from aml_emulator.tracking.schema import Error, to_text, utc_now

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

TERMINAL = frozenset({"Completed", "Failed", "Canceled"})


def set_status(
    emulator: Emulator, job_id: str, status: str, *, error: Error | None = None, exit_code: int | None = None
) -> None:
    """Move a job to a state; one that is over stays as it is.

    Args:
        emulator: the emulator.
        job_id: ARM id of the job.
        status: a word of the service: Preparing, Queued, Starting, Running, Finalizing, CancelRequested, Completed, Failed, Canceled;
            or any other that a fault has a job show.
        error: why it ended so, in the shape of run history.
        exit_code: of the user's process.

    """
    name = ids.name_of(job_id)
    changes: dict[str, Any] = {"status": status}
    now: datetime = utc_now()
    if status in TERMINAL:
        changes["end"] = now
    if error is not None:
        changes["error"] = error
    if exit_code is not None:
        changes["exit_code"] = exit_code

    def edit(body: dict[str, Any]) -> None:
        body["properties"]["status"] = status

    with emulator.database.transaction():
        run = emulator.tracking.run(name)
        if run is not None and run.status in TERMINAL:
            return
        if run is not None and status in TERMINAL:
            shown.job_ended(emulator, job_id, run.status)
        if status == "Running" and run is not None and run.start is None:
            changes["start"] = now
        emulator.resources.change(job_id, edit)
        emulator.tracking.update_run(name, **changes)
        if status in TERMINAL:
            job_ended(emulator, job_id, status)


def change_status(emulator: Emulator, job_id: str, old: str, new: str) -> None:
    """Move a job from one state to another; one that is in neither stays as it is."""
    with emulator.database.transaction():
        run = emulator.tracking.run(ids.name_of(job_id))
        if run is not None and run.status == old:
            set_status(emulator, job_id, new)


def failure(message: str, *inner: str, code: str = "UserError", component: str = "CommonRuntime") -> Error:
    """Why a job failed, as run history answers it; `inner` are codes from the outermost to the deepest."""
    chain: dict[str, Any] | None = None
    for inner_code in reversed(inner):
        chain = {"code": inner_code, "innerError": chain}
    return {
        "error": {
            "code": code,
            "severity": None,
            "message": message,
            "messageFormat": "{Message}",
            "messageParameters": {"Message": message},
            "referenceCode": None,
            "detailsUri": None,
            "target": None,
            "details": [],
            "innerError": chain,
            "debugInfo": None,
            "additionalInfo": None,
        },
        "correlation": None,
        "environment": "local",
        "location": "local",
        "time": to_text(utc_now()),
        "componentName": component,
    }
