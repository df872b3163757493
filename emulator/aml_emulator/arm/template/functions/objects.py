"""Functions of objects."""

from __future__ import annotations

from aml_emulator.arm.template.functions.registry import Arguments, function
from aml_emulator.arm.template.values import Value, find_key


@function("createObject", 0, None)
def create_object(arguments: Arguments) -> dict[str, Value]:
    """An object of keys and values in turn."""
    if len(arguments) % 2:
        raise arguments.refused("the number of arguments must be even: keys and values in turn")
    return {arguments.string(index): arguments.values[index + 1] for index in range(0, len(arguments), 2)}


@function("items", 1)
def items(arguments: Arguments) -> list[Value]:
    """The members as `{key, value}`, by key."""
    members = sorted(arguments.mapping(0).items(), key=lambda member: member[0].lower())
    return [{"key": key, "value": value} for key, value in members]


@function("objectKeys", 1)
def object_keys(arguments: Arguments) -> list[str]:
    """The keys, sorted."""
    return sorted(arguments.mapping(0), key=str.lower)


@function("shallowMerge", 1)
def shallow_merge(arguments: Arguments) -> dict[str, Value]:
    """The members of all objects of an array; of two with a key the later one."""
    merged: dict[str, Value] = {}
    for item in arguments.array(0):
        if not isinstance(item, dict):
            raise arguments.refused("every item of the array must be an object")
        for key, value in item.items():
            merged[find_key(merged, key) or key] = value
    return merged


@function("tryGet", 2, None)
def try_get(arguments: Arguments) -> Value:
    """What keys and indexes lead to, and null where there is nothing."""
    found = arguments.values[0]
    for key in arguments.values[1:]:
        if isinstance(found, dict) and isinstance(key, str):
            known = find_key(found, key)
            found = None if known is None else found[known]
        elif isinstance(found, list) and isinstance(key, int) and 0 <= key < len(found):
            found = found[key]
        else:
            return None
    return found
