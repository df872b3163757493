"""Changing a key of a parameters file, with comments, order and spacing left as they are."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from aml_actions import yaml_reader
from aml_actions.documents import YAML_SUFFIXES, Document
from aml_actions.errors import ActionError
from aml_actions.migration.changes import Edit


@dataclass(frozen=True)
class _Member:
    """A key of the object, with the places of its first character and behind its value."""

    key: str
    start: int
    end: int


def put(
    document: Document, text: str, key: str, value: str, instead_of: Collection[str], why: str
) -> tuple[str, tuple[Edit, ...]] | None:
    """Return the text with a key in the place of others, and what changed.

    Args:
        document: the file as it was read; one object.
        text: of the file, without a byte-order mark.
        key: the new key.
        value: its text.
        instead_of: keys that go, in any spelling.
        why: one sentence.

    Returns:
        None when the file is written so that only a person can change it.
    """
    if not isinstance(document.data, dict):
        return None
    in_yaml = document.name.lower().endswith(YAML_SUFFIXES)
    made = (
        _in_yaml(text, key, value, instead_of, why)
        if in_yaml
        else _in_json(document.readable, text, key, value, instead_of, why)
    )
    if made is None:
        return None
    expected = {name: one for name, one in document.data.items() if _snake(str(name)) not in instead_of} | {key: value}
    return made if _content(made[0], in_yaml, document.name) == expected else None


def _content(text: str, in_yaml: bool, name: str) -> object:
    """Return what the new text says; JSON with comments is read as YAML, which knows none of `//`, so they are taken out."""
    try:
        if in_yaml:
            return yaml_reader.parse(text, name).content
        return json.loads(_without_comments(text))
    except (ActionError, ValueError, RecursionError):
        return None


def _without_comments(text: str) -> str:
    string = r'"(?:\\.|[^"\\\n])*"'
    bare = re.sub(rf"({string})|//[^\n]*|/\*.*?\*/|\#[^\n]*", lambda match: match[1] or " ", text, flags=re.DOTALL)
    return re.sub(rf"({string})|,(?=\s*[}}\]])", lambda match: match[1] or " ", bare)


# --- JSON


def _in_json(
    readable: str, text: str, key: str, value: str, instead_of: Collection[str], why: str
) -> tuple[str, tuple[Edit, ...]] | None:
    members = list(_members(readable))
    going = [one for one in members if _snake(one.key) in instead_of]
    new = f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}"
    edits = []
    if not going:
        opening = readable.index("{") + 1
        if members:
            space = text[opening : members[0].start] if not text[opening : members[0].start].strip() else "\n    "
            made = f"{text[:opening]}{space}{new},{text[opening:]}"
        else:
            made = f"{text[:opening]}\n    {new}\n{text[opening:].lstrip()}"
        return made, (Edit(why, _line(text, opening), "", new),)
    made = text
    for one in reversed(going):
        before = text[one.start : one.end]
        if one is going[0]:
            made = made[: one.start] + new + made[one.end :]
            edits.append(Edit(why, _line(text, one.start), before, new))
        else:
            start, end = _with_comma(readable, members, one)
            made = made[:start] + made[end:]
            edits.append(Edit(f"`{key}` stands alone: a step runs one job.", _line(text, one.start), before, ""))
    return made, tuple(reversed(edits))


def _members(readable: str) -> Iterator[_Member]:
    """Give the keys of the object; the text has passed the JSON parser."""
    decoder = json.JSONDecoder()
    place = readable.index("{") + 1
    while True:
        place = _behind_space(readable, place)
        if readable[place] == "}":
            return
        if readable[place] == ",":
            place = _behind_space(readable, place + 1)
        start = place
        key, place = decoder.raw_decode(readable, place)
        place = _behind_space(readable, _behind_space(readable, place) + 1)
        _, place = decoder.raw_decode(readable, place)
        yield _Member(key, start, place)


def _behind_space(text: str, place: int) -> int:
    while text[place] in " \t\r\n":
        place += 1
    return place


def _with_comma(readable: str, members: list[_Member], one: _Member) -> tuple[int, int]:
    """Return where a member begins and ends together with its comma and, when it has one to itself, its line."""
    start, end = one.start, one.end
    comma = _behind_space(readable, end)
    if readable[comma] == ",":
        end = comma + 1
    else:  # the last one: the comma before it goes
        start = readable.index(",", members[members.index(one) - 1].end)
        return start, end
    line_start = readable.rfind("\n", 0, start) + 1
    line_end = readable.find("\n", end)
    if line_end >= 0 and not readable[line_start:start].strip() and not readable[end:line_end].strip():
        return line_start, line_end + 1
    return start, end


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


# --- YAML


def _in_yaml(
    text: str, key: str, value: str, instead_of: Collection[str], why: str
) -> tuple[str, tuple[Edit, ...]] | None:
    lines, kept, edits = text.split("\n"), [], []
    new = f"{key}: {json.dumps(value, ensure_ascii=False)}"
    placed = False
    for number, line in enumerate(lines, 1):
        match = re.match(r"^[\"']?(\w+)[\"']?[ \t]*:(?:[ \t]|\r?$)", line)
        if not match or _snake(match[1]) not in instead_of:
            kept.append(line)
            continue
        end = "\r" if line.endswith("\r") else ""
        if not placed:
            kept.append(new + end)
        edits.append(
            Edit(
                why if not placed else f"`{key}` stands alone: a step runs one job.",
                number,
                line.strip(),
                "" if placed else new,
            )
        )
        placed = True
    if not placed:
        kept.insert(0, new + ("\r" if lines[0].endswith("\r") else ""))
        edits.append(Edit(why, 1, "", new))
    return "\n".join(kept), tuple(edits)


def _snake(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key.strip()).lower().replace("-", "_")
