"""From the resources of a template to what is deployed: loops unrolled, children flattened, ids made."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from aml_emulator import ids
from aml_emulator.arm.template import evaluator, parser
from aml_emulator.arm.template.errors import RESOURCES, TemplateError
from aml_emulator.arm.template.scope import Scope, Target
from aml_emulator.arm.template.values import find_key, get, type_name

Body = dict[str, Any]
Path = tuple[str | int, ...]

DEPLOYMENTS = "Microsoft.Resources/deployments"
_GROUPS = "Microsoft.Resources/resourceGroups"
_NOT_SENT = {
    "type",
    "name",
    "apiversion",
    "condition",
    "dependson",
    "copy",
    "scope",
    "comments",
    "resources",
    "existing",
    "resourcegroup",
    "subscriptionid",
    "metadata",
    "asserts",
    "@options",
}
_GROUP_AS_RESOURCE = re.compile(r"/providers/Microsoft\.Resources/(?=resourceGroups/[^/]+$)", re.IGNORECASE)
"""What `subscriptionResourceId` writes before a group, whose id has no such part."""


@dataclass
class Planned:
    """One resource of a deployment.

    `raw` is its declaration, not evaluated but for what this class names; `scope` knows the loops around it; `wanted` is its
    condition; `needs` are the ids of what must be there before it.
    """

    id: str
    type: str
    name: str
    api_version: str
    wanted: bool
    raw: Body
    scope: Scope
    path: Path
    target: Target
    loop: str | None = None
    index: int = 0
    symbol: str | None = None
    existing: bool = False
    needs: set[str] = field(default_factory=set)

    @property
    def key(self) -> str:
        """The id in lower case, under which it is found."""
        return self.id.lower()

    @property
    def deploys(self) -> bool:
        """Whether the deployment makes it."""
        return self.wanted and not self.existing

    @property
    def is_deployment(self) -> bool:
        """Whether it is a deployment inside this one."""
        return self.type.lower() == DEPLOYMENTS.lower()

    def body(self, scope: Scope) -> Body:
        """What its provider is sent: the declaration, evaluated. Only `properties` may ask for other resources."""
        found: Body = {}
        for key, value in self.raw.items():
            if key.lower() not in _NOT_SENT:
                inner = scope if key.lower() == "properties" else scope.with_runtime(None)
                found[key] = evaluator.evaluate(value, inner, (*self.path, key))
        return found

    def check_envelope(self) -> None:
        """Evaluate what is known before the deployment runs: everything but `properties`.

        Raises:
            TemplateError: an expression is wrong, or asks for a resource.

        """
        replace(self, raw={key: value for key, value in self.raw.items() if key.lower() != "properties"}).body(
            self.scope
        )


class Plan:
    """The resources of a template in the order of their declaration, and how expressions name them."""

    def __init__(self, resources: list[Planned], target: Target, loops: frozenset[str] = frozenset()) -> None:
        self.resources, self.loops = resources, loops
        self._target = target
        self._by_id: dict[str, Planned] = {}
        for one in resources:
            if one.key not in self._by_id or one.wanted:
                self._by_id[one.key] = one

    def find(self, text: str) -> list[Planned]:
        """What a dependency or `reference` names: an id, `Namespace/type/name`, the name of a resource or of a loop."""
        if "/" in text:
            found = self._by_id.get(full_id(text, self._target).lower())
            if found is not None:
                return [found]
            if not text.strip("/").lower().startswith("subscriptions/"):  # else it is one of another group
                tail = relative_id(text).lower()
                alike = [one for one in self.resources if relative_id(one.id).lower() == tail] if tail else []
                if len({one.key for one in alike}) == 1:
                    return alike[:1]
        lowered = text.lower()
        for matches in (
            [one for one in self.resources if one.symbol is not None and one.symbol.lower() == lowered],
            [one for one in self.resources if one.loop is not None and one.loop.lower() == lowered],
            [one for one in self.resources if one.name.lower() == lowered],
        ):
            if matches:
                return matches
        return []


def full_id(text: str, target: Target) -> str:
    """An id in full: one without a subscription is in the target's group."""
    stripped = text.strip("/")
    if stripped.lower().startswith(("subscriptions/", "providers/")):
        return _GROUP_AS_RESOURCE.sub("/", f"/{stripped}")
    return f"{target.id}/providers/{stripped}"


