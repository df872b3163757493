"""What faults do to jobs: held in a state, without a word, preempted, seen differently from two sides."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from aml_emulator import ids
from aml_emulator.faults.shown import known_as
from aml_emulator.jobs.status import change_status, set_status

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.faults.fault import Fault

_POLL_SECONDS = 0.05

FAILED_BUILD = """\
Building a Python environment of the conda file
Collecting package metadata (repodata.json): ...working... done
Solving environment: ...working... failed

ResolvePackageNotFound:
  - a-package-that-no-channel-has=1.0
"""
"""What a build that a fault has fail says, unless the fault says otherwise: conda's words for the commonest reason."""


class JobFaults:
    """The faults that one job meets, at the moments in its life at which it may meet them."""

    def __init__(self, emulator: Emulator, job_id: str, ended: threading.Event) -> None:
        """Begin with none met; `ended` is set when the job is to end, which no fault but `jobs.cancel_slow` delays."""
        self._emulator, self._job_id, self._ended = emulator, job_id, ended
        self._heard = threading.Event()
        self._heard.set()

    def take(self, operation: str, **members: str) -> Fault | None:
        """The fault of a kind that the job meets now, which is noted."""
        return self._emulator.faults.job(
            operation, self._job_id, lambda: known_as(self._emulator, self._job_id), **members
        )

    def hold(self, stage: str) -> None:
        """Show another state for as long as a fault of `jobs.state` says, then the stage again."""
        if fault := self.take("jobs.state", at=stage):
            set_status(self._emulator, self._job_id, fault.state)
            self._wait(fault)
            if not self._ended.is_set():
                set_status(self._emulator, self._job_id, stage)

    def queue(self, compute_id: str) -> None:
        """Stay in the queue as long as a fault says; the compute shows the fault's error meanwhile, as one that cannot scale."""
        if fault := self.take("jobs.stuck"):
            error = {"code": fault.code, "message": fault.message} if fault.code else None
            with self._emulator.faults.shown.compute_error(compute_id, error):
                self._wait(fault)

    def fail_build(self) -> Fault | None:
        """The fault that the build of the job's environment meets; the time that the build takes has passed then."""
        fault = self.take("jobs.image_build")
        if fault and fault.seconds:
            self._wait(fault)
        return fault

    def fall_silent(self) -> None:
        """Have the job, whose processes run, not respond for as long as a fault says. They go on."""
        fault = self.take("jobs.not_responding")
        if fault is None:
            return
        self._heard.clear()
        set_status(self._emulator, self._job_id, "NotResponding")

        def listen() -> None:
            self._wait(fault)
            change_status(self._emulator, self._job_id, "NotResponding", "Running")
            self._heard.set()

        threading.Thread(target=listen, name=f"silence of {ids.name_of(self._job_id)}", daemon=True).start()

    def until_heard(self) -> None:
        """Wait until the job responds again, or is to end: what its processes did is not known before."""
        while not self._heard.wait(_POLL_SECONDS) and not self._ended.is_set():
            pass

    def end_slowly(self) -> None:
        """Be in CancelRequested for as long as a fault says, although nothing of the job runs any more."""
        if fault := self.take("jobs.cancel_slow"):
            set_status(self._emulator, self._job_id, "CancelRequested")
            pause(self._emulator, fault, lambda: False)

    def _wait(self, fault: Fault) -> None:
        pause(self._emulator, fault, self._ended.is_set)


def pause(emulator: Emulator, fault: Fault, over: Callable[[], bool]) -> None:
    """Wait for a fault's seconds (None: for ever), until it is taken back, something is over, or the emulator stops."""
    deadline = None if fault.seconds is None else time.monotonic() + fault.seconds
    while not over() and not emulator.faults.stopped.is_set():
        left = _POLL_SECONDS if deadline is None else min(_POLL_SECONDS, deadline - time.monotonic())
        if left <= 0 or fault.gone.wait(left):
            return
