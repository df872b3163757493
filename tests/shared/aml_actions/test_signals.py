"""Signals of the runner: the first becomes an exception, the next ones only leave less time, and none is lost."""

import os
import signal
import time

import pytest

from aml_actions.signals import Cancelled, insist, raising


def test_signals_raise_once() -> None:
    with raising():
        with pytest.raises(Cancelled) as caught:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        stopping = caught.value
        left = stopping.seconds_left
        assert 6 < left <= 6.8
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)
        assert 1.5 < stopping.seconds_left <= 2.0, "the second signal leaves less time"
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
        assert stopping.seconds_left <= 2.0, "no signal gives time back"
    assert stopping.exit_code == 130


def test_a_step_is_terminated_with_the_code_of_the_signal() -> None:
    with raising(), pytest.raises(Cancelled) as caught:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
    assert caught.value.exit_code == 143
    assert str(caught.value) == "SIGTERM"


class Swallows:
    """Python ignores what is raised in a destructor."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_exception_that_is_swallowed_comes_again() -> None:
    with raising():
        insist()
        Swallows()  # made and dropped: the signal comes in the destructor
        with pytest.raises(Cancelled):
            time.sleep(5)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_that_was_caught_does_not_come_again() -> None:
    with raising():
        insist()
        with pytest.raises(Cancelled) as caught:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        caught.value.caught()
        time.sleep(0.8)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_nothing_comes_after_the_block() -> None:
    with raising():
        insist()
        Swallows()
        with pytest.raises(Cancelled):
            time.sleep(5)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0), "an alarm that nobody handles ends the process"


def test_the_handlers_of_before_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with raising():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before
