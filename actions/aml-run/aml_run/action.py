"""The work of aml-run: submit, wait, judge, report."""

from __future__ import annotations

from collections.abc import Sequence

from aml_actions.azure_errors import explain
from aml_actions.data_plane import DataPlane, connect
from aml_actions.errors import ActionError
from aml_actions.run_history import ChildRun
from aml_actions.step import Step
from aml_run import failure, metrics, summary
from aml_run.artifacts import download
from aml_run.logs import tails_of
from aml_run.making import Made
from aml_run.outcome import Outcome, RunsFailed
from aml_run.parameters import RunParameters
from aml_run.publish import publish
from aml_run.several import Ended, follow
from aml_run.submission import Submitted, make_all, submit_all
from aml_run.waiting import verdict


def work(step: Step[RunParameters]) -> None:
    """Submit the jobs that the repository defines, mostly one; unless told otherwise, wait until all of them are Completed.

    Raises:
        ActionError: a wrong setting, or a job that did not complete (`failure.JobFailed`, or `RunsFailed` for several).
        azure.core.exceptions.AzureError: Azure refused.

    """
    made = make_all(step)
    submissions = submit_all(step, made)
    runs = [(one, Outcome(job)) for one, job in zip(made, submissions, strict=True) if isinstance(job, Submitted)]
    refused = [error for error in submissions if isinstance(error, Exception)]
    if runs:
        _announce(step, [outcome.job for _, outcome in runs])
        _conclude(step, runs)
        outcomes = [outcome for _, outcome in runs]
        _set_outputs(step, outcomes)
        _summarize(step, outcomes)
        refused += [outcome.error for outcome in outcomes if outcome.error is not None]
    _raise(refused, len(made))


def _announce(step: Step[RunParameters], jobs: Sequence[Submitted]) -> None:
    """Tell which jobs there are, at once: whatever happens later, they can be found."""
    first = jobs[0]
    step.set_output("experiment_name", first.experiment)
    step.set_output("run_id", first.name)
    step.set_output("run_url", first.url)
    for job in jobs:
        step.workflow.info(f"Job {job.name} in experiment {job.experiment}: submitted.")
        step.workflow.info(f"Studio: {job.url}")


def _conclude(step: Step[RunParameters], runs: Sequence[tuple[Made, Outcome]]) -> None:
    """Wait for the jobs that are to be waited for, judge them, fetch what they left, and publish what is to be published."""
    plane: DataPlane | None = None
    waited = [(made, outcome) for made, outcome in runs if made.parameters.wait_for_completion]
    if waited:
        with step.doing(f"reading {step.workspace()}"):
            plane = connect(step.ml_client(), step.rest(), step.workspace())
        ended = follow([outcome.job.name for _, outcome in waited], plane.history, step.workflow)
        for made, outcome in waited:
            try:
                _judge(step, plane, outcome, ended[outcome.job.name])
                if outcome.error is None:
                    _hand_on(step, plane, made, outcome)
            except Exception as error:
                outcome.error = error
    for made, outcome in runs:
        if made.parameters.pipeline_publish and outcome.is_green:
            try:
                outcome.published = publish(step, made, outcome.job)
            except Exception as error:
                outcome.error = error


def _judge(step: Step[RunParameters], plane: DataPlane, outcome: Outcome, ended: Ended) -> None:
    """Fill in the state of a job for which nobody waits any more, and the error if it is not Completed."""
    job = outcome.job
    outcome.seconds = ended.seconds
    if ended.error is not None or ended.details is None:
        outcome.status, outcome.error = "Unknown", ended.error
        return
    if ended.log_problem and not ended.tails:
        step.workflow.warning(
            f"The log of job {job.name} could not be read ({ended.log_problem}). Studio shows it.", title="aml-run"
        )
    for warning in ended.details.warnings:
        step.workflow.warning(warning, title="aml-run")
    outcome.status = verdict(step.ml_client(), job.name)
    if outcome.status == "Completed":
        return
    problem = ended.details.error
    outcome.message = problem.message if problem else ""
    children, culprit, tails = _children_of_failed(plane, job)
    facts = summary.facts(job, step.runner, outcome.status, ended.seconds)
    outcome.error = failure.explain(
        job.name, outcome.status, job.url, problem, tails or ended.tails, children, facts, culprit
    )


