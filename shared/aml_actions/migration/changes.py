"""What a migration consists of: changed files, and what a person must decide."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from aml_actions.errors import ActionError, InvalidSettings

if TYPE_CHECKING:
    from aml_actions.migration.repository import Repository
    from aml_actions.migration.workflow_files import WorkflowStep
    from aml_actions.spec import ActionSpec, Parameters

Purpose = Literal["training", "serving"]
"""What runs in an environment."""


@dataclass(frozen=True)
class Edit:
    """One thing that changes in a file.

    Attributes:
        why: one sentence.
        line: of the file as it is, from 1; None for the file as a whole.
        before: what stands there; empty for something new.
        after: what will stand there; empty for something removed.
    """

    why: str
    line: int | None = None
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Change:
    """The new content of one file.

    Attributes:
        path: from the root of the repository, with slashes.
        before: content that the file has; None for a new file.
        after: content that it gets.
        edits: the single changes, in the order of the file.
    """

    path: str
    before: bytes | None
    after: bytes
    edits: tuple[Edit, ...]


@dataclass(frozen=True)
class Decision:
    """Something that nobody but a person who knows the repository can decide; it is never changed.

    Attributes:
        file: from the root of the repository.
        line: of the file as it is, from 1; None when it concerns the whole file.
        what: one sentence.
        why: what follows if nothing is done.
        options: what can be done, the recommended first.
    """

    file: str
    line: int | None
    what: str
    why: str
    options: tuple[str, ...]

    @classmethod
    def from_errors(cls, error: ActionError, file: str) -> tuple[Decision, ...]:
        """Return the problems of an error as decisions; `file` is where they belong when they do not say it themselves."""
        problems = error.problems if isinstance(error, InvalidSettings) else (error,)
        return tuple(
            cls(
                file=one.file or file,
                line=one.line,
                what=one.what,
                why=" ".join(f"{label}: {text}." for label, text in one.parts() if label in ("Given", "Likely cause")),
                options=tuple(text for label, text in one.parts() if label in ("Fix", "Allowed")),
            )
            for one in problems
        )


@dataclass(frozen=True)
class EnvironmentFile:
    """A conda or pip file that a job or a deployment is built from.

    Attributes:
        path: from the root of the repository.
        purpose: what runs in it.
        code: folders with the Python code that runs in it, from the root of the repository.
    """

    path: str
    purpose: Purpose
    code: tuple[str, ...]


@dataclass(frozen=True)
class ParametersFile:
    """A parameters file that the workflows name, or that has its default name.

    Attributes:
        path: from the root of the repository.
        content: None when there is none, which means all defaults.
        sets: its parameters; several only where the action takes a list.
    """

    path: str
    content: bytes | None
    sets: tuple[Parameters, ...]


@dataclass(frozen=True)
class OutputUse:
    """A place of a workflow that reads an output of a step.

    Attributes:
        file: the workflow.
        line: from 1.
        name: of the output.
    """

    file: str
    line: int
    name: str


@dataclass(frozen=True)
class MigrationSource:
    """What an action's own part of the migration looks at.

    Attributes:
        spec: the action.
        repository: its files; reading through it never leaves the repository.
        parameters_files: of this action, those with errors left out (they are reported already).
        steps: of the workflows, those that use this action, under its old or new address.
        outputs: places that read an output of one of these steps.
    """

    spec: ActionSpec
    repository: Repository
    parameters_files: tuple[ParametersFile, ...]
    steps: tuple[WorkflowStep, ...]
    outputs: tuple[OutputUse, ...]


@dataclass
class Migration:
    """Everything that was found.

    Attributes:
        changes: of files, each file once.
        decisions: for a person.
        environments: files that are looked at when all of them are known, since training and serving may share one.
    """

    changes: list[Change] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    environments: list[EnvironmentFile] = field(default_factory=list)

    def extend(self, others: Iterable[Migration]) -> None:
        """Take over what other parts found; what two of them say counts once."""
        for other in others:
            for change in other.changes:
                self._add(change)
            for decision in other.decisions:
                self._decide(decision)
            self.environments += [one for one in other.environments if one not in self.environments]

    def _decide(self, decision: Decision) -> None:
        for number, one in enumerate(self.decisions):
            if (one.file, one.what) == (decision.file, decision.what) and (
                not one.line or not decision.line or one == decision
            ):
                self.decisions[number] = one if one.line else decision
                return
        self.decisions.append(decision)

    def _add(self, change: Change) -> None:
        same = next((one for one in self.changes if one.path == change.path), None)
        if same is None:
            self.changes.append(change)
        elif same.after != change.after:
            self.decisions.append(
                Decision(
                    change.path,
                    None,
                    "Two parts of the repository ask for different contents of this file; the first one is written.",
                    "The other one is missing then.",
                    ("Give one of them a file of its own, and run migrate again.",),
                )
            )
