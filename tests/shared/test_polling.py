"""Waiting, with a clock of the test's own."""

import threading

import pytest

from aml_actions.errors import TimedOut
from aml_actions.polling import duration, wait_for_poller, wait_until


class Clock:
    def __init__(self):
        self.now = 0.0
        self.pauses = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds


def wait(states, clock, **options):
    said = []
    ended = wait_until(
        lambda: states(clock.now),
        lambda state: state == "Done",
        what="job a",
        say=said.append,
        clock=clock,
        sleep=clock.sleep,
        **options,
    )
    return ended, said


def test_every_change_is_told_and_silence_is_broken_each_minute():
    clock = Clock()
    _, said = wait(lambda now: "Queued" if now < 200 else "Running" if now < 210 else "Done", clock, interval=10)
    assert said == [
        "job a: Queued (0.0 s)",
        "job a: Queued (1 min)",
        "job a: Queued (2 min)",
        "job a: Queued (3 min)",
        "job a: Running (3 min 20 s)",
    ]


def test_a_timeout_is_an_error_that_names_the_last_state():
    clock = Clock()
    with pytest.raises(TimedOut) as caught:
        wait(lambda _: "Queued", clock, interval=40, timeout=100)
    assert str(caught.value) == "Waiting for job a took longer than 1 min 40 s.\nGiven: last state: Queued"
    assert clock.now == 100, "the last pause is shortened to the limit"


def test_the_interval_may_grow():
    clock = Clock()
    wait(lambda now: "Done" if now >= 7 else "Running", clock, interval=lambda waited: 1 + waited)
    assert clock.pauses == [1, 2, 4]


class Poller:
    """As azure-core's: result(timeout) would return the unfinished resource; the creation of a workspace is done() from the start."""

    def __init__(self, outcome, release):
        self.outcome, self.release = outcome, release

    def done(self):
        return True

    def result(self, timeout=None):
        assert timeout is None
        self.release.wait(timeout=5)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def released():
    event = threading.Event()
    event.set()
    return event


def test_an_operation_that_ends_gives_its_resource():
    assert wait_for_poller(Poller("made", released()), what="it", say=print, timeout=30) == "made"


def test_an_operation_that_fails_raises_its_reason():
    with pytest.raises(KeyError, match="reason"):
        wait_for_poller(Poller(KeyError("reason"), released()), what="it", say=print, timeout=30)


def test_an_operation_that_never_ends_is_bounded():
    never = threading.Event()
    with pytest.raises(TimedOut, match=r"Waiting for compute c took longer than 0.5 s"):
        wait_for_poller(Poller("made", never), what="compute c", say=lambda _: None, timeout=0.5)
    never.set()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (10, "10 s"),
        (59.6, "1 min"),
        (125, "2 min 5 s"),
        (3600, "1 h"),
        (3720, "1 h 2 min"),
        (86400, "24 h"),
    ],
)
def test_lengths_of_time_read_well(seconds, text):
    assert duration(seconds) == text
