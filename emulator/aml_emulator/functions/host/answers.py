"""An answer of the host, before it goes over the wire."""

from __future__ import annotations

import json
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answer:
    """Status, headers and body. `ends_host`: after it the process ends, since a function in it cannot be stopped otherwise."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    ends_host: bool = False

    @classmethod
    def text(cls, status: int, text: str, *, ends_host: bool = False) -> Answer:
        """An answer for a person."""
        return cls(status, [("Content-Type", "text/plain; charset=utf-8")], text.encode(), ends_host)

    @classmethod
    def json(cls, status: int, value: object) -> Answer:
        """An answer for a program."""
        return cls(status, [("Content-Type", "application/json; charset=utf-8")], json.dumps(value).encode())
