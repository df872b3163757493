"""When a delivery that failed is tried again, for how long, and what is never tried again. The clock is the test's; the rest is real."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from aml_emulator.eventgrid import schedule
from aml_emulator.eventgrid.options import EventOptions, time_scale
from aml_emulator.eventgrid.settings import AZURE_FUNCTION, WEB_HOOK

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Clock, Grid, Receiver

SCHEDULE = [10, 30, 60, 300, 600, 1800, 3600, 10800, 21600, 43200]


def attempts(grid: Grid, clock: Clock, event_id: str) -> list[float]:
    """Let time pass from one attempt to the next, until there is none; seconds after the event at which they were made."""
    begin = clock.seconds
    made: list[float] = []
    while (due := grid.emulator.events.records.next_due()) is not None and grid.state_of(event_id) == ["Pending"]:
        clock.seconds = max(due, clock.seconds)
        before = clock.seconds - begin
        made += [before] * grid.deliver()
    return made


def differences(moments: list[float]) -> list[float]:
    return [later - earlier for earlier, later in itertools.pairwise(moments)]


def test_a_delivery_that_fails_is_tried_on_azures_schedule(grid: Grid, clock: Clock, receiver: Receiver) -> None:
    grid.subscribe(grid.topic())
    receiver.answer = lambda request: (500, b"")
    moments = attempts(grid, clock, grid.publish())
    assert moments[0] == 0
    # At the attempt after those a day has passed, and the event has expired.
    assert differences(moments) == SCHEDULE
    assert [request.headers["aeg-delivery-count"] for request in receiver.received] == [str(n) for n in range(11)]


def test_thirty_minutes_to_live_and_ten_attempts_make_six(grid: Grid, clock: Clock, receiver: Receiver) -> None:
    grid.subscribe(grid.topic(), retryPolicy={"maxDeliveryAttempts": 10, "eventTimeToLiveInMinutes": 30})
    receiver.answer = lambda request: (500, b"")
    event_id = grid.publish()
    assert attempts(grid, clock, event_id) == [0, 10, 40, 100, 400, 1000]
    found = grid.emulator.events.records.find(event_id)
    assert found is not None
    assert (found.deliveries[0].state, found.deliveries[0].reason) == ("Dropped", "TimeToLiveExceeded")


def test_no_more_attempts_are_made_than_the_policy_allows(grid: Grid, clock: Clock, receiver: Receiver) -> None:
    grid.subscribe(grid.topic(), retryPolicy={"maxDeliveryAttempts": 3})
    receiver.answer = lambda request: (500, b"")
    event_id = grid.publish()
    assert attempts(grid, clock, event_id) == [0, 10, 40]
    found = grid.emulator.events.records.find(event_id)
    assert found is not None
    assert (found.deliveries[0].state, found.deliveries[0].reason) == ("Dropped", "MaxDeliveryAttemptsExceeded")


@pytest.mark.parametrize(
    ("status", "outcome"), [(400, "BadRequest"), (401, "Unauthorized"), (403, "Forbidden"), (413, "PayloadTooLarge")]
)
def test_what_a_webhook_will_never_take_is_tried_once(
    grid: Grid, clock: Clock, receiver: Receiver, status: int, outcome: str
) -> None:
    grid.subscribe(grid.topic())
    receiver.answer = lambda request: (status, b"")
    event_id = grid.publish()
    assert attempts(grid, clock, event_id) == [0]
    found = grid.emulator.events.records.find(event_id)
    assert found is not None
    assert (found.deliveries[0].state, found.deliveries[0].outcome) == ("Dropped", outcome)


@pytest.mark.parametrize(
    ("attempts_made", "status", "kind", "seconds"),
    [
        (1, 500, WEB_HOOK, 10),
        (1, None, WEB_HOOK, 10),
        (1, 404, WEB_HOOK, 10),
        (1, 404, AZURE_FUNCTION, 300),
        (1, 401, AZURE_FUNCTION, 300),
        (5, 404, AZURE_FUNCTION, 600),
        (1, 408, WEB_HOOK, 120),
        (4, 408, WEB_HOOK, 300),
        (1, 503, WEB_HOOK, 30),
        (1, 429, AZURE_FUNCTION, 10),
        (9, 500, WEB_HOOK, 21600),
        (10, 500, WEB_HOOK, 43200),
        (29, 500, WEB_HOOK, 43200),
    ],
)
def test_the_answer_says_how_long_to_wait_at_least(
    attempts_made: int, status: int | None, kind: str, seconds: float
) -> None:
    assert schedule.delay(attempts_made, status, kind) == seconds
    assert seconds < schedule.delay(attempts_made, status, kind, jitter=1.0) <= seconds * 1.2


@pytest.mark.parametrize(
    ("status", "kind", "never"),
    [
        (400, AZURE_FUNCTION, True),
        (403, AZURE_FUNCTION, True),
        (413, AZURE_FUNCTION, True),
        (401, AZURE_FUNCTION, False),
        (401, WEB_HOOK, True),
        (404, WEB_HOOK, False),
        (500, WEB_HOOK, False),
        (None, WEB_HOOK, False),
    ],
)
def test_which_answers_end_a_delivery(status: int | None, kind: str, never: bool) -> None:
    assert schedule.never_retried(status, kind) is never


def test_time_may_go_faster_than_on_azure(make_grid: Callable[..., Grid], clock: Clock, receiver: Receiver) -> None:
    grid = make_grid(clock, time_scale=0.1)
    grid.subscribe(grid.topic())
    receiver.answer = lambda request: (500, b"")
    moments = attempts(grid, clock, grid.publish())
    assert differences(moments) == pytest.approx([one / 10 for one in SCHEDULE])


def test_the_time_scale_comes_from_the_environment() -> None:
    assert EventOptions.from_environment({}) == EventOptions(0.1, 0)
    found = EventOptions.from_environment({"AML_EMULATOR_EVENT_TIME_SCALE": "1", "AML_EMULATOR_EVENT_REPEATS": "3"})
    assert found == EventOptions(1.0, 3)


@pytest.mark.parametrize("text", ["0", "-1", "fast", "1001", "nan"])
def test_a_time_scale_that_is_none_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="is no time scale: allowed are numbers above 0 and up to 1000"):
        time_scale(text)


@pytest.mark.parametrize("text", ["-1", "101", "often"])
def test_repeats_that_are_none_are_told(text: str) -> None:
    with pytest.raises(ValueError, match="allowed are 0 to 100"):
        EventOptions.from_environment({"AML_EMULATOR_EVENT_REPEATS": text})
