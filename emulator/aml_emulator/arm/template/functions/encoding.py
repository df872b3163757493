"""Functions that encode and decode: base64, data addresses, JSON."""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import unquote_to_bytes

from aml_emulator.arm.template import comments
from aml_emulator.arm.template.errors import TemplateError
from aml_emulator.arm.template.functions.registry import Arguments, function
from aml_emulator.arm.template.values import Value, text_of

_DATA = re.compile(r"data:(?P<kind>[^,]*?)(?P<base64>;base64)?,(?P<data>.*)", re.DOTALL | re.IGNORECASE)
_LENIENT = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|[A-Za-z_$][\w$]*(?=\s*:)', re.DOTALL)
_NOT_BASE64 = "The value cannot be decoded from base64 representation."
_NOT_CONVERTED = "The value cannot be converted to the target type."


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode(errors="replace")).decode()


def _decoded(text: str) -> str:
    return base64.b64decode(text, validate=True).decode(errors="replace")


@function("base64", 1)
def to_base64(arguments: Arguments) -> str:
    """The base64 of a string."""
    return _encoded(arguments.string(0))


@function("base64ToString", 1)
def base64_to_string(arguments: Arguments) -> str:
    """The string in a base64."""
    try:
        return _decoded(arguments.string(0))
    except (binascii.Error, ValueError):
        raise arguments.not_valid(_NOT_BASE64) from None


@function("base64ToJson", 1)
def base64_to_json(arguments: Arguments) -> Value:
    """The JSON in a base64."""
    try:
        return lenient_json(_decoded(arguments.string(0)))
    except (binascii.Error, ValueError):
        raise arguments.not_valid(_NOT_BASE64) from None


@function("dataUri", 1)
def data_uri(arguments: Arguments) -> str:
    """A `data:` address of a value's text."""
    return "data:text/plain;charset=utf-8;base64," + _encoded(text_of(arguments.values[0]))


@function("dataUriToString", 1)
def data_uri_to_string(arguments: Arguments) -> str:
    """The text in a `data:` address."""
    text = arguments.string(0)
    match = _DATA.fullmatch(text)
    if match is None:
        raise TemplateError(
            "The template language function 'dataUriToString' expects its parameter to be formatted as a valid data URI. "
            f"The provided value '{text}' was not formatted correctly. "
            "Please see https://aka.ms/arm-functions#dataUriToString for usage details."
        )
    try:
        return _decoded(match["data"]) if match["base64"] else unquote_to_bytes(match["data"]).decode(errors="replace")
    except (binascii.Error, ValueError):
        raise arguments.not_valid(_NOT_CONVERTED) from None


@function("json", 1)
def json_(arguments: Arguments) -> Value:
    """The value of a JSON text; single quotes and bare keys are taken as the engine's reader takes them."""
    try:
        return lenient_json(arguments.string(0))
    except ValueError as error:
        raise arguments.not_valid(f"The value is no JSON: {error}") from None


def lenient_json(text: str) -> Value:
    """JSON in the manner of the engine's reader.

    Raises:
        ValueError: it is none.

    """
    try:
        return comments.loads(text)
    except ValueError:
        strict = _LENIENT.sub(_strict, comments.without_comments(text))
        return comments.loads(strict)


def _strict(match: re.Match[str]) -> str:
    token = match.group()
    if token.startswith('"'):
        return token
    inner = token[1:-1].replace("\\'", "'").replace('"', '\\"') if token.startswith("'") else token
    return f'"{inner}"'
