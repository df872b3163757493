"""Functions that strings, arrays and objects share."""

from __future__ import annotations

from aml_emulator.arm.template.functions.registry import Arguments, function
from aml_emulator.arm.template.values import Value, equal, find_key, text_of


@function("length", 1)
def length(arguments: Arguments) -> int:
    """Characters, items or members."""
    return len(_sized(arguments))


@function("empty", 1)
def empty(arguments: Arguments) -> bool:
    """Whether it is null, or has nothing in it."""
    return arguments.values[0] is None or not _sized(arguments)


@function("first", 1)
def first(arguments: Arguments) -> Value:
    """The first item (null of none), or the first character ("" of none)."""
    value = _ordered(arguments)
    return value[0] if value else _nothing(value)


@function("last", 1)
def last(arguments: Arguments) -> Value:
    """The last item (null of none), or the last character ("" of none)."""
    value = _ordered(arguments)
    return value[-1] if value else _nothing(value)


@function("take", 2)
def take(arguments: Arguments) -> Value:
    """So many from the start; all where there are fewer."""
    return _ordered(arguments)[: max(0, arguments.integer(1))]


@function("skip", 2)
def skip(arguments: Arguments) -> Value:
    """All but so many from the start."""
    return _ordered(arguments)[max(0, arguments.integer(1)) :]


@function("contains", 2)
def contains(arguments: Arguments) -> bool:
    """A part of a string, an item of an array (both with regard to case), or a key of an object (without)."""
    container, wanted = arguments.values
    if isinstance(container, str):
        if isinstance(wanted, bool) or not isinstance(wanted, str | int):
            raise arguments.wrong_type(1, "String")
        return text_of(wanted) in container
    if isinstance(container, list):
        return any(equal(item, wanted) for item in container)
    if isinstance(container, dict):
        return find_key(container, arguments.string(1)) is not None
    raise arguments.wrong_type(0, "Array")


@function("indexOf", 2)
def index_of(arguments: Arguments) -> int:
    """Where a string first stands in another, whatever the case, or an item in an array; -1 for nowhere."""
    value = _ordered(arguments)
    if isinstance(value, str):
        return value.lower().find(arguments.string(1).lower())
    return next((index for index, item in enumerate(value) if equal(item, arguments.values[1])), -1)


@function("lastIndexOf", 2)
def last_index_of(arguments: Arguments) -> int:
    """Where a string last stands in another, whatever the case, or an item in an array; -1 for nowhere."""
    value = _ordered(arguments)
    if isinstance(value, str):
        return value.lower().rfind(arguments.string(1).lower())
    places = [index for index, item in enumerate(value) if equal(item, arguments.values[1])]
    return places[-1] if places else -1


def _sized(arguments: Arguments) -> str | list[Value] | dict[str, Value]:
    value = arguments.values[0]
    if not isinstance(value, str | list | dict):
        raise arguments.wrong_type(0, "Array")
    return value


def _ordered(arguments: Arguments) -> str | list[Value]:
    value = arguments.values[0]
    if not isinstance(value, str | list):
        raise arguments.wrong_type(0, "Array")
    return value


def _nothing(value: str | list[Value]) -> str | None:
    return "" if isinstance(value, str) else None
