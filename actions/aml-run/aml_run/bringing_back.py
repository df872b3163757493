"""What a job left, brought back: what a completed one logged, and the files of one that has ended."""

from __future__ import annotations

from pathlib import Path

from aml_actions.azure_errors import explain
from aml_actions.data_plane import DataPlane
from aml_actions.run_history import ChildRun
from aml_actions.step import Step
from aml_run import again, metrics, tables
from aml_run.artifacts import download
from aml_run.learned import learn
from aml_run.making import Made
from aml_run.outcome import Outcome
from aml_run.parameters import RunParameters
from aml_run.remote_files import RemoteFiles


def of_completed(step: Step[RunParameters], plane: DataPlane, made: Made, outcome: Outcome, kept: Path) -> None:
    """Fetch what a completed job and its child jobs logged, and their files.

    Args:
        step: the step.
        plane: of the workspace.
        made: what was submitted.
        outcome: of the job; it is filled in.
        kept: folder with the logs that were read while it ran.

    Raises:
        ActionError: the files are more than the limit, or cannot be read.
        azure.core.exceptions.AzureError: a service does not answer.

    """
    job = outcome.job
    with step.doing(f"reading metrics and files of job {job.name}"):
        children = again.asked(lambda: metrics.descendants(plane.history, job.name))
        outcome.logged = again.asked(lambda: metrics.collect(plane, job.name, children, step.workflow.info))
        outcome.artifacts = again.asked(lambda: plane.history.artifacts(job.experiment, job.name))
        outcome.learned = learn(
            step, plane, made.parameters.compare_with, job, children, outcome.logged, outcome.artifacts
        )
    if len(children) > metrics.MOST_JOBS:
        step.workflow.warning(
            f"Job {job.name} has {len(children)} child jobs; metrics are those of the first {metrics.MOST_JOBS}.",
            title="aml-run",
        )
    for name, value in sorted(outcome.logged[job.name].metrics.items()):
        step.workflow.info(f"  {name} = {tables.shown(value)}")
    if made.parameters.download_artifacts:
        _download(step, plane, made, outcome, kept, children)


def of_failed(step: Step[RunParameters], plane: DataPlane, made: Made, outcome: Outcome, kept: Path) -> None:
    """Fetch the files of a job that failed or was cancelled, where files are wanted: its whole log, and what it had written.

    Why the job failed is what is to be told: a download that does not succeed is a warning. The arguments are those of `of_completed`.
    """
    if not made.parameters.download_artifacts:
        return
    job = outcome.job
    try:
        children = again.asked(lambda: metrics.descendants(plane.history, job.name))
        outcome.artifacts = again.asked(lambda: plane.history.artifacts(job.experiment, job.name))
        _download(step, plane, made, outcome, kept, children)
    except Exception as error:
        known = explain(error)
        reason = str(known) if known else f"{type(error).__name__}: {error}"
        step.workflow.warning(f"The files of job {job.name} are not downloaded. {reason}", title="aml-run")


def _download(
    step: Step[RunParameters], plane: DataPlane, made: Made, outcome: Outcome, kept: Path, children: list[ChildRun]
) -> None:
    job = outcome.job

    def warn(text: str) -> None:
        step.workflow.warning(text, title="aml-run")

    with step.doing(f"downloading the files of job {job.name}"):
        remote = RemoteFiles(plane.files, step.ml_client(), step.credential, step.cloud.storage_suffix, warn)
        outcome.folder = again.asked(
            lambda: download(
                remote,
                job.name,
                [child.name for child in children],
                step.runner.workspace,
                limit_mb=made.parameters.artifacts_limit_mb,
                say=step.workflow.info,
                warn=warn,
                saved={folder.name: folder for folder in kept.iterdir()},
            )
        )
    step.workflow.info(f"Files of job {job.name}: {outcome.folder}")
