"""From the bytes of a log that others wrote to lines that are fit to be shown: short, harmless, without secrets.

What the runner would obey is stopped by `Workflow.relay`; here goes what a terminal, a browser or the agent of Azure Pipelines would.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

LONGEST = 16 * 1024
"""Characters of a line that are shown."""
_MASK = 3
"""Characters of ``***``: what hides a secret is at most so many times as long as the secret."""

_ESCAPE_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, moves of the cursor
    # No body holds the beginning of another one: a line of nothing but beginnings would take quadratic time.
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\|\x9c)"  # titles, links
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x90\x98\x9c-\x9f]*(?:\x1b\\|\x9c)"  # strings for the terminal
    r"|\x1b[ -/]*[0-~]"
)
_UNSAFE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]|##")
_COMMAND = re.compile(r"##(?=vso\[|\[)", re.IGNORECASE)
"""What the agent of Azure Pipelines obeys anywhere in a line, and what the page of a GitHub run draws as a group or an error."""
_PICTURES = {
    **{code: chr(0x2400 + code) for code in range(0x20) if code != 0x09},
    0x7F: "\u2421",
    **dict.fromkeys((*range(0x80, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\ufffd"),
}
"""Control characters become pictures of themselves; line ends of Unicode and what turns the direction of text, a mark."""
_PART = re.compile(r"[^\r\n]+|\r|\n")


def harmless(text: str) -> str:
    """Return a line without escape sequences, with visible control characters and with no command of Azure Pipelines."""
    if not _UNSAFE.search(text):
        return text
    return _COMMAND.sub("# #", _ESCAPE_SEQUENCE.sub("", text).translate(_PICTURES))


class Lines:
    """Splits bytes that come in pieces; the lines are the same wherever the pieces were cut.

    Bytes that are no UTF-8 become replacement characters. Of a line that a progress bar wrote over and over, with carriage returns,
    the last state is given. Of a line longer than `LONGEST` only its beginning is kept, so that memory stays flat.
    """

    def __init__(self, hide: Callable[[str], str] = lambda text: text, reach: Callable[[], int] = lambda: 0) -> None:
        """Cut long lines where no secret is cut.

        Args:
            hide: replaces the known secrets in a text by three characters each.
            reach: characters of the longest of them.
        """
        self._hide = hide
        self._reach = reach
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pieces: list[
            str
        ] = []  # of the segment that is not complete: what follows the last carriage return or line end
        self._kept = 0
        self._excess = 0
        self._latest = ""  # the last segment of this line that showed something

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that new bytes complete."""
        return self._split(self._decoder.decode(data))

    def finish(self) -> list[str]:
        """Return what is left: a line without an end, or nothing."""
        lines = self._split(self._decoder.decode(b"", final=True))
        if self._kept or self._latest:
            lines.append(self._line())
        return lines

    def shown(self, line: str) -> str:
        """Return a line that `feed` or `finish` gave as it may be shown."""
        # First as it was written: what makes a line harmless may change a secret so that it is not recognized any more.
        return self._hide(harmless(self._hide(line)))

    def _split(self, text: str) -> list[str]:
        lines: list[str] = []
        for part in _PART.findall(text) if "\r" in text else _plain_parts(text):
            if part == "\n":
                lines.append(self._line())
            elif part == "\r":
                self._overwrite()
            else:
                self._keep(part)
        return lines

    def _keep(self, text: str) -> None:
        room = LONGEST + _MASK * self._reach() - self._kept
        taken = text if len(text) <= room else text[: max(0, room)]
        if taken:
            self._pieces.append(taken)
            self._kept += len(taken)
        self._excess += len(text) - len(taken)

    def _segment(self) -> str:
        text, excess = "".join(self._pieces), self._excess
        self._pieces.clear()
        self._kept = self._excess = 0
        if len(text) + excess <= LONGEST:
            return text
        shown = self.shown(text)
        if excess:
            # The end of what was kept may be the beginning of a secret, which nobody would recognize.
            shown = shown[: max(0, len(shown) - _MASK * self._reach())]
        return f"{shown[:LONGEST]} … [a line of {len(text) + excess:,} characters, cut here]"

    def _overwrite(self) -> None:
        segment = self._segment()
        if segment.strip():
            self._latest = segment

    def _line(self) -> str:
        segment = self._segment()
        if not segment.strip() and self._latest:
            segment = self._latest
        self._latest = ""
        return segment


def _plain_parts(text: str) -> list[str]:
    """Return texts and line ends in turns, without empty texts."""
    first, *others = text.split("\n")
    parts = [first] if first else []
    for other in others:
        parts.append("\n")
        if other:
            parts.append(other)
    return parts
