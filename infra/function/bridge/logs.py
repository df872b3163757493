"""The function's log: one line of JSON per step of an event, under one correlation id, and never a secret."""

from __future__ import annotations

import json
import logging
import threading
from collections import deque

LOGGER = logging.getLogger("aml_events")
LONGEST = 500
"""Characters of a value that a line shows."""

_SHORTEST_SECRET = 8
_lasting: set[str] = set()
_passing: deque[str] = deque(maxlen=256)
_lock = threading.Lock()


def hide(secret: str, *, passing: bool = False) -> None:
    """Have every later line show `***` in place of this value, and of each line of it when it has several (a key).

    Args:
        secret: the value.
        passing: whether it is one of ever new ones (tokens that live for an hour); the latest of them are remembered.
    """
    with _lock:
        for part in {secret, *secret.splitlines()}:
            if len(part) < _SHORTEST_SECRET:
                continue
            if not passing:
                _lasting.add(part)
            elif part not in _passing:
                _passing.append(part)


def masked(text: str) -> str:
    """A text without the values that were hidden."""
    with _lock:
        secrets = sorted({*_lasting, *_passing}, key=len, reverse=True)
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def write(step: str, correlation_id: str, *, level: int = logging.INFO, **facts: str | int | float | None) -> None:
    """Write one line.

    Args:
        step: `received`, `ignored`, `duplicate`, `dispatched`, `retry`, `failed`, or `warning`.
        correlation_id: the event's; the same in every line, in every redelivery and in the dispatch.
        level: severity of the line, one of `logging`'s.
        facts: what is known; facts that are None are left out. The event's data never belongs here.
    """
    line: dict[str, str | int | float] = {"step": step, "correlation_id": correlation_id}
    for name, value in facts.items():
        if isinstance(value, str):
            line[name] = masked(value)[:LONGEST]
        elif value is not None:
            line[name] = round(value, 3)
    LOGGER.log(level, "%s", json.dumps(line))


def set_up() -> None:
    """Show our own lines, and keep the libraries from writing headers and payloads, whatever level the host sets."""
    LOGGER.setLevel(logging.INFO)
    for library in ("github", "urllib3", "azure", "msal"):
        logging.getLogger(library).setLevel(logging.WARNING)
