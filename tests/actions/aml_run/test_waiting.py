"""Waiting for a job: every state told, no silent minute, and no end that is not one."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError

from aml_actions.errors import ActionError
from aml_actions.run_history import RunDetails
from aml_actions.workflow import Workflow
from aml_run import waiting
from aml_run.logs import LogRelay
from aml_run.waiting import Watch, verdict


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Script:
    """Answers of run history at given times; an exception is raised."""

    clock: Clock
    at: Callable[[float], RunDetails | Exception]

    def details(self, job: str) -> RunDetails:
        answer = self.at(self.clock())
        if isinstance(answer, Exception):
            raise answer
        return answer


def states(*timeline: tuple[float, str]) -> Callable[[float], RunDetails]:
    return lambda now: RunDetails([state for since, state in timeline if since <= now][-1])


def watch(at: Callable[[float], RunDetails | Exception]) -> tuple[RunDetails, str, float]:
    clock, stream = Clock(), io.StringIO()
    workflow = Workflow(stream)
    with LogRelay(workflow) as log:
        found = Watch("job_1", Script(clock, at), workflow, log, clock, clock.sleep)  # type: ignore[arg-type]
        return found.until_end(), stream.getvalue(), clock()


def refusal(at: Callable[[float], RunDetails | Exception]) -> ActionError:
    with pytest.raises(ActionError) as caught:
        watch(at)
    return caught.value


def http_error(status: int) -> HttpResponseError:
    error = HttpResponseError("refused")
    error.status_code = status
    return error


@pytest.mark.parametrize("end", ["Completed", "Failed", "Canceled"])
def test_each_state_is_told_with_the_time_it_took(end: str) -> None:
    details, log, _ = watch(states((0, "Starting"), (10, "Preparing"), (40, "Running"), (100, end)))
    assert details.status == end
    told = [line.split(" after ")[0] for line in log.splitlines() if " after " in line]
    assert told == [f"Job job_1: {state}" for state in ("Starting", "Preparing", "Running", end)]


def test_the_last_lines_of_the_log_come_before_the_end_is_told() -> None:
    class Log:
        def __init__(self, stream: io.StringIO) -> None:
            self.stream = stream

        def relay(self, log_files: object, *, final: bool = False) -> bool:
            self.stream.write("the last line\n" if final else "a line\n")
            return True

        def end_group(self) -> None: ...

    clock, stream = Clock(), io.StringIO()
    history = Script(clock, states((0, "Running"), (1, "Completed")))
    Watch("job_1", history, Workflow(stream), Log(stream), clock, clock.sleep).until_end()  # type: ignore[arg-type]
    assert stream.getvalue().splitlines() == [
        "Job job_1: Running after 0.0 s",
        "a line",
        "the last line",
        "Job job_1: Completed after 1.0 s",
    ]


def test_a_state_may_come_back() -> None:
    details, log, _ = watch(states((0, "Preparing"), (10, "Running"), (20, "Preparing"), (30, "Completed")))
    assert details.status == "Completed"
    assert log.count("Preparing") == 2


def test_no_minute_is_silent() -> None:
    _, log, seconds = watch(states((0, "Queued"), (1800, "Completed")))
    assert seconds >= 1800
    assert 25 <= log.count("still Queued") <= 30


def test_states_that_the_sdk_takes_for_an_end_are_waited_out() -> None:
    details, _, _ = watch(
        states(
            (0, "Running"),
            (60, "NotResponding"),
            (600, "Running"),
            (700, "Paused"),
            (9000, "CancelRequested"),
            (9100, "Canceled"),
        )
    )
    assert details.status == "Canceled"


def test_a_job_that_is_lost_is_given_up() -> None:
    error = refusal(states((0, "Running"), (60, "NotResponding")))
    assert "NotResponding for 15 min" in error.what


def test_a_state_that_nobody_knows_does_not_hang_the_step() -> None:
    assert "has been Dreaming for 15 min" in refusal(states((0, "Dreaming"))).what


@pytest.mark.parametrize("failure", [http_error(404), http_error(429), http_error(503), ServiceRequestError("reset")])
def test_a_service_that_does_not_answer_for_minutes_is_borne(failure: Exception) -> None:
    details, _, _ = watch(lambda now: failure if now < 540 else RunDetails("Completed"))
    assert details.status == "Completed"


def test_it_is_not_borne_for_ever() -> None:
    error = refusal(lambda now: RunDetails("Running") if now < 60 else http_error(503))
    assert "could not be read for 10 min" in error.what
    assert "goes on in Azure" in error.what


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_told_at_once(status: int) -> None:
    with pytest.raises(HttpResponseError):
        watch(lambda now: http_error(status))


class JobStatus(str, Enum):
    """As in the SDK: ``str()`` of a member is not the word of the service."""

    RUNNING = "Running"
    FAILED = "Failed"


class Client:
    """Gives one state after the other for a job."""

    def __init__(self, states: Iterator[str]) -> None:
        self.jobs = self
        self._states = states

    def get(self, name: str) -> object:
        return type("Job", (), {"status": next(self._states), "name": name})()


def test_the_job_itself_has_the_last_word_even_when_it_lags() -> None:
    clock = Clock()
    states = iter([JobStatus.RUNNING, "Running", JobStatus.FAILED])
    assert verdict(Client(states), "job_1", clock, clock.sleep) == "Failed"  # type: ignore[arg-type]


def test_a_job_that_never_agrees_is_no_success() -> None:
    clock = Clock()
    with pytest.raises(ActionError, match="Running"):
        verdict(Client(iter(["Running"] * 1000)), "job_1", clock, clock.sleep)  # type: ignore[arg-type]
    assert clock() <= waiting.LAG + 5
