"""From the content of a parameters file to its model: what is not quite as it should be is understood, and said.

The legacy actions ignored unknown keys in silence, and real files hold many: other spellings, keys of another action, keys that
never existed. None of them may stop a step that ran before, and none may pass in silence: they are ignored with a warning, or
read where only one meaning is possible.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from aml_actions.documents import ANCHOR, SECRET_KEY, Document
from aml_actions.errors import ActionError
from aml_actions.findings import Findings
from aml_actions.spec import ActionSpec, FreeText, Parameters

P = TypeVar("P", bound=Parameters)

KEYS_FILE = Path(__file__).with_name("parameter_keys.json")
"""The keys of every action's parameters file; generated from the specs."""
_PLACEHOLDER = re.compile(r"<[^<>\n]{0,100}\byour\b[^<>\n]{0,100}>|^\s*<[^<>\n]{1,200}>\s*$", re.IGNORECASE)
_LONGEST_KEY = 64
"""Characters; a longer key is no misspelling."""
_LONGEST_SHOWN = 200
"""Characters of a key in a message."""
_MOST_UNKNOWN = 30
"""Unknown keys of one object of which a message is made."""
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?")
_JSON_NAMES = {
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "a string",
    "list_type": "an array",
    "tuple_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
}


def understand(spec: ActionSpec, model: type[P], document: Document, findings: Findings) -> tuple[P, ...]:
    """Return the parameters of a document: one set, or several where the action takes a list.

    Args:
        spec: the action.
        model: its model of parameters.
        document: content of the file.
        findings: takes what is wrong and what is worth a warning.

    Returns:
        The sets that are valid; fewer than the document holds when `findings` has errors.
    """
    if isinstance(document.data, dict):
        items: list[tuple[tuple[str | int, ...], Any]] = [((), document.data)]
    elif spec.several and isinstance(document.data, list) and document.data:
        items = [((number,), item) for number, item in enumerate(document.data)]
    else:
        findings.error(_no_object(spec, document, ()))
        return ()
    made = []
    for path, item in items:
        if not isinstance(item, dict):
            findings.error(_no_object(spec, document, path))
            continue
        reading = _Reading(spec, document, findings)
        values = reading.values(item, model, path)
        try:
            made.append(model.model_validate(values))
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                findings.error(reading.explain(detail, model, path))
    return tuple(made)


def _no_object(spec: ActionSpec, document: Document, path: Sequence[str | int]) -> ActionError:
    value: Any = document.data
    for part in path:
        value = value[part]
    kind = {dict: "object", list: "array", str: "text", bool: "true or false", int: "number", float: "number"}
    found = "an empty file" if value is None else f"an empty {kind[list]}" if value == [] else kind[type(value)]
    return ActionError(
        f"The parameters file {document.name} must hold {'objects' if path else 'an object'}.",
        value=found if found.startswith("an ") else f"{'an' if found[0] in 'ao' else 'a'} {found}",
        allowed='{"key": value, ...}' + (", or a list of them" if spec.several else ""),
        anchor=ANCHOR,
        file=document.name,
        line=document.line(path),
        key=_shown(path) or None,
    )


