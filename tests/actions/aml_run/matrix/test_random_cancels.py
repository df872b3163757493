"""Whenever a workflow is cancelled, no job goes on that nobody waits for, and the step says so within the runner's grace.

`hundred_cancels.py` beside this file does it a hundred times and prints the distribution.
"""

from pathlib import Path

import pytest
from support.emulator import RunningEmulator
from support.fault_matrix import ENDS, Cloud
from support.random_cancels import INT_TO_TERM, cancel_at_random, table
from support.training import training_repository

NUMBER = 12


def test_a_dozen_cancels_at_random_moments_leave_no_job(
    tmp_path_factory: pytest.TempPathFactory, emulator: RunningEmulator, actions_home: Path
) -> None:
    repository = training_repository(tmp_path_factory.mktemp("cancels"), emulator, "ws-random-cancels")
    cancels = cancel_at_random(repository, actions_home, NUMBER, at_once=2, seed=5)
    shown = table(cancels)
    assert [one.job for one in cancels if one.problems()] == [], shown
    assert {one.status for one in cancels} <= {"", "Canceled", "Completed"}, shown
    assert any(one.status == "Canceled" for one in cancels), shown
    assert max(one.exit_seconds or 0.0 for one in cancels) < INT_TO_TERM, shown
    left = {job: state for job, state in Cloud(emulator, repository.workspace).jobs().items() if state not in ENDS}
    assert left == {}, shown
