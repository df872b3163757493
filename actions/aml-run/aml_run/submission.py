"""From the definitions to jobs that the service has accepted."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aml_actions.client import quiet
from aml_actions.errors import ActionError
from aml_actions.findings import Findings
from aml_actions.jobs import job_status, job_url
from aml_actions.step import Step
from aml_actions.tags import as_texts, github_tags
from aml_run import again, definition, known_failures
from aml_run.attaching import Attached, Gate, Places, Plan, plan
from aml_run.contents import Contents
from aml_run.job_service import JobService
from aml_run.making import Made, Maker, Source
from aml_run.naming import default_experiment
from aml_run.parameters import RunParameters

if TYPE_CHECKING:
    from azure.ai.ml.entities import Job

AT_ONCE = 5
"""Jobs that are submitted at the same time."""
_LOOKS = (0.0, 2.0, 5.0)
"""Seconds before each look for a job whose submission was not answered: what was written may be seen later."""


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
        is_attached: an earlier attempt of the workflow run has submitted it.

    """

    name: str
    experiment: str
    url: str
    kind: str
    compute: str
    definition: str
    is_attached: bool = False


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


class Submission:
    """The jobs of a step on their way to the service: which of them exist, or may exist, can be asked at any time."""

    def __init__(self, step: Step[RunParameters], made: Sequence[Made]) -> None:
        """Prepare to submit `made`; nothing is asked of the service yet."""
        self._step = step
        self._made = made
        self._plans: list[Plan] = []
        self._gate = Gate({}, Contents(step.rest()))
        self._outcomes: dict[int, Submitted | Exception] = {}

    def submit_all(self) -> list[Submitted | Exception]:
        """Submit the jobs, some at once; return for each what came of it, in their order.

        Raises:
            KeyboardInterrupt: the step is cancelled. No further job is submitted; `names` tells which may exist.

        """
        self._plan()
        # Jobs that upload the same folder follow the first of them, which uploads it; at once they would do so one against another.
        first: dict[str, int] = {}
        for number, job in enumerate(self._made):
            first.setdefault(job.uploads, number)
        leaders = set(first.values())
        pool = ThreadPoolExecutor(AT_ONCE)
        self._step.before_request = self._gate
        try:
            with quiet():
                for wave in (sorted(leaders), [number for number in range(len(self._made)) if number not in leaders]):
                    list(pool.map(self._submit_one, wave))
        except BaseException:
            self._gate.close()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        self._step.before_request = None
        pool.shutdown()
        for chosen in self._plans:
            if chosen.name in self._gate.changed and chosen.earlier is not None:
                self._step.workflow.info(
                    f"Job {chosen.earlier.name} of an earlier attempt has another definition: a new one was submitted."
                )
        return [self._outcomes[number] for number in range(len(self._made))]

    def names(self) -> Mapping[str, str]:
        """Return the names of the jobs that exist or may exist, each with what is to become of it when the step is cancelled."""
        found = {}
        for number, made in enumerate(self._made):
            outcome = self._outcomes.get(number)
            if isinstance(outcome, Submitted):
                found[outcome.name] = made.parameters.on_cancel
            elif number < len(self._plans) and self._gate.passed(self._plans[number].name):
                found[self._plans[number].name] = made.parameters.on_cancel
        return found

    def may_come(self, name: str) -> bool:
        """Tell whether the service will know a job of this name, or may come to know it."""
        for number, outcome in list(self._outcomes.items()):
            if isinstance(outcome, Submitted) and outcome.name == name:
                return True
            if self._plans[number].name == name:
                return False
        return True

    def _plan(self) -> None:
        """Choose the names, and look for the jobs of earlier attempts."""
        jobs = JobService(self._step.rest(), self._step.workspace())
        places = Places(self._step.runner.temp)
        with self._step.doing("looking for jobs of earlier attempts"):
            for position, made in enumerate(self._made):
                chosen = plan(made, position, self._step.runner, jobs, places)
                self._plans.append(chosen)
                if chosen.note:
                    self._step.workflow.info(chosen.note)
        self._gate.plans = {chosen.name: chosen for chosen in self._plans}

    def _submit_one(self, number: int) -> None:
        try:
            self._outcomes[number] = self._submit(self._made[number], self._plans[number])
        except Exception as error:
            self._outcomes[number] = error

    def _submit(self, made: Made, chosen: Plan) -> Submitted:
        step = self._step
        experiment = made.parameters.experiment_name or made.experiment or default_experiment(step.runner)
        tags = {
            **(made.job.tags or {}),
            **as_texts(made.parameters.tags),
            **github_tags(step.runner),
            "GITHUB_RUN_ID": step.runner.run_id,
        }
        made.job.name = chosen.name
        is_attached = False
        client = step.ml_client()
        with known_failures.explained(), step.doing(f"submitting {made.definition}"):
            try:
                job = self._sent(made.job, chosen.name, experiment, tags)
            except Attached as attached:
                job = client.jobs.get(attached.job.name)
                is_attached = True
            except Exception as error:
                # The answer may be lost while the job runs: whoever does not look would leave it to itself.
                found = self._submitted_all_the_same(chosen.name, error)
                if found is None:
                    raise
                job = found
        return Submitted(
            name=str(job.name),
            experiment=str(job.experiment_name or experiment),
            url=job_url(job, step),
            kind=str(job.type),
            compute=_compute_name(job),
            definition=made.definition,
            is_attached=is_attached,
        )

    def _sent(self, job: Job, name: str, experiment: str, tags: Mapping[str, str]) -> Job:
        """Submit a job; again where the service broke off before the job itself was sent: its code and environment change nothing."""
        client = self._step.ml_client()
        for pause in again.PAUSES:
            try:
                return client.jobs.create_or_update(job, experiment_name=experiment, tags=tags)
            except Exception as error:
                if self._gate.passed(name) or not again.broke_off(error):
                    raise
            time.sleep(pause)
        return client.jobs.create_or_update(job, experiment_name=experiment, tags=tags)

    def _submitted_all_the_same(self, name: str, error: Exception) -> Job | None:
        """Return the job whose submission ended with an error that does not say that there is none."""
        from azure.core.exceptions import AzureError, HttpResponseError

        status = error.status_code if isinstance(error, HttpResponseError) else None
        if not isinstance(error, AzureError) or not self._gate.passed(name) or (status is not None and status < 500):
            return None
        for pause in _LOOKS:
            time.sleep(pause)
            try:
                return self._step.ml_client().jobs.get(name)
            except AzureError:  # the first error says more
                continue
        return None


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
