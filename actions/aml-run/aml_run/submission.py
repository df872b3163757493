"""From the definitions to jobs that the service has accepted."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aml_actions.client import quiet
from aml_actions.errors import ActionError
from aml_actions.findings import Findings
from aml_actions.jobs import job_status, job_url
from aml_actions.step import Step
from aml_actions.tags import as_texts, github_tags
from aml_run import definition
from aml_run.making import Made, Maker, Source
from aml_run.naming import default_experiment
from aml_run.parameters import RunParameters

if TYPE_CHECKING:
    from azure.ai.ml.entities import Job

AT_ONCE = 5
"""Jobs that are submitted at the same time."""


@dataclass(frozen=True)
class Submitted:
    """A job that the service has accepted.

    Attributes:
        name: of the job; SDK v1 said run id.
        experiment: that it belongs to.
        url: its page in Azure ML Studio.
        kind: type of the job, such as ``command`` or ``pipeline``.
        compute: name of the compute; empty for serverless compute, and when the steps of a pipeline have their own.
        definition: the file that it was made from, relative to the repository.

    """

    name: str
    experiment: str
    url: str
    kind: str
    compute: str
    definition: str


def make_all(step: Step[RunParameters]) -> list[Made]:
    """Read the definition of every parameter set and make its job. Nothing is submitted until all of them can be.

    Raises:
        ActionError: a definition is not valid, or names a job that exists already.
        InvalidSettings: several of that.
        azure.core.exceptions.AzureError: the service refused.

    """
    found = Findings()
    sources: list[Source] = []
    maker = Maker(step)
    # It takes the SDK, whose import alone is two seconds, to make a job: mistakes in a v1 file are told before.
    for parameters in step.parameter_sets:
        try:
            sources.append(maker.source(parameters))
        except ActionError as error:
            _note(found, error)
    found.raise_errors()
    names = ", ".join(dict.fromkeys(source.chosen.name for source in sources))
    step.workflow.info(f"Submitting {names} to {step.workspace()}")
    made: list[Made] = []
    for source in sources:
        try:
            made.append(maker.make(source))
        except ActionError as error:
            _note(found, error)
    found.raise_errors()
    _refuse_existing(step, made)
    return made


def _note(found: Findings, error: ActionError) -> None:
    """Note an error; several sets with the same file have the same ones."""
    if str(error) not in map(str, found.errors):
        found.error(error)


def submit_all(step: Step[RunParameters], made: Sequence[Made]) -> list[Submitted | Exception]:
    """Submit the jobs, some at once; return for each what came of it, in their order."""
    outcomes: dict[int, Submitted | Exception] = {}

    def submit(number: int) -> None:
        try:
            outcomes[number] = _submit(step, made[number])
        except Exception as error:
            outcomes[number] = error

    # Jobs that upload the same folder follow the first of them, which uploads it; at once they would do so one against another.
    first: dict[str, int] = {}
    for number, job in enumerate(made):
        first.setdefault(job.uploads, number)
    leaders = set(first.values())
    with quiet(), ThreadPoolExecutor(AT_ONCE) as pool:
        for wave in (sorted(leaders), [number for number in range(len(made)) if number not in leaders]):
            list(pool.map(submit, wave))
    return [outcomes[number] for number in range(len(made))]


def _submit(step: Step[RunParameters], made: Made) -> Submitted:
    experiment = made.parameters.experiment_name or made.experiment or default_experiment(step.runner)
    tags = {**(made.job.tags or {}), **as_texts(made.parameters.tags), **github_tags(step.runner)}
    with step.doing(f"submitting {made.definition}"):
        job = step.ml_client().jobs.create_or_update(made.job, experiment_name=experiment, tags=tags)
    return Submitted(
        name=str(job.name),
        experiment=str(job.experiment_name or experiment),
        url=job_url(job, step),
        kind=str(job.type),
        compute=_compute_name(job),
        definition=made.definition,
    )


def _refuse_existing(step: Step[RunParameters], made: Sequence[Made]) -> None:
    """Refuse a fixed job name that is in use: the service would update that job's tags and run nothing."""
    from azure.core.exceptions import ResourceNotFoundError

    taken: dict[str, str] = {}
    for job in made:
        if not job.name:
            continue
        if job.name in taken:
            raise _in_use(job, f"another one of this step, of {taken[job.name]}")
        taken[job.name] = job.definition
        try:
            with step.doing(f"looking for a job {job.name}"):
                existing = step.ml_client().jobs.get(job.name)
        except ActionError as error:
            if isinstance(error.__cause__, ResourceNotFoundError):
                continue
            raise
        raise _in_use(job, job_status(existing))


def _in_use(job: Made, which: str) -> ActionError:
    return ActionError(
        f"{job.definition} names a job that exists already; nothing would be run.",
        value=f"name: {job.name} ({which})",
        fix="remove `name` from the file, the service then makes a new one for each job; `display_name` may stay the same",
        anchor=definition.ANCHOR,
    )


def _compute_name(job: Job) -> str:
    """Return the name at the end of the resource id that the service answers with; a pipeline names a default for its steps."""
    named = getattr(job, "compute", None) or getattr(getattr(job, "settings", None), "default_compute", None)
    return str(named or "").rsplit("/", 1)[-1].removeprefix("azureml:")
