"""The syntax of a Dockerfile: its instructions with their lines, and words with their quotes and variables resolved."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_DIRECTIVE = re.compile(r"#\s*(?P<name>\w+)\s*=\s*(?P<value>\S+)\s*")
_INSTRUCTION = re.compile(r"(?P<name>[A-Za-z]+)(?:\s+(?P<rest>.*))?", re.DOTALL)
_PART = re.compile(
    r"""(?P<space>\s+)|'(?P<literal>[^']*)'|"(?P<quoted>(?:\\.|[^"\\])*)"|(?P<bare>(?:\\.|[^\s'"\\])+)""", re.DOTALL
)
_VARIABLE = re.compile(
    r"\\(?P<escaped>.)|\$(?:(?P<name>\w+)|\{(?P<braced>\w+)(?::(?P<operator>[-+])(?P<word>[^}]*))?\})", re.DOTALL
)


@dataclass(frozen=True)
class Instruction:
    """One instruction: the line it begins at, its name in capitals, and the rest of it on one line."""

    line: int
    name: str
    rest: str

    def __str__(self) -> str:
        return f"{self.name} {self.rest}".strip()


def instructions(text: str) -> Iterator[Instruction]:
    """Every instruction of a Dockerfile; comments, parser directives and continued lines are resolved.

    Raises:
        ValueError: a line is no instruction.

    """
    for number, line in _lines(text):
        match = _INSTRUCTION.fullmatch(line)
        if match is None:
            raise ValueError(f"Line {number} of the Dockerfile, '{line}', is no instruction.")
        yield Instruction(number, match["name"].upper(), (match["rest"] or "").strip())


def words(text: str, variables: Mapping[str, str]) -> list[str]:
    """A text as words: in the form of a JSON array, or as written, with quotes resolved and variables replaced.

    Raises:
        ValueError: a quote or an array is not closed.

    """
    if text.startswith("["):
        found = json.loads(text)
        if not isinstance(found, list):
            raise ValueError(f"{text} is no array")
        return [str(word) for word in found]
    result: list[str] = []
    position, current = 0, None
    while position < len(text):
        part = _PART.match(text, position)
        if part is None:
            raise ValueError(f"a quote of {text} is not closed")
        position = part.end()
        if part["space"] is not None:
            result += [] if current is None else [current]
            current = None
        elif part["literal"] is not None:
            current = (current or "") + part["literal"]
        else:
            current = (current or "") + _replaced(part["quoted"] or part["bare"] or "", variables)
    return result + ([] if current is None else [current])


def _replaced(text: str, variables: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        if match["escaped"]:
            return match["escaped"]
        found = variables.get(match["name"] or match["braced"], "")
        if match["operator"] == "-":
            return found or match["word"]
        if match["operator"] == "+":
            return match["word"] if found else ""
        return found

    return _VARIABLE.sub(value, text)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    escape, head, start = "\\", True, 0
    pending: list[str] = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        stripped = line.strip()
        if head and (directive := _DIRECTIVE.fullmatch(stripped)):
            escape = directive["value"] if directive["name"].lower() == "escape" else escape
            continue
        head = False
        if not stripped or stripped.startswith("#"):
            continue
        start = start if pending else number
        if stripped.endswith(escape):
            pending.append(stripped[: -len(escape)].strip())
            continue
        yield start, " ".join([*pending, stripped])
        pending = []
    if pending:
        yield start, " ".join(pending)
