"""Waiting for a job: every state told, no silent minute, and no end that is not one."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError

from aml_actions.errors import ActionError
from aml_actions.run_history import RunDetails
from aml_actions.workflow import Workflow
from aml_run import waiting
from aml_run.limits import Limits
from aml_run.logs import LogRelay
from aml_run.states import TABLE, Kind
from aml_run.waiting import LimitReached, Lost, Unanswered, Watch, verdict


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


def watch(at: Callable[[float], RunDetails | Exception], **more: Any) -> tuple[RunDetails, str, float]:
    clock, stream = Clock(), io.StringIO()
    workflow = Workflow(stream)
    with LogRelay(workflow) as log:
        found = Watch("job_1", Script(clock, at), workflow, log, clock=clock, sleep=clock.sleep, **more)  # type: ignore[arg-type]
        return found.until_end(), stream.getvalue(), clock()


def refusal(at: Callable[[float], RunDetails | Exception], **more: Any) -> ActionError:
    with pytest.raises(ActionError) as caught:
        watch(at, **more)
    return caught.value


def http_error(status: int) -> HttpResponseError:
    error = HttpResponseError("refused")
    error.status_code = status
    return error


def throttled(seconds: int) -> HttpResponseError:
    """What the service answers to too many requests; it names the time in a header."""
    error = http_error(429)
    error.response = SimpleNamespace(headers={"Retry-After": str(seconds)}, text=lambda: "{}", status_code=429)  # type: ignore[assignment]
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
    Watch("job_1", history, Workflow(stream), Log(stream), clock=clock, sleep=clock.sleep).until_end()  # type: ignore[arg-type]
    assert stream.getvalue().splitlines() == [
        "Job job_1: Running after 0.0 s",
        "a line",
        "the last line",
        "Job job_1: Completed after 1.0 s",
    ]


def test_a_log_that_cannot_be_shown_does_not_end_the_job() -> None:
    class Log:
        def relay(self, log_files: object, *, final: bool = False) -> bool:
            raise OSError("no space left on device")

        def end_group(self) -> None: ...

    clock, stream = Clock(), io.StringIO()
    history = Script(clock, states((0, "Running"), (100, "Completed")))
    found = Watch("job_1", history, Workflow(stream), Log(), clock=clock, sleep=clock.sleep)  # type: ignore[arg-type]
    assert found.until_end().status == "Completed"
    assert stream.getvalue().count("::warning") == 1


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
            (4000, "CancelRequested"),
            (4100, "Canceled"),
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
    assert isinstance(error, Unanswered)
    assert "could not be read for 10 min" in error.what


def test_a_failing_service_is_told_once_and_its_return_too() -> None:
    _, log, _ = watch(
        lambda now: http_error(503) if 20 < now < 300 else RunDetails("Running" if now < 400 else "Completed")
    )
    assert log.count("asking again for up to 10 min") == 1
    assert log.count("Azure answers again, after 4 min") == 1


def test_a_service_that_names_a_time_is_not_asked_before_it() -> None:
    asked: list[float] = []

    def answer(now: float) -> RunDetails | Exception:
        asked.append(now)
        return throttled(45) if len(asked) == 1 else RunDetails("Completed")

    watch(answer)
    assert asked[0] == 0
    assert 45 <= asked[1] < 56
    assert len(asked) == 2


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_told_at_once(status: int) -> None:
    with pytest.raises(HttpResponseError):
        watch(lambda now: http_error(status))


def test_a_job_that_waits_too_long_for_a_node_is_given_up_with_what_the_compute_says() -> None:
    error = refusal(
        states((0, "Starting"), (5, "Queued")),
        limits=Limits(queue=120, run=5),
        advise=lambda state: [f"the cluster is full while {state}"],
    )
    assert isinstance(error, LimitReached)
    assert "has not begun to run within 2 min" in error.what
    assert "it is Queued" in error.what
    assert error.value == "queue_timeout: 2 min"
    assert "the cluster is full while Queued" in (error.cause or "")


def test_a_job_that_has_run_once_waits_no_longer_in_the_queue() -> None:
    details, _, _ = watch(
        states((0, "Queued"), (100, "Running"), (110, "Preparing"), (900, "Completed")), limits=Limits(queue=120)
    )
    assert details.status == "Completed"


def test_the_time_of_running_counts_from_its_beginning() -> None:
    error = refusal(states((0, "Queued"), (3000, "Running")), limits=Limits(run=600))
    assert isinstance(error, LimitReached)
    assert error.value == "timeout: 10 min"
    assert "has been going on for 10 min" in error.what


def test_a_limit_ends_the_wait_also_when_the_service_does_not_answer() -> None:
    error = refusal(lambda now: RunDetails("Queued") if now < 30 else http_error(503), limits=Limits(queue=60))
    assert isinstance(error, LimitReached)


def test_every_state_of_the_service_is_in_the_table() -> None:
    from azure.ai.ml._restclient.arm_ml_service.models import JobStatus

    assert set(TABLE) == {str(status.value) for status in JobStatus} - {"Scheduled"}
    assert [state.name for state in TABLE.values() if state.kind is Kind.END] == ["Completed", "Failed", "Canceled"]
    texts = [(state.meaning, state.cause, state.fix) for state in TABLE.values()]
    assert len({meaning for meaning, _, _ in texts}) == len(TABLE)


@pytest.mark.parametrize("state", [state for state in TABLE.values() if state.bound is not None])
def test_a_state_that_should_pass_is_waited_for_within_its_bound(state: Any) -> None:
    error = refusal(states((0, "Running"), (60, state.name)))
    assert isinstance(error, Lost)
    assert state.name in error.what
    assert error.cause == state.cause


@pytest.mark.parametrize("state", [state for state in TABLE.values() if state.kind is Kind.PASSING])
def test_a_state_in_which_a_job_may_be_for_hours_is_waited_for(state: Any) -> None:
    details, log, _ = watch(states((0, state.name), (5 * 3600, "Completed")))
    assert details.status == "Completed"
    assert log.count("Likely cause") == (1 if state.advise else 0)


def test_an_unknown_state_is_reported_once() -> None:
    details, log, _ = watch(states((0, "Dreaming"), (60, "Running"), (90, "Dreaming"), (200, "Completed")))
    assert details.status == "Completed"
    assert log.count("::warning") == 1


def verdicts(*answers: str | Exception) -> Callable[[str], str]:
    following = iter(answers)

    def status_of(job: str) -> str:
        answer = next(following)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return status_of


def test_the_job_itself_has_the_last_word_even_when_it_lags() -> None:
    clock = Clock()
    assert verdict(verdicts("Running", http_error(503), "Running", "Failed"), "job_1", clock, clock.sleep) == "Failed"


def test_a_job_that_never_agrees_is_no_success() -> None:
    clock = Clock()
    with pytest.raises(ActionError, match="Running"):
        verdict(lambda job: "Running", "job_1", clock, clock.sleep)
    assert clock() <= waiting.LAG + 5
