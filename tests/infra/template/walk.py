"""Reads the template without evaluating it: which names its expressions use, and which resource an expression means.

Expressions are compared as text, after each `variables('x')` has been replaced by what the variable says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
TEMPLATE_FILE = ROOT / "infra" / "deploy.core-infra.json"
PARAMETERS_FILE = ROOT / "infra" / "params.deploy.core-infra.json"

DEPLOYMENTS = "Microsoft.Resources/deployments"
_VARIABLE = re.compile(r"variables\('(\w+)'\)")


@dataclass(frozen=True)
class Template:
    """A template: the whole one, or one nested in it."""

    body: dict[str, Any]

    def resources(self) -> list[dict[str, Any]]:
        """The resources that stand in it, without those of nested templates."""
        return list(self.body["resources"])

    def used(self, kind: str) -> set[str]:
        """The names in `parameters('name')` or `variables('name')`, wherever they stand in this template's own expressions."""
        parts = [self.body.get("variables", {}), self.body.get("outputs", {}), self.body.get("parameters", {})]
        parts += [_without_template(resource) for resource in self.resources()]
        return {name for text in expressions(parts) for name in re.findall(rf"\b{kind}\('(\w+)'\)", text)}

    def expanded(self, text: str) -> str:
        """An expression without its brackets, in which every variable that is text is replaced by what it says."""
        inner = text[1:-1] if is_expression(text) else f"'{text}'"
        while found := [name for name in _VARIABLE.findall(inner) if isinstance(self.body["variables"][name], str)]:
            value = self.body["variables"][found[0]]
            inner = inner.replace(f"variables('{found[0]}')", value[1:-1] if is_expression(value) else f"'{value}'")
        return inner

    def id_of(self, resource: dict[str, Any]) -> str:
        """The expression that gives a resource's id, as a `dependsOn` would have it."""
        names = ", ".join(_segments(self.expanded(resource["name"])))
        if "scope" in resource:
            return f"extensionResourceId({self.expanded(resource['scope'])}, '{resource['type']}', {names})"
        return f"resourceId('{resource['type']}', {names})"

    def waits_for(self, resource: dict[str, Any]) -> set[str]:
        """The ids of the resources that a resource names in `dependsOn`, by id, by name or by the name of a copy loop.

        Raises:
            LookupError: an entry means no resource of this template, or more than one by its name.
        """
        found = set()
        for entry in resource.get("dependsOn", []):
            wanted = self.expanded(entry)
            meant = [
                self.id_of(other)
                for other in self.resources()
                if wanted in (self.id_of(other), self.expanded(other["name"]), f"'{other.get('copy', {}).get('name')}'")
            ]
            if len(meant) != 1:
                raise LookupError(f"{self.id_of(resource)} depends on {entry}, which means {len(meant)} resources")
            found.add(meant[0])
        return found


def load() -> Template:
    """The template as it is in `infra/`."""
    return Template(json.loads(TEMPLATE_FILE.read_text(encoding="utf-8")))


def templates(template: Template) -> list[Template]:
    """The template and those nested in it."""
    nested = [Template(each["properties"]["template"]) for each in template.resources() if each["type"] == DEPLOYMENTS]
    return [template, *(inner for each in nested for inner in templates(each))]


def texts(value: object) -> Iterator[str]:
    """Every text in a JSON value, keys included."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value


def expressions(value: object) -> Iterator[str]:
    """Every expression in a JSON value."""
    return (text for text in texts(value) if is_expression(text))


def is_expression(text: object) -> bool:
    """Whether ARM evaluates a value."""
    return isinstance(text, str) and text.startswith("[") and not text.startswith("[[") and text.endswith("]")


def arguments(text: str) -> list[str]:
    """Split what stands between the parentheses of a call at its commas."""
    found, depth, quoted, start = [], 0, False, 0
    for index, character in enumerate(text):
        if character == "'":
            quoted = not quoted
        elif quoted:
            continue
        elif character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif character == "," and depth == 0:
            found.append(text[start:index].strip())
            start = index + 1
    return [*found, text[start:].strip()]


def calls(text: str, function: str) -> Iterator[list[str]]:
    """The arguments of every call of a function in an expression, calls within calls included."""
    for match in re.finditer(rf"\b{function}\(", text):
        depth, index = 1, match.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(text[index], 0)
            index += 1
        yield arguments(text[match.end() : index - 1])


def _segments(name: str) -> list[str]:
    """The names of a resource and its parents, from the expression of its whole name."""
    parts = arguments(name[7:-1]) if name.startswith("concat(") and "/" in name else [name]
    segments: list[list[str]] = [[]]
    for part in parts:
        if not (part.startswith("'") and part.count("'") == 2):
            segments[-1].append(part)
            continue
        first, *others = part[1:-1].split("/")
        if first:
            segments[-1].append(f"'{first}'")
        segments.extend([f"'{other}'"] if other else [] for other in others)
    return [each[0] if len(each) == 1 else f"concat({', '.join(each)})" for each in segments]


def _without_template(resource: dict[str, Any]) -> dict[str, Any]:
    if resource["type"] != DEPLOYMENTS:
        return resource
    properties = {key: value for key, value in resource["properties"].items() if key != "template"}
    return {**resource, "properties": properties}
