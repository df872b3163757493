"""Functions of arrays, and the set functions that objects have too."""

from __future__ import annotations

from functools import reduce

from aml_emulator.arm.template.functions.registry import MOST_ITEMS, Arguments, function
from aml_emulator.arm.template.values import Value, equal, find_key

_MOST_RANGE = 10_000


@function("array", 1)
def array(arguments: Arguments) -> list[Value]:
    """An array as it is; anything else as the only item of one."""
    value = arguments.values[0]
    return value if isinstance(value, list) else [value]


@function("createArray", 0, None)
def create_array(arguments: Arguments) -> list[Value]:
    """The arguments."""
    return list(arguments.values)


@function("range", 2)
def range_(arguments: Arguments) -> list[int]:
    """So many integers from a first one on."""
    start, count = arguments.integer(0), arguments.integer(1)
    if not 0 <= count <= _MOST_RANGE or start + count > 1 << 31:
        raise arguments.refused(
            f"the count '{count}' must be between 0 and {_MOST_RANGE}, and the last integer at most 2147483647"
        )
    return list(range(start, start + count))


@function("flatten", 1)
def flatten(arguments: Arguments) -> list[Value]:
    """The items of the arrays of an array."""
    found: list[Value] = []
    for item in arguments.array(0):
        if not isinstance(item, list):
            raise arguments.refused("every item of the array must be an array")
        found += item
        if len(found) > MOST_ITEMS:
            break
    return found


@function("union", 1, None)
def union(arguments: Arguments) -> Value:
    """Arrays: every item once, in order. Objects: all members; of two with a key the later one, objects in both merged."""
    if isinstance(arguments.values[0], dict):
        return reduce(_merged, (arguments.mapping(index) for index in range(len(arguments))))
    return _distinct([item for index in range(len(arguments)) for item in arguments.array(index)])


@function("intersection", 2, None)
def intersection(arguments: Arguments) -> Value:
    """What all arrays or all objects have in common."""
    if isinstance(arguments.values[0], dict):
        return reduce(_common, (arguments.mapping(index) for index in range(len(arguments))))
    found = arguments.array(0)
    for index in range(1, len(arguments)):
        other = arguments.array(index)
        found = [item for item in found if any(equal(item, one) for one in other)]
    return _distinct(found)


@function("indexFromEnd", 2)
def index_from_end(arguments: Arguments) -> Value:
    """The item at a place counted from the end, 1 for the last."""
    items, place = arguments.array(0), arguments.integer(1)
    if not 1 <= place <= len(items):
        raise arguments.refused(f"the index '{place}' from the end is out of bounds")
    return items[-place]


@function("tryIndexFromEnd", 2, None)
def try_index_from_end(arguments: Arguments) -> Value:
    """The same, and null where there is none."""
    items, place = arguments.values[0], arguments.integer(1)
    return items[-place] if isinstance(items, list) and 1 <= place <= len(items) else None


def _distinct(items: list[Value]) -> list[Value]:
    found: list[Value] = []
    seen: set[tuple[type, Value]] = set()
    for item in items:
        if isinstance(item, list | dict):
            if not any(equal(item, one) for one in found):
                found.append(item)
        elif (type(item), item) not in seen:
            seen.add((type(item), item))
            found.append(item)
    return found


def _merged(one: dict[str, Value], other: dict[str, Value]) -> dict[str, Value]:
    merged = dict(one)
    for key, value in other.items():
        known = find_key(merged, key) or key
        before = merged.get(known)
        both = isinstance(before, dict) and isinstance(value, dict)
        merged[known] = _merged(before, value) if isinstance(before, dict) and both else value
    return merged


def _common(one: dict[str, Value], other: dict[str, Value]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for key, value in one.items():
        known = find_key(other, key)
        if known is None:
            continue
        if isinstance(value, dict) and isinstance(other[known], dict):
            found[key] = _common(value, other[known])
        elif equal(value, other[known]):
            found[key] = value
    return found
