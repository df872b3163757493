"""Evaluates values of a template: expressions wherever strings are, and `copy` in objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aml_emulator.arm.template import parser
from aml_emulator.arm.template.errors import EXPRESSIONS, USAGE, TemplateError
from aml_emulator.arm.template.functions import FUNCTIONS, Arguments, Lambda, checked
from aml_emulator.arm.template.parser import Access, CallNode, Literal, Node
from aml_emulator.arm.template.scope import Document, Scope
from aml_emulator.arm.template.values import Value, find_key, get, type_name
from aml_emulator.http import not_emulated

Path = Sequence[str | int]

MOST_COPIES = 800

_OF_AZURE_ONLY = {
    "providers",
    "pickzones",
    "managementgroup",
    "tologicalzone",
    "tologicalzones",
    "tophysicalzone",
    "tophysicalzones",
    "externalinput",
    "externalinputs",
}


def evaluate(value: Value, scope: Scope, path: Path = ()) -> Value:
    """A value with every expression in it evaluated.

    Raises:
        TemplateError: an expression is wrong; `path` says where.

    """
    try:
        return _evaluate(value, scope, path)
    except RecursionError:
        raise TemplateError(f"The template is nested too deeply to be evaluated. {EXPRESSIONS}", path) from None


def _evaluate(value: Value, scope: Scope, path: Path) -> Value:
    if isinstance(value, str):
        if not parser.is_expression(value):
            return parser.unescaped(value)
        try:
            found = evaluate_node(parser.parse(value), scope)
            if isinstance(found, Lambda):
                raise TemplateError(f"The lambda of '{value[:100]}' is used as a value. {EXPRESSIONS}")
        except TemplateError as error:
            error.path = error.path or tuple(path)
            raise
        return found
    if isinstance(value, list):
        return [_evaluate(item, scope, (*path, index)) for index, item in enumerate(value)]
    if isinstance(value, dict):
        return _object(value, scope, path)
    return value


def _object(value: dict[str, Any], scope: Scope, path: Path) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for key, inner in value.items():
        if key.lower() == "copy" and is_loops(inner):
            for index, loop in enumerate(inner):
                found[str(loop_name(loop, scope))] = copied(loop, scope, (*path, key, index))
            continue
        name = _evaluate(key, scope, path) if parser.is_expression(key) else parser.unescaped(key)
        if not isinstance(name, str):
            raise TemplateError(f"The key '{key[:100]}' gives no string but a value of type '{type_name(name)}'.", path)
        found[name] = _evaluate(inner, scope, (*path, key))
    return found


def is_loops(value: Value) -> bool:
    """Whether the value of `copy` in an object describes loops of properties."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(
            isinstance(item, dict) and {"name", "count", "input"} <= {key.lower() for key in item} for item in value
        )
    )


def loop_name(loop: dict[str, Any], scope: Scope) -> str:
    """The name of a loop."""
    name = evaluate(get(loop, "name"), scope)
    if not isinstance(name, str) or not name:
        raise TemplateError("The name of a copy loop must be a string that is not empty.")
    return name


def loop_count(loop: dict[str, Any], scope: Scope, path: Path) -> int:
    """How often a loop goes round.

    Raises:
        TemplateError: no integer from 0 to 800.

    """
    count = evaluate(get(loop, "count"), scope.with_runtime(None), (*path, "count"))
    if not isinstance(count, int) or isinstance(count, bool):
        raise TemplateError(
            f"The template copy definition is not valid. The copy count must be an integer, not a value of type '{type_name(count)}'. "
            f"Please see https://aka.ms/arm-copy {USAGE}",
            path,
        )
    if not 0 <= count <= MOST_COPIES:
        raise TemplateError(
            f"The template copy definition is not valid. The copy count '{count}' must be between 0 and {MOST_COPIES}. "
            f"Please see https://aka.ms/arm-copy {USAGE}",
            path,
        )
    return count


def copied(loop: dict[str, Any], scope: Scope, path: Path, *, own: bool = False) -> list[Value]:
    """What a loop of a property, variable or output gives; `own` where `copyIndex()` needs no name."""
    count, name = loop_count(loop, scope, path), loop_name(loop, scope)
    inner = get(loop, "input")
    return [_evaluate(inner, scope.with_copy(name, index, own=own), (*path, "input")) for index in range(count)]


def evaluate_node(node: Node, scope: Scope) -> Value:
    """The value of a parsed expression."""
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, Access):
        return _access(node, scope)
    name = node.name.lower()
    special = _SPECIAL.get(name)
    if special is not None:
        return special(node, scope)
    known = FUNCTIONS.get(name)
    if known is not None:
        known.check_count(len(node.arguments))
        values = [evaluate_node(argument, scope) for argument in node.arguments]
        return checked(known.name, known.run(scope, Arguments(known.name, values)))
    if "." in name:
        return _user_function(node, scope)
    if name.startswith("list"):
        return _list(node, scope)
    if name in _OF_AZURE_ONLY:
        raise not_emulated(f"the template function {node.name}")
    raise TemplateError(f"The template function '{node.name}' is not valid. {EXPRESSIONS}")


