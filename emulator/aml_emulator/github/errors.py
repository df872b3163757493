"""What stands between a workflow file and its run. Every text is for the person who started it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a workflow or action file: where (`line` counts from 1; 0 = the whole file) and what."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" if self.line else f"{self.file}: {self.message}"


class WorkflowError(Exception):
    """The workflow cannot be run here; the text says why and what to do."""


class InvalidWorkflow(WorkflowError):
    """The workflow, or an action that it uses, is wrong, or would behave differently on GitHub than here."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class NotStarted(WorkflowError):
    """GitHub would not start this workflow for this event."""
