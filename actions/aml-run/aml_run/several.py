"""Following several jobs at once: in turns, so that their logs do not run into each other."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from aml_actions.run_history import RunDetails, RunHistory
from aml_actions.workflow import Workflow
from aml_run.limits import NO_LIMITS, Limits
from aml_run.logs import LogRelay
from aml_run.waiting import Watch, pause


@dataclass(frozen=True)
class Ended:
    """The end of waiting for one job.

    Attributes:
        details: the last ones; None when `error` is why nobody waits any more.
        error: run history does not answer, or the job is lost; the job may go on.
        tails: last lines of every log file that was read.
        log_problem: why a log could not be read, or empty.
        seconds: that the waiting took.

    """

    details: RunDetails | None
    error: Exception | None
    seconds: float
    tails: dict[str, list[str]] = field(default_factory=dict)
    log_problem: str = ""


def follow(
    jobs: Sequence[str],
    history: RunHistory,
    workflow: Workflow,
    relay: Callable[[str, str], LogRelay] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    *,
    limits: Mapping[str, Limits] | None = None,
    advise: Callable[[str, str, Mapping[str, Sequence[str]]], Sequence[str]] = lambda job, state, tails: (),
    give_up: Callable[[str, Exception], Exception] = lambda job, error: error,
) -> dict[str, Ended]:
    """Wait until each of the jobs has ended, and return how. A job that cannot be followed any more does not end the others.

    With several jobs, a group of log lines belongs to one job, named in its title, and is closed before the next one's turn.

    Args:
        jobs: names.
        history: is asked for their states.
        workflow: hears states and logs.
        relay: makes the relay of a job's logs from its name and a label, which is empty for a single job.
        clock: monotonic seconds.
        sleep: waits for seconds.
        limits: of waiting, by job; a job that is not in it has none.
        advise: returns what is known of why a job stays in a state; it gets the last lines of the job's logs.
        give_up: called at once when a job is not followed to its end; what it returns takes the place of the error.

    """
    start = clock()
    ended: dict[str, Ended] = {}
    with ExitStack() as relays:
        make = relay or (lambda job, label: LogRelay(workflow, label=label))
        logs = {job: relays.enter_context(make(job, job if len(jobs) > 1 else "")) for job in jobs}
        watches = {
            job: Watch(
                job,
                history,
                workflow,
                logs[job],
                (limits or {}).get(job, NO_LIMITS),
                _adviser(advise, job, logs[job]),
                clock,
                sleep,
            )
            for job in jobs
        }
        while watches:
            for job, watch in list(watches.items()):
                details: RunDetails | None = None
                problem: Exception | None = None
                try:
                    details = watch.poll()
                except Exception as error:
                    logs[job].end_group()
                    problem = give_up(job, error)
                if len(jobs) > 1:
                    logs[job].end_group()
                if details is not None or problem is not None:
                    log = logs[job]
                    ended[job] = Ended(details, problem, clock() - start, log.tails, log.problem)
                    del watches[job]
            if watches:
                sleep(pause(clock() - start))
    return ended


def _adviser(
    advise: Callable[[str, str, Mapping[str, Sequence[str]]], Sequence[str]], job: str, log: LogRelay
) -> Callable[[str], Sequence[str]]:
    return lambda state: advise(job, state, log.tails)
