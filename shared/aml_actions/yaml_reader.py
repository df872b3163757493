"""Reading YAML that people wrote, within bounds: whatever a file holds, the answer is its content or one clear error.

PyYAML reads YAML 1.1, in which ``yes`` is true, ``010`` is eight and ``2024-01-31`` a date. Read here is what YAML 1.2 and JSON
have in common (``true``, ``null``, decimal numbers), or, for formats whose values are all text, nothing but text and null. The
files come from anybody who can open a pull request: what would exhaust memory or the stack is refused with a sentence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aml_actions.errors import ActionError

if TYPE_CHECKING:
    import yaml

DEEPEST = 50
"""Levels of mappings and lists in each other; files of this field have less than ten."""
MOST_VALUES = 100_000
"""Values of a file, those that an alias repeats counted each time: a few lines of aliases can stand for billions."""
_TAGS = frozenset({None, "!", *(f"tag:yaml.org,2002:{kind}" for kind in ("str", "null", "map", "seq"))})
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {spelled: word == "true" for word in ("true", "false") for spelled in (word, word.title(), word.upper())}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_MOST_DIGITS = 400
"""Digits of a number; more are no number that anybody means, and Python refuses to read some thousand."""


@dataclass
class Document:
    """A YAML document.

    Attributes:
        content: mappings with keys of text, lists, text and None; numbers and booleans too where they were asked for.
        lines: line of each key and of each entry of a list, by its path with dots; entries count from 0.
        doubles: keys that stand twice in one mapping, with the line of the second; the last one counts.

    """

    content: Any = None
    lines: dict[str, int] = field(default_factory=dict)
    doubles: list[tuple[str, int]] = field(default_factory=list)


def parse(text: str, name: str, *, typed: bool = True, unique: bool = False) -> Document:
    """Return the content of a YAML text. It needs no recursion, whatever the text holds.

    Args:
        text: the YAML.
        name: the file as the user calls it, for messages.
        typed: numbers and booleans are values of their types; otherwise every value is the text that stands there, or None.
        unique: a key that stands twice is an error.

    Raises:
        ActionError: it is not YAML, has a tag or several documents, or exceeds what a person writes.
    """
    import yaml

    builder = _Builder(name, typed=typed, unique=unique)
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(name, text, error) from None
    except yaml.YAMLError as error:
        cause = " ".join(str(error).split())
        raise ActionError(f"{name} is not YAML.", cause=cause, fix="correct the file", file=name) from None
    return builder.document


def compose(text: str) -> yaml.Node | None:
    """Return the nodes of a YAML text with their places, None if it is no YAML. For text that `parse` has accepted."""
    import yaml

    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


@dataclass
class _Open:
    """A mapping or list whose end has not come yet."""

    value: dict[str, Any] | list[Any]
    path: str
    anchor: str | None
    size: int = 1
    key: str = ""
    has_key: bool = False
    merged: list[dict[str, Any]] = field(default_factory=list)


class _Builder:
    """Makes a document of the events of a YAML parser."""

    def __init__(self, name: str, *, typed: bool, unique: bool) -> None:
        self.document = Document()
        self._name = name
        self._typed = typed
        self._unique = unique
        self._open: list[_Open] = []
        self._known: dict[str, tuple[Any, int]] = {}
        self._documents = 0

    def take(self, event: Any) -> None:  # noqa: ANN401 - yaml events
        """Take the next event.

        Raises:
            ActionError: the document exceeds a limit, has a key twice, a tag, or refers to itself.

        """
        import yaml

        if getattr(event, "tag", None) not in _TAGS:
            raise self._refused(event, f"has the tag {event.tag}", fix="remove the tag; the value alone is enough")
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise self._refused(event, "holds several documents", fix="keep one of them; `---` begins another")
        elif isinstance(event, yaml.ScalarEvent):
            self._put(event, self._scalar(event), 1, event.anchor, text=event.value)
        elif isinstance(event, yaml.AliasEvent):
            self._put_alias(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._start(event, {} if isinstance(event, yaml.MappingStartEvent) else [])
        elif isinstance(event, yaml.CollectionEndEvent):
            done = self._open.pop()
            self._merge(done)
            self._put(event, done.value, done.size, done.anchor)

    def _scalar(self, event: Any) -> Any:  # noqa: ANN401 - yaml events
        """Return the value of a scalar: what stands in quotes, or in a block, is text."""
        text: str = event.value
        if event.style or not event.implicit[0]:
            return text
        if text in _NULL:
            return None
        if self._typed and len(text) <= _MOST_DIGITS:
            if text in _BOOLEANS:
                return _BOOLEANS[text]
            if _INTEGER.fullmatch(text):
                return int(text)
            if _NUMBER.fullmatch(text):
                return float(text)
        return text

    def _start(self, event: Any, value: dict[str, Any] | list[Any]) -> None:  # noqa: ANN401 - yaml events
        if len(self._open) >= DEEPEST:
            raise self._refused(event, f"is nested more than {DEEPEST} levels deep", fix="write it flatter")
        above = self._open[-1] if self._open else None
        if above and isinstance(above.value, dict) and not above.has_key:
            raise self._refused(event, "has a key that is no text", fix="put values with {{ }} or [ ] into quotes")
        if above and isinstance(above.value, list):
            self.document.lines.setdefault(self._path(), event.start_mark.line + 1)
        if event.anchor:
            self._known[event.anchor] = (None, 0)  # until its end it is known to be open
        self._open.append(_Open(value, self._path(), event.anchor))

    def _put_alias(self, event: Any) -> None:  # noqa: ANN401 - yaml events
        value, size = self._known.get(event.anchor, (None, -1))
        if size <= 0:
            what = "contains itself" if size == 0 else "refers to an anchor that is not there"
            raise self._refused(event, f"{what} (*{event.anchor})", fix="write the value itself in place of the alias")
        self._put(event, value, size, None, text=value)

    def _put(self, event: Any, value: Any, size: int, anchor: str | None, text: Any = None) -> None:  # noqa: ANN401
        """Put a value where it belongs: as the document, a key, the value of a key, or the entry of a list."""
        if anchor:
            self._known[anchor] = (value, size)
        if not self._open:
            self.document.content = value
            return
        into = self._open[-1]
        into.size += size
        if into.size > MOST_VALUES:
            raise self._refused(event, f"holds more than {MOST_VALUES} values", fix="write fewer, or fewer aliases")
        if isinstance(into.value, list):
            self.document.lines.setdefault(self._path(), event.start_mark.line + 1)
            into.value.append(value)
        elif into.has_key:
            self._put_pair(event, into, into.value, value)
        elif isinstance(text, str):
            into.key, into.has_key = text, True
            self.document.lines.setdefault(self._path(), event.start_mark.line + 1)
        else:
            raise self._refused(event, "has a key that is no text", fix="put values with {{ }} or [ ] into quotes")

    def _put_pair(self, event: Any, into: _Open, mapping: dict[str, Any], value: Any) -> None:  # noqa: ANN401
        key = into.key
        into.has_key = False
        if key == "<<":
            merged = value if isinstance(value, list) else [value]
            if not all(isinstance(one, dict) for one in merged):
                raise self._refused(event, "merges (<<) something that holds no keys", fix="merge a mapping")
            into.merged += merged
        elif key in mapping and self._unique:
            raise self._refused(
                event, f"has the key {key} twice", fix="keep one of them, or indent it below the right key"
            )
        else:
            if key in mapping:
                self.document.doubles.append((key, event.start_mark.line + 1))
            mapping[key] = value

    @staticmethod
    def _merge(done: _Open) -> None:
        """Add what ``<<`` brought: the mapping's own keys win, then those of the first merged one."""
        if isinstance(done.value, dict):
            for other in done.merged:
                for key, value in other.items():
                    done.value.setdefault(key, value)

    def _path(self) -> str:
        if not self._open:
            return ""
        above = self._open[-1]
        part = str(len(above.value)) if isinstance(above.value, list) else above.key
        return f"{above.path}.{part}" if above.path else part

    def _refused(self, event: Any, what: str, fix: str) -> ActionError:  # noqa: ANN401 - yaml events
        line = event.start_mark.line + 1
        return ActionError(f"{self._name} {what}.", value=f"line {line}", fix=fix, file=self._name, line=line)


def _not_yaml(name: str, text: str, error: Any) -> ActionError:  # noqa: ANN401 - yaml.MarkedYAMLError, imported late
    mark = error.problem_mark or error.context_mark
    lines = text.splitlines()
    line = lines[mark.line].strip() if mark and mark.line < len(lines) else ""
    place = f"line {mark.line + 1}, column {mark.column + 1}: {line[:80]}" if mark else None
    cause = "; ".join(part for part in (error.context, error.problem) if part)
    return ActionError(
        f"{name} is not YAML.",
        value=place,
        cause=cause,
        fix="correct the file; often it is the indentation",
        file=name,
        line=mark.line + 1 if mark else None,
    )
