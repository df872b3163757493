"""Taking back what a failed rollout made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aml_actions.azure_errors import explain

if TYPE_CHECKING:
    from aml_actions.workflow import Workflow


@dataclass(frozen=True)
class _Step:
    action: Callable[[], str]
    by_hand: str


class Undo:
    """The steps back, remembered in the order of the steps forward and taken in reverse."""

    def __init__(self, workflow: Workflow) -> None:
        self._workflow = workflow
        self._steps: list[_Step] = []

    def add(self, action: Callable[[], str], by_hand: str) -> None:
        """Remember a step back.

        Args:
            action: takes the step; returns what it did, such as ``deployment v3 was deleted``.
            by_hand: command with which the user can take it, should it fail.
        """
        self._steps.append(_Step(action, by_hand))

    def forget(self) -> None:
        """Everything made so far stays."""
        self._steps.clear()

    def run(self) -> str:
        """Take all steps back, each even when another fails, and return in one text what became of them."""
        outcomes = []
        while self._steps:
            step = self._steps.pop()
            try:
                outcome = step.action()
            except Exception as error:
                known = explain(error)
                reason = (known.value or known.what) if known else f"{type(error).__name__}: {error}"
                outcome = f"CLEANING UP FAILED ({reason}); do it with `{step.by_hand}`."
            self._workflow.info(outcome)
            outcomes.append(outcome)
        return " ".join(outcomes)
