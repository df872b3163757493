"""From the end of a job that did not complete to the error that says why."""

from __future__ import annotations

from aml_actions.data_plane import DataPlane
from aml_actions.runner import Runner
from aml_actions.step import Step
from aml_run import evidence, failure, summary
from aml_run.failure import JobFailed
from aml_run.making import Made
from aml_run.parameters import RunParameters
from aml_run.several import Ended
from aml_run.submission import Submitted


def failed(
    step: Step[RunParameters], plane: DataPlane, made: Made, job: Submitted, status: str, ended: Ended
) -> JobFailed:
    """Return the error of a job, with all that can be found out about it.

    Args:
        step: the step.
        plane: of the workspace.
        made: what was submitted, for the folders of its code.
        job: that ended.
        status: its end state, which is not Completed.
        ended: the end of waiting for it; its details are there.
    """
    facts = summary.facts(job, step.runner, status, ended.seconds)
    error = ended.details.error if ended.details else None
    if ended.details is None:
        return failure.explain(job.name, status, job.url, error, ended.tails, facts=facts)
    try:
        found = evidence.gather(
            step.ml_client(),
            plane,
            job.name,
            status,
            ended.details,
            ended.tails,
            made.code_folders,
            step.runner.workspace,
            step.workflow.hide,
        )
    except Exception as problem:  # the failure of the job must be told, whatever happens to the search for its reason
        step.workflow.debug(f"why job {job.name} failed could not be found out: {type(problem).__name__}: {problem}")
        return failure.explain(job.name, status, job.url, error, ended.tails, facts=facts)
    return failure.explain(
        job.name,
        status,
        job.url,
        found.error,
        found.tails,
        found.children,
        facts,
        found.culprit,
        first_error=found.first_error,
        place=found.place,
        circumstances=found.circumstances,
        blob=_blob(step.runner),
    )


def _blob(runner: Runner) -> str:
    """Return the address of the files of the commit; nothing where the runner is no GitHub one."""
    if runner.system != "github-actions" or not runner.sha:
        return ""
    return f"{runner.server_url}/{runner.repository}/blob/{runner.sha}"
