"""Early termination of trials: which of those that run are too bad to go on.

Every logged value of the primary metric is one interval. A policy looks at a trial each time it has logged `evaluation_interval`
more values, from `delay_evaluation` on.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aml_emulator.http import not_emulated
from aml_emulator.ml.scope import refused

POLICIES = ("Bandit", "MedianStopping", "TruncationSelection")

Histories = Mapping[str, Sequence[float]]
"""Values of the primary metric by trial, in the order in which they were logged."""


@dataclass
class Policy:
    """A policy and what it has looked at already."""

    kind: str
    maximize: bool
    interval: int
    delay: int
    slack_factor: float = 0.0
    slack_amount: float = 0.0
    truncation: int = 0
    _looked_at: dict[str, int] = field(default_factory=dict)

    def to_end(self, histories: Histories, running: Sequence[str]) -> list[str]:
        """The running trials that are to end."""
        found = []
        for trial in running:
            count = len(histories.get(trial, ()))
            due = count - count % self.interval
            if due < max(self.delay, 1) or due <= self._looked_at.get(trial, 0):
                continue
            self._looked_at[trial] = due
            if self._is_bad(trial, histories, due):
                found.append(trial)
        return found

    def _is_bad(self, trial: str, histories: Histories, count: int) -> bool:
        if self.kind == "Bandit":
            return self._is_outside_slack(histories[trial], histories)
        others = {name: values for name, values in histories.items() if len(values) >= count}
        if self.kind == "MedianStopping":
            averages = [statistics.fmean(values[:count]) for values in others.values()]
            return len(averages) > 1 and self._worse(self._best(histories[trial]), statistics.median(averages))
        ranked = sorted(others, key=lambda name: self._best(others[name][:count]), reverse=self.maximize)
        dropped = len(ranked) * self.truncation // 100
        return trial in ranked[len(ranked) - dropped :]

    def _is_outside_slack(self, own: Sequence[float], histories: Histories) -> bool:
        best = self._best([value for values in histories.values() for value in values])
        if self.slack_amount:
            limit = best - self.slack_amount if self.maximize else best + self.slack_amount
        else:
            limit = best / (1 + self.slack_factor) if self.maximize else best * (1 + self.slack_factor)
        return self._worse(self._best(own), limit)

    def _best(self, values: Sequence[float]) -> float:
        return max(values) if self.maximize else min(values)

    def _worse(self, value: float, than: float) -> bool:
        return value < than if self.maximize else value > than


def read(body: Mapping[str, Any] | None, *, maximize: bool) -> Policy | None:
    """The policy of a sweep, or None for a sweep without one.

    Raises:
        ServiceError: it is no policy that runs here, or a number is missing.

    """
    if not body:
        return None
    kind = str(body.get("policyType") or body.get("type") or "")
    named = {name.lower(): name for name in POLICIES}.get(kind.replace("_", "").lower())
    if named is None:
        raise not_emulated(f"the early termination policy '{kind}'. Those that are: {', '.join(POLICIES)}")
    factor, amount = float(body.get("slackFactor") or 0), float(body.get("slackAmount") or 0)
    if named == "Bandit" and not factor and not amount:
        raise refused("A bandit policy needs slack_factor or slack_amount.", target="earlyTermination")
    truncation = int(body.get("truncationPercentage") or 0)
    if named == "TruncationSelection" and not 1 <= truncation <= 99:
        raise refused(f"truncation_percentage must be from 1 to 99, not {truncation}.", target="earlyTermination")
    return Policy(
        named,
        maximize,
        interval=max(1, int(body.get("evaluationInterval") or 1)),
        delay=int(body.get("delayEvaluation") or 0),
        slack_factor=factor,
        slack_amount=amount,
        truncation=truncation,
    )
