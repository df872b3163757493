"""The table: for every key of every parameters file, what a value of it does. Nothing is asked of the code but to run."""

from __future__ import annotations

import pytest
from contract import rows_compute, rows_deploy, rows_registermodel, rows_run, rows_workspace
from contract.legacy_keys import LEGACY_KEYS, LEGACY_SECRETS
from contract.table import Row, Scenario, Seen, holds, run
from support.training import TrainingRepository, training_repository

from aml_actions.discovery import find_actions

TABLE: dict[str, tuple[Row, ...]] = {
    "aml-workspace": rows_workspace.ROWS,
    "aml-compute": rows_compute.ROWS,
    "aml-deploy": rows_deploy.ROWS,
    "aml-registermodel": rows_registermodel.ROWS,
    "aml-run": rows_run.ROWS,
}
SPECS = {spec.name: spec for spec in find_actions()}


def _cases() -> list[object]:
    """One test a row; the rows of a scenario stay together, so that it runs once."""
    cases = []
    for action, rows in TABLE.items():
        for number, row in enumerate(rows):
            name = f"{action}-{row.key}-{number}"
            cases.append(pytest.param(row, id=name, marks=pytest.mark.xdist_group(f"contract {row.scenario.name}")))
    return cases


@pytest.fixture(scope="module")
def seen(emulator, tmp_path_factory):
    """What a scenario left; each runs once, in a repository of its own."""
    found: dict[str, tuple[TrainingRepository, Seen | AssertionError]] = {}

    def once(scenario: Scenario) -> tuple[TrainingRepository, Seen]:
        if scenario.name not in found:
            folder = tmp_path_factory.mktemp("contract")
            repository = training_repository(folder, emulator, "ws-of-the-contract")
            try:
                found[scenario.name] = repository, run(scenario, repository)
            except AssertionError as failed:
                found[scenario.name] = repository, failed
        repository, left = found[scenario.name]
        if isinstance(left, AssertionError):
            raise left
        return repository, left

    return once


@pytest.mark.parametrize("row", _cases())
def test_a_key_does_what_the_table_says(row, seen):
    repository, left = seen(row.scenario)
    assert holds(row, left, repository), (row.sees, left.outcome.log)


@pytest.mark.parametrize("action", LEGACY_KEYS)
def test_no_key_is_without_a_row(action):
    """The legacy keys, and those that came since."""
    keys = {row.key for row in TABLE[action]}
    known = set(SPECS[action].parameters.model_fields)
    assert set(LEGACY_KEYS[action]) - keys == set()
    assert known - keys == set(), "a new key needs a row too"
    assert keys - known - {secret.name for secret in SPECS[action].secrets} == set()


@pytest.mark.parametrize("action", LEGACY_KEYS)
def test_no_secret_is_without_a_row(action):
    assert set(LEGACY_SECRETS[action]) - {row.key for row in TABLE[action]} == set()


def test_a_row_is_of_its_action():
    assert all(row.scenario.action == action for action, rows in TABLE.items() for row in rows)
