"""The log of a function app: what its host and its code say, what building its environment said, in the order of time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from aml_emulator.resources import now

_MOST_BYTES = 10 << 20
"""After which a new file is begun; one older is kept."""
_TAIL_BYTES = 256 << 10


@dataclass(frozen=True)
class Line:
    """One entry. `time`, `category` and `invocation` are empty for what is no entry of the host, such as the words of uv."""

    message: str
    level: str = "Information"
    time: str = ""
    category: str = ""
    invocation: str = ""


class AppLog:
    """The log of one app, in a file that its processes append to."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def note(self, level: str, message: str) -> None:
        """Add an entry of the emulator itself."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        line = {"time": now(), "level": level, "category": "Host", "message": message}
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def trim(self) -> None:
        """Begin a new file when this one is long."""
        if self.file.exists() and self.file.stat().st_size > _MOST_BYTES:
            self.file.replace(self.file.with_suffix(".log.1"))

    def last(self, count: int) -> list[Line]:
        """The last entries, oldest first."""
        if not self.file.exists():
            return []
        with self.file.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(size - _TAIL_BYTES, 0))
            lines = file.read().decode(errors="replace").splitlines()
        whole = lines[1:] if size > _TAIL_BYTES else lines
        return [_line(text) for text in whole if text.strip()][-count:]


def _line(text: str) -> Line:
    try:
        found = json.loads(text)
    except ValueError:
        return Line(text)
    if not isinstance(found, dict) or "message" not in found:
        return Line(text)
    fields = ("message", "level", "time", "category", "invocation")
    return Line(**{name: str(found[name]) for name in fields if name in found})
