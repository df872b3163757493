"""What goes wrong for a moment while a job is submitted and waited for: the step goes on, and no job is left to itself."""

import json
import signal
from collections.abc import Iterator

import pytest
from support.cancelled_step import start
from support.emulator import command
from support.steps import Outcome, write_parameters
from support.training import TrainingRepository

TAKES_A_WHILE = "import time\nprint('training', flush=True)\ntime.sleep(8)\nprint('trained')\n"


@pytest.fixture
def fault(repository: TrainingRepository) -> Iterator[object]:
    """Have the emulator do something wrong; it is right again after the test."""

    def add(*arguments: str) -> None:
        done = command("fault", *arguments, state=repository.emulator.state)
        assert done.returncode == 0, done.stderr

    yield add
    add("clear")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--status", "503", "--count", "4"),
        ("--status", "429", "--header", "Retry-After=3", "--count", "2"),
        ("--drop", "--count", "3"),
        ("--drop", "answer", "--count", "3"),
        ("--status", "401", "--count", "1"),
        ("--status", "404", "--count", "2"),
    ],
    ids=" ".join,
)
def test_a_poll_that_fails_is_asked_again(repository: TrainingRepository, fault, arguments):
    repository.training(TAKES_A_WHILE)
    fault("add", "runs.details", "--after", "2", *arguments)
    outcome = repository.step("aml-run", {})
    assert outcome.code == 0, outcome.log
    assert outcome.log.count("asking again for up to 10 min") <= 1
    assert _is_met(repository)
    assert "trained" in outcome.log


def test_a_token_that_expires_before_its_time_is_replaced(repository: TrainingRepository, fault):
    repository.training(TAKES_A_WHILE)
    fault("tokens", "--seconds", "5", "--told", "3600")
    try:
        outcome = repository.step("aml-run", {})
    finally:
        fault("clear")
    assert outcome.code == 0, outcome.log
    assert "trained" in outcome.log


@pytest.mark.parametrize("arguments", [("--drop", "answer"), ("--status", "503", "--count", "2")], ids=" ".join)
def test_a_submission_without_an_answer_makes_one_job(repository: TrainingRepository, client, fault, arguments):
    repository.training("print('trained')\n")
    known = {job.name for job in client.jobs.list()}
    fault("add", "jobs.create", *arguments)
    outcome = repository.step("aml-run", {})
    assert outcome.code == 0, outcome.log
    assert [job.name for job in client.jobs.list() if job.name not in known] == [outcome.outputs["run_id"]]


def test_a_signal_while_the_submission_is_on_its_way_leaves_no_job(repository, client, fault, actions_home):
    """The request is sent, Azure takes its time: the job comes to exist after the signal."""
    repository.training("import time\ntime.sleep(600)\n")
    write_parameters(repository.root, "run.json", {})
    known = {job.name for job in client.jobs.list()}
    fault("add", "jobs.create", "--delay", "3")
    step = start(repository, "aml-run", {"AML_ACTIONS_HOME": str(actions_home)})
    step.wait_for("Submitting ")
    while not _is_met(repository):
        assert step.process.poll() is None, step.lines
    seconds = step.cancel(signal.SIGINT)
    outcome = step.outcome()
    assert outcome.code == 130, outcome.log
    (job,) = (job.name for job in client.jobs.list() if job.name not in known)
    assert client.jobs.get(job).status == "Canceled"
    assert f"job {job} is Canceled" in outcome.summary
    assert seconds < 7.5


def _cancelled(repository: TrainingRepository, actions_home: object, fault, *arguments: str) -> tuple[str, Outcome]:
    """Cancel a step whose job runs while the requests to cancel jobs go wrong; return the job, and what the step left."""
    repository.training("import time\nprint('training', flush=True)\ntime.sleep(600)\n")
    write_parameters(repository.root, "run.json", {})
    step = start(repository, "aml-run", {"AML_ACTIONS_HOME": str(actions_home)})
    step.wait_for("training")
    fault("add", "jobs.cancel", *arguments)
    assert step.cancel(signal.SIGINT) < 7.5
    assert _is_met(repository)
    return step.wait_for(": submitted.").split()[1], step.outcome()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--status", "503", "--count", "3"),
        ("--status", "429", "--header", "Retry-After=60", "--count", "3"),
        ("--status", "401"),
        ("--drop", "--count", "3"),
        ("--drop", "answer"),
    ],
    ids=" ".join,
)
def test_a_cancel_that_fails_is_asked_for_again_within_the_grace(repository, client, fault, actions_home, arguments):
    job, outcome = _cancelled(repository, actions_home, fault, *arguments)
    assert outcome.code == 130, outcome.log
    assert client.jobs.get(job).status == "Canceled"
    assert f"job {job} is Canceled" in outcome.summary


@pytest.mark.parametrize(("number", "grace"), [(signal.SIGINT, 7.5), (signal.SIGTERM, 2.5)])
def test_a_job_that_ends_slowly_is_not_waited_for_longer_than_the_grace(
    repository, client, fault, actions_home, number, grace
):
    repository.training("import time\nprint('training', flush=True)\ntime.sleep(600)\n")
    write_parameters(repository.root, "run.json", {})
    fault("add", "jobs.cancel_slow", "--seconds", "30")
    step = start(repository, "aml-run", {"AML_ACTIONS_HOME": str(actions_home)})
    step.wait_for("training")
    job = step.wait_for(": submitted.").split()[1]
    assert step.cancel(number) < grace
    outcome = step.outcome()
    assert outcome.code == 128 + number, outcome.log
    (told,) = outcome.annotations
    assert f"the cancel of job {job} was accepted; after" in told
    assert "it is CancelRequested" in told
    assert client.jobs.get(job).status == "CancelRequested"


def test_a_job_that_could_not_be_cancelled_is_told_with_the_command(repository, client, fault, actions_home):
    job, outcome = _cancelled(repository, actions_home, fault, "--status", "503", "--count", "0")
    fault("clear")
    try:
        assert outcome.code == 130, outcome.log
        (told,) = outcome.annotations
        assert f"job {job} could not be cancelled" in told
        assert "it may go on, and cost" in told
        assert f"`az ml job cancel --name {job} --resource-group rg-tests --workspace-name ws-aml-run`" in told
    finally:
        client.jobs.begin_cancel(job).wait()


def _is_met(repository: TrainingRepository) -> bool:
    listed = command("fault", "list", "--json", state=repository.emulator.state)
    return any(one["uses"] for one in json.loads(listed.stdout))
