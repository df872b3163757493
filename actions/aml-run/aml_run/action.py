"""The work of aml-run: submit, wait, judge, report."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from aml_actions.azure_errors import explain
from aml_actions.data_plane import DataPlane, connect
from aml_actions.errors import ActionError
from aml_actions.signals import Cancelled, insist
from aml_actions.step import Step
from aml_run import again, bringing_back, cancelling, comment, metrics, patience, states, summary, why
from aml_run.cancelling import Cancellation
from aml_run.child_logs import JobLogs
from aml_run.job_service import JobService
from aml_run.making import Made
from aml_run.outcome import Outcome, RunsFailed
from aml_run.parameters import RunParameters
from aml_run.publish import publish
from aml_run.several import Ended, follow
from aml_run.submission import Submission, Submitted, make_all
from aml_run.waiting import verdict


def work(step: Step[RunParameters]) -> None:
    """Submit the jobs that the repository defines, mostly one; unless told otherwise, wait until all of them are Completed.

    Raises:
        ActionError: a wrong setting, or a job that did not complete (`failure.JobFailed`, or `RunsFailed` for several).
        azure.core.exceptions.AzureError: Azure refused.

    """
    token = step.inputs.get("github_token", "")
    if not token.startswith("${{"):  # outside GitHub nobody has filled in the default
        step.workflow.mask(token)
    insist()  # on a cancel of the job, wherever the signal comes
    outcomes: list[Outcome] = []
    submission: Submission | None = None
    try:
        made = make_all(step)
        submission = Submission(step, made)
        _work(step, made, submission, outcomes)
    except Cancelled as stopping:
        stopping.caught()
        names = submission.names() if submission else {}
        found = cancelling.stop(step, stopping, names, submission.may_come if submission else lambda name: False)
        _set_outputs_of_cancelled(step, outcomes, found)
        raise


def _work(step: Step[RunParameters], made: Sequence[Made], submission: Submission, outcomes: list[Outcome]) -> None:
    submissions = submission.submit_all()
    runs = [(one, Outcome(job)) for one, job in zip(made, submissions, strict=True) if isinstance(job, Submitted)]
    refused = [error for error in submissions if isinstance(error, Exception)]
    if runs:
        outcomes += [outcome for _, outcome in runs]
        _announce(step, [outcome.job for outcome in outcomes])
        _conclude(step, runs)
        _set_outputs(step, outcomes)
        _summarize(step, outcomes)
        comment.update(step, outcomes)
        refused += [outcome.error for outcome in outcomes if outcome.error is not None]
    _raise(refused, len(made))


def _announce(step: Step[RunParameters], jobs: Sequence[Submitted]) -> None:
    """Tell which jobs there are, at once: whatever happens later, they can be found."""
    first = jobs[0]
    step.set_output("experiment_name", first.experiment)
    step.set_output("run_id", first.name)
    step.set_output("run_url", first.url)
    for job in jobs:
        how = "attached; an earlier attempt of this workflow run has submitted it" if job.is_attached else "submitted"
        step.workflow.info(f"Job {job.name} in experiment {job.experiment}: {how}.")
        step.workflow.info(f"Studio: {job.url}")


def _conclude(step: Step[RunParameters], runs: Sequence[tuple[Made, Outcome]]) -> None:
    """Wait for the jobs that are to be waited for, judge them, fetch what they left, and publish what is to be published."""
    plane: DataPlane | None = None
    kept = step.runner.temp / f"aml-logs-{secrets.token_hex(8)}"
    waited = [(made, outcome) for made, outcome in runs if made.parameters.wait_for_completion]
    given_up: dict[str, str] = {}
    give_up = patience.giver_up(step, given_up)
    if waited:
        try:
            with step.doing(f"reading {step.workspace()}"):
                plane = again.asked(lambda: connect(step.ml_client(), step.rest(), step.workspace()))
        except Exception as error:
            # Nobody can wait for the jobs.
            for _, outcome in waited:
                problem = give_up(outcome.job.name, error)
                outcome.status = given_up[outcome.job.name]
                outcome.error = why.given_up(step, outcome, problem)
            return
        ended = follow(
            [outcome.job.name for _, outcome in waited],
            plane.history.asked_by(step.impatient_rest()),
            step.workflow,
            relay=_relays(step, plane, waited, kept),
            limits={
                outcome.job.name: patience.limits_of(step, made.parameters, outcome.job) for made, outcome in waited
            },
            advise=patience.adviser(step, [outcome.job for _, outcome in waited]),
            give_up=give_up,
        )
        for made, outcome in waited:
            outcome.status = given_up.get(outcome.job.name, "Unknown")  # until its verdict is known
            try:
                _judge(step, plane, made, outcome, ended[outcome.job.name])
                if outcome.error is None:
                    bringing_back.of_completed(step, plane, made, outcome, kept)
            except Exception as error:
                outcome.error = why.given_up(step, outcome, error)
            if states.ended(outcome.status) and not states.green(outcome.status):
                bringing_back.of_failed(step, plane, made, outcome, kept)
    shutil.rmtree(kept, ignore_errors=True)
    for made, outcome in runs:
        if made.parameters.pipeline_publish and outcome.is_green:
            try:
                outcome.published = publish(step, made, outcome.job)
            except Exception as error:
                outcome.error = error


def _relays(
    step: Step[RunParameters], plane: DataPlane, waited: Sequence[tuple[Made, Outcome]], kept: Path
) -> Callable[[str, str], JobLogs]:
    """Return the function that makes what shows the logs of a job; they stay on disk where its files are to be downloaded."""
    parameters = {outcome.job.name: made.parameters for made, outcome in waited}
    history = plane.history.asked_by(step.impatient_rest())
    if any(one.download_artifacts for one in parameters.values()):
        kept.mkdir(mode=0o700, parents=True)

    def relay(job: str, label: str) -> JobLogs:
        limit = int(parameters[job].log_limit_mb * 1024 * 1024)
        logs = JobLogs(job, history, step.workflow, label, limit=limit)
        if parameters[job].download_artifacts:
            logs.save_to(kept)
        return logs

    return relay


def _judge(step: Step[RunParameters], plane: DataPlane, made: Made, outcome: Outcome, ended: Ended) -> None:
    """Fill in the state of a job for which nobody waits any more, and the error if it is not Completed."""
    job = outcome.job
    outcome.seconds = ended.seconds
    if ended.error is not None:
        outcome.error = why.given_up(step, outcome, ended.error)
    if ended.details is None:
        return
    if ended.log_problem and not ended.tails:
        step.workflow.warning(
            f"The log of job {job.name} could not be read ({ended.log_problem}). Studio shows it.", title="aml-run"
        )
    for warning in ended.details.warnings:
        step.workflow.warning(warning, title="aml-run")
    jobs = JobService(step.rest(), step.workspace())
    outcome.status = verdict(lambda name: found.status if (found := jobs.get(name)) else "not found", job.name)
    if states.green(outcome.status):
        return
    problem = ended.details.error
    outcome.message = problem.message if problem else ""
    outcome.error, outcome.learned = why.failed(step, plane, made, outcome, ended.details, ended.tails)
    outcome.message = outcome.message or outcome.error.report.message


def _set_outputs(step: Step[RunParameters], outcomes: Sequence[Outcome]) -> None:
    """Set the outputs: single values are those of the first job that has them, metrics are those of all."""
    completed = [outcome for outcome in outcomes if outcome.status == "Completed" and outcome.logged]
    if completed:
        found = {name: one for outcome in completed for name, one in metrics.by_job(outcome.logged).items()}
        step.set_output("run_metrics", found)
        step.set_output("run_metrics_markdown", metrics.to_markdown(found))
        step.set_output("metrics", dict(completed[0].logged[completed[0].job.name].metrics))
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


def _set_outputs_of_cancelled(
    step: Step[RunParameters], outcomes: Sequence[Outcome], found: Sequence[Cancellation]
) -> None:
    """Set the outputs of a step that is cancelled: later steps that run all the same learn which jobs there are, and their states."""
    if not outcomes:
        return
    cancelled = {one.job: one for one in found}
    for outcome in outcomes:
        if one := cancelled.get(outcome.job.name):
            outcome.status = one.status or "Unknown"
            outcome.message = f"The step was cancelled: {one}."
    _set_outputs(step, outcomes)


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
