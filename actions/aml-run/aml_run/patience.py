"""How long this step waits for a job, what it says meanwhile, and what it does when it waits no longer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence

from aml_actions.azure_errors import explain
from aml_actions.polling import duration
from aml_actions.step import Step
from aml_run import cancelling, failure
from aml_run.compute_state import why_waiting
from aml_run.job_service import JobService
from aml_run.limits import Limits
from aml_run.parameters import RunParameters
from aml_run.submission import Submitted

_BEFORE_A_NODE = frozenset({"NotStarted", "Starting", "Provisioning", "Queued"})
"""States in which the compute may be what a job waits for."""


def limits_of(step: Step[RunParameters], parameters: RunParameters, job: Submitted) -> Limits:
    """Return the limits of waiting for a job, and tell them."""
    limits = Limits.of(parameters.queue_timeout, parameters.timeout)
    told = [
        f"{text} {duration(seconds)}"
        for text, seconds in (("waits for its start at most", limits.queue), ("runs at most", limits.run))
        if seconds is not None
    ]
    if told:
        step.workflow.info(f"Job {job.name} {' and '.join(told)}; then it is cancelled.")
    return limits


def adviser(
    step: Step[RunParameters], jobs: Sequence[Submitted]
) -> Callable[[str, str, Mapping[str, Sequence[str]]], list[str]]:
    """Return the function that says what is known of why a job, by its name, stays in a state; it gets the last lines of its logs."""
    by_name = {job.name: job for job in jobs}

    def advise(name: str, state: str, tails: Mapping[str, Sequence[str]]) -> list[str]:
        if state in _BEFORE_A_NODE:
            job = by_name[name]
            return why_waiting(JobService(step.impatient_rest(), step.workspace()), job.compute, job.kind)
        if state == "Preparing":
            lines = [line for line in tails.get(failure.BUILD_LOG, ()) if line.strip()]
            return (
                [f"The image of its environment is being built; the last line of its log: {lines[-1]}"] if lines else []
            )
        return []

    return advise


def giver_up(step: Step[RunParameters], states: MutableMapping[str, str]) -> Callable[[str, Exception], Exception]:
    """Return the function that cancels a job which this step follows no longer, and adds to the error what became of it.

    Args:
        step: the step.
        states: takes the last known state of each such job.

    """

    def give_up(job: str, error: Exception) -> Exception:
        found = cancelling.give_up(step, job)
        states[job] = found.status or "Unknown"
        known = explain(error)
        if known is None:
            return error
        text = str(found)
        known.what += f" {text[0].upper()}{text[1:]}."
        known.args = (known.what,)
        return known

    return give_up
