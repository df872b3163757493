"""Functions of strings."""

from __future__ import annotations

from urllib.parse import quote, unquote, urljoin, urlsplit

from aml_emulator.arm.template.errors import TemplateError
from aml_emulator.arm.template.functions import composite_format
from aml_emulator.arm.template.functions.registry import MOST_CHARACTERS, Arguments, function
from aml_emulator.arm.template.values import Value, compact, text_of


@function("concat", 1, None)
def concat(arguments: Arguments) -> Value:
    """Strings (integers and booleans with them) or arrays, one after the other."""
    if any(isinstance(value, list) for value in arguments.values):
        if not all(isinstance(value, list) for value in arguments.values):
            raise TemplateError(
                "The provided parameters for language function 'concat' are not valid. Either all or none of the parameters must be "
                "an array. Please see https://aka.ms/arm-function-concat for usage details."
            )
        return [item for value in arguments.values for item in value]
    for index, value in enumerate(arguments.values):
        if not isinstance(value, str | int):
            raise arguments.wrong_type(index, "String")
    return "".join(text_of(value) for value in arguments.values)


@function("format", 1, None)
def format_(arguments: Arguments) -> str:
    """.NET's composite format."""
    return composite_format.formatted(arguments.string(0), arguments.values[1:])


@function("join", 2)
def join(arguments: Arguments) -> str:
    """The items of an array as text, a delimiter between them."""
    return arguments.string(1).join(text_of(item) for item in arguments.array(0))


@function("string", 1)
def string(arguments: Arguments) -> str:
    """A value as text; arrays and objects as JSON."""
    value = arguments.values[0]
    return compact(value) if isinstance(value, list | dict) else text_of(value)


@function("toLower", 1)
def to_lower(arguments: Arguments) -> str:
    """In lower case."""
    return arguments.string(0).lower()


@function("toUpper", 1)
def to_upper(arguments: Arguments) -> str:
    """In upper case."""
    return arguments.string(0).upper()


@function("trim", 1)
def trim(arguments: Arguments) -> str:
    """Without the space around it."""
    return arguments.string(0).strip()


@function("replace", 3)
def replace(arguments: Arguments) -> str:
    """With every occurrence of one string replaced by another."""
    text, old, new = arguments.strings()
    if not old:
        raise arguments.refused("the string to be replaced is empty")
    if len(text) + text.count(old) * len(new) > MOST_CHARACTERS + len(text):
        raise arguments.refused(f"the result is longer than {MOST_CHARACTERS} characters")
    return text.replace(old, new)


@function("split", 2)
def split(arguments: Arguments) -> list[str]:
    """Split at a delimiter, or at each of several."""
    text, given = arguments.string(0), arguments.values[1]
    delimiters = [given] if isinstance(given, str) else arguments.array(1)
    for delimiter in delimiters:
        if not isinstance(delimiter, str):
            raise arguments.wrong_type(1, "String")
    wanted = [delimiter for delimiter in delimiters if delimiter]
    parts, start, place = [], 0, 0
    while place < len(text):
        found = next((one for one in wanted if text.startswith(one, place)), None)
        if found is None:
            place += 1
            continue
        parts.append(text[start:place])
        start = place = place + len(found)
    return [*parts, text[start:]]


@function("padLeft", 2, 3)
def pad_left(arguments: Arguments) -> str:
    """Filled with a character from the left to a length."""
    value, length = arguments.values[0], arguments.integer(1)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise arguments.wrong_type(0, "String")
    filler = arguments.string(2) if len(arguments) == 3 else " "
    if len(filler) != 1:
        raise arguments.refused(f"the padding character '{filler}' must be one character")
    if not 0 <= length <= MOST_CHARACTERS:
        raise arguments.refused(f"the total length '{length}' must be between 0 and {MOST_CHARACTERS}")
    return text_of(value).rjust(length, filler)


@function("substring", 2, 3)
def substring(arguments: Arguments) -> str:
    """From a place on, or so many characters from there."""
    text, start = arguments.string(0), arguments.integer(1)
    length = arguments.integer(2) if len(arguments) == 3 else len(text) - start
    if start < 0 or length < 0 or start + length > len(text):
        raise arguments.refused(
            "the index and length parameters must refer to a location within the string. "
            f"The index parameter: '{start}', the length parameter: '{length}', the length of the string parameter: '{len(text)}'"
        )
    return text[start : start + length]


@function("startsWith", 2)
def starts_with(arguments: Arguments) -> bool:
    """Whether it begins with another string, whatever the case."""
    return arguments.string(0).lower().startswith(arguments.string(1).lower())


@function("endsWith", 2)
def ends_with(arguments: Arguments) -> bool:
    """Whether it ends with another string, whatever the case."""
    return arguments.string(0).lower().endswith(arguments.string(1).lower())


@function("uri", 2)
def uri(arguments: Arguments) -> str:
    """A relative address resolved against a base."""
    base, relative = arguments.strings()
    try:
        absolute = bool(urlsplit(base).scheme and urlsplit(base).netloc)
        joined = urljoin(base, relative)
    except ValueError:
        absolute, joined = False, ""
    if not absolute:
        raise TemplateError(
            f"The template language function 'uri' expects its first argument to be a uri string. The provided value is '{base}'. "
            "Please see https://aka.ms/arm-function-datauri for usage details."
        )
    return joined


@function("uriComponent", 1)
def uri_component(arguments: Arguments) -> str:
    """Everything but letters, digits and `-._~` as `%XX`."""
    return quote(arguments.string(0), safe="", errors="replace")


@function("uriComponentToString", 1)
def uri_component_to_string(arguments: Arguments) -> str:
    """The opposite of `uriComponent`."""
    return unquote(arguments.string(0), errors="replace")
