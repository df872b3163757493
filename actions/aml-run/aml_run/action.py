"""The work of aml-run: submit, wait, judge, report."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from aml_actions.data_plane import DataPlane, connect
from aml_actions.run_history import ChildRun, RunDetails
from aml_actions.step import Step
from aml_actions.tracking import Logged
from aml_run import failure, metrics, summary
from aml_run.artifacts import download
from aml_run.logs import LogRelay
from aml_run.parameters import RunParameters
from aml_run.submission import Submitted, submit
from aml_run.waiting import Watch, verdict


def work(step: Step[RunParameters]) -> None:
    """Submit the job that the repository defines; unless told otherwise, wait until it is Completed.

    Raises:
        ActionError: a wrong setting, or a job that did not complete (`failure.JobFailed`).
        azure.core.exceptions.AzureError: Azure refused.

    """
    job = submit(step)
    started = time.monotonic()
    step.set_output("experiment_name", job.experiment)
    step.set_output("run_id", job.name)
    step.set_output("run_url", job.url)
    step.workflow.info(f"Job {job.name} in experiment {job.experiment}: submitted.")
    step.workflow.info(f"Studio: {job.url}")
    if not step.parameters.wait_for_completion:
        if step.parameters.download_artifacts:
            step.workflow.warning("download_artifacts has no effect without wait_for_completion.", title="aml-run")
        _set_result(step, job, "Submitted", None)
        step.summary(summary.heading(job, "Submitted") + "\n" + summary.facts(job, step.runner, "Submitted", None))
        return
    with step.doing(f"reading {step.workspace()}"):
        plane = connect(step.ml_client(), step.rest(), step.workspace())
    ended, tails = _wait(step, plane, job)
    status = verdict(step.ml_client(), job.name)
    seconds = time.monotonic() - started
    facts = summary.facts(job, step.runner, status, seconds)
    if status != "Completed":
        _set_result(step, job, status, seconds, error=ended.error.message if ended.error else "")
        children = _children_of_failed(plane, job)
        raise failure.explain(job.name, status, job.url, ended.error, tails, children, facts)
    logged, artifacts = _hand_on(step, plane, job)
    _set_result(step, job, status, seconds, logged=logged, artifacts=artifacts)
    step.summary(summary.heading(job, status) + "\n" + facts)
    step.summary(summary.results(job.name, logged, artifacts))


def _wait(step: Step[RunParameters], plane: DataPlane, job: Submitted) -> tuple[RunDetails, dict[str, list[str]]]:
    with LogRelay(step.workflow) as log:
        ended = Watch(job.name, plane.history, step.workflow, log).until_end()
    if log.problem and not log.tails:
        step.workflow.warning(
            f"The log of the job could not be read ({log.problem}). Studio shows it.", title="aml-run"
        )
    for warning in ended.warnings:
        step.workflow.warning(warning, title="aml-run")
    return ended, log.tails


def _children_of_failed(plane: DataPlane, job: Submitted) -> list[ChildRun]:
    """Return the child jobs; none if they cannot be read, since the failure itself must be told whatever happens."""
    from azure.core.exceptions import AzureError

    try:
        return list(metrics.descendants(plane.history, job.name))
    except AzureError:
        return []


def _hand_on(step: Step[RunParameters], plane: DataPlane, job: Submitted) -> tuple[dict[str, Logged], list[str]]:
    """Set the outputs of a completed job; return what it and its child jobs logged, and the paths of its files."""
    with step.doing(f"reading metrics and files of job {job.name}"):
        children = list(metrics.descendants(plane.history, job.name))
        logged = metrics.collect(plane.tracking, job.name, children)
        artifacts = plane.history.artifacts(job.experiment, job.name)
    if len(children) > metrics.MOST_JOBS:
        step.workflow.warning(
            f"The job has {len(children)} child jobs; metrics are those of the first {metrics.MOST_JOBS}.",
            title="aml-run",
        )
    by_job = metrics.legacy_metrics(logged)
    step.set_output("run_metrics", by_job)
    step.set_output("run_metrics_markdown", metrics.to_markdown(by_job))
    for name, value in sorted(logged[job.name].metrics.items()):
        step.workflow.info(f"  {name} = {summary.shown(value)}")
    if step.parameters.download_artifacts:
        with step.doing(f"downloading the files of job {job.name}"):
            folder = download(
                step.ml_client(), job.name, [child.name for child in children], step.runner.workspace, step.runner.temp
            )
        step.set_output("artifact_path", str(folder))
        step.workflow.info(f"Files of the job: {folder}")
    return logged, artifacts


def _set_result(
    step: Step[RunParameters],
    job: Submitted,
    status: str,
    seconds: float | None,
    *,
    logged: dict[str, Logged] | None = None,
    artifacts: Sequence[str] = (),
    error: str = "",
) -> None:
    """Set the output that holds everything."""
    logged = logged or {}
    result: dict[str, Any] = {
        "run_id": job.name,
        "experiment_name": job.experiment,
        "status": status,
        "run_url": job.url,
        "compute": job.compute,
        "definition": job.definition,
        "duration_seconds": None if seconds is None else round(seconds, 1),
        "metrics": metrics.legacy_metrics(logged),
        "params": {name: one.params for name, one in logged.items() if one.params},
        "artifacts": list(artifacts),
        "error": error or None,
    }
    step.set_output("result", result)
