"""Functions of integers, which have 64 bits."""

from __future__ import annotations

from collections.abc import Callable

from aml_emulator.arm.template.errors import TemplateError
from aml_emulator.arm.template.functions.registry import Arguments, function
from aml_emulator.arm.template.values import LEAST_INTEGER, MOST_INTEGER, Value


def _result(arguments: Arguments, value: int) -> int:
    if not LEAST_INTEGER <= value <= MOST_INTEGER:
        raise arguments.refused("arithmetic operation resulted in an overflow")
    return value


@function("add", 2)
def add(arguments: Arguments) -> int:
    """The sum."""
    return _result(arguments, arguments.integer(0) + arguments.integer(1))


@function("sub", 2)
def sub(arguments: Arguments) -> int:
    """The difference."""
    return _result(arguments, arguments.integer(0) - arguments.integer(1))


@function("mul", 2)
def mul(arguments: Arguments) -> int:
    """The product."""
    return _result(arguments, arguments.integer(0) * arguments.integer(1))


@function("div", 2)
def div(arguments: Arguments) -> int:
    """The quotient, rounded towards zero."""
    dividend, divisor = _division(arguments)
    quotient = abs(dividend) // abs(divisor)
    return _result(arguments, quotient if (dividend < 0) == (divisor < 0) else -quotient)


@function("mod", 2)
def mod(arguments: Arguments) -> int:
    """The remainder, with the sign of the dividend."""
    dividend, divisor = _division(arguments)
    remainder = abs(dividend) % abs(divisor)
    return -remainder if dividend < 0 else remainder


def _division(arguments: Arguments) -> tuple[int, int]:
    dividend, divisor = arguments.integer(0), arguments.integer(1)
    if divisor == 0:
        raise arguments.refused("attempted to divide by zero")
    return dividend, divisor


@function("min", 1, None)
def min_(arguments: Arguments) -> int:
    """The least of the integers, or of an array of them."""
    return _extreme(arguments, min)


@function("max", 1, None)
def max_(arguments: Arguments) -> int:
    """The greatest of the integers, or of an array of them."""
    return _extreme(arguments, max)


def _extreme(arguments: Arguments, choose: Callable[[list[int]], int]) -> int:
    given = arguments.values[0] if len(arguments) == 1 and isinstance(arguments.values[0], list) else arguments.values
    if not given:
        raise arguments.refused("the array has no items")
    numbers = Arguments(arguments.name, given)
    return choose([numbers.integer(index) for index in range(len(given))])


@function("int", 1)
def int_(arguments: Arguments) -> int:
    """An integer, or the one that a string shows."""
    value = arguments.values[0]
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and LEAST_INTEGER <= value <= MOST_INTEGER:
        return int(value)
    try:
        if isinstance(value, str) and len(value) < 100 and "_" not in value:
            return _result(arguments, int(value))
    except ValueError:
        pass
    raise TemplateError(
        f"The template language function 'int' cannot convert provided value '{_shown(value)}' to integer value. "
        "Please see https://aka.ms/arm-function-int for usage details."
    )


@function("float", 1)
def float_(arguments: Arguments) -> float:
    """A number with a fraction, from an integer or a string."""
    value = arguments.values[0]
    try:
        found = float(value) if isinstance(value, str | int) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        found = None
    if found is None or found != found or found in (float("inf"), float("-inf")):
        raise arguments.not_valid("The value cannot be converted to the target type.")
    return found


def _shown(value: Value) -> str:
    return str(value)[:100]
