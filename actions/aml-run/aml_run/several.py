"""Following several jobs at once: in turns, so that their logs do not run into each other."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from aml_actions.run_history import RunDetails, RunHistory
from aml_actions.workflow import Workflow
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
    relay: Callable[[Workflow, str], LogRelay] = lambda workflow, label: LogRelay(workflow, label=label),
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Ended]:
    """Wait until each of the jobs has ended, and return how. A job that cannot be followed any more does not end the others.

    With several jobs, a group of log lines belongs to one job, named in its title, and is closed before the next one's turn.

    Args:
        jobs: names.
        history: is asked for their states.
        workflow: hears states and logs.
        relay: makes the relay of a job's log; the label is empty for a single job.
        clock: monotonic seconds.
        sleep: waits for seconds.
    """
    start = clock()
    ended: dict[str, Ended] = {}
    with ExitStack() as relays:
        logs = {job: relays.enter_context(relay(workflow, job if len(jobs) > 1 else "")) for job in jobs}
        watches = {job: Watch(job, history, workflow, logs[job], clock, sleep) for job in jobs}
        while watches:
            for job, watch in list(watches.items()):
                details: RunDetails | None = None
                problem: Exception | None = None
                try:
                    details = watch.poll()
                except Exception as error:
                    problem = error
                if len(jobs) > 1:
                    logs[job].end_group()
                if details is not None or problem is not None:
                    log = logs[job]
                    ended[job] = Ended(details, problem, clock() - start, log.tails, log.problem)
                    del watches[job]
            if watches:
                sleep(pause(clock() - start))
    return ended
