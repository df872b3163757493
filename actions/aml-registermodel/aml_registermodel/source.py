"""Where the model comes from: the files of a job, or the repository."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aml_actions.errors import ActionError
from aml_actions.run_history import ChildRun, RunHistory, reused_from
from aml_actions.workspace import WorkspaceRef
from aml_registermodel.files import Found, find, repository_files
from aml_registermodel.parameters import DEFAULT_STEP

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Job

_BEST_CHILD = ("best_child_run_id", "automl_best_child_run_id")
"""Properties in which a sweep and AutoML name their best trial; of old AutoML jobs it is a tag."""


@dataclass(frozen=True)
class Source:
    """The model before it is registered.

    Attributes:
        path: what the SDK registers: an ``azureml://jobs/...`` URI, or the absolute path of a file or folder.
        identity: the same text for the same bytes; it tells whether they are registered already.
        shown: path for people.
        found: how it was found.
        job: name of the job that left it; empty in local mode.
    """

    path: str
    identity: str
    shown: str
    found: Found
    job: str = ""


def read_job(client: MLClient, run_id: str, experiment: str, workspace: WorkspaceRef) -> Job:
    """Return the job that the inputs name.

    Raises:
        ActionError: it does not exist, or belongs to another experiment.
    """
    from azure.core.exceptions import ResourceNotFoundError

    try:
        job = client.jobs.get(run_id)
    except ResourceNotFoundError:
        raise ActionError(
            f"There is no job {run_id} in {workspace}.",
            value=f"run_id: {run_id}",
            cause="the job ran in another workspace, or the input does not hold the output run_id of aml-run",
            fix="pass `run_id: ${{ steps.<id of the aml-run step>.outputs.run_id }}`",
            anchor="docs/troubleshooting.md#not-found",
        ) from None
    if experiment and str(job.experiment_name).lower() != experiment.lower():
        raise ActionError(
            f"Job {run_id} does not belong to the experiment that the inputs name.",
            value=f"experiment_name: {experiment}",
            allowed=str(job.experiment_name),
            fix="leave the input experiment_name out; the job knows its experiment",
        )
    return job


def job_with_model(job: Job, history: RunHistory, read: Callable[[str], Job], step_name: str) -> str:
    """Return the name of the job that left the model: the step of a pipeline, the best trial of a sweep or of AutoML, or the job.

    A step that was not run again stands for the job that ran it: the files are there. As in the legacy action, a step that started jobs of
    its own stands for the first of them, and if that is a sweep, for its best.

    Args:
        job: the job of the inputs.
        history: of its workspace.
        read: gives a job by its name.
        step_name: value of ``pipeline_child_run_name``.

    Raises:
        ActionError: a pipeline has no step of that name or several, a step is a pipeline of several steps, or no trial is the best.
    """
    if job.type == "pipeline":
        step = choose_step(str(job.name), history.children(str(job.name)), step_name)
        job = _ran(read(step.name), read)
        if job.type not in ("sweep", "automl") and not _best_child(job):
            job = _ran(_first_started(job, step, history, read), read)
    best = _best_child(job)
    if best:
        return best
    if job.type in ("sweep", "automl"):
        raise ActionError(
            f"The {job.type} job {job.name} names no best trial.",
            cause="no trial completed, or none logged the primary metric",
            fix="look at its trials in Studio",
        )
    return str(job.name)


def _ran(job: Job, read: Callable[[str], Job]) -> Job:
    original = reused_from(job.properties or {})
    return read(original) if original else job


def _best_child(job: Job) -> str:
    noted = {**(job.tags or {}), **(job.properties or {})}
    return next((str(noted[name]) for name in _BEST_CHILD if noted.get(name)), "")


def _first_started(job: Job, step: ChildRun, history: RunHistory, read: Callable[[str], Job]) -> Job:
    """Return the first job that a step started; the step itself if it started none."""
    started = history.children(str(job.name))
    if job.type == "pipeline" and len(started) > 1:
        names = ", ".join(f"{one.display_name} ({one.name})" for one in started)
        raise ActionError(
            f"The step {step.display_name} is a pipeline of several steps; which of them left the model?",
            value=f"pipeline_child_run_name: {step.display_name}",
            allowed=names,
            fix="pass the name of the job of one of them, in brackets here, as input run_id",
        )
    return read(started[0].name) if started else job


def choose_step(pipeline: str, children: list[ChildRun], step_name: str) -> ChildRun:
    """Return the one step of a pipeline that has a name.

    Raises:
        ActionError: there is none, or more than one.
    """
    found = [child for child in children if child.display_name == step_name]
    if len(found) == 1:
        return found[0]
    names = sorted({child.display_name for child in children if child.display_name})
    raise ActionError(
        f"The pipeline {pipeline} has {'no step' if not found else 'more than one step'} of the name that "
        "pipeline_child_run_name says.",
        value=step_name,
        allowed=", ".join(names) or "it has no steps",
        cause=None
        if found
        else "pipeline_child_run_name is not set; it defaults to the name that the legacy action looked for"
        if step_name == DEFAULT_STEP
        else "a typing error",
        fix="set pipeline_child_run_name in the parameters file to the step that leaves the model",
    )


def from_job(job: str, experiment: str, wanted: str, history: RunHistory) -> Source:
    """Return the model among the files of a job.

    Raises:
        ActionError: no file or folder fits.
    """
    found = find(wanted, history.artifacts(experiment, job), f"the files of job {job}")
    uri = f"azureml://jobs/{job}/outputs/artifacts/paths/{found.path}{'/' if found.is_folder else ''}"
    return Source(path=uri, identity=uri, shown=found.path, found=found, job=job)


def from_repository(root: Path, wanted: str) -> Source:
    """Return the model among the files of the repository.

    Raises:
        ActionError: no file or folder fits, or it lies outside.
    """
    found = find(wanted, repository_files(root), "the files of the repository")
    path = root / found.path
    if not path.resolve().is_relative_to(root.resolve()):
        raise ActionError("The model lies outside the repository; its path leads through a link.", value=found.path)
    return Source(path=str(path), identity=f"sha256:{digest(path)}", shown=found.path, found=found)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, or of the names and contents of all files of a folder, in hexadecimal."""
    total = hashlib.sha256()
    for file in [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file()):
        name = file.name if file == path else file.relative_to(path).as_posix()
        content = hashlib.sha256()
        _read(file, content.update)
        total.update(f"{name}\0{content.hexdigest()}\n".encode())
    return total.hexdigest()


def _read(file: Path, take: Callable[[Any], None]) -> None:
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            take(block)
