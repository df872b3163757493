"""The plan of a template: its resources with what each of them must wait for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aml_emulator.arm.template import evaluator, parser
from aml_emulator.arm.template.errors import RESOURCES, USAGE, TemplateError
from aml_emulator.arm.template.parser import Access, CallNode, Node
from aml_emulator.arm.template.resources import DEPLOYMENTS, Plan, Planned, is_outer, unrolled
from aml_emulator.arm.template.scope import Later, Scope, Target
from aml_emulator.arm.template.values import Value, get, type_name
from aml_emulator.http import ServiceError

Path = tuple[str | int, ...]

_MOST_RESOURCES = 800


def plan(template: Mapping[str, Any], scope: Scope, target: Target, path: Path = ()) -> Plan:
    """The resources of a template with their dependencies.

    Raises:
        TemplateError: a declaration is wrong, a dependency is not there, or dependencies go round.

    """
    found = list(unrolled(template, scope.with_runtime(None), target, path))
    if len(found) > _MOST_RESOURCES:
        raise TemplateError(
            f"The number of resources in the template is '{len(found)}': it must not be more than '{_MOST_RESOURCES}'. {RESOURCES}"
        )
    _refuse_duplicates(found)
    planned = Plan(found, target, frozenset(_loop_names(get(template, "resources"))))
    for one in found:
        if one.deploys:
            one.check_envelope()
            one.needs = _explicit(one, planned) | _implicit(one, planned)
    _in_batches(found)
    _refuse_circles(found)
    return planned


def _refuse_duplicates(found: list[Planned]) -> None:
    seen: set[str] = set()
    for one in found:
        if not one.deploys:
            continue
        if one.key in seen:
            raise TemplateError(
                f"The resource '{one.id}' is defined multiple times in a template. {RESOURCES}",
                one.path,
            )
        seen.add(one.key)


def _loop_names(declared: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    """Names of the loops of a template: one that goes round zero times may be a dependency and has no resources."""
    for item in declared.values() if isinstance(declared, dict) else declared if isinstance(declared, list) else ():
        if isinstance(item, dict):
            loop = get(item, "copy")
            if isinstance(loop, dict) and isinstance(get(loop, "name"), str):
                yield get(loop, "name").lower()
            if str(get(item, "type")).lower() != DEPLOYMENTS.lower():
                yield from _loop_names(get(item, "resources"))


def _explicit(one: Planned, planned: Plan) -> set[str]:
    declared = get(one.raw, "dependsOn") or []
    path = (*one.path, "dependsOn")
    if isinstance(declared, str):
        declared = evaluator.evaluate(declared, one.scope, path)
    if not isinstance(declared, list):
        raise TemplateError("The dependsOn of a template resource must be an array.", path)
    needs: set[str] = set()
    for index, entry in enumerate(declared):
        text = evaluator.evaluate(entry, one.scope, (*path, index))
        if text is None:
            continue
        if not isinstance(text, str):
            raise TemplateError(
                f"A dependency must be a string, not a value of type '{type_name(text)}'. {RESOURCES}", (*path, index)
            )
        matches = planned.find(text)
        if not matches and text.lower() not in planned.loops:
            raise TemplateError(
                f"The resource '{text}' is not defined in the template. Please see https://aka.ms/arm-template {USAGE}",
                (*path, index),
            )
        needs |= {match.key for match in matches if match.deploys}
    return needs


def _implicit(one: Planned, planned: Plan) -> set[str]:
    """What the expressions of a resource refer to in the same template."""
    texts = get(one.raw, "properties")
    if one.is_deployment and isinstance(texts, dict) and not is_outer(texts):
        texts = {key: value for key, value in texts.items() if key.lower() != "template"}
    needs: set[str] = set()
    for node in _calls(texts):
        name = node.name.lower()
        if not node.arguments or (name != "reference" and not (name.startswith("list") and "." not in name)):
            continue
        try:
            text = evaluator.evaluate_node(node.arguments[0], one.scope.with_runtime(Later()))
        except (TemplateError, ServiceError, RecursionError):
            continue  # it is told, with its place, when the value itself is evaluated
        if isinstance(text, str):
            needs |= {match.key for match in planned.find(text) if match.deploys}
    return needs - {one.key}


def _calls(value: Value) -> Iterator[CallNode]:
    waiting: list[Value] = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting += [*item.keys(), *item.values()]
        elif isinstance(item, list):
            waiting += item
        elif isinstance(item, str) and parser.is_expression(item):
            try:
                yield from _calls_in(parser.parse(item))
            except TemplateError:
                continue


def _calls_in(node: Node) -> Iterator[CallNode]:
    if isinstance(node, CallNode):
        yield node
        for argument in node.arguments:
            yield from _calls_in(argument)
    elif isinstance(node, Access):
        yield from _calls_in(node.target)
        yield from _calls_in(node.key)


def _in_batches(found: list[Planned]) -> None:
    """Loops that are serial: each batch waits for the one before."""
    loops: dict[tuple[Path, str], list[Planned]] = {}
    for one in found:
        loop = get(one.raw, "copy")
        if one.loop is not None and isinstance(loop, dict) and str(get(loop, "mode", "")).lower() == "serial":
            loops.setdefault((one.path, one.loop), []).append(one)
    for members in loops.values():
        size = get(get(members[0].raw, "copy"), "batchSize", 1)
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise TemplateError("The batchSize of a copy must be an integer of 1 or more.", (*members[0].path, "copy"))
        for one in members:
            start = one.index // size * size
            one.needs |= {
                other.key for other in members if start - size <= other.index < start and other.deploys and one.deploys
            }


def _refuse_circles(found: list[Planned]) -> None:
    left = {one.key: set(one.needs) for one in found if one.deploys}
    while left:
        ready = [key for key, needs in left.items() if not needs & left.keys()]
        if not ready:
            first = next(one for one in found if one.deploys and one.key in left and _reaches_itself(one.key, left))
            raise TemplateError(f"Circular dependency detected on resource: '{first.id}'. {RESOURCES}", first.path)
        for key in ready:
            del left[key]


def _reaches_itself(start: str, needs: Mapping[str, set[str]]) -> bool:
    waiting, seen = list(needs[start]), set()
    while waiting:
        key = waiting.pop()
        if key == start:
            return True
        if key not in seen:
            seen.add(key)
            waiting += needs.get(key, ())
    return False
