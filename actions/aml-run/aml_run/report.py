"""What is said of a file of SDK v1 while it is translated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aml_actions.errors import ActionError

_LONGEST_VALUE = 80
"""Characters of a value in a message."""


@dataclass
class Report:
    """The findings about one file.

    Attributes:
        name: the file as the user calls it.
        anchor: section of the documentation that its errors lead to.
        notes: texts about keys that change nothing.
        warnings: texts about what runs all the same, but not as it stands there.
        problems: what must be changed before the job can run.

    """

    name: str
    anchor: str
    notes: list[str] = field(default_factory=list, kw_only=True)
    warnings: list[str] = field(default_factory=list, kw_only=True)
    problems: list[ActionError] = field(default_factory=list, kw_only=True)

    def note(self, text: str) -> None:
        """Note something that changes nothing."""
        self.notes.append(f"{self.name}: {text}")

    def warn(self, text: str) -> None:
        """Warn of something with which the job runs all the same."""
        self.warnings.append(f"{self.name}: {text}")

    def problem(
        self,
        what: str,
        *,
        value: str | None = None,
        allowed: str | None = None,
        cause: str | None = None,
        fix: str | None = None,
        details: str | None = None,
        key: str | None = None,
    ) -> None:
        """Note something that must be changed; all of it is told at once, and each thing once."""
        found = ActionError(
            f"{self.name}: {what}",
            value=None if value is None else short(value),
            allowed=allowed,
            cause=cause,
            fix=fix,
            details=details,
            anchor=self.anchor,
            file=self.name,
            key=key,
        )
        if (str(found), key) not in [(str(problem), problem.key) for problem in self.problems]:
            self.problems.append(found)


def short(text: str) -> str:
    """Return a text cut to what a message shows."""
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def as_text(value: Any) -> str:  # noqa: ANN401 - any YAML
    """Return a value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {as_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return ", ".join(as_text(item) for item in value)
    return "" if value is None else str(value)
