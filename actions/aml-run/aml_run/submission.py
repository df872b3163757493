"""From the definition to a job that the service has accepted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aml_actions.client import quiet
from aml_actions.errors import ActionError
from aml_actions.jobs import job_status, job_url
from aml_actions.step import Step
from aml_actions.tags import as_texts, github_tags
from aml_run import definition, job_file, runconfig
from aml_run.job_yaml import job_yaml
from aml_run.naming import default_experiment
from aml_run.parameters import RunParameters
from aml_run.translate import translate

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Job


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
    translated = None if chosen.is_v2 else _translated(step, chosen)
    # From here on it takes the SDK, whose import alone is two seconds: mistakes in a v1 file are told before.
    step.workflow.info(f"Submitting {chosen.name} to {step.workspace()}")
    client = step.ml_client()
    with step.doing(f"reading {chosen.name}"):
        job = job_file.load(chosen) if translated is None else job_file.load_text(*translated)
    if chosen.is_v2:
        _refuse_existing(client, chosen)
    job.experiment_name = (
        step.parameters.experiment_name
        or str(chosen.document.get("experiment_name") or "")
        or default_experiment(step.runner)
    )
    job.tags = {**(job.tags or {}), **as_texts(step.parameters.tags), **github_tags(step.runner)}
    with step.doing(f"submitting {chosen.name}"), quiet():
        made = client.jobs.create_or_update(job)
    name = str(made.name)
    return Submitted(
        name=name,
        experiment=str(made.experiment_name or job.experiment_name),
        url=job_url(made, step),
        compute=_compute_name(made),
        definition=chosen.name,
    )


def _translated(step: Step[RunParameters], chosen: definition.Definition) -> tuple[str, str, Path]:
    """Return a v1 run configuration as a v2 job YAML, its name, and the folder that its paths are relative to."""
    config = runconfig.read(chosen.document, chosen.file, chosen.name)
    try:
        settings = translate(config)
    finally:
        for note in config.notes:
            step.workflow.info(note)
        for warning in config.warnings:
            step.workflow.warning(warning, title="aml-run")
    text = job_yaml(settings, step.runner.temp)
    folder = settings.code.relative_to(step.runner.workspace.resolve()).as_posix()
    with step.workflow.group(f"{chosen.name} as a v2 job YAML (its paths are relative to {folder}/)"):
        step.workflow.relay(text)
    return text, chosen.name, settings.code


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


def _compute_name(job: Job) -> str:
    """Return the name at the end of the resource id that the service answers with."""
    return str(getattr(job, "compute", None) or "").rsplit("/", 1)[-1]
