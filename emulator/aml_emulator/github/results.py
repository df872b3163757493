"""What a run of a workflow gives back."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Annotation:
    """A message that a step addressed to people.

    `level` is error, warning or notice; `job` and `step` are the name of the job and the key of the step that it came
    from; `line` is 0 when none was given.
    """

    level: str
    message: str
    job: str
    step: str
    title: str = ""
    file: str = ""
    line: int = 0


@dataclass(frozen=True)
class StepResult:
    """One step of a job.

    `key` is its id, or its position from 0 where it has none. `outcome` is success, failure or skipped; `conclusion` is
    the same after `continue-on-error`. `seconds` is wall time. `summary` is the Markdown it wrote for the run's page.
    """

    key: str
    name: str
    outcome: str
    seconds: float
    conclusion: str
    outputs: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""
    log: tuple[str, ...] = ()


@dataclass(frozen=True)
class JobResult:
    """One job, or one leg of a matrix. `result` is success, failure, cancelled or skipped.

    `started` and `completed` are seconds since 1970; None when it never began.
    """

    id: str
    name: str
    result: str
    steps: tuple[StepResult, ...]
    matrix: Mapping[str, object] = field(default_factory=dict)
    started: float | None = None
    completed: float | None = None


@dataclass(frozen=True)
class WorkflowRun:
    """A run of a workflow, without any secret.

    `problems` are the reasons why the run fails although its steps may not have: act's own errors, a timeout, what
    GitHub would not have let pass. `seconds` is the wall time from clone to end. `cancelled` tells that it was ended
    before it was over.
    """

    run_id: str
    workflow: str
    path: str
    event: str
    jobs: tuple[JobResult, ...]
    annotations: tuple[Annotation, ...]
    problems: tuple[str, ...]
    seconds: float
    cancelled: bool = False

    @property
    def succeeded(self) -> bool:
        """Tell whether every job ran to success or was skipped, and nothing else was wrong."""
        return not self.problems and not self.cancelled and all(job.result != "failure" for job in self.jobs)

    @property
    def conclusion(self) -> str:
        """The conclusion of the run as GitHub has it: success, failure, cancelled, or skipped when no job ran."""
        if self.cancelled:
            return "cancelled"
        if not self.succeeded:
            return "failure"
        return "skipped" if all(job.result == "skipped" for job in self.jobs) else "success"

    @property
    def steps(self) -> tuple[StepResult, ...]:
        """All steps of all jobs."""
        return tuple(step for job in self.jobs for step in job.steps)

    def step(self, key: str) -> StepResult:
        """Give the step with an id, or with a position where it has none. Raises KeyError with the ids there are."""
        for step in self.steps:
            if step.key == key:
                return step
        raise KeyError(f"no step {key!r}; there are {', '.join(step.key for step in self.steps)}")

    def outputs(self, key: str) -> Mapping[str, str]:
        """Give the outputs of a step."""
        return self.step(key).outputs

    @property
    def summary(self) -> str:
        """The job summaries of all steps, in order, as GitHub shows them under the run: Markdown."""
        return "\n".join(step.summary for step in self.steps if step.summary)

    @property
    def log(self) -> str:
        """The log lines of all steps, in order."""
        return "\n".join(line for step in self.steps for line in step.log)

    def failures(self) -> tuple[str, ...]:
        """Say what went wrong, one text a cause: error annotations of failed steps, their last lines, the problems."""
        told = []
        failed = [(job, step) for job in self.jobs for step in job.steps if step.conclusion == "failure"]
        for job, step in failed:
            source = ("error", job.name, step.key)
            errors = [note for note in self.annotations if (note.level, note.job, note.step) == source]
            said = [f"{note.title}: {note.message}" if note.title else note.message for note in errors]
            told.append(f"{step.name}: " + ("\n".join(said) or "\n".join(step.log[-10:]) or "failed without a word"))
        return (*told, *self.problems)
