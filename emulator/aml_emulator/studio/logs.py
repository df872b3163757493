"""The logs of a job: which there are, their tails, and what was added since.

Offsets count bytes. A chunk ends with a line wherever it can, so that a reader who joins the chunks sees whole lines and
whole characters; the last line, still being written, comes beside it and is sent again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from aml_emulator.blobs import Blob, BlobStore

MAIN = "user_logs/std_log.txt"
_FOLDERS = ("user_logs/", "azureml-logs/", "logs/", "system_logs/")
_CHUNK = 256 * 1024
_TAIL = 64 * 1024

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class Chunk:
    """A piece of a log. `end` is where the next one begins, `size` how long the log is (bytes).

    `text` is whole lines, `partial` the line that is still being written (it lies after `end`); `more`: read on at once.
    """

    start: int
    end: int
    size: int
    text: str
    partial: str
    more: bool


def logs_of(blobs: BlobStore, container: str, prefix: str) -> dict[str, Blob]:
    """The logs of a job by name below its prefix, the one that people want first."""
    found = {
        blob.name[len(prefix) + 1 :]: blob
        for folder in _FOLDERS
        for blob in blobs.list(container, f"{prefix}/{folder}")
        if blob.name.endswith((".txt", ".log"))
    }
    first = main_log(found)
    return {first: found.pop(first), **found} if first else found


def main_log(logs: dict[str, Blob]) -> str | None:
    """The log to show: what the script printed; the environment's build log until there is any of that."""
    printed = [name for name in logs if name.startswith("user_logs/")]
    for name in printed:
        if logs[name].size:
            return name
    built = [name for name in logs if name not in printed and logs[name].size]
    return next(iter(built or printed or logs), None)


def read(blob: Blob, offset: int, limit: int = _CHUNK) -> Chunk:
    """At most `limit` bytes from `offset`; from the beginning when the log is shorter than that (it began anew)."""
    with blob.path.open("rb") as file:
        size = file.seek(0, 2)
        start = offset if 0 <= offset <= size else 0
        file.seek(start)
        data = file.read(limit)
    whole = data.rfind(b"\n") + 1
    at_end = start + len(data) >= size
    if not whole and not at_end:
        whole = _character_boundary(data)  # a line longer than a chunk
    partial = data[whole:] if at_end else b""
    return Chunk(start, start + whole, size, clean(data[:whole]), clean(partial), not at_end)


def tail(blob: Blob, limit: int = _TAIL) -> Chunk:
    """The last lines, at most `limit` bytes of them."""
    size = blob.size
    if size <= limit:
        return read(blob, 0, limit)
    with blob.path.open("rb") as file:
        file.seek(size - limit)
        start = size - limit + file.read(limit).find(b"\n") + 1
    return read(blob, start, limit)


def last_lines(text: str, count: int) -> str:
    """The last lines of a text that are not empty."""
    return "\n".join([line for line in text.splitlines() if line.strip()][-count:])


def clean(data: bytes) -> str:
    """A log as a person saw it in a terminal: no colours, and of a line that was overwritten (a progress bar) its last form."""
    text = _ESCAPES.sub("", data.decode(errors="replace"))
    if "\r" in text:
        text = "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n"))
    return _CONTROLS.sub("", text)


def _character_boundary(data: bytes) -> int:
    """Length of `data` without a character of UTF-8 that is cut off at its end."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte < 0x80:
            return len(data)
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(data) - back if length > back else len(data)
    return len(data)
