"""Python tracebacks in the log of a job: of one process or of several in one file, chained, of groups, with notes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_PROCESS = re.compile(
    r"^(?P<process>\[rank\d+\]:|\[\d+,\d+\]<std(?:err|out)>:|\([\w.]+ pid=\d+[^)]{0,60}\)|\[default\d+\]:) ?"
)
"""What torchrun, mpirun and Ray put before each line of a process when several share a file."""
_GUTTER = re.compile(r"^(?P<indent> *)(?:\| ?|\+ (?=Exception Group Traceback))(?P<content>.*)$")
_SEPARATOR = re.compile(r"^ *\+(?:-\+)?-{8,}")
_HEADER = re.compile(r"(?P<group>Exception Group )?Traceback \(most recent call last\):\s*$")
_FRAME = re.compile(r'^\s*File "(?P<file>[^"]{1,4096})", line (?P<line>\d{1,9})(?:, in (?P<function>.*))?$')
_RAISED = re.compile(r"^(?P<kind>(?:\w+\.)*[A-Z]\w*|(?:\w+\.)+\w+)(?::(?: (?P<text>.*))?)?$")
_CARETS = re.compile(r"^[\s~^]*$")
_CHAINED = (
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
)
_BESIDE = re.compile(r"^(?:Exception ignored in|--- Logging error ---|Exception in thread )")
"""Says that what follows did not end the process."""
_MOST_BETWEEN = 5
"""Lines of other output that may stand between a frame and its exception: standard output and error are two streams."""
_MOST_NOTES = 5
_LONGEST = 300
"""Characters of an exception's text that are kept."""


@dataclass(frozen=True)
class Frame:
    """One entry of a traceback: file as the remote interpreter named it, line from 1, function and the line's text if shown."""

    file: str
    line: int
    function: str = ""
    text: str = ""


@dataclass
class Raised:
    """An exception that a log shows.

    Attributes:
        kind: class, such as ``ValueError``.
        text: first line of its message, cut.
        frames: outermost first.
        cause: the exception that it was raised from, or during whose handling.
        members: the exceptions of a group.
        notes: lines below it, such as those of `add_note`.
        beside: it did not end the process: a thread's, an ignored one, one of the logging module.
        end: index of its last line in the log.
    """

    kind: str
    text: str
    frames: tuple[Frame, ...]
    cause: Raised | None = None
    members: list[Raised] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    beside: bool = False
    end: int = 0

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}" if self.text else self.kind


def read(lines: Sequence[str]) -> list[Raised]:
    """Return the exceptions that ended a chain, in the order of the log; causes and members hang on them."""
    streams: dict[str, _Reader] = {}
    for number, line in enumerate(lines):
        process, text = _without_process(_ANSI.sub("", line).rstrip())
        streams.setdefault(process, _Reader()).take(number, text)
    found = [raised for stream in streams.values() for raised in stream.found]
    return sorted(found, key=lambda raised: raised.end)


def chain(raised: Raised) -> Iterator[Raised]:
    """Yield the exceptions of one outcome, the most telling first: members of a group before it, an exception before its cause."""
    waiting = [raised]
    while waiting:
        one = waiting.pop(0)
        if one.members:
            members, one_alone = one.members, Raised(one.kind, one.text, one.frames, one.cause)
            waiting = [*members, one_alone, *waiting]
            continue
        yield one
        if one.cause is not None:
            waiting.insert(0, one.cause)


def _without_process(line: str) -> tuple[str, str]:
    if found := _PROCESS.match(line):
        return found["process"], line[found.end() :]
    return "", line


class _Reader:
    """Reads the lines of one process."""

    def __init__(self) -> None:
        self.found: list[Raised] = []
        self._frames: list[Frame] | None = None
        self._header_seen = False
        self._is_group = False
        self._between = 0
        self._beside = False
        self._chained = False
        self._last: dict[int, Raised] = {}
        self._groups: list[tuple[int, Raised]] = []
        self._noted: Raised | None = None

    def take(self, number: int, line: str) -> None:
        """Read the next line."""
        if _SEPARATOR.match(line):
            self._frames, self._noted = None, None
            return
        gutter = _GUTTER.match(line) if self._groups or self._is_group or "Exception Group Traceback" in line else None
        depth, content = (len(gutter["indent"]), gutter["content"]) if gutter else (-1, line)
        if header := _HEADER.search(content):
            self._frames, self._header_seen, self._between, self._noted = [], True, 0, None
            self._is_group = bool(header["group"])
        elif frame := _FRAME.match(content):
            if self._frames is None:
                self._frames, self._header_seen, self._between = [], False, 0
            self._noted = None
            function = frame["function"] or ""
            self._frames.append(Frame(frame["file"], int(frame["line"]), function))
        elif self._frames is not None:
            self._within(number, depth, content)
        else:
            self._between_tracebacks(number, content)

    def _within(self, number: int, depth: int, content: str) -> None:
        """Read a line after the header of a traceback: a line of source, or the exception."""
        if content[:1] in (" ", "\t"):
            self._source(content)
            return
        raised = _RAISED.match(content)
        # Without a header only a syntax error has frames, and it names no function.
        if raised and self._frames and (self._header_seen or raised["kind"].endswith("Error")):
            self._close(number, depth, raised["kind"], (raised["text"] or "")[:_LONGEST])
            return
        self._between += 1
        if self._between > _MOST_BETWEEN or (not content and not self._header_seen):
            self._frames = None

    def _source(self, content: str) -> None:
        frames = self._frames
        if frames and not frames[-1].text and not _CARETS.match(content):
            last = frames[-1]
            frames[-1] = Frame(last.file, last.line, last.function, content.strip())

    def _close(self, number: int, depth: int, kind: str, text: str) -> None:
        raised = Raised(kind, text, tuple(self._frames or ()), beside=self._beside, end=number)
        self._groups = [(level, group) for level, group in self._groups if level < depth]
        if self._chained and depth in self._last:
            raised.cause = self._last[depth]
            raised.beside = raised.beside or raised.cause.beside
            self._forget(raised.cause)
        (self._groups[-1][1].members if self._groups else self.found).append(raised)
        self._last = {level: one for level, one in self._last.items() if level < depth} | {depth: raised}
        if self._is_group:
            self._groups.append((depth, raised))
        self._frames, self._is_group, self._chained, self._beside, self._noted = None, False, False, False, raised

    def _forget(self, cause: Raised) -> None:
        """Take an exception out of where it stands: it is the cause of the one that follows it."""
        for kept in (self.found, *(group.members for _, group in self._groups)):
            kept[:] = [one for one in kept if one is not cause]

    def _between_tracebacks(self, number: int, content: str) -> None:
        if content.strip() in _CHAINED:
            self._chained, self._noted = True, None
        elif not content.strip():
            self._noted = None
        elif _BESIDE.match(content):
            self._beside, self._noted = True, None
        elif self._noted is not None and len(self._noted.notes) < _MOST_NOTES and not content.startswith('"""'):
            self._noted.notes.append(content.strip()[:_LONGEST])
            self._noted.end = number
        else:
            self._noted = None


def kinds(raised: Iterable[Raised]) -> list[str]:
    """Return the class names without their modules."""
    return [one.kind.rsplit(".", 1)[-1] for one in raised]
