"""From the definition to a job that the service has accepted."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aml_actions.errors import ActionError
from aml_actions.jobs import job_status, job_url
from aml_actions.step import Step
from aml_actions.tags import as_texts, github_tags
from aml_run import definition, job_file, runconfig
from aml_run.naming import default_experiment
from aml_run.parameters import RunParameters
from aml_run.translate import CommandSettings, Distribution, TrainingEnvironment, translate

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Environment, Job


@dataclass(frozen=True)
class Submitted:
    """A job that the service has accepted.

    Attributes:
        name: of the job; SDK v1 said run id.
        experiment: that it belongs to.
        url: its page in Azure ML Studio.
        compute: name of the compute; empty when the steps of a pipeline have their own.
        definition: the file that it was made from, relative to the repository.

    """

    name: str
    experiment: str
    url: str
    compute: str
    definition: str


def submit(step: Step[RunParameters]) -> Submitted:
    """Read the definition, make the job and submit it.

    Raises:
        ActionError: the definition is not valid, or names a job that exists already.
        azure.core.exceptions.AzureError: the service refused.

    """
    chosen = definition.choose(step.parameters, step.runner.workspace, step.workflow.warning)
    settings = None if chosen.is_v2 else _translated(step, chosen)
    # From here on it takes the SDK, whose import alone is two seconds: mistakes in a v1 file are told before.
    step.workflow.info(f"Submitting {chosen.name} to {step.workspace()}")
    client = step.ml_client()
    with step.doing(f"reading {chosen.name}"):
        job = job_file.load(chosen) if settings is None else command_job(settings, step.runner.temp)
    if chosen.is_v2:
        _refuse_existing(client, chosen)
    job.experiment_name = (
        step.parameters.experiment_name
        or str(chosen.document.get("experiment_name") or "")
        or default_experiment(step.runner)
    )
    job.tags = {**(job.tags or {}), **as_texts(step.parameters.tags), **github_tags(step.runner)}
    with step.doing(f"submitting {chosen.name}"):
        made = client.jobs.create_or_update(job)
    name = str(made.name)
    return Submitted(
        name=name,
        experiment=str(made.experiment_name or job.experiment_name),
        url=job_url(made, step),
        compute=_compute_name(made),
        definition=chosen.name,
    )


def _translated(step: Step[RunParameters], chosen: definition.Definition) -> CommandSettings:
    config = runconfig.read(chosen.document, chosen.file, chosen.name)
    try:
        return translate(config)
    finally:
        for note in config.notes:
            step.workflow.info(note)
        for warning in config.warnings:
            step.workflow.warning(warning, title="aml-run")


def _refuse_existing(client: MLClient, chosen: definition.Definition) -> None:
    """Refuse a fixed job name that is in use: the service would update that job's tags and run nothing."""
    from azure.core.exceptions import ResourceNotFoundError

    name = chosen.document.get("name")
    if not name:
        return
    try:
        existing = client.jobs.get(str(name))
    except ResourceNotFoundError:
        return
    raise ActionError(
        f"{chosen.name} names a job that exists already; nothing would be run.",
        value=f"name: {name} ({job_status(existing)})",
        fix="remove `name` from the file, the service then makes a new one for each job; `display_name` may stay the same",
        anchor=definition.ANCHOR,
    )


def command_job(settings: CommandSettings, temp: Path) -> Job:
    """Return the job of the SDK for translated settings.

    Args:
        settings: of the job.
        temp: folder for a Dockerfile, should there be one.

    """
    from azure.ai.ml import command

    made: Any = command(
        code=str(settings.code),
        command=settings.command,
        compute=settings.compute,
        instance_count=settings.nodes,
        environment=_environment(settings.environment, temp),
        environment_variables=settings.environment_variables or None,
        shm_size=settings.shm_size or None,
        docker_args=settings.docker_args or None,
        timeout=settings.timeout,
        distribution=_distribution(settings.distribution),
    )
    job: Job = made
    return job


def _environment(wanted: TrainingEnvironment, temp: Path) -> Environment:
    from azure.ai.ml.entities import BuildContext, Environment

    if wanted.dockerfile:
        folder = Path(tempfile.mkdtemp(prefix="aml-run-image-", dir=temp))
        (folder / "Dockerfile").write_text(wanted.dockerfile, encoding="utf-8")
        return Environment(build=BuildContext(path=str(folder), dockerfile_path="Dockerfile"))
    conda = str(wanted.conda) if isinstance(wanted.conda, Path) else wanted.conda
    return Environment(image=wanted.image, conda_file=conda)


def _distribution(wanted: Distribution | None) -> Any:  # noqa: ANN401 - one of three classes of the SDK
    from azure.ai.ml import MpiDistribution, PyTorchDistribution, TensorFlowDistribution

    if wanted is None:
        return None
    if wanted.kind == "mpi":
        return MpiDistribution(process_count_per_instance=wanted.processes_per_node)
    if wanted.kind == "pytorch":
        return PyTorchDistribution(process_count_per_instance=wanted.processes_per_node)
    return TensorFlowDistribution(worker_count=wanted.workers, parameter_server_count=wanted.parameter_servers)


def _compute_name(job: Job) -> str:
    """Return the name at the end of the resource id that the service answers with."""
    return str(getattr(job, "compute", None) or "").rsplit("/", 1)[-1]
