"""Values that the parameters file puts into a job: ``set``, a mapping from dotted paths to values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aml_actions.errors import ActionError

ANCHOR = "docs/troubleshooting.md#overrides"
_SECRET = re.compile(r"secret|passw|token|api_?key|access_?key|credential|connection_?string|sas$", re.IGNORECASE)
"""Marks a path whose value is not shown: it should not stand in a file, but if it does, the log does not repeat it."""
_LONGEST = 120
"""Characters of a value in the log."""
_NOTHING = object()


@dataclass(frozen=True)
class Change:
    """One value that was put into a job.

    Attributes:
        path: as the user wrote it.
        old: value before; None when there was none.
        new: value now.
        was_set: there was a value before.
    """

    path: str
    old: Any
    new: Any
    was_set: bool

    def __str__(self) -> str:
        if _SECRET.search(self.path):
            return f"set {self.path}: *** -> ***"
        return f"set {self.path}: {_shown(self.old) if self.was_set else '(not set)'} -> {_shown(self.new)}"


def _shown(value: Any) -> str:  # noqa: ANN401 - any YAML
    if any(_SECRET.search(str(key)) for key in _keys(value)):
        return "***"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _keys(value: Any) -> Iterator[Any]:  # noqa: ANN401 - any YAML
    if isinstance(value, Mapping):
        yield from value
    for item in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _keys(item)


def apply(
    document: Mapping[str, Any], overrides: Mapping[str, Any], name: str
) -> tuple[dict[str, Any], tuple[Change, ...]]:
    """Return the job's document with the values in their places, and what changed.

    A path names keys of mappings and, by number, entries of lists: ``jobs.train.inputs.lr``, ``inputs.list.0`` or
    ``inputs.list[0]``. What it names need not exist; a mapping on its way is made. The document given is left as it is, also
    where YAML aliases make several places one.

    Args:
        document: content of a job YAML.
        overrides: values by their paths, applied in this order.
        name: of the document, for messages.

    Raises:
        ActionError: a path is empty, or leads through a value that holds no others.

    """
    root: Any = dict(document)
    changes = []
    for path, value in overrides.items():
        segments = _segments(path)
        old = _put(root, segments, value, path, name)
        changes.append(Change(path, None if old is _NOTHING else old, value, old is not _NOTHING))
    return root, tuple(changes)


def _segments(path: str) -> list[str]:
    segments = re.sub(r"\[(\d+)\]", r".\1", path).split(".")
    if not all(segment.strip() for segment in segments):
        raise _refused(
            path,
            f"The path {path!r} in `set` has an empty part.",
            fix="write it like inputs.epochs or jobs.train.compute",
        )
    return segments


def _put(root: Any, segments: list[str], value: Any, path: str, name: str) -> Any:  # noqa: ANN401 - any YAML
    """Put a value into the tree and return the one that was there. Containers on the way are copied."""
    at = root
    for number, segment in enumerate(segments[:-1]):
        way = ".".join(segments[: number + 1])
        inner = _get(at, segment, path, way, name)
        if inner is _NOTHING or inner is None:
            inner = {}
        elif not isinstance(inner, (dict, list)):
            raise _refused(
                path,
                f"`set` cannot reach {path} in {name}: {way} is a single value.",
                value=f"{way}: {_shown(inner)}",
                fix=f"set {way} as a whole, or change what it refers to",
            )
        at = _store(at, segment, inner.copy())
    old = _get(at, segments[-1], path, path, name)
    _store(at, segments[-1], value)
    return old


def _get(at: Any, segment: str, path: str, way: str, name: str) -> Any:  # noqa: ANN401 - any YAML
    if isinstance(at, dict):
        return at.get(_key(at, segment), _NOTHING)
    if not segment.isdecimal() or int(segment) >= len(at):
        raise _refused(
            path,
            f"`set` cannot reach {path} in {name}: {way} is no entry of its list.",
            value=segment,
            allowed=f"0 to {len(at) - 1}" if at else "none, the list is empty; set it as a whole",
        )
    return at[int(segment)]


def _store(at: Any, segment: str, value: Any) -> Any:  # noqa: ANN401 - any YAML
    if isinstance(at, dict):
        at[_key(at, segment)] = value
    else:
        at[int(segment)] = value
    return value


def _key(at: dict[Any, Any], segment: str) -> Any:  # noqa: ANN401 - YAML has keys of several types
    """Return the key that a segment spells: YAML reads ``1:`` as a number and ``yes:`` as true."""
    return next((key for key in at if not isinstance(key, str) and str(key) == segment), segment)


def _refused(
    path: str, what: str, *, value: str | None = None, allowed: str | None = None, fix: str | None = None
) -> ActionError:
    return ActionError(what, value=value or path, allowed=allowed, fix=fix, anchor=ANCHOR, key=f"set.{path}")