def _children_of_failed(
    plane: DataPlane, job: Submitted
) -> tuple[list[ChildRun], ChildRun | None, dict[str, list[str]]]:
    """Return the child jobs, the one that failed first, and the last lines of its log.

    Empty where the service does not answer: the failure itself must be told whatever happens.
    """
    from azure.core.exceptions import AzureError

    try:
        children = metrics.descendants(plane.history, job.name)
        # The one that started last comes first. A parent has failed because of a child, and says less.
        failed = [child for child in reversed(children) if child.status == "Failed"]
        for child in failed:
            tails = tails_of(plane.history.details(child.name).log_files)
            if any(name.startswith("user_logs/") or name == failure.BUILD_LOG for name in tails):
                return children, child, tails
    except AzureError:
        return [], None, {}
    return children, None, {}


def _hand_on(step: Step[RunParameters], plane: DataPlane, made: Made, outcome: Outcome) -> None:
    """Fetch what a completed job and its child jobs logged, and their files."""
    job = outcome.job
    with step.doing(f"reading metrics and files of job {job.name}"):
        children = metrics.descendants(plane.history, job.name)
        outcome.logged = metrics.collect(plane, job.name, children, step.workflow.info)
        outcome.artifacts = plane.history.artifacts(job.experiment, job.name)
    if len(children) > metrics.MOST_JOBS:
        step.workflow.warning(
            f"Job {job.name} has {len(children)} child jobs; metrics are those of the first {metrics.MOST_JOBS}.",
            title="aml-run",
        )
    for name, value in sorted(outcome.logged[job.name].metrics.items()):
        step.workflow.info(f"  {name} = {summary.shown(value)}")
    if made.parameters.download_artifacts:
        with step.doing(f"downloading the files of job {job.name}"):
            outcome.folder = download(
                step.ml_client(), job.name, [child.name for child in children], step.runner.workspace, step.runner.temp
            )
        step.workflow.info(f"Files of job {job.name}: {outcome.folder}")


def _set_outputs(step: Step[RunParameters], outcomes: Sequence[Outcome]) -> None:
    """Set the outputs: single values are those of the first job that has them, metrics are those of all."""
    completed = [outcome for outcome in outcomes if outcome.status == "Completed" and outcome.logged]
    if completed:
        found = {name: one for outcome in completed for name, one in metrics.by_job(outcome.logged).items()}
        step.set_output("run_metrics", found)
        step.set_output("run_metrics_markdown", metrics.to_markdown(found))
    folder = next((outcome.folder for outcome in outcomes if outcome.folder), None)
    if folder:
        step.set_output("artifact_path", str(folder))
    published = next((outcome.published for outcome in outcomes if outcome.published), None)
    if published:
        step.set_output("published_pipeline_id", published.id)
        step.set_output("published_pipeline_status", published.status)
        step.set_output("published_pipeline_endpoint", published.endpoint)
    results = [outcome.result() for outcome in outcomes]
    step.set_output("runs", results)
    step.set_output("result", results[0])


def _summarize(step: Step[RunParameters], outcomes: Sequence[Outcome]) -> None:
    """Write the job summary; the section of a single job that failed comes with its error."""
    if len(outcomes) > 1:
        step.summary(summary.of_several(outcomes, step.runner))
    elif outcomes[0].is_green:
        step.summary(summary.of_one(outcomes[0], step.runner))


def _raise(errors: Sequence[Exception], jobs: int) -> None:
    """Raise what went wrong; of several errors all that we know how to tell, together.

    Raises:
        Exception: the only error, or the first one that is a defect and no answer of Azure.
        RunsFailed: several.

    """
    if not errors:
        return
    if jobs == 1:
        raise errors[0]
    told: list[ActionError] = []
    for error in errors:
        known = explain(error)
        if known is None:
            raise error
        told.append(known)
    raise RunsFailed(told, jobs)
