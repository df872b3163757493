"""What the app and the host say: one JSON object a line, with the function and the invocation that it belongs to.

`logging` and everything printed go the same way. A text of several lines is one object.
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import threading
from contextvars import ContextVar
from datetime import datetime, timezone

INFORMATION, WARNING, ERROR = "Information", "Warning", "Error"
_LONGEST = 32_768
"""Characters of a message that are kept, as many as Application Insights takes."""

_LEVELS = (
    (logging.CRITICAL, "Critical"),
    (logging.ERROR, ERROR),
    (logging.WARNING, WARNING),
    (logging.INFO, INFORMATION),
)

current: ContextVar[tuple[str, str] | None] = ContextVar("current", default=None)
"""Function and invocation id of the code that runs; None outside of invocations."""

_lock = threading.Lock()
_output = os.dup(1)


def write(level: str, message: str, *, category: str = "Host") -> None:
    """Write one line.

    Args:
        level: a level of the Functions runtime.
        message: any text.
        category: who says it, outside of an invocation.

    """
    found = current.get()
    line: dict[str, str] = {
        "time": datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": level,
        "category": category,
    }
    if found is not None:
        function, line["invocation"] = found
        line["category"] = f"Function.{function}" + (".User" if category == "User" else "")
    line["message"] = message[:_LONGEST]
    data = json.dumps(line).encode() + b"\n"
    with _lock:
        while data:
            data = data[os.write(_output, data) :]


def set_up() -> None:
    """Have `logging` and what is printed come here, as the Python worker has it: the root logger shows INFO and above."""
    root = logging.getLogger()
    root.handlers[:] = [_Handler()]
    root.setLevel(logging.INFO)
    sys.stdout, sys.stderr = _Lines(INFORMATION), _Lines(ERROR)


class _Handler(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            level = next((name for number, name in _LEVELS if record.levelno >= number), "Debug")
            write(level, self.format(record), category="User")
        except Exception:
            self.handleError(record)


class _Lines(io.TextIOBase):
    """A text stream whose lines are written as log lines; what has no line break yet waits, for each thread by itself."""

    def __init__(self, level: str) -> None:
        super().__init__()
        self._level = level
        self._waiting = threading.local()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, rest = (getattr(self._waiting, "text", "") + text).split("\n")
        self._waiting.text = rest
        for line in lines:
            if line.strip():
                write(self._level, line, category="User")
        return len(text)

    def flush(self) -> None:
        rest, self._waiting.text = getattr(self._waiting, "text", ""), ""
        if rest.strip():
            write(self._level, rest, category="User")
