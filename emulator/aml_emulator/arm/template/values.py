"""What the values of the language have in common: their types' names, equality, and lookup without regard to case."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Value = Any
"""JSON: str, int, float, bool, None, list or dict with string keys."""

LEAST_INTEGER, MOST_INTEGER = -(1 << 63), (1 << 63) - 1


def type_name(value: Value) -> str:
    """The type as messages call it (Newtonsoft's names)."""
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return "Boolean"
    for kind, name in ((str, "String"), (int, "Integer"), (float, "Float"), (list, "Array"), (dict, "Object")):
        if isinstance(value, kind):
            return name
    return "Lambda"


def equal(one: Value, other: Value) -> bool:
    """Same type and same value; strings with regard to case, keys of objects without."""
    if isinstance(one, dict) and isinstance(other, dict):
        right = {key.lower(): value for key, value in other.items()}
        return len(one) == len(other) and all(
            key.lower() in right and equal(value, right[key.lower()]) for key, value in one.items()
        )
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(equal(left, right) for left, right in zip(one, other, strict=True))
    return type_name(one) == type_name(other) and bool(one == other)


def find_key(mapping: Mapping[str, Any], name: str) -> str | None:
    """The key as the mapping spells it, or None."""
    if name in mapping:
        return name
    lowered = name.lower()
    return next((key for key in mapping if key.lower() == lowered), None)


def get(mapping: Mapping[str, Any], name: str, default: Value = None) -> Value:
    """A member without regard to the case of its key."""
    key = find_key(mapping, name)
    return default if key is None else mapping[key]


def compact(value: Value) -> str:
    """JSON without spaces, as `string()` gives it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def text_of(value: Value) -> str:
    """A value in a text: strings as they are, booleans as .NET writes them, the rest as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value)
    return "" if value is None else compact(value)
