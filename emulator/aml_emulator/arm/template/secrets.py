"""Keeps secret parameters out of everything that is stored, logged or answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aml_emulator.arm.template.parameters import is_secure
from aml_emulator.arm.template.parser import is_expression
from aml_emulator.arm.template.values import Value, find_key, get

HIDDEN = "***"
_LEAST_CHARACTERS = 6
"""A shorter value is not looked for inside other texts: it would be found in every second word."""


class Secrets:
    """The values of a deployment's secret parameters."""

    def __init__(self, values: Iterable[Value] = ()) -> None:
        self._values: set[str] = set()
        for value in values:
            self.add(value)

    def add(self, value: Value) -> None:
        """Remember a secret: a string, or every string in an object."""
        if isinstance(value, str) and len(value) >= _LEAST_CHARACTERS:
            self._values.add(value)
        elif isinstance(value, dict | list):
            for inner in value.values() if isinstance(value, dict) else value:
                self.add(inner)

    def masked(self, value: Value) -> Value:
        """The value with every secret in it replaced."""
        if not self._values:
            return value
        if isinstance(value, str):
            for secret in sorted(self._values, key=len, reverse=True):
                value = value.replace(secret, HIDDEN)
            return value
        if isinstance(value, dict):
            return {key: self.masked(inner) for key, inner in value.items()}
        return [self.masked(inner) for inner in value] if isinstance(value, list) else value


def without_defaults(template: Mapping[str, Any]) -> dict[str, Any]:
    """A template without the default values of its secret parameters, unless an expression makes them."""
    found = dict(template)
    key = find_key(found, "parameters")
    if key is not None and isinstance(found[key], dict):
        found[key] = {name: _without_default(declaration) for name, declaration in found[key].items()}
    return found


def _without_default(declaration: Any) -> Any:  # noqa: ANN401 - any JSON
    if not is_secure(declaration):
        return declaration
    default = get(declaration, "defaultValue")
    if default in (None, "") or (isinstance(default, str) and is_expression(default)):
        return declaration
    return {key: value for key, value in declaration.items() if key.lower() != "defaultvalue"}


def hidden_request(body: Any) -> Any:  # noqa: ANN401 - any JSON
    """The body of a request to deploy, as a log may keep it: secret by the template's types, all where they are not known."""
    properties = get(body, "properties") if isinstance(body, dict) else None
    if not isinstance(properties, dict):
        return body
    template, given = get(properties, "template"), get(properties, "parameters")
    declared = get(template, "parameters") if isinstance(template, dict) else None
    shown = dict(properties)
    if isinstance(template, dict):
        shown[str(find_key(properties, "template"))] = without_defaults(template)
    if isinstance(given, dict):
        shown[str(find_key(properties, "parameters"))] = {
            name: item if _is_open(declared, name) else _hidden(item) for name, item in given.items()
        }
    return {**body, str(find_key(body, "properties")): shown}


def _is_open(declared: Any, name: str) -> bool:  # noqa: ANN401 - any JSON
    declaration = get(declared, name) if isinstance(declared, dict) else None
    kind = get(declaration, "type") if isinstance(declaration, dict) else None
    return isinstance(kind, str) and not is_secure(declaration)


def _hidden(item: Any) -> Any:  # noqa: ANN401 - any JSON
    if not isinstance(item, dict):
        return HIDDEN
    return {key: HIDDEN if key.lower() == "value" else value for key, value in item.items()}