def _access(node: Access, scope: Scope) -> Value:
    target = evaluate_node(node.target, scope)
    key = evaluate_node(node.key, scope)
    if target is None and node.safe:
        return None
    if isinstance(target, dict):
        if not isinstance(key, str):
            raise TemplateError(
                f"The language expression property '{_text(key)}' can't be evaluated, property name must be a string."
            )
        known = find_key(target, key)
        if known is not None:
            return target[known]
        if node.safe:
            return None
        raise TemplateError(
            f"The language expression property '{key}' doesn't exist, available properties are '{', '.join(target)}'."
        )
    if isinstance(target, list):
        if not isinstance(key, int) or isinstance(key, bool):
            raise TemplateError(
                f"The language expression property '{_text(key)}' can't be evaluated, property name must be an integer."
            )
        if 0 <= key < len(target):
            return target[key]
        if node.safe:
            return None
        raise TemplateError(f"The language expression property array index '{key}' is out of bounds.")
    raise TemplateError(
        f"The language expression property '{_text(key)}' can't be evaluated: the value is of type '{type_name(target)}', "
        f"which has no properties. {EXPRESSIONS}"
    )


def _text(value: Value) -> str:
    return str(value)[:100]


def _if(node: CallNode, scope: Scope) -> Value:
    _count(node, "if", 3)
    return evaluate_node(node.arguments[1 if _condition(node.arguments[0], scope, "if", 0) else 2], scope)


def _and(node: CallNode, scope: Scope) -> bool:
    _count(node, "and", 2, None)
    return all(_condition(argument, scope, "and", index) for index, argument in enumerate(node.arguments))


def _or(node: CallNode, scope: Scope) -> bool:
    _count(node, "or", 2, None)
    return any(_condition(argument, scope, "or", index) for index, argument in enumerate(node.arguments))


def _condition(node: Node, scope: Scope, name: str, index: int) -> bool:
    value = evaluate_node(node, scope)
    if not isinstance(value, bool):
        raise TemplateError(
            f"The template language function '{name}' expects its parameter at position '{index + 1}' to be of type 'Boolean'. "
            f"The provided value is of type '{type_name(value)}'. Please see https://aka.ms/arm-functions#{name} {USAGE}"
        )
    return value


def _lambda(node: CallNode, scope: Scope) -> Lambda:
    _count(node, "lambda", 1, None)
    names = [evaluate_node(argument, scope) for argument in node.arguments[:-1]]
    if not all(isinstance(name, str) for name in names):
        raise TemplateError(f"The names of a lambda's variables must be strings. {EXPRESSIONS}")
    body = node.arguments[-1]

    def run(values: Sequence[Value]) -> Value:
        return evaluate_node(body, scope.with_lambda(names, values))

    return Lambda(tuple(names), run)


_SPECIAL = {"if": _if, "and": _and, "or": _or, "lambda": _lambda}


def _count(node: CallNode, name: str, least: int, most: int | None = -1) -> None:
    count = len(node.arguments)
    exactly = most == -1
    if count < least or (exactly and count != least):
        wanted = f"exactly '{least}'" if exactly else f"at least '{least}'"
        raise TemplateError(
            f"Unable to evaluate template language function '{name}': function requires {wanted} argument(s) while '{count}' were "
            f"provided. Please see https://aka.ms/arm-functions#{name} {USAGE}"
        )


def _list(node: CallNode, scope: Scope) -> Value:
    runtime = scope.at_runtime(node.name)
    if not 2 <= len(node.arguments) <= 3:
        raise TemplateError(
            f"Unable to evaluate template language function '{node.name}': function requires between '2' and '3' argument(s) while "
            f"'{len(node.arguments)}' were provided. Please see https://aka.ms/arm-functions#list {USAGE}"
        )
    values = [evaluate_node(argument, scope) for argument in node.arguments]
    arguments = Arguments(node.name, values)
    return runtime.list(
        scope, node.name, arguments.string(0), arguments.string(1), values[2] if len(values) == 3 else None
    )


def _user_function(node: CallNode, scope: Scope) -> Value:
    declared = scope.user_function(node.name)
    names = []
    for parameter in get(declared, "parameters") or []:
        name = get(parameter, "name") if isinstance(parameter, dict) else None
        if not isinstance(name, str):
            raise TemplateError(f"Every parameter of the function '{node.name}' needs a name.", ("functions",))
        names.append(name)
    if len(names) != len(node.arguments):
        raise TemplateError(
            f"Unable to evaluate template language function '{node.name}': function requires exactly '{len(names)}' argument(s) while "
            f"'{len(node.arguments)}' were provided. {EXPRESSIONS}"
        )
    values = [evaluate_node(argument, scope) for argument in node.arguments]
    output = get(declared, "output")
    if not isinstance(output, dict) or find_key(output, "value") is None:
        raise TemplateError(f"The function '{node.name}' has no output.", ("functions",))
    document = Document({}, dict(zip(names, values, strict=True)), {}, {})
    inner = replace(scope, document=document, runtime=None, copies={}, loop=None, lambdas={})
    return _evaluate(get(output, "value"), inner, ())
