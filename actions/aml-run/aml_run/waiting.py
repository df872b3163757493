"""Waiting for the end of a job, with its log and without silence.

``jobs.stream`` of the SDK is not used: it returns normally for every state but ``Failed``, leaves at ``NotResponding`` and
``Paused``, downloads each log from its beginning at every poll, and prints it raw.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from aml_actions.azure_errors import explain
from aml_actions.errors import ActionError
from aml_actions.polling import HEARTBEAT, duration
from aml_actions.run_history import RunDetails, RunHistory
from aml_actions.service_error import ServiceError
from aml_actions.workflow import Workflow
from aml_run.limits import NO_LIMITS, Limits
from aml_run.logs import LogRelay
from aml_run.states import SILENT, Kind, ended, state_of

PATIENCE = 600.0
"""Seconds for which run history may fail to answer."""
LAG = 120.0
"""Seconds by which the job's resource may be behind run history."""


class Unanswered(ActionError):
    """Run history did not answer for `PATIENCE`: nobody knows what the job does."""


class Lost(ActionError):
    """The job is in a state that it normally leaves by itself, for too long."""


class LimitReached(ActionError):
    """The job waited or ran longer than the parameters file allows."""


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
        limits: Limits = NO_LIMITS,
        advise: Callable[[str], Sequence[str]] = lambda state: (),
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Ask `history` about `job`; print to `workflow`, its output through `log`.

        Args:
            job: its name.
            history: of its workspace.
            workflow: hears each state, and a line each minute.
            log: shows what the job prints.
            limits: of waiting for it.
            advise: returns what is known of why it stays in a state; asked once for a state that lasts.
            clock: monotonic seconds.
            sleep: waits for seconds.

        """
        self._job = job
        self._history = history
        self._workflow = workflow
        self._log = log
        self._clock = clock
        self._sleep = sleep
        self._limits = limits
        self._advise = advise
        self._silent_since: float | None = None
        self._ask_after = 0.0
        self._running_since: float | None = None
        self._advised = False
        self._log_failed = False
        self._start = clock()
        self._state = ""
        self._unknown: set[str] = set()
        self._start_of_wait = "it was submitted"
        self._since = self._told_at = self._start

    def until_end(self) -> RunDetails:
        """Wait until the job is Completed, Failed or Canceled and return its last details.

        Raises:
            ActionError: as for `poll`.

        """
        while (ended := self.poll()) is None:
            self._sleep(pause(self._clock() - self._start))
        return ended

    def poll(self) -> RunDetails | None:
        """Ask once, and print what is new. Whoever follows several jobs calls this in turns.

        Returns:
            The last details when the job has ended, else None.

        Raises:
            Unanswered: run history does not answer any more.
            Lost: the job is in a state that it should have left.
            LimitReached: it waited or ran too long.

        """
        details = self._ask()
        now = self._clock()
        if details is not None:
            if ended(details.status):
                # The last lines first: they were written before the job ended.
                self._relay(details, final=True)
                self._say(f"{details.status} after {duration(now - self._start)}")
                return details
            if details.status != self._state:
                self._enter(details.status, now)
            if self._relay(details):
                self._told_at = now
            self._help(now)
            self._give_up_if_lost(now - self._since)
        self._give_up_at_limit(now)
        if now - self._told_at >= HEARTBEAT:
            self._say(
                f"still {self._state or 'not known to run history'}, {duration(now - self._start)} since {self._start_of_wait}"
            )
            self._told_at = now
        return None

    def _enter(self, state: str, now: float) -> None:
        self._state, self._since, self._told_at, self._advised = state, now, now, False
        self._say(f"{state} after {duration(now - self._start)}")
        if state == "Running" and self._running_since is None:
            self._running_since = now
        known = state_of(state)
        if known.kind is Kind.UNKNOWN and state not in self._unknown:
            self._unknown.add(state)
            self._workflow.warning(
                f"Job {self._job} is {state}, a state that this version does not know. It is waited for, up to "
                f"{duration(known.bound or 0)} in this state.",
                title="aml-run",
            )

    def _help(self, now: float) -> None:
        """Say once what is known of why the job stays in its state."""
        known = state_of(self._state)
        if known.advise is None or self._advised or now - self._since < known.advise:
            return
        self._advised = True
        self._say(f"{self._state} means that {known.meaning}. Likely cause: {known.cause}. Fix: {known.fix}.")
        for line in self._advise(self._state):
            self._say(line)

    def _relay(self, details: RunDetails, *, final: bool = False) -> bool:
        """Show what is new in the logs; a log that cannot be shown is no reason to give the job up."""
        try:
            return self._log.relay(details.log_files, final=final)
        except Exception as error:
            self._log.end_group()
            if not self._log_failed:
                self._log_failed = True
                self._workflow.warning(
                    f"The log of job {self._job} cannot be shown at the moment: {type(error).__name__}. Studio shows it.",
                    title="aml-run",
                )
            self._workflow.debug(f"log of job {self._job}: {error}")
            return False

    def _say(self, text: str) -> None:
        self._log.end_group()
        self._workflow.info(f"Job {self._job}: {text}")

    def _ask(self) -> RunDetails | None:
        """Return the details, or None if the service does not answer at the moment."""
        from azure.core.exceptions import AzureError

        if self._clock() < self._ask_after:
            return None
        try:
            details = self._history.details(self._job)
        except AzureError as error:
            if getattr(error, "status_code", None) in (401, 403):
                raise
            self._bear(error)
            return None
        if self._silent_since is not None:
            self._say(f"Azure answers again, after {duration(self._clock() - self._silent_since)}")
        self._silent_since = None
        return details

    def _bear(self, error: Exception) -> None:
        """Ride out that the service does not answer; told once, and not for ever."""
        now = self._clock()
        known = explain(error, doing="reading the state of the job")
        if self._silent_since is None:
            self._silent_since = self._told_at = now
            why = (known.what if known else str(error)).splitlines()[0]
            self._say(f"its state cannot be read; asking again for up to {duration(PATIENCE)}. {why}")
        if now - self._silent_since >= PATIENCE:
            raise Unanswered(
                f"The state of job {self._job} could not be read for {duration(PATIENCE)}.",
                cause=str(known or error),
                fix="look at the job in Studio; run the workflow again when the service answers",
            ) from error
        self._ask_after = now + min(_retry_after(error), self._silent_since + PATIENCE - now)

    def _give_up_if_lost(self, seconds: float) -> None:
        known = state_of(self._state)
        if known.bound is None or seconds < known.bound:
            return
        raise Lost(
            f"Job {self._job} has been {self._state} for {duration(seconds)}.",
            cause=known.cause,
            fix=known.fix,
        )

    def _give_up_at_limit(self, now: float) -> None:
        if self._running_since is None:
            seconds, limit, key = now - self._start, self._limits.queue, "queue_timeout"
            what = f"has not begun to run within {duration(seconds)}; it is {self._state or 'not known to run history'}"
        else:
            seconds, limit, key = now - self._running_since, self._limits.run, "timeout"
            what = f"has been going on for {duration(seconds)}; it is {self._state}"
        if limit is None or seconds < limit:
            return
        known = state_of(self._state)
        if self._silent_since is not None:
            known = SILENT
        reasons = list(self._advise(self._state)) or (
            [known.cause] if self._state != "Running" or known is SILENT else []
        )
        raise LimitReached(
            f"Job {self._job} {what}.",
            value=f"{key}: {duration(limit)}",
            cause="\n".join(reasons) or None,
            fix=f"{known.fix}, or raise {key} in the parameters file"
            if known.fix
            else f"raise {key} in the parameters file",
            anchor="docs/troubleshooting.md#time-limit",
            key=key,
        )


def _retry_after(error: Exception) -> float:
    """Return the seconds after which the service wants to be asked again; 0 when it does not say."""
    return ServiceError.from_exception(error).retry_after or 0.0 if hasattr(error, "status_code") else 0.0


def verdict(
    status_of: Callable[[str], str],
    job: str,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Return the state of a job once its own resource shows an end state: the verdict. It may lag behind run history.

    Args:
        status_of: asks for the state of a job.
        job: its name.
        clock: monotonic seconds.
        sleep: waits for seconds.

    Raises:
        ActionError: it does not show one.
        azure.core.exceptions.AzureError: it cannot be asked.

    """
    from azure.core.exceptions import AzureError

    start = clock()
    while True:
        status = "not known"
        try:
            status = status_of(job)
        except AzureError as error:
            if getattr(error, "status_code", None) in (401, 403) or clock() - start >= LAG:
                raise
        if ended(status):
            return status
        if clock() - start >= LAG:
            raise ActionError(
                f"Run history says that job {job} has ended, but the job itself says {status}.",
                fix="look at the job in Studio",
            )
        sleep(2.0)