def relative_id(resource_id: str) -> str:
    """`Namespace/type/name` of an id."""
    stripped = resource_id.strip("/")
    _, found, tail = stripped.lower().rpartition("/providers/")
    return stripped[len(stripped) - len(tail) :] if found else stripped


def unrolled(template: Mapping[str, Any], scope: Scope, target: Target, path: Path) -> Iterator[Planned]:
    """The resources of a template: one for each round of a loop, children after their parents.

    Raises:
        TemplateError: a declaration is wrong.

    """
    declared = get(template, "resources")
    if isinstance(declared, dict):
        for symbol, item in declared.items():
            for one in _declared(item, scope, target, (*path, "resources", symbol), None):
                yield replace(one, symbol=symbol)
    elif isinstance(declared, list):
        for index, item in enumerate(declared):
            yield from _declared(item, scope, target, (*path, "resources", index), None)
    else:
        raise TemplateError("The resources of the template must be an array.", (*path, "resources"))


def _declared(item: Any, scope: Scope, target: Target, path: Path, parent: Planned | None) -> Iterator[Planned]:  # noqa: ANN401 - any JSON
    if not isinstance(item, dict):
        raise TemplateError(
            f"A resource of the template must be an object, not a value of type '{type_name(item)}'.", path
        )
    loop = get(item, "copy")
    if loop is None:
        yield from _with_children(item, scope, target, path, parent, None, 0)
        return
    if not isinstance(loop, dict):
        raise TemplateError("The copy of a resource must be an object with a name and a count.", (*path, "copy"))
    name, count = evaluator.loop_name(loop, scope), evaluator.loop_count(loop, scope, (*path, "copy"))
    for index in range(count):
        yield from _with_children(item, scope.with_copy(name, index, own=True), target, path, parent, name, index)


def _with_children(
    item: Body, scope: Scope, target: Target, path: Path, parent: Planned | None, loop: str | None, index: int
) -> Iterator[Planned]:
    one = _planned(item, scope, target, path, parent)
    one.loop, one.index = loop, index
    yield one
    children = get(item, "resources")
    if children is None or one.is_deployment:
        return
    if not isinstance(children, list):
        raise TemplateError("The resources of a resource must be an array.", (*path, "resources"))
    for number, child in enumerate(children):
        yield from _declared(child, scope, target, (*path, "resources", number), one)


def _planned(item: Body, scope: Scope, target: Target, path: Path, parent: Planned | None) -> Planned:
    resource_type = _text(item, "type", scope, path).strip("/")
    wanted = _condition(item, scope, path)
    name = _text(item, "name", scope, path, may_be_empty=not wanted)
    if parent is not None and not resource_type.lower().startswith(parent.type.lower() + "/"):
        if "/" not in resource_type or "." not in resource_type.split("/", 1)[0]:
            resource_type = f"{parent.type}/{resource_type}"
        name = f"{parent.name}/{name}"
    api_version = evaluator.evaluate(get(item, "apiVersion"), scope, (*path, "apiVersion"))
    if not isinstance(api_version, str) or not api_version:
        raise TemplateError(
            f"The template resource '{name}' of type '{resource_type}' is not valid. The api-version is missing. {RESOURCES}",
            path,
        )
    home = _home(item, scope, target, path)
    resource_id = _id(resource_type, name, item, scope, home, path, strict=wanted)
    existing = get(item, "existing") is True
    return Planned(resource_id, resource_type, name, api_version, wanted, item, scope, path, home, existing=existing)


