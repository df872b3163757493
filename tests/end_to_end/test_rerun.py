"""A workflow with a matrix, of which one leg fails after its training: run again, it takes the jobs that are done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from emulator.github.conftest import commit, git
from support.emulator import command, running
from support.fault_matrix import Cloud
from support.homes import actions_home  # noqa: F401 - a fixture
from support.training import training_repository

from aml_actions.publish import publish

ROOT = Path(__file__).parents[2]
NAME = "octo/credit-risk"
WORKFLOW = """\
on: push
permissions: {contents: read}
jobs:
  train:
    runs-on: ubuntu-latest
    strategy:
      fail-fast: false
      matrix: {fold: [1, 2]}
    steps:
      - uses: actions/checkout@v4
      - id: train
        uses: org/actions/aml-run@v1
        with: {azure_credentials: "${{ secrets.AZURE_CREDENTIALS }}", parameters_file: "fold-${{ matrix.fold }}.json"}
      - run: test "${{ matrix.fold }}" != 2 || test "${{ github.run_attempt }}" != 1
"""


def test_each_leg_of_a_matrix_takes_its_own_job_of_the_earlier_attempt(
    tmp_path: Path,
    actions_home: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AML_ACTIONS_HOME", str(actions_home))
    publish(tmp_path / "actions", source=ROOT, ref=None)
    with running(tmp_path / "state") as emulator:
        repository = training_repository(tmp_path / "work", emulator, "ws-rerun")
        repository.training('print("trained")\n')
        repository.write({f".cloud/.azure/fold-{fold}.json": json.dumps({"tags": {"fold": fold}}) for fold in (1, 2)})
        git(repository.root, "init", "-q", "-b", "main")
        commit(repository.root, {".github/workflows/train.yml": WORKFLOW})
        cloud = Cloud(emulator, repository.workspace)

        def says(code: int, *arguments: str) -> str:
            done = command("github", *arguments, state=emulator.state)
            assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
            return done.stdout

        def last_run() -> dict[str, Any]:
            found: dict[str, Any] = json.loads(says(0, "runs", NAME, "--json"))
            return found

        def trained(run: dict[str, Any]) -> list[str]:
            steps = [step for job in run["jobs"] for step in job["steps"] if step["key"] == "train"]
            return sorted(step["outputs"]["run_id"] for step in steps)

        secret = f"AZURE_CREDENTIALS={emulator.credentials}"
        says(0, "add", NAME, str(repository.root), "--secret", secret, "--actions", str(tmp_path / "actions"))
        says(1, "push", NAME, "--wait")
        first = last_run()
        assert {job["matrix"]["fold"]: job["result"] for job in first["jobs"]} == {1: "success", 2: "failure"}
        jobs = cloud.jobs()
        assert trained(first) == sorted(jobs)
        assert list(jobs.values()) == ["Completed", "Completed"]

        log = says(0, "rerun", str(first["id"]), "--wait")
        assert log.count("attached; an earlier attempt of this workflow run has submitted it") == 2
        second = last_run()
        assert (second["id"], second["attempt"], second["conclusion"]) == (first["id"], 2, "success")
        assert trained(second) == sorted(jobs)
        assert cloud.jobs() == jobs
