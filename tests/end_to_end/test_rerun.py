"""A workflow with a matrix, of which one leg fails after its training: run again, it takes the jobs that are done."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from emulator.github.conftest import commit, git
from support.emulator import RunningEmulator
from support.fault_matrix import Cloud
from support.homes import actions_home  # noqa: F401 - a fixture
from support.training import training_repository

from aml_actions.publish import publish
from aml_emulator.github import events
from aml_emulator.github.checkout import find_repository
from aml_emulator.github.machine import machine_environment
from aml_emulator.github.results import WorkflowRun
from aml_emulator.github.runner import run_workflow

ROOT = Path(__file__).parents[2]
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
      - uses: org/actions/aml-run@v1
        with: {azure_credentials: "${{ secrets.AZURE_CREDENTIALS }}", parameters_file: "fold-${{ matrix.fold }}.json"}
      - run: test "${{ matrix.fold }}" != 2 || test "${{ github.run_attempt }}" != 1
"""


def test_each_leg_of_a_matrix_takes_its_own_job_of_the_earlier_attempt(
    tmp_path: Path,
    actions_home: Path,  # noqa: F811
    emulator: RunningEmulator,
) -> None:
    repository = training_repository(tmp_path, emulator, "ws-rerun")
    repository.training('print("trained")\n')
    repository.write({f".cloud/.azure/fold-{fold}.json": json.dumps({"tags": {"fold": fold}}) for fold in (1, 2)})
    publish(tmp_path / "actions", source=ROOT, ref=None)
    git(repository.root, "init", "-q", "-b", "main")
    commit(repository.root, {".github/workflows/train.yml": WORKFLOW})
    checked_out = find_repository(repository.root, "local/rerun")
    bundle = {name: emulator.env[name] for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")}
    cloud = Cloud(emulator, repository.workspace)
    number = str(time.time_ns() // 1000)

    def attempt(count: int) -> WorkflowRun:
        return run_workflow(
            checked_out,
            ".github/workflows/train.yml",
            events.push(checked_out),
            actions={"org/actions@v1": tmp_path / "actions"},
            environment=machine_environment(os.environ, AML_ACTIONS_HOME=str(actions_home), **bundle),
            secrets={"AZURE_CREDENTIALS": emulator.credentials},
            timeout=600,
            run_id=number,
            run_attempt=count,
        )

    def trained(run: WorkflowRun) -> list[str]:
        steps = [step for job in run.jobs for step in job.steps if "run_id" in step.outputs]
        return sorted(step.outputs["run_id"] for step in steps)

    def logs(run: WorkflowRun) -> str:
        return "\n".join(line for job in run.jobs for step in job.steps for line in step.log)

    first = attempt(1)
    assert sorted(job.result for job in first.jobs) == ["failure", "success"], logs(first)
    jobs = cloud.jobs()
    assert set(jobs.values()) == {"Completed"}
    assert trained(first) == sorted(jobs)
    assert len(jobs) == 2

    second = attempt(2)
    assert [job.result for job in second.jobs] == ["success", "success"]
    assert trained(second) == sorted(jobs), logs(second)
    assert cloud.jobs() == jobs