def _text(item: Body, key: str, scope: Scope, path: Path, *, may_be_empty: bool = False) -> str:
    value = evaluator.evaluate(get(item, key), scope, (*path, key))
    if not isinstance(value, str) or not (value or may_be_empty):
        raise TemplateError(
            f"The template resource at '{'/'.join(map(str, path))}' is not valid: its {key} must be a string that is not "
            f"empty. {RESOURCES}",
            path,
        )
    return value


def _condition(item: Body, scope: Scope, path: Path) -> bool:
    if find_key(item, "condition") is None:
        return True
    value = evaluator.evaluate(get(item, "condition"), scope, (*path, "condition"))
    if not isinstance(value, bool):
        raise TemplateError(
            f"The condition of a template resource must be a boolean, not a value of type '{type_name(value)}'. {RESOURCES}",
            (*path, "condition"),
        )
    return value


def _home(item: Body, scope: Scope, target: Target, path: Path) -> Target:
    """Where a resource is made: the target, or for a deployment the subscription and group that it names."""
    subscription = get(item, "subscriptionId")
    group = get(item, "resourceGroup")
    if subscription is None and group is None:
        return target
    found = target
    if subscription is not None:
        found = Target(str(evaluator.evaluate(subscription, scope, (*path, "subscriptionId"))), None)
    if group is not None:
        found = Target(found.subscription, str(evaluator.evaluate(group, scope, (*path, "resourceGroup"))))
    return found


def _id(resource_type: str, name: str, item: Body, scope: Scope, target: Target, path: Path, *, strict: bool) -> str:
    if resource_type.lower() == _GROUPS.lower():
        return f"/subscriptions/{target.subscription}/resourceGroups/{name}"
    namespace, *types = resource_type.split("/")
    names = name.split("/")
    if (len(types) != len(names) and strict) or not types:
        raise TemplateError(
            f"The template resource '{name}' for type '{resource_type}' has incorrect segment lengths. A nested resource type must have "
            "identical number of segments as its resource name. A root resource type must have segment length one greater than its "
            f"resource name. {RESOURCES}",
            path,
        )
    root = target.id
    extended = get(item, "scope")
    if extended is not None:
        extended = evaluator.evaluate(extended, scope, (*path, "scope"))
        if not isinstance(extended, str) or not extended:
            raise TemplateError(
                "The scope of a template resource must be a string that is not empty.", (*path, "scope")
            )
        root = "" if extended == "/" else full_id(extended, target)
    pairs = "".join(f"/{kind}/{part}" for kind, part in zip(types, names, strict=False))
    return f"{root}/providers/{namespace}{pairs}"


def is_outer(properties: Mapping[str, Any]) -> bool:
    """Whether the template of a nested deployment is evaluated with the parameters and variables of the template around it."""
    options = get(properties, "expressionEvaluationOptions")
    scope = get(options, "scope") if isinstance(options, dict) else None
    return not isinstance(scope, str) or scope.lower() != "inner"


def namespace_of(resource_id: str) -> str:
    """The namespace of the provider that makes a resource."""
    return ids.type_of(resource_id).partition("/")[0]


def literal_kinds(template: Any, target: Target) -> list[tuple[str, str]]:  # noqa: ANN401 - any JSON
    """The kinds that a template makes whatever its parameters are, each with an id made up: `type` is there as it is, no condition."""
    declared = get(template, "resources") if isinstance(template, dict) else None
    found: list[tuple[str, str]] = []
    for item in declared.values() if isinstance(declared, dict) else declared if isinstance(declared, list) else ():
        kind = get(item, "type") if isinstance(item, dict) else None
        if not isinstance(kind, str) or parser.is_expression(kind) or find_key(item, "condition") is not None:
            continue
        if kind.lower() == DEPLOYMENTS.lower():
            properties = get(item, "properties")
            found += literal_kinds(get(properties, "template") if isinstance(properties, dict) else None, target)
        else:
            namespace, *types = kind.strip("/").split("/")
            found.append((kind, f"{target.id}/providers/{namespace}" + "".join(f"/{one}/name" for one in types)))
    return found
