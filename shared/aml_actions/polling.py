"""Waiting with a bound, and without silence."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from aml_actions.errors import TimedOut

T = TypeVar("T")

HEARTBEAT = 60.0
"""Seconds between two lines of a wait in which nothing changes."""


def duration(seconds: float) -> str:
    """Return a length of time as people write it: ``8 s``, ``2 min 5 s``, ``1 h 2 min``."""
    whole = round(seconds)
    if seconds < 10:
        return f"{seconds:.1f} s"
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def wait_until(
    probe: Callable[[], T],
    done: Callable[[T], bool],
    *,
    what: str,
    say: Callable[[str], None],
    timeout: float | None = None,
    interval: float | Callable[[float], float] = 5.0,
    heartbeat: float = HEARTBEAT,
    describe: Callable[[T], str] = str,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Call `probe` until `done` accepts its answer, and return that answer.

    Args:
        probe: asks for the present state.
        done: True for an end state (a bad one too: judging it is the caller's).
        what: noun phrase for the messages, such as ``job happy_ant_1``.
        say: prints a line; called when the described state changes and at least every `heartbeat` seconds.
        timeout: seconds; None waits for ever.
        interval: seconds between two probes, or a function from the seconds waited so far to them.
        heartbeat: seconds.
        describe: turns a state into text.
        clock: monotonic seconds.
        sleep: waits for seconds.

    Raises:
        TimedOut: the end state was not reached in time.
    """
    start = clock()
    told_at, told = start, ""
    while True:
        state = probe()
        if done(state):
            return state
        now = clock()
        waited, text = now - start, describe(state)
        if text != told or now - told_at >= heartbeat:
            say(f"{what}: {text} ({duration(waited)})")
            told_at, told = now, text
        if timeout is not None and waited >= timeout:
            raise TimedOut(f"Waiting for {what} took longer than {duration(timeout)}.", value=f"last state: {text}")
        pause = interval(waited) if callable(interval) else interval
        sleep(pause if timeout is None else max(0.0, min(pause, timeout - waited)))


def wait_for_poller(
    poller: Any,  # noqa: ANN401 - azure.core.polling.LROPoller[T]; importing it would cost every step
    *,
    what: str,
    say: Callable[[str], None],
    timeout: float,
    heartbeat: float = HEARTBEAT,
    clock: Callable[[], float] = time.monotonic,
) -> Any:  # noqa: ANN401 - the resource that the poller gives
    """Wait for a long-running operation of the Azure SDK and return its resource.

    ``LROPoller.result(timeout)`` returns the unfinished resource in silence when the time is over, and for some operations (the
    creation of a workspace) ``done()`` is true from the start while ``result()`` does the waiting. So ``result()`` runs in a
    thread of its own, and this waits for the thread.

    Args:
        poller: the operation.
        what: noun phrase for the messages.
        say: prints a line.
        timeout: seconds.
        heartbeat: seconds between two lines.
        clock: monotonic seconds.

    Raises:
        TimedOut: the operation still runs; it goes on in Azure.
        azure.core.exceptions.AzureError: the operation failed.
    """
    outcome: Future[Any] = Future()

    def finish() -> None:
        try:
            outcome.set_result(poller.result())
        except BaseException as error:
            outcome.set_exception(error)

    thread = threading.Thread(target=finish, name=f"waiting for {what}", daemon=True)
    thread.start()

    def finished() -> bool:
        thread.join(timeout=1.0)
        return outcome.done()

    wait_until(
        finished,
        bool,
        what=what,
        say=say,
        timeout=timeout,
        interval=0.0,
        heartbeat=heartbeat,
        describe=lambda _: "in progress",
        clock=clock,
    )
    return outcome.result()
