"""Functions that take a lambda. The lambda itself is the evaluator's."""

from __future__ import annotations

from functools import cmp_to_key

from aml_emulator.arm.template.functions.registry import Arguments, Lambda, function
from aml_emulator.arm.template.values import Value, find_key


def _run(one: Lambda, *values: Value) -> Value:
    """Call a lambda with as many of the values as it has variables."""
    return one.run(values[: len(one.names)])


def _holds(arguments: Arguments, value: Value) -> bool:
    if not isinstance(value, bool):
        raise arguments.refused("the lambda must give a boolean")
    return value


@function("map", 2)
def map_(arguments: Arguments) -> list[Value]:
    """What the lambda makes of each item (and its index)."""
    one = arguments.function(1, 1, 2)
    return [_run(one, item, index) for index, item in enumerate(arguments.array(0))]


@function("filter", 2)
def filter_(arguments: Arguments) -> list[Value]:
    """The items for which the lambda holds."""
    one = arguments.function(1, 1, 2)
    return [item for index, item in enumerate(arguments.array(0)) if _holds(arguments, _run(one, item, index))]


@function("reduce", 3)
def reduce_(arguments: Arguments) -> Value:
    """What the lambda makes of what it made before and the next item (and its index)."""
    one, found = arguments.function(2, 2, 3), arguments.values[1]
    for index, item in enumerate(arguments.array(0)):
        found = _run(one, found, item, index)
    return found


@function("sort", 2)
def sort(arguments: Arguments) -> list[Value]:
    """Sorted: the lambda says whether the first item comes before the second."""
    one = arguments.function(1, 2)

    def compare(left: Value, right: Value) -> int:
        if _holds(arguments, _run(one, left, right)):
            return -1
        return int(_holds(arguments, _run(one, right, left)))

    return sorted(arguments.array(0), key=cmp_to_key(compare))


def _key(arguments: Arguments, one: Lambda, item: Value) -> str:
    key = _run(one, item)
    if not isinstance(key, str):
        raise arguments.refused("the lambda of the key must give a string")
    return key


@function("toObject", 2, 3)
def to_object(arguments: Arguments) -> dict[str, Value]:
    """An object: the key and, if a second lambda says so, the value made of each item."""
    key = arguments.function(1, 1)
    value = arguments.function(2, 1) if len(arguments) == 3 else None
    return {_key(arguments, key, item): item if value is None else _run(value, item) for item in arguments.array(0)}


@function("groupBy", 2)
def group_by(arguments: Arguments) -> dict[str, Value]:
    """The items by the key that the lambda makes of each."""
    key, found = arguments.function(1, 1), dict[str, Value]()
    for item in arguments.array(0):
        name = _key(arguments, key, item)
        found.setdefault(find_key(found, name) or name, []).append(item)
    return found


@function("mapValues", 2)
def map_values(arguments: Arguments) -> dict[str, Value]:
    """An object whose values the lambda made of another's."""
    one = arguments.function(1, 1)
    return {key: _run(one, value) for key, value in arguments.mapping(0).items()}
