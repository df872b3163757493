"""Outputs of a template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aml_emulator.arm.template import evaluator, parameters
from aml_emulator.arm.template.errors import TemplateError
from aml_emulator.arm.template.scope import Scope
from aml_emulator.arm.template.values import Value, find_key, get, type_name
from aml_emulator.http import ServiceError

Body = dict[str, Any]
Path = tuple[str | int, ...]

_JSON_TYPES = {
    "string": "String",
    "securestring": "String",
    "int": "Integer",
    "bool": "Boolean",
    "array": "Array",
    "object": "Object",
    "secureobject": "Object",
}


def evaluated_outputs(declared: Mapping[str, Any], scope: Scope, path: Path) -> tuple[Body, dict[str, str]]:
    """The outputs of a deployment as it shows them, secret ones without a value; and what went wrong by output."""
    found: Body = {}
    errors: dict[str, str] = {}
    for name, declaration in declared.items():
        try:
            shown = _output(name, declaration, scope, (*path, name))
        except TemplateError as error:
            errors[name] = f"The template output '{name}' is not valid: {error.message}."
        except ServiceError as error:
            errors[name] = f"The template output '{name}' is not valid: {error.message}"
        else:
            if shown is not None:
                found[name] = shown
    return found, errors


def _output(name: str, declaration: Body, scope: Scope, path: Path) -> Body | None:
    kind = parameters.declared_type(name, declaration, "output")
    if find_key(declaration, "condition") is not None:
        condition = evaluator.evaluate(get(declaration, "condition"), scope, (*path, "condition"))
        if not isinstance(condition, bool):
            raise TemplateError(f"its condition is of type '{type_name(condition)}', not 'Boolean'", path)
        if not condition:
            return None
    value = _value(declaration, scope, path)
    if value is None and get(declaration, "nullable") is True:
        return None
    if type_name(value) != _JSON_TYPES[kind]:
        raise TemplateError(
            f"Expected a value of type '{_JSON_TYPES[kind]}', but received a value of type '{type_name(value)}'", path
        )
    shown: Body = {"type": parameters.TYPES[kind]}
    if not parameters.is_secure(declaration):
        shown["value"] = value
    return shown


def _value(declaration: Body, scope: Scope, path: Path) -> Value:
    loop = get(declaration, "copy")
    if isinstance(loop, dict):
        return evaluator.copied({"name": path[-1], **loop}, scope, (*path, "copy"), own=True)
    return evaluator.evaluate(get(declaration, "value"), scope, (*path, "value"))
