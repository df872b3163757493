"""What a check found: errors, which stop a step, and warnings, with which it goes on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from aml_actions.errors import ActionError, InvalidSettings


@dataclass
class Findings:
    """Collected while files are looked at, so that everything is told at once.

    Attributes:
        errors: what must be changed.
        warnings: what is accepted, but not as it stands there; told in the same parts as an error, never raised.
    """

    errors: list[ActionError] = field(default_factory=list)
    warnings: list[ActionError] = field(default_factory=list)

    def error(self, problem: ActionError) -> None:
        """Note an error; one that holds several is taken apart."""
        self.errors += problem.problems if isinstance(problem, InvalidSettings) else (problem,)

    def warn(self, problem: ActionError | str) -> None:
        """Note a warning; a text is one without parts."""
        self.warnings.append(ActionError(problem) if isinstance(problem, str) else problem)

    def extend(self, others: Iterable[Findings]) -> None:
        """Take over what other checks found."""
        for other in others:
            self.errors += other.errors
            self.warnings += other.warnings

    def raise_errors(self) -> None:
        """Raise what was found.

        Raises:
            ActionError: the only error itself, since it may know a file and a line.
            InvalidSettings: several errors.
        """
        if len(self.errors) == 1:
            raise self.errors[0]
        if self.errors:
            raise InvalidSettings(self.errors)
