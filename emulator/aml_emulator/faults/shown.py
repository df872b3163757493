"""What is seen from one side only: job states that lag behind, errors of computes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aml_emulator import ids

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.faults.fault import Fault


class Shown:
    """What faults have clients see, where it is not how things are."""

    def __init__(self) -> None:
        """There is nothing."""
        self._lagging: dict[tuple[str, str], tuple[str, float, Fault]] = {}
        self._errors: dict[str, list[dict[str, Any]]] = {}
        self._lock = threading.Lock()

    def lag(self, side: str, job: str, status: str, fault: Fault) -> None:
        """Have one side go on to show a state of a job for the fault's seconds."""
        with self._lock:
            self._lagging[side, job] = (status, time.monotonic() + (fault.seconds or 0.0), fault)

    def status(self, side: str, job: str, status: str) -> str:
        """The state of a job as one side (arm or history) shows it now."""
        with self._lock:
            older, until, fault = self._lagging.get((side, job), (status, 0.0, None))
            if fault is None:
                return status
            if time.monotonic() < until and not fault.gone.is_set():
                return older
            del self._lagging[side, job]
            return status

    @contextmanager
    def compute_error(self, compute_id: str, error: dict[str, Any] | None) -> Iterator[None]:
        """Have a compute show an error for the length of a `with` block; None: nothing."""
        found = {"error": error}
        with self._lock:
            listed = self._errors.setdefault(compute_id.lower(), [])
            if error:
                listed.append(found)
        try:
            yield
        finally:
            with self._lock:
                if error:
                    listed.remove(found)

    def compute_errors(self, compute_id: str) -> list[dict[str, Any]] | None:
        """The errors that a compute shows; None when there are none, as the service has it."""
        with self._lock:
            return list(self._errors.get(compute_id.lower(), [])) or None


def known_as(emulator: Emulator, job_id: str) -> list[str]:
    """The names under which a fault may mean a job: its own, its display name, and those of the jobs that it is a part of."""
    found = [ids.name_of(job_id)]
    run = emulator.tracking.run(found[0])
    if run is not None:
        found.append(run.display_name)
    while run is not None and run.parent_id:
        found.append(run.parent_id)
        run = emulator.tracking.run(run.parent_id)
    return found


def job_ended(emulator: Emulator, job_id: str, before: str) -> None:
    """Have one side show the state that the job had before its end, where a fault says so."""
    fault = emulator.faults.job("jobs.disagree", job_id, lambda: known_as(emulator, job_id))
    if fault is not None:
        emulator.faults.shown.lag(fault.lagging, ids.name_of(job_id).lower(), before, fault)
