"""Which trials a policy ends, from the values that they logged."""

from __future__ import annotations

from typing import Any

import pytest

from aml_emulator.http import ServiceError
from aml_emulator.jobs import early_termination
from aml_emulator.jobs.early_termination import Policy


def policy(maximize: bool = True, **body: Any) -> Policy:
    """A policy as a sweep job has it."""
    found = early_termination.read(body, maximize=maximize)
    assert found is not None
    return found


def test_a_bandit_ends_what_is_outside_its_slack() -> None:
    bandit = policy(policyType="Bandit", slackFactor=0.2, evaluationInterval=1)
    histories = {"best": [0.5, 0.9], "near": [0.76], "far": [0.74]}
    assert bandit.to_end(histories, ["best", "near", "far"]) == ["far"]
    lower = policy(maximize=False, policyType="bandit", slackAmount=0.1, evaluationInterval=1)
    assert lower.to_end({"a": [0.1], "b": [0.15], "c": [0.25]}, ["a", "b", "c"]) == ["c"]


def test_a_trial_is_looked_at_once_an_interval_and_not_before_the_delay() -> None:
    bandit = policy(policyType="Bandit", slackFactor=0.1, evaluationInterval=2, delayEvaluation=4)
    histories: dict[str, list[float]] = {"best": [1.0] * 9, "bad": [0.1] * 3}
    assert bandit.to_end(histories, ["bad"]) == []
    histories["bad"].append(0.95)
    assert bandit.to_end(histories, ["bad"]) == []
    histories["best"].append(2.0)
    assert bandit.to_end(histories, ["bad"]) == []  # nothing new of its own
    histories["bad"] += [0.1, 0.1]
    assert bandit.to_end(histories, ["bad"]) == ["bad"]


def test_the_median_of_the_averages_is_what_a_trial_must_reach() -> None:
    median = policy(policyType="MedianStopping", evaluationInterval=1)
    histories = {"a": [1.0, 1.0], "b": [0.8, 0.8], "c": [0.1, 0.2]}
    assert median.to_end(histories, ["a", "b", "c"]) == ["c"]
    assert policy(policyType="MedianStopping", evaluationInterval=1).to_end({"alone": [0.0]}, ["alone"]) == []


def test_truncation_ends_the_lowest_part() -> None:
    truncation = policy(policyType="TruncationSelection", truncationPercentage=50, evaluationInterval=1)
    histories = {"a": [4.0], "b": [3.0], "c": [2.0], "d": [1.0]}
    assert truncation.to_end(histories, list(histories)) == ["c", "d"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"policyType": "Luck"}, 501, "the early termination policy 'Luck'"),
        ({"policyType": "Bandit"}, 400, "slack_factor or slack_amount"),
        ({"policyType": "TruncationSelection", "truncationPercentage": 100}, 400, "from 1 to 99"),
    ],
)
def test_a_policy_that_says_too_little_is_refused(body: dict[str, Any], status: int, words: str) -> None:
    with pytest.raises(ServiceError) as caught:
        early_termination.read(body, maximize=True)
    assert (caught.value.status, words in caught.value.message) == (status, True)
