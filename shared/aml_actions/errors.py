"""Errors meant for the person who reads the log: what happened, with which value, why, and what to do."""

from __future__ import annotations

from collections.abc import Sequence


class ActionError(Exception):
    """One clear error. `step.main` turns it into an annotation, a section of the job summary and exit code 1.

    Attributes:
        what: one sentence that says what is wrong.
        value: the value at fault, as the user wrote it; never a secret.
        allowed: what would be accepted.
        cause: the likely cause.
        fix: the next thing to do, if possible a command that can be copied.
        anchor: a fragment of the documentation, such as ``docs/troubleshooting.md#sign-in``.
        details: Markdown for the job summary only (for example the last lines of a log in a fence).
        file: the file at fault, relative to the repository; the annotation is shown in it.
        line: line of that file, from 1.
        key: the key of that file, such as ``scale.min_nodes``.
    """

    def __init__(
        self,
        what: str,
        *,
        value: str | None = None,
        allowed: str | None = None,
        cause: str | None = None,
        fix: str | None = None,
        anchor: str | None = None,
        details: str | None = None,
        file: str | None = None,
        line: int | None = None,
        key: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.value = value
        self.allowed = allowed
        self.cause = cause
        self.fix = fix
        self.anchor = anchor
        self.details = details
        self.file = file
        self.line = line
        self.key = key

    def parts(self) -> list[tuple[str, str]]:
        """Label and text of everything known beside `what`, in reading order."""
        labelled = (
            ("Given", self.value),
            ("Allowed", self.allowed),
            ("Likely cause", self.cause),
            ("Fix", self.fix),
            ("More", self.anchor),
        )
        return [(label, text) for label, text in labelled if text]

    def __str__(self) -> str:
        return "\n".join([self.what, *(f"{label}: {text}" for label, text in self.parts())])


class InvalidSettings(ActionError):
    """Several things are wrong with what the user configured; all of them are told at once.

    Attributes:
        problems: the single problems, in the order in which they were found.
    """

    def __init__(self, problems: Sequence[ActionError]) -> None:
        self.problems = tuple(problems)
        if len(self.problems) == 1:
            single = self.problems[0]
            super().__init__(single.what, file=single.file, line=single.line)
        else:
            super().__init__(f"{len(self.problems)} settings are not valid.")

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return str(self.problems[0])
        numbered = (f"{number}. {problem}" for number, problem in enumerate(self.problems, 1))
        return "\n".join([self.what, *numbered])


class TimedOut(ActionError):
    """Something did not reach its end within the time that was allowed for it."""
