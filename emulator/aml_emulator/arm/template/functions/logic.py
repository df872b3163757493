"""Functions of booleans and comparisons. `if`, `and` and `or` are the evaluator's: they do not evaluate everything."""

from __future__ import annotations

from collections.abc import Callable

from aml_emulator.arm.template.functions.registry import Arguments, function
from aml_emulator.arm.template.values import Value, equal


@function("true", 0)
def true(arguments: Arguments) -> bool:
    """True."""
    return True


@function("false", 0)
def false(arguments: Arguments) -> bool:
    """False."""
    return False


@function("null", 0)
def null(arguments: Arguments) -> None:
    """Null."""


@function("not", 1)
def not_(arguments: Arguments) -> bool:
    """The opposite."""
    return not arguments.boolean(0)


@function("bool", 1)
def bool_(arguments: Arguments) -> bool:
    """A boolean, or the one that a string or an integer stands for."""
    value = arguments.values[0]
    if isinstance(value, int):
        return bool(value)
    shown = value.strip().lower() if isinstance(value, str) else ""
    if shown not in ("true", "false", "1", "0"):
        raise arguments.not_valid("The value cannot be converted to the target type.")
    return shown in ("true", "1")


@function("equals", 2)
def equals(arguments: Arguments) -> bool:
    """Same type and same value."""
    return equal(*arguments.values)


@function("coalesce", 1, None)
def coalesce(arguments: Arguments) -> Value:
    """The first that is not null."""
    return next((value for value in arguments.values if value is not None), None)


def _compare(name: str, holds: Callable[[int | str, int | str], bool]) -> None:
    @function(name, 2)
    def compare(arguments: Arguments) -> bool:
        if isinstance(arguments.values[0], str):
            return holds(arguments.string(0), arguments.string(1))
        return holds(arguments.integer(0), arguments.integer(1))


_compare("less", lambda one, other: one < other)  # type: ignore[operator]
_compare("lessOrEquals", lambda one, other: one <= other)  # type: ignore[operator]
_compare("greater", lambda one, other: one > other)  # type: ignore[operator]
_compare("greaterOrEquals", lambda one, other: one >= other)  # type: ignore[operator]
