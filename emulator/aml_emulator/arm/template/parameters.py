"""Parameters of a template: their declarations, the values they are given, and what must hold of a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aml_emulator.arm.template import evaluator
from aml_emulator.arm.template.errors import USAGE, TemplateError
from aml_emulator.arm.template.scope import Scope
from aml_emulator.arm.template.values import Value, equal, find_key, get, text_of, type_name

Body = dict[str, Any]
SecretReader = Callable[[Body], str]
"""Reads what a parameter refers to in a key vault: `{"keyVault": {"id"}, "secretName", "secretVersion"?}`."""

_FILES = f"Please see https://aka.ms/arm-create-parameter-file {USAGE}"

TYPES = {
    "string": "String",
    "securestring": "SecureString",
    "int": "Int",
    "bool": "Bool",
    "array": "Array",
    "object": "Object",
    "secureobject": "SecureObject",
}
"""Types of parameters and outputs in lower case, with their names as answers show them."""

_JSON_TYPES = {
    "string": ("String", "String, Uri"),
    "securestring": ("String", "String, Uri"),
    "int": ("Integer", "Integer"),
    "bool": ("Boolean", "Boolean"),
    "array": ("Array", "Array"),
    "object": ("Object", "Object"),
    "secureobject": ("Object", "Object"),
}


def declared_type(name: str, declaration: Any, kind: str = "parameter") -> str:  # noqa: ANN401 - any JSON
    """The type of a parameter or output in lower case.

    Raises:
        TemplateError: there is none, or none that exists.

    """
    found = get(declaration, "type") if isinstance(declaration, dict) else None
    lowered = found.lower() if isinstance(found, str) else ""
    if lowered not in TYPES:
        raise TemplateError(
            f"The template {kind} '{name}' is not valid: its type '{text_of(found)[:60]}' is none of {', '.join(TYPES.values())}. "
            f"Please see https://aka.ms/arm-template/#parameters {USAGE}",
            (f"{kind}s", name),
        )
    return lowered


def is_secure(declaration: Any) -> bool:  # noqa: ANN401 - any JSON
    """Whether the value of a parameter (or output) so declared is a secret."""
    kind = get(declaration, "type") if isinstance(declaration, dict) else None
    return isinstance(kind, str) and kind.lower().startswith("secure")


def declarations(template: Mapping[str, Any]) -> dict[str, Body]:
    """The parameters that a template declares, references to its definitions resolved.

    Raises:
        TemplateError: one is no declaration.

    """
    found = get(template, "parameters") or {}
    if not isinstance(found, dict):
        raise TemplateError("The parameters of the template must be an object.", ("parameters",))
    definitions = get(template, "definitions") or {}
    resolved = {}
    for name, declaration in found.items():
        if isinstance(declaration, dict) and isinstance(declaration.get("$ref"), str) and isinstance(definitions, dict):
            base = get(definitions, declaration["$ref"].rpartition("/")[2])
            declaration = {**(base if isinstance(base, dict) else {}), **declaration}
        declared_type(name, declaration)
        resolved[name] = declaration
    return resolved


def values_of(declared: Mapping[str, Body], given: Any, read_secret: SecretReader) -> dict[str, Value]:  # noqa: ANN401 - any JSON
    """The values that were handed in, checked; a parameter given as null counts as not given.

    Raises:
        TemplateError: one is unknown or not allowed.

    """
    if given is None:
        given = {}
    if not isinstance(given, dict):
        raise TemplateError("The parameters of the deployment must be an object.")
    unknown = [name for name in given if find_key(declared, name) is None]
    if unknown:
        raise TemplateError(
            f"The template parameters '{', '.join(unknown)}' in the parameters file are not valid; they are not present in the "
            "original template and can therefore not be provided at deployment time. The only supported parameters for this "
            f"template are '{', '.join(declared)}'. Please see https://aka.ms/arm-pass-parameter-values {USAGE}"
        )
    values: dict[str, Value] = {}
    for name, item in given.items():
        key = str(find_key(declared, name))
        if not isinstance(item, dict) or not {"value", "reference"} & {key.lower() for key in item}:
            raise TemplateError(
                f"The template parameter '{key}' is not valid: it must be an object with a 'value' or a 'reference'. {_FILES}"
            )
        refers = get(item, "reference")
        value = read_secret(refers) if isinstance(refers, dict) else get(item, "value")
        if value is not None:
            check(key, declared[key], value)
            values[key] = value
    return values


def check_all(scope: Scope) -> None:
    """Evaluate every parameter.

    Raises:
        TemplateError: one has neither value nor default, or its default is not allowed.

    """
    for name in scope.document.declared:
        scope.parameter(name)


def default(name: str, declaration: Body, scope: Scope) -> Value:
    """The default value of a parameter, evaluated and checked.

    Raises:
        TemplateError: it has none, or it is not allowed.

    """
    key = find_key(declaration, "defaultValue")
    if key is None or (declaration[key] is None and not get(declaration, "nullable")):
        if get(declaration, "nullable") is True:
            return None
        raise MissingValueError(name)
    path = ("parameters", name, "defaultValue")
    value = evaluator.evaluate(declaration[key], scope, path)
    if value is not None:
        check(name, declaration, value)
    return value


class MissingValueError(TemplateError):
    """A parameter has neither value nor default; the message names the place of its declaration."""

    def __init__(self, name: str) -> None:
        super().__init__("", ("parameters", name))
        self.name = name
        self.at(1, 1)

    def at(self, line: int, column: int) -> None:
        """Put the place into the message."""
        place = f"at line '{line}' and column '{column}'"
        self.message = f"The value for the template parameter '{self.name}' {place} is not provided. {_FILES}"
        self.args = (self.message,)


def check(name: str, declaration: Body, value: Value) -> None:
    """Refuse a value that the declaration does not allow. The value of a secret is not named.

    Raises:
        TemplateError: naming the parameter, the value and what is allowed.

    """
    wanted, shown = _JSON_TYPES[declared_type(name, declaration)]
    actual = type_name(value)
    if actual != wanted:
        raise _refused(name, f"Expected a value of type '{shown}', but received a value of type '{actual}'. {_FILES}")
    secure = is_secure(declaration)
    _check_allowed(name, declaration, value, secure=secure)
    if isinstance(value, int) and not isinstance(value, bool):
        _check_bound(
            name,
            declaration,
            "minValue",
            value,
            lambda limit: value >= limit,
            "The value '{0}' is less than the minimum value '{1}'.",
        )
        _check_bound(
            name,
            declaration,
            "maxValue",
            value,
            lambda limit: value <= limit,
            "The value '{0}' is greater than the maximum value '{1}'.",
        )
    if isinstance(value, str | list):
        size = len(value)
        text = "Length of the value should be {word} than or equal to '{{1}}'."
        _check_bound(name, declaration, "minLength", size, lambda limit: size >= limit, text.format(word="greater"))
        _check_bound(name, declaration, "maxLength", size, lambda limit: size <= limit, text.format(word="less"))


def _refused(name: str, reason: str) -> TemplateError:
    return TemplateError(
        f"The provided value for the template parameter '{name}' is not valid. {reason}", ("parameters", name)
    )


def _check_bound(name: str, declaration: Body, key: str, value: int, holds: Callable[[int], bool], reason: str) -> None:
    limit = get(declaration, key)
    if isinstance(limit, int) and not isinstance(limit, bool) and not holds(limit):
        raise _refused(name, f"{reason.format(value, limit)} {_FILES}")


def _check_allowed(name: str, declaration: Body, value: Value, *, secure: bool) -> None:
    allowed = get(declaration, "allowedValues")
    if not isinstance(allowed, list) or any(_same(item, value) for item in allowed):
        return
    if isinstance(value, list) and all(any(_same(item, one) for item in allowed) for one in value):
        return
    shown = "of a secure parameter" if secure else f"'{text_of(value)}'"
    raise TemplateError(
        f"The provided value {shown} for the template parameter '{name}' is not valid. The value {shown} is not part of the allowed "
        f"value(s): '{','.join(text_of(item) for item in allowed)}'.",
        ("parameters", name),
    )


def _same(one: Value, other: Value) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one.lower() == other.lower()
    return equal(one, other)


def shown(scope: Scope) -> Body:
    """All parameters as a deployment shows them: with values, but for the secret ones."""
    found: Body = {}
    for name, declaration in scope.document.declared.items():
        kind = declared_type(name, declaration)
        found[name] = {"type": TYPES[kind]}
        if not is_secure(declaration):
            found[name]["value"] = scope.parameter(name)
    return found
