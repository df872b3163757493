"""A lock that lasts as long as the process that holds it."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_POLL_SECONDS = 0.02


class LockHeld(Exception):
    """Another process holds the lock."""


@contextmanager
def held(path: Path, *, patience: float = 0.0) -> Iterator[None]:
    """Hold the lock; wait for it `patience` seconds at most (somebody who only looks holds it for a moment).

    Raises:
        LockHeld: another process has it.

    """
    deadline = time.monotonic() + patience
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise LockHeld(str(path)) from None
                time.sleep(_POLL_SECONDS)
        yield


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock: true of a running server, whatever the record of a crashed one says."""
    if not path.exists():
        return False
    try:
        with held(path):
            return False
    except LockHeld:
        return True
