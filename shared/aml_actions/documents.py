"""Parameters files as people write them: JSON, JSON with comments, YAML."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

from aml_actions import yaml_reader
from aml_actions.errors import ActionError
from aml_actions.findings import Findings
from aml_actions.text_files import read_text

ANCHOR = "docs/troubleshooting.md#parameters-file"
YAML_SUFFIXES = (".yml", ".yaml")
SECRET_KEY = re.compile(r"password|secret|token|ssh_key|access_key|connection_string", re.IGNORECASE)
"""Keys whose values are never shown."""
_SECRET_LINE = re.compile(rf"([\"']?[^\"':]*(?:{SECRET_KEY.pattern})[^\"':]*[\"']?\s*:\s*).*", re.IGNORECASE)
_MOST_SHOWN = 200
"""Characters of a line in a message."""
_MOST_DOUBLES = 20
"""Keys that stand twice of which a message is made."""
# What does not end is matched up to where it can end at most: each character is looked at once, whatever a file holds.
_STRING = r'"(?:\\[^\n]|[^"\\\n])*"?'
_COMMENT = re.compile(rf"{_STRING}|(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z)|\#[^\n]*)", re.DOTALL)
_LAST_COMMA = re.compile(rf"{_STRING}|(?P<comment>,)(?=\s*[}}\]])")


@dataclass(frozen=True)
class Document:
    """The content of a parameters file.

    Attributes:
        name: the file as the user calls it.
        data: an object or an array, as JSON means it.
        readable: its text as strict JSON or YAML, every character where it stands in the file.
    """

    name: str
    data: Any
    readable: str

    def line(self, path: Sequence[str | int]) -> int | None:
        """Return the line of a key, or of the nearest key above it that is there; None when there is none."""
        parts = [str(part) for part in path]
        shorter = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
        return next((self._lines[one] for one in shorter if one in self._lines), None)

    @cached_property
    def _lines(self) -> dict[str, int]:
        return _as_yaml(self.readable, self.name).lines


def read(file: Path, name: str, findings: Findings) -> Document:
    """Read a parameters file; ``.yml`` and ``.yaml`` are YAML, everything else JSON.

    Args:
        file: what to read.
        name: how the user calls it, for messages.
        findings: takes the warnings: comments, commas before a closing bracket, keys that stand twice, a byte-order mark.

    Raises:
        ActionError: it is neither, or holds what no parameter can be.
    """
    try:
        text = read_text(file, name, findings)
        if file.suffix.lower() in YAML_SUFFIXES:
            parsed = yaml_reader.parse(text, name)
            data, doubles, readable = parsed.content, parsed.doubles, text
        else:
            data, doubles, readable = _json(text, name, findings)
    except ActionError as error:
        error.anchor = error.anchor or ANCHOR
        if error.value is not None:
            error.value = _SECRET_LINE.sub(r"\1***", error.value[:_MOST_SHOWN])
        raise
    document = Document(name, data, readable)
    for key, line in doubles[:_MOST_DOUBLES]:
        findings.warn(
            ActionError(
                f"The key {key} stands twice in one object of {name}; the last one counts.",
                fix="remove one of them",
                anchor=ANCHOR,
                file=name,
                line=line,
                key=key,
            )
        )
    _check_values(document)
    return document


def _json(text: str, name: str, findings: Findings) -> tuple[Any, list[tuple[str, int]], str]:
    """Parse JSON; comments and last commas become spaces first, so that every place stays the same."""
    readable, comment = _blank(_COMMENT, text)
    readable, comma = _blank(_LAST_COMMA, readable)
    has_doubles = False

    def constant(spelled: str) -> NoReturn:
        raise ActionError(f"{name} holds {spelled}, which is not JSON.", fix="write a number", file=name)

    def pairs(given: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal has_doubles
        made = dict(given)
        has_doubles |= len(made) != len(given)
        return made

    try:
        data = json.loads(readable, parse_constant=constant, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        raise _not_json(error, text, readable, name) from None
    except RecursionError:
        raise _too_deep(name) from None
    except ValueError as error:  # a number with thousands of digits
        raise ActionError(f"{name} holds a number that is none: {error}.", file=name) from None
    for position, what, fix in (
        (comment, "a comment", "remove it, or make it a YAML file, where comments belong to the format"),
        (comma, "a comma before a closing bracket", "remove that comma"),
    ):
        if position is not None:
            findings.warn(
                ActionError(
                    f"{name} holds {what}, which JSON does not have. It is read all the same; other tools may refuse it.",
                    fix=fix,
                    anchor=ANCHOR,
                    file=name,
                    line=text.count("\n", 0, position) + 1,
                )
            )
    return data, _as_yaml(readable, name).doubles if has_doubles else [], readable


def _blank(pattern: re.Pattern[str], text: str) -> tuple[str, int | None]:
    """Replace what the pattern names ``comment`` by spaces; return the text and the place of the first one."""
    first: list[int] = []

    def spaces(match: re.Match[str]) -> str:
        if match["comment"] is None:
            return match[0]
        first.append(match.start())
        return re.sub(r"[^\n]", " ", match[0])

    return pattern.sub(spaces, text), first[0] if first else None


def _as_yaml(readable: str, name: str) -> yaml_reader.Document:
    """Read text that has passed as JSON, or YAML, for the places in it; JSON is YAML, but for tabs between its values."""
    try:
        return yaml_reader.parse(readable.replace("\t", " "), name, typed=False)
    except ActionError:
        return yaml_reader.Document()


def _not_json(error: json.JSONDecodeError, text: str, readable: str, name: str) -> ActionError:
    rest = readable[error.pos :].lstrip()
    if (opened := _open_comment(text)) is not None:
        cause, fix = "a comment that does not end", "close it with */"
        error.pos = opened
    elif not readable.strip():
        cause, fix = "the file is empty", "write at least {}"
    elif rest.startswith("'"):
        cause, fix = "single quotes", 'use double quotes: "..."'
    elif re.match(r"(True|False|None)\b", rest):
        cause, fix = "Python's spelling", "write true, false or null"
    else:
        cause, fix = error.msg, "correct the line; an editor with JSON support marks the place"
    line = text.count("\n", 0, error.pos) + 1
    start = text.rfind("\n", 0, error.pos) + 1
    content = text[start:].split("\n", 1)[0].strip()
    return ActionError(
        f"The parameters file {name} is not JSON: line {line}, column {error.pos - start + 1}.",
        value=content or None,
        cause=cause,
        fix=fix,
        file=name,
        line=line,
    )


def _open_comment(text: str) -> int | None:
    """Return the place of a comment that does not end."""
    found = (match for match in _COMMENT.finditer(text) if match["comment"] and match["comment"].startswith("/*"))
    return next((match.start() for match in found if not match[0][2:].endswith("*/")), None)


def _too_deep(name: str) -> ActionError:
    return ActionError(
        f"{name} is nested more than {yaml_reader.DEEPEST} levels deep.",
        fix="make it flat; no parameter needs that",
        anchor=ANCHOR,
        file=name,
    )


def _check_values(document: Document) -> None:
    """Refuse what JSON can spell and nobody can mean."""
    for path, value in _values(document):
        wrong = None
        if isinstance(value, float) and not math.isfinite(value):
            wrong = "a number that is too large"
        elif isinstance(value, str) and _is_broken(value):
            wrong = "half of a character (a single surrogate)"
        elif path and isinstance(path[-1], str) and _is_broken(path[-1]):
            wrong, path = "a key with half of a character (a single surrogate)", path[:-1]
        elif path and not isinstance(path[-1], (str, int)):
            wrong, path = "a key that is no text", path[:-1]
        elif not isinstance(value, (dict, list, str, int, float, bool, type(None))):
            wrong = f"a value of a kind that JSON does not have ({type(value).__name__})"
        if wrong:
            raise ActionError(
                f"{document.name} holds {wrong}.",
                value=".".join(map(str, path)) or None,
                fix="correct the value",
                anchor=ANCHOR,
                file=document.name,
                line=document.line(path),
            )


def _values(document: Document) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Give every value with its path, without recursion."""
    waiting: list[tuple[tuple[Any, ...], Any]] = [((), document.data)]
    while waiting:
        path, value = waiting.pop()
        if len(path) > yaml_reader.DEEPEST:
            raise _too_deep(document.name)
        yield path, value
        if isinstance(value, dict):
            waiting.extend(((*path, _key(key)), inner) for key, inner in value.items())
        elif isinstance(value, list):
            waiting.extend(((*path, number), inner) for number, inner in enumerate(value))


def _key(key: Any) -> Any:  # noqa: ANN401 - any key of a YAML mapping
    """Keep a key that is text; wrap another so that it is not taken for the place in an array."""
    return key if isinstance(key, str) else (key,)


def _is_broken(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
