"""A workflow that is cancelled leaves no job behind that costs, and says so; with the runner's own signals and times."""

import json
import signal
import time
from collections.abc import Iterator

import pytest
from support.cancelled_step import RunningStep, start
from support.emulator import RunningEmulator
from support.steps import write_parameters
from support.training import TrainingRepository

from aml_emulator.request_log import read
from aml_emulator.state import StateDirectory

SLEEPS = """\
import time
print("training", flush=True)
time.sleep(600)
"""


@pytest.fixture
def running(repository: TrainingRepository, actions_home: str) -> Iterator[object]:
    """Start aml-run with parameters, and end whatever goes on after the test."""
    steps: list[RunningStep] = []

    def begin(parameters: object = None, script: str = SLEEPS) -> RunningStep:
        repository.training(script)
        write_parameters(repository.root, "run.json", parameters or {})
        steps.append(start(repository, "aml-run", {"AML_ACTIONS_HOME": str(actions_home)}))
        return steps[-1]

    yield begin
    for step in steps:
        step.process.kill()
        step.process.wait()


def job_of(step: RunningStep) -> str:
    return step.wait_for(": submitted.").split()[1]


def cancels(emulator: RunningEmulator, job: str) -> int:
    return sum(
        1
        for one in read(StateDirectory(emulator.state).requests)
        if one["method"] == "POST" and one["path"].endswith(f"/jobs/{job}/cancel")
    )


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_cancelled_workflow_cancels_its_job_and_says_so(running, repository, client, number, code):
    step = running()
    job = job_of(step)
    step.wait_for("training")
    seconds = step.cancel(number)
    outcome = step.outcome()
    assert outcome.code == code, outcome.log
    assert client.jobs.get(job).status == "Canceled"
    assert seconds < (7.5 if number is signal.SIGINT else 2.5)
    (told,) = outcome.annotations
    assert f"The step was cancelled ({number.name}): job {job} is Canceled" in told
    assert f"job {job} is Canceled" in outcome.summary
    assert outcome.summary.startswith("### ⏹ aml-run: cancelled")
    assert outcome.outputs["run_id"] == job
    result = json.loads(outcome.outputs["result"])
    assert (result["run_id"], result["status"]) == (job, "Canceled")
    assert "The step was cancelled" in result["error"]
    assert "Traceback" not in outcome.log


def test_a_second_signal_does_not_lose_the_cancel(running, client):
    step = running()
    job = job_of(step)
    step.wait_for("training")
    step.send(signal.SIGINT)
    step.send(signal.SIGTERM)
    step.send(signal.SIGINT)
    outcome = step.outcome()
    assert outcome.code in (130, 143), outcome.log
    assert client.jobs.get(job).status == "Canceled"


def test_a_step_that_may_detach_leaves_its_job_and_says_how_to_attach(running, client):
    step = running({"on_cancel": "detach"})
    job = job_of(step)
    step.wait_for("training")
    step.cancel()
    outcome = step.outcome()
    try:
        assert outcome.code == 130
        assert client.jobs.get(job).status == "Running"
        (told,) = outcome.annotations
        assert f"job {job} goes on, as `on_cancel: detach` says" in told
        assert f"az ml job stream --name {job} --resource-group rg-tests --workspace-name ws-aml-run" in told
        assert "run the workflow again" in told
        assert json.loads(outcome.outputs["result"])["status"] == "Submitted"
    finally:
        client.jobs.begin_cancel(job).wait()


def test_every_job_of_a_step_is_cancelled(running, client):
    step = running([{"tags": {"number": number}} for number in range(3)])
    step.wait_for("training")
    jobs = [line.split()[1] for line in step.lines if line.endswith(": submitted.\n")]
    assert len(set(jobs)) == 3
    step.cancel()
    outcome = step.outcome()
    assert outcome.code == 130, outcome.log
    assert [client.jobs.get(job).status for job in jobs] == ["Canceled"] * 3
    for job in jobs:
        assert f"job {job} is Canceled" in outcome.summary
    assert [(one["run_id"], one["status"]) for one in json.loads(outcome.outputs["runs"])] == [
        (job, "Canceled") for job in jobs
    ]


@pytest.mark.parametrize("delay", [0.0, 0.3, 0.6, 0.9, 1.2, 1.5])
def test_a_signal_while_the_job_is_being_submitted_leaves_none_behind(running, repository, client, delay):
    known = {job.name for job in client.jobs.list()}
    step = running({"tags": {"delay": delay}})
    step.wait_for("Submitting ")
    time.sleep(delay)
    step.cancel()
    outcome = step.outcome()
    assert outcome.code == 130, outcome.log
    left = [job for job in client.jobs.list() if job.name not in known]
    assert [client.jobs.get(job.name).status for job in left] == ["Canceled"] * len(left)
    assert "no job was submitted" in outcome.summary or all(job.name in outcome.summary for job in left)
    assert json.dumps(outcome.annotations).count("The step was cancelled (SIGINT)") == 1


def test_the_request_to_cancel_comes_within_a_second(running, repository):
    step = running()
    job = job_of(step)
    step.wait_for("training")
    begin = time.monotonic()
    step.send(signal.SIGINT)
    while not cancels(repository.emulator, job):
        assert time.monotonic() - begin < 1.0, step.lines
        time.sleep(0.02)
    assert step.outcome().code == 130
