"""Cancelling jobs: within the grace of the runner when the step is cancelled, and when nobody will wait for them any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aml_actions.azure_errors import explain
from aml_actions.errors import ActionError
from aml_actions.markdown import link
from aml_actions.polling import duration
from aml_actions.signals import Cancelled as Cancelled
from aml_actions.step import Step
from aml_actions.workspace import WorkspaceRef
from aml_run import states
from aml_run.job_service import HasEnded, JobService

GIVEN_UP = 60.0
"""Seconds that the cancel of a job may take for which nobody waits any more, while the step itself goes on."""
_AGAIN = 0.25
"""Seconds between two requests: there are few of them."""


@dataclass
class Cancellation:
    """What became of the wish to cancel a job.

    Attributes:
        job: its name.
        status: its last known state; empty when it is not known.
        is_accepted: the service will cancel it, or has done so.
        is_absent: there is no such job.
        seconds: until its end, or until nobody waited any more.
        problem: why the service did not accept it.

    """

    job: str
    status: str = ""
    is_accepted: bool = False
    is_absent: bool = False
    seconds: float = 0.0
    problem: str = ""

    @property
    def is_over(self) -> bool:
        """Nothing of the job goes on."""
        return self.is_absent or states.ended(self.status)

    def __str__(self) -> str:
        if self.is_absent:
            return f"job {self.job} was not submitted"
        if self.status == "Canceled":
            return f"job {self.job} is Canceled, after {duration(self.seconds)}"
        if states.ended(self.status):
            return f"job {self.job} had ended before: {self.status}"
        if self.is_accepted:
            return f"the cancel of job {self.job} was accepted; after {duration(self.seconds)} it is {self.status or 'on its way'}"
        return f"job {self.job} could not be cancelled ({self.problem or 'no answer in time'}): it may go on, and cost"


def cancel(
    names: Sequence[str],
    jobs: JobService,
    seconds_left: Callable[[], float],
    may_come: Callable[[str], bool] = lambda name: False,
    clock: Callable[[], float] = time.monotonic,
) -> list[Cancellation]:
    """Cancel jobs, all at once, and wait for their ends as long as there is time.

    Args:
        names: of the jobs.
        jobs: of their workspace; its client should retry nothing itself.
        seconds_left: seconds until this must return; they may shrink at any time.
        may_come: whether a job of a name that is not found may still appear.
        clock: monotonic seconds.

    """
    found = [Cancellation(name) for name in names]
    start = clock()
    threads = [
        threading.Thread(target=_cancel, args=(one, jobs, seconds_left, may_come, lambda: clock() - start), daemon=True)
        for one in found
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive() and seconds_left() > 0:
            thread.join(timeout=min(0.1, max(0.01, seconds_left())))
    return found


def _cancel(
    one: Cancellation,
    jobs: JobService,
    seconds_left: Callable[[], float],
    may_come: Callable[[str], bool],
    passed: Callable[[], float],
) -> None:
    """Cancel a job; note what is known of it at any time, for whoever has to stop waiting."""
    while seconds_left() > 0:
        comes = may_come(one.job)  # asked before the request: what comes after it is seen the next time
        try:
            if not one.is_accepted:
                jobs.cancel(one.job)
                one.is_accepted = True
            state = jobs.get(one.job)
            one.seconds = passed()
            if state is not None:
                one.status = state.status
                if states.ended(state.status):
                    return
        except HasEnded:
            one.is_accepted = True
            continue
        except Exception as error:
            one.seconds = passed()
            if getattr(error, "status_code", None) == 404 and not comes:
                one.is_absent = True
                return
            one.problem = _short(error)
        time.sleep(_AGAIN)


def _short(error: Exception) -> str:
    known = explain(error)
    return (known.what if known else str(error) or type(error).__name__).splitlines()[0]


def give_up(step: Step[Any], job: str) -> Cancellation:
    """Cancel a job for which nobody waits any more, and return what became of it."""
    until = time.monotonic() + GIVEN_UP
    step.workflow.info(f"Job {job} is being cancelled.")
    (found,) = cancel([job], JobService(step.impatient_rest(), step.workspace()), lambda: until - time.monotonic())
    step.workflow.info(f"Cancelled: {found}.")
    return found


def stop(
    step: Step[Any],
    stopping: Cancelled,
    names: Mapping[str, str],
    may_come: Callable[[str], bool],
) -> list[Cancellation]:
    """Cancel the jobs of a step that is cancelled itself, within the runner's grace, and note in `stopping` what is to be told.

    Args:
        step: the step.
        stopping: the signal.
        names: of the jobs, with their ``on_cancel``.
        may_come: whether the request that submits a job is on its way.

    """
    doomed = [name for name, wish in names.items() if wish == "cancel"]
    kept = [name for name, wish in names.items() if wish != "cancel"]
    if not names:
        stopping.told = ActionError(f"The step was cancelled ({stopping}); no job was submitted.")
        return []
    workspace = step.workspace()
    found: list[Cancellation] = []
    if doomed:
        step.workflow.info(f"The step is cancelled ({stopping}): cancelling {_listed(doomed)}.")
        found = cancel(doomed, JobService(step.impatient_rest(), workspace), lambda: stopping.seconds_left, may_come)
    stopping.told = _told(stopping, found, kept, workspace)
    links = [f"- {link(name, step.studio_url(f'runs/{name}'))}" for name in names]
    stopping.told.details = "\n".join(links)
    return found


def _told(
    stopping: Cancelled, found: Sequence[Cancellation], kept: Sequence[str], workspace: WorkspaceRef
) -> ActionError:
    sentences = [str(one) for one in found]
    if kept:
        goes = "goes" if len(kept) == 1 else "go"
        sentences.append(f"{_listed(kept)} {goes} on, as `on_cancel: detach` says")
    where = f"--resource-group {workspace.resource_group} --workspace-name {workspace.name}"
    left = [one for one in found if not one.is_over and not one.is_accepted]
    if left:
        fix: str | None = "; ".join(f"`az ml job cancel --name {one.job} {where}`" for one in left)
    elif kept:
        fix = "to attach, run the workflow again (re-run of the failed jobs), or " + "; ".join(
            f"`az ml job stream --name {name} {where}`" for name in kept
        )
    else:
        fix = None
    return ActionError(
        f"The step was cancelled ({stopping}): {'; '.join(sentences)}.",
        cause="the workflow was cancelled, a newer run has taken its place, or its time limit is over",
        fix=fix,
        anchor="docs/troubleshooting.md#cancelled",
    )


def _listed(names: Sequence[str]) -> str:
    return ("job " if len(names) == 1 else "jobs ") + ", ".join(names)