class _Reading:
    """One pass over one object."""

    def __init__(self, spec: ActionSpec, document: Document, findings: Findings) -> None:
        self._spec = spec
        self._document = document
        self._findings = findings
        self._unknown = 0

    def values(self, data: Mapping[str, Any], model: type[Parameters], path: tuple[str | int, ...]) -> dict[str, Any]:
        """Return what the model is to judge, under the model's own keys."""
        made: dict[str, Any] = {}
        for given, value in data.items():
            here = (*path, given)
            key = self._key(given, data, model, here)
            if key is None:
                continue
            field = _field(model, key)
            if value is None:
                self._warn(here, f"{_shown(here)} is null: it counts as not set.", "remove the key")
                continue
            inner = _inner_model(field)
            if inner is not None and isinstance(value, dict):
                made[key] = self.values(value, inner, here)
                continue
            if self._is_placeholder(value, field, here):
                continue
            made[key] = self._value(value, field, here)
        return made

    def _key(
        self, given: str, data: Mapping[str, Any], model: type[Parameters], path: tuple[str | int, ...]
    ) -> str | None:
        """Return the key of the model that a key of the file means; None for one that means nothing."""
        known = _known(model)
        if given == "$schema" or given in known:
            return None if given == "$schema" else given
        snake = _snake(given)
        if snake in known and snake not in data:
            self._warn(path, f"{_shown(path)} is written {snake} in this file; it is read as that.", f"write {snake}")
            return snake
        if snake in known:
            self._warn(path, f"{_shown(path)} is ignored: {snake} is there as well.", f"remove {given}")
            return None
        self._unknown += 1
        if self._unknown > _MOST_UNKNOWN:
            if self._unknown == _MOST_UNKNOWN + 1:
                self._warn(path, f"{_shown(path)} and further keys are ignored.", "is this the right file?")
            return None
        owner = owner_of(snake, self._spec.name) if len(path) <= 2 else None
        near = nearest(given, known)
        if owner:
            meaning, fix = f"it is a key of {owner[0]} ({owner[1]})", f"move it to the parameters file of {owner[0]}"
        else:
            meaning, fix = f"{self._spec.name} has no such key", near or "remove the key"
        self._warn(path, f"{_shown(path)} is ignored: {meaning}.", fix, allowed=None if near else ", ".join(known))
        return None

    def _value(self, value: Any, field: FieldInfo, path: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - any JSON
        """Return a value in the type of its field where the file has it in another one and only one meaning is possible."""
        types = _types(field)
        read: Any = value
        if isinstance(value, str) and str not in types:
            text = value.strip()
            if types & {int, float} and _NUMBER.fullmatch(text):
                number = float(text)
                read = int(number) if number.is_integer() and number < 2**53 else number
            elif bool in types and text.lower() in ("true", "false"):
                read = text.lower() == "true"
        elif (
            isinstance(value, (int, float))
            and not isinstance(value, bool)
            and str in types
            and not types & {int, float}
        ):
            read = json.dumps(value)
        if read is value:
            return value
        spelled = "***" if self._secret(path) else json.dumps(read, ensure_ascii=False)
        kind, quotes = ("text", "without") if isinstance(value, str) else ("a number", "with")
        self._warn(
            path, f"The value of {_shown(path)} is {kind}; it is read as {spelled}.", f"write {spelled} {quotes} quotes"
        )
        return read

    def _is_placeholder(self, value: Any, field: FieldInfo, path: tuple[str | int, ...]) -> bool:  # noqa: ANN401 - any JSON
        """Note a value that nobody filled in. In a text for people, a tag or a property it stays; elsewhere it is an error."""
        found = next(_placeholders(value), None)
        if found is None:
            return False
        harmless = any(isinstance(mark, FreeText) for mark in field.metadata) or dict in _types(field)
        problem = ActionError(
            f"{_shown(path)} in {self._document.name} still has the placeholder of a sample.",
            value=found[:100],
            fix="write the value, or remove the key" + (" (it has a default)" if not field.is_required() else ""),
            anchor=ANCHOR,
            **self._place(path),
        )
        if harmless:
            self._findings.warn(problem)
        else:
            self._findings.error(problem)
        return not harmless

    def explain(self, detail: ErrorDetails, model: type[Parameters], path: tuple[str | int, ...]) -> ActionError:
        """Turn one finding of pydantic into an error in the words of the parameters file."""
        inner = tuple(part for part in detail["loc"] if isinstance(part, (str, int)))
        here, kind, name = (*path, *inner), detail["type"], self._document.name
        if kind == "missing":
            return ActionError(
                f"The key {_shown(here)} in {name} is required.", fix="add it", anchor=ANCHOR, **self._place(here)
            )
        message = detail["msg"].removeprefix("Value error, ")
        if not inner:  # a rule of the whole model; the value would be the whole file
            return ActionError(
                f"The values in {name} do not fit together.", allowed=message, anchor=ANCHOR, **self._place(here)
            )
        return ActionError(
            f"The value of {_shown(here)} in {name} is not valid.",
            value="***" if self._secret(here) else _short(detail["input"]),
            allowed=_JSON_NAMES.get(kind) or detail.get("ctx", {}).get("expected") or message,
            anchor=ANCHOR,
            **self._place(here),
        )

    def _warn(self, path: tuple[str | int, ...], what: str, fix: str, *, allowed: str | None = None) -> None:
        self._findings.warn(ActionError(what, allowed=allowed, fix=fix, anchor=ANCHOR, **self._place(path)))

    def _place(self, path: tuple[str | int, ...]) -> dict[str, Any]:
        line = self._document.line(path)
        if line is None and path and isinstance(path[-1], str):  # the model's key, spelled otherwise in the file
            line = self._document.line(path[:-1])
        return {"file": self._document.name, "line": line, "key": _shown(path)}

    @staticmethod
    def _secret(path: Iterable[str | int]) -> bool:
        return any(SECRET_KEY.search(str(part)) for part in path)


@cache
def _keys_of_actions() -> dict[str, dict[str, Any]]:
    try:
        found: dict[str, dict[str, Any]] = json.loads(KEYS_FILE.read_text(encoding="utf-8"))
    except OSError:
        return {}
    return found


def owner_of(key: str, action: str) -> tuple[str, str] | None:
    """Return the other action, and its default parameters file, that alone has a key; None when none or several have it."""
    owners = [(name, one["file"]) for name, one in _keys_of_actions().items() if name != action and key in one["keys"]]
    return owners[0] if len(owners) == 1 else None


def nearest(name: str, known: Sequence[str]) -> str | None:
    """Return the question whether another name was meant, None when no known one is near."""
    snake = _snake(name)
    if snake in known:
        return f"did you mean {snake}?"
    if len(name) > _LONGEST_KEY:
        return None
    longer = [one for one in known if one.startswith(f"{snake}_")]
    match = (
        longer
        or difflib.get_close_matches(snake, known, n=1, cutoff=0.6)
        or difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    )
    return f"did you mean {match[0]}?" if match else None


def _snake(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key.strip()).lower().replace("-", "_")


def _known(model: type[Parameters]) -> list[str]:
    return sorted(field.alias or name for name, field in model.model_fields.items())


def _field(model: type[Parameters], key: str) -> FieldInfo:
    return next(field for name, field in model.model_fields.items() if key in (name, field.alias))


def _types(field: FieldInfo) -> set[Any]:
    """Return the types that a field takes, those of its elements not counted."""
    found: set[Any] = set()
    waiting = [field.annotation]
    while waiting:
        annotation = waiting.pop()
        origin = get_origin(annotation)
        if origin in (Union, UnionType):
            waiting.extend(get_args(annotation))
        elif origin is Literal:
            found.update(type(value) for value in get_args(annotation))
        elif annotation is not NoneType:
            found.add(origin or annotation)
    return found


def _inner_model(field: FieldInfo) -> type[Parameters] | None:
    return next((one for one in _types(field) if isinstance(one, type) and issubclass(one, Parameters)), None)


def _placeholders(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    """Give the placeholders in a value, keys of objects among them."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            if _PLACEHOLDER.search(one):
                yield one
        elif isinstance(one, dict):
            waiting.extend([*one, *one.values()])
        elif isinstance(one, list):
            waiting.extend(one)


def _shown(path: Iterable[str | int]) -> str:
    """Return a path as people write it: ``scale.min_nodes``, ``[1].tags``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 100 else text[:97] + "..."
