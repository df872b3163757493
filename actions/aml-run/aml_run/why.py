"""From the end of a job, or of waiting for it, to the error that says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aml_actions.azure_errors import explain
from aml_actions.data_plane import DataPlane
from aml_actions.run_history import RunDetails
from aml_actions.runner import Runner
from aml_actions.step import Step
from aml_run import evidence, failure, summary
from aml_run.evidence import Evidence
from aml_run.failure import JobFailed
from aml_run.learned import Learned
from aml_run.making import Made
from aml_run.outcome import Outcome
from aml_run.parameters import RunParameters


def failed(
    step: Step[RunParameters],
    plane: DataPlane,
    made: Made,
    outcome: Outcome,
    details: RunDetails,
    tails: Mapping[str, Sequence[str]],
) -> tuple[JobFailed, Learned]:
    """Return the error of a job that did not complete, with all that can be found out about it, and what it took.

    Args:
        step: the step.
        plane: of the workspace.
        made: what was submitted, for the folders of its code.
        outcome: of the job; its end state is there.
        details: the last ones of run history.
        tails: last lines of the logs that were read.
    """
    job, status = outcome.job, outcome.status
    try:
        found = evidence.gather(
            step.ml_client(),
            plane,
            job.name,
            status,
            details,
            tails,
            made.code_folders,
            step.runner.workspace,
            step.workflow.hide,
        )
    except Exception as problem:  # the failure of the job must be told, whatever happens to the search for its reason
        step.workflow.debug(f"why job {job.name} failed could not be found out: {type(problem).__name__}: {problem}")
        found = Evidence(error=details.error, tails=tails)
    told = failure.explain(
        job.name,
        status,
        job.url,
        found.error,
        found.tails,
        found.children,
        summary.facts(job, step.runner, status, outcome.seconds, found.learned.used),
        found.culprit,
        first_error=found.first_error,
        place=found.place,
        circumstances=found.circumstances,
        blob=_blob(step.runner),
    )
    return told, found.learned


def given_up(step: Step[RunParameters], outcome: Outcome, error: Exception) -> Exception:
    """Return the error of a job that is followed no longer, with its facts and the link to its page for the summary."""
    known = explain(error)
    if known is None:
        return error
    if known.details is None:
        known.details = summary.facts(outcome.job, step.runner, outcome.status, outcome.seconds)
    return known


def _blob(runner: Runner) -> str:
    """Return the address of the files of the commit; nothing where the runner is no GitHub one."""
    if runner.system != "github-actions" or not runner.sha:
        return ""
    return f"{runner.server_url}/{runner.repository}/blob/{runner.sha}"
