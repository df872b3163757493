"""The part of .NET's composite format that templates use: `{0}`, `{0,-10}`, `{0:N0}`, `{{`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aml_emulator.arm.template.errors import TemplateError
from aml_emulator.arm.template.values import Value, compact, text_of

_ITEM = re.compile(r"\{\{|\}\}|\{\s*(\d+)\s*(?:,\s*(-?\d+)\s*)?(?::([^{}]*))?\}|[{}]")
_MOST_WIDTH = 10_000
_MOST_DIGITS = 99
_NOT_AN_INDEX = "Index (zero based) must be greater than or equal to zero and less than the size of the argument list."


def formatted(template: str, values: Sequence[Value]) -> str:
    """The template with its items filled in.

    Raises:
        TemplateError: the template is no format, or an item asks for a value that is not there.

    """

    def item(match: re.Match[str]) -> str:
        text = match.group()
        if text in ("{{", "}}"):
            return text[0]
        if text in ("{", "}"):
            raise _invalid("Input string was not in a correct format.")
        index = int(match.group(1)) if len(match.group(1)) < 10 else len(values)
        if index >= len(values):
            raise _invalid(_NOT_AN_INDEX)
        width = match.group(2) or "0"
        if len(width) > 6 or abs(int(width)) > _MOST_WIDTH:
            raise _invalid("Input string was not in a correct format.")
        shown = _shown(values[index], match.group(3) or "")
        return shown.ljust(-int(width)) if width.startswith("-") else shown.rjust(int(width))

    return _ITEM.sub(item, template)


def _invalid(reason: str) -> TemplateError:
    return TemplateError(
        f"Unable to evaluate language function 'format': the format is invalid: '{reason}'. "
        "Please see https://aka.ms/arm-function-format for usage details."
    )


def _shown(value: Value, specifier: str) -> str:
    if isinstance(value, list | dict):
        return _with_single_quotes(value)
    if isinstance(value, bool) or not isinstance(value, int) or not specifier:
        return text_of(value)
    return _number(value, specifier)


def _with_single_quotes(value: Value) -> str:
    """JSON with single quotes, as .NET's writer of the engine prints arrays and objects."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_quoted(key)}:{_with_single_quotes(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_with_single_quotes, value)) + "]"
    return _quoted(value) if isinstance(value, str) else compact(value)


def _quoted(text: str) -> str:
    inner = compact(text)[1:-1].replace('\\"', '"').replace("'", "\\'")
    return f"'{inner}'"


def _number(value: int, specifier: str) -> str:
    standard = re.fullmatch(r"([A-Za-z])(\d{0,2})", specifier)
    if standard is None:
        return _custom(value, specifier)
    letter, digits = standard.group(1).upper(), standard.group(2)
    places = min(int(digits), _MOST_DIGITS) if digits else None
    if letter == "N":
        return f"{value:,}" + _zeros(2 if places is None else places)
    if letter == "F":
        return f"{value}" + _zeros(2 if places is None else places)
    if letter == "P":
        return f"{value * 100:,}" + _zeros(2 if places is None else places) + " %"
    if letter == "D":
        return ("-" if value < 0 else "") + str(abs(value)).rjust(places or 0, "0")
    if letter == "X":
        hexadecimal = f"{value & 0xFFFFFFFFFFFFFFFF:X}".rjust(places or 0, "0")
        return hexadecimal if standard.group(1) == "X" else hexadecimal.lower()
    if letter == "G":
        return str(value)
    raise _invalid("Format specifier was invalid.")


def _zeros(places: int) -> str:
    return f".{'0' * places}" if places else ""


def _custom(value: int, specifier: str) -> str:
    """Custom formats of integers: `0` and `#` with an optional group separator, and literal text around them."""
    match = re.fullmatch(r"([^0#,.;%]*)([0#,]+)([^0#,.;%]*)", specifier)
    if match is None:
        raise _invalid(f"The emulator does not do the number format '{specifier}'")
    before, pattern, after = match.groups()
    digits = str(abs(value)).rjust(pattern.count("0"), "0")
    if digits == "0" and "0" not in pattern:
        digits = ""
    if "," in pattern and digits:
        head = len(digits) % 3 or 3
        digits = ",".join([digits[:head], *(digits[place : place + 3] for place in range(head, len(digits), 3))])
    return ("-" if value < 0 else "") + before + digits + after
