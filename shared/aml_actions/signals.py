"""The signals with which a runner cancels a step, and how long a step has then.

A runner cancels a step (a cancelled or superseded workflow, a time limit of the job) with SIGINT; after 7.5 s it sends SIGTERM, and
2.5 s later it kills (actions/runner, ProcessInvoker). Whoever has something to end raises no second error on the way: only the first
signal becomes an exception, later ones make the time shorter.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from aml_actions.errors import ActionError

GRACE = {signal.SIGINT: 6.8, signal.SIGTERM: 2.0}
"""Seconds that a step takes at most after each signal; the rest of the runner's own is for telling what happened."""
_SWALLOWED = 0.5
"""Seconds after which an exception that nobody has caught must have been lost, as in a destructor."""


class Cancelled(KeyboardInterrupt):
    """The step is cancelled. Raised in the main thread, wherever it is.

    Attributes:
        number: of the first signal.
        told: what the action did about it; None when there was nothing to end.

    """

    def __init__(self, number: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Note the time of the signal `number`; `clock` gives monotonic seconds."""
        super().__init__(signal.Signals(number).name)
        self.number = number
        self.told: ActionError | None = None
        self._clock = clock
        self._at = clock()
        self._until = self._at + GRACE.get(signal.Signals(number), GRACE[signal.SIGTERM])
        self._is_caught = False
        self._insists = False

    def again(self, number: int) -> None:
        """Note a later signal: it leaves less time, never more."""
        self._until = min(self._until, self._clock() + GRACE.get(signal.Signals(number), GRACE[signal.SIGTERM]))

    def caught(self) -> None:
        """Say that the exception has arrived; it is not raised again."""
        self._is_caught = True

    def insist(self) -> None:
        """Have it raised again if it does not arrive, as when it came in a destructor, where Python swallows exceptions."""
        self._insists = True

    @property
    def is_lost(self) -> bool:
        """Whether it was raised where exceptions are swallowed, by somebody who insists."""
        return self._insists and not self._is_caught and self._clock() - self._at > _SWALLOWED

    @property
    def seconds_left(self) -> float:
        """Seconds until the step must have ended; negative when it is over."""
        return self._until - self._clock()

    @property
    def seconds(self) -> float:
        """Seconds since the first signal."""
        return self._clock() - self._at

    @property
    def exit_code(self) -> int:
        """Exit code of the step: 130 after SIGINT, 143 after SIGTERM."""
        return 128 + self.number


class _Handler:
    """Turns the first signal into an exception."""

    def __init__(self) -> None:
        self.insists = False
        self._first: Cancelled | None = None

    def __call__(self, number: int, _: FrameType | None) -> None:
        if self._first is None:
            self._first = Cancelled(number)
            if self.insists:
                self._first.insist()
                self._look_again()
            raise self._first
        if number in GRACE:
            self._first.again(number)
        if self._first.is_lost:
            self._look_again()
            raise self._first

    @staticmethod
    def _look_again() -> None:
        if hasattr(signal, "setitimer"):  # not on Windows, where the second signal of the runner has to do
            signal.setitimer(signal.ITIMER_REAL, _SWALLOWED + 0.1)


_handler: _Handler | None = None


def insist() -> None:
    """Have the exception raised again if it gets lost. Whoever calls this catches `Cancelled` and says `caught` at once."""
    if _handler is not None:
        _handler.insists = True


@contextmanager
def raising() -> Iterator[None]:
    """Have SIGINT and SIGTERM raise `Cancelled` in the block. Without effect beside the main thread, which gets the signals."""
    global _handler
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before, _handler = _handler, _Handler()
    numbers = [signal.SIGINT, signal.SIGTERM, *([signal.SIGALRM] if hasattr(signal, "SIGALRM") else [])]
    kept = {number: signal.signal(number, _handler) for number in numbers}
    try:
        yield
    finally:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)  # what nobody handles any more would end the process
        for number, handler in kept.items():
            signal.signal(number, handler)
        _handler = before
