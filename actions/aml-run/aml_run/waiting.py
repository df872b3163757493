"""Waiting for the end of a job, with its log and without silence.

``jobs.stream`` of the SDK is not used: it returns normally for every state but ``Failed``, leaves at ``NotResponding`` and
``Paused``, downloads each log from its beginning at every poll, and prints it raw.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from aml_actions.azure_errors import explain
from aml_actions.errors import ActionError
from aml_actions.jobs import job_status
from aml_actions.polling import HEARTBEAT, duration
from aml_actions.run_history import END_STATES, RunDetails, RunHistory
from aml_actions.workflow import Workflow
from aml_run.logs import LogRelay

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

PATIENCE = 600.0
"""Seconds for which run history may fail to answer."""
LOST = 900.0
"""Seconds that a job may be in a state which it normally leaves by itself, or in one that we do not know."""
LAG = 120.0
"""Seconds by which the job's resource may be behind run history."""
_PASSING = frozenset(
    {
        "NotStarted",
        "Starting",
        "Provisioning",
        "Preparing",
        "Queued",
        "Running",
        "Finalizing",
        "CancelRequested",
        "Paused",
    }
)
"""States in which a job may be for as long as it takes."""


def pause(waited: float) -> float:
    """Return seconds to the next question: quick at first, when states follow each other, then every 10 s."""
    return min(10.0, max(1.0, waited / 20))


class Watch:
    """Follows one job to its end."""

    def __init__(
        self,
        job: str,
        history: RunHistory,
        workflow: Workflow,
        log: LogRelay,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Ask `history` about `job`; print to `workflow`, its output through `log`."""
        self._job = job
        self._history = history
        self._workflow = workflow
        self._log = log
        self._clock = clock
        self._sleep = sleep
        self._silent_since: float | None = None
        self._start = clock()
        self._state = ""
        self._since = self._told_at = self._start

    def until_end(self) -> RunDetails:
        """Wait until the job is Completed, Failed or Canceled and return its last details.

        Raises:
            ActionError: run history does not answer any more, or the job is lost.

        """
        while (ended := self.poll()) is None:
            self._sleep(pause(self._clock() - self._start))
        return ended

    def poll(self) -> RunDetails | None:
        """Ask once, and print what is new. Whoever follows several jobs calls this in turns.

        Returns:
            The last details when the job has ended, else None.

        Raises:
            ActionError: run history does not answer any more, or the job is lost.

        """
        details = self._ask()
        now = self._clock()
        if details is not None:
            if details.status in END_STATES:
                # The last lines first: they were written before the job ended.
                self._log.relay(details.log_files, final=True)
                self._say(f"{details.status} after {duration(now - self._start)}")
                return details
            if details.status != self._state:
                self._state, self._since, self._told_at = details.status, now, now
                self._say(f"{self._state} after {duration(now - self._start)}")
            if self._log.relay(details.log_files):
                self._told_at = now
            self._give_up_if_lost(self._state, now - self._since)
        if now - self._told_at >= HEARTBEAT:
            self._say(
                f"still {self._state or 'not known to run history'}, {duration(now - self._start)} since it was submitted"
            )
            self._told_at = now
        return None

    def _say(self, text: str) -> None:
        self._log.end_group()
        self._workflow.info(f"Job {self._job}: {text}")

    def _ask(self) -> RunDetails | None:
        """Return the details, or None if the service does not answer at the moment."""
        from azure.core.exceptions import AzureError

        try:
            details = self._history.details(self._job)
        except AzureError as error:
            if getattr(error, "status_code", None) in (401, 403):
                raise
            self._bear(error)
            return None
        self._silent_since = None
        return details

    def _bear(self, error: Exception) -> None:
        now = self._clock()
        if self._silent_since is None:
            self._silent_since = now
            known = explain(error, doing="reading the state of the job")
            self._workflow.debug(f"run history did not answer; asking again: {known or error}")
        if now - self._silent_since >= PATIENCE:
            raise ActionError(
                f"The state of job {self._job} could not be read for {duration(PATIENCE)}. The job goes on in Azure.",
                cause=str(explain(error) or error),
                fix="look at the job in Studio; run the workflow again when the service answers",
            ) from error

    def _give_up_if_lost(self, state: str, seconds: float) -> None:
        if state in _PASSING or seconds < LOST:
            return
        raise ActionError(
            f"Job {self._job} has been {state} for {duration(seconds)}.",
            cause="its node was lost: out of memory, taken away (low priority), or cut off from the network"
            if state == "NotResponding"
            else "the service has a state that this version does not know",
            fix="look at the job in Studio and cancel it there",
        )


def verdict(
    client: MLClient,
    job: str,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Return the state of a job once its own resource shows an end state: the verdict. It may lag behind run history.

    Raises:
        ActionError: it does not show one.

    """
    start = clock()
    while True:
        status = job_status(client.jobs.get(job))
        if status in END_STATES:
            return status
        if clock() - start >= LAG:
            raise ActionError(
                f"Run history says that job {job} has ended, but the job itself says {status}.",
                fix="look at the job in Studio",
            )
        sleep(2.0)
