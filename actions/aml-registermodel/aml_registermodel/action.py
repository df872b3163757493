"""The work of aml-registermodel: find the model, judge it, register it, see that it is so."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aml_actions.data_plane import DataPlane, connect
from aml_actions.errors import ActionError
from aml_actions.jobs import job_status, job_url
from aml_actions.markdown import link
from aml_actions.registered_models import job_behind, latest
from aml_actions.step import Step
from aml_registermodel import gate, registration, source, summary
from aml_registermodel.parameters import RegisterModelParameters
from aml_registermodel.source import Source

if TYPE_CHECKING:
    from azure.ai.ml.entities import Model


@dataclass(frozen=True)
class _Origin:
    """The model, and what is known about the job that left it (nothing in local mode)."""

    source: Source
    url: str = ""
    metrics: dict[str, float | int | str] = field(default_factory=dict)
    plane: DataPlane | None = None


def work(step: Step[RegisterModelParameters]) -> None:
    """Register the model that the inputs and the parameters file name.

    Raises:
        ActionError: a wrong setting, no such file, or a model that is worse than the latest version.
        azure.core.exceptions.AzureError: Azure refused.
    """
    _check(step)
    origin = _from_job(step) if step.inputs["run_id"] else _from_repository(step)
    _tell(step, origin.source)
    wanted = registration.wanted(step.parameters, step.runner, origin.source)
    client = step.ml_client()
    with step.doing(f"reading model {wanted.name}"):
        present = latest(client, wanted.name)
    comparisons = _judge(step, origin, present)
    with step.doing(f"registering model {wanted.name}"):
        made, is_new = registration.register(client, wanted, present)
    version = str(made.version)
    url = step.studio_url(f"model/{wanted.name}:{version}/details")
    step.set_output("model_name", wanted.name)
    step.set_output("model_version", version)
    step.set_output("model_id", f"{wanted.name}:{version}")
    step.set_output(
        "result",
        {
            "model_name": wanted.name,
            "model_version": version,
            "model_id": f"{wanted.name}:{version}",
            "resource_id": made.id,
            "path": made.path,
            "type": made.type,
            "tags": dict(made.tags or {}),
            "properties": dict(made.properties or {}),
            "source": origin.source.shown,
            "run_id": origin.source.job or None,
            "metrics": origin.metrics,
            "model_url": url,
            "is_new": is_new,
        },
    )
    step.summary(
        summary.section(
            wanted,
            version,
            is_new=is_new,
            url=url,
            size=_size(origin.source),
            job_link=link(origin.source.job, origin.url) if origin.url else "",
            metrics=origin.metrics,
            comparisons=comparisons,
        )
    )
    news = "registered" if is_new else "was registered before; tags and description are up to date"
    step.workflow.info(f"Model {wanted.name}:{version} {news}. Studio: {url}")


def _check(step: Step[RegisterModelParameters]) -> None:
    """Judge the parameters together with the inputs, which a check of the file alone does not know."""
    parameters, inputs = step.parameters, step.inputs
    if inputs["experiment_name"] and not inputs["run_id"]:
        raise ActionError(
            "The input experiment_name is given without run_id.",
            value=f"experiment_name: {inputs['experiment_name']}",
            cause="the step that should set the output run_id has another id, or did not run",
            fix="pass the output run_id of aml-run too, or leave both out to register a file of the repository",
        )
    if not inputs["run_id"] and (parameters.metrics_max or parameters.metrics_min):
        step.workflow.warning(
            "metrics_max and metrics_min have no effect without run_id: a file has no metrics.",
            title="aml-registermodel",
        )


def _from_job(step: Step[RegisterModelParameters]) -> _Origin:
    run_id, workspace = step.inputs["run_id"], step.workspace()
    step.workflow.info(f"Looking for the model in the files of job {run_id} in {workspace}")
    client = step.ml_client()
    with step.doing(f"reading job {run_id}"):
        job = source.read_job(client, run_id, step.inputs["experiment_name"], workspace)
        plane = connect(client, step.rest(), workspace)
        name = source.job_with_model(job, plane.history, client.jobs.get, step.parameters.pipeline_child_run_name)
        leaf = job if name == run_id else client.jobs.get(name)
        found = source.from_job(name, str(leaf.experiment_name), step.parameters.model_file_name, plane.history)
        metrics = plane.tracking.logged(name).metrics
    if name != run_id:
        step.workflow.info(
            f"The model comes from job {name} ({leaf.display_name}), which {run_id} started, or used again"
        )
    for one in (job,) if leaf is job else (job, leaf):
        if job_status(one) != "Completed":
            step.workflow.warning(
                f"Job {one.name} is {job_status(one)}; its files may not be complete.", title="aml-registermodel"
            )
    return _Origin(found, job_url(job, step), metrics, plane)


def _from_repository(step: Step[RegisterModelParameters]) -> _Origin:
    step.workflow.info("No run_id: looking for the model in the files of the repository")
    return _Origin(source.from_repository(step.runner.workspace, step.parameters.model_file_name))


def _tell(step: Step[RegisterModelParameters], model: Source) -> None:
    found = model.found
    step.workflow.info(
        f"Model: {'folder' if found.is_folder else 'file'} {found.path}"
        + (", MLflow format" if found.is_mlflow else "")
    )
    wanted = step.parameters.model_file_name
    if found.others:
        step.workflow.warning(
            f"model_file_name {wanted} fits several: {found.path} is taken, not {', '.join(found.others[:10])}. "
            "Write a path to choose another one.",
            title="aml-registermodel",
        )
    elif found.inexact:
        step.workflow.warning(
            f"Nothing is called {wanted}; {found.path} is taken, whose name contains it. Write the whole name into model_file_name.",
            title="aml-registermodel",
        )


def _judge(step: Step[RegisterModelParameters], origin: _Origin, present: Model | None) -> list[gate.Comparison]:
    """Compare with the latest version if the parameters ask for it and there is something to compare with."""
    parameters = step.parameters
    asked_for = (parameters.metrics_max or parameters.metrics_min) and not parameters.force_registration
    if not asked_for or origin.plane is None or present is None:
        return []
    before = f"{present.name}:{present.version}"
    job = job_behind(present)
    if not job:
        step.workflow.warning(
            f"{before} did not come from a job; there are no metrics to compare with.", title="aml-registermodel"
        )
        return []
    with step.doing(f"reading the metrics of job {job}"):
        previous = origin.plane.tracking.logged(job).metrics
    comparisons = gate.compare(
        origin.metrics, previous, parameters.metrics_max, parameters.metrics_min, (origin.source.job, job)
    )
    gate.judge(comparisons, before)
    return comparisons


def _size(model: Source) -> str:
    """Return the size of a local model; the service does not tell that of a job's files without reading each."""
    if model.job:
        return "folder" if model.found.is_folder else "file"
    path = Path(model.path)
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    total = sum(file.stat().st_size for file in files)
    return f"{len(files)} file{'s' if len(files) != 1 else ''}, {total:,} bytes"
