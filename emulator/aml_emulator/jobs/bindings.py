"""Expressions of pipelines: `${{parent.inputs.x}}`, `${{parent.jobs.a.outputs.y}}`, `${{parent.outputs.z}}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aml_emulator.http import ServiceError
from aml_emulator.ml.scope import refused

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_OF_PARENT = re.compile(
    r"parent\.(?:inputs\.(?P<input>.+)|jobs\.(?P<node>[^.]+)\.outputs\.(?P<port>.+)|outputs\.(?P<output>.+))"
)
_INVALID = ("BadArgument", "ArgumentInvalid", "InvalidPipelineJob")

JobInput = Mapping[str, Any]
"""An input of a job as ARM has it: `{"jobInputType": "literal", "value"}` or `{"jobInputType": "uri_folder", "uri", "mode"}`."""


@dataclass(frozen=True)
class Reference:
    """What an expression names: an input or output of the pipeline, or an output of one of its nodes."""

    kind: Literal["input", "node output", "output"]
    name: str
    node: str = ""

    def __str__(self) -> str:
        if self.kind == "node output":
            return f"parent.jobs.{self.node}.outputs.{self.name}"
        return f"parent.{self.kind}s.{self.name}"


def invalid(where: str, message: str, code: str) -> ServiceError:
    """A pipeline that the service refuses; `code` is the deepest of its chain, for example InvalidExpressionInJob."""
    return refused(f"{where}: {message}", *_INVALID, code, target="jobs")


def references(text: str, where: str) -> list[Reference]:
    """What the expressions of a text name.

    Raises:
        ServiceError: 400 InvalidExpressionInJob.

    """
    return [_reference(expression, where) for expression in _EXPRESSION.findall(text)]


def whole(text: str, where: str) -> Reference | None:
    """What a text names that is one expression and nothing else; None for any other text."""
    match = _EXPRESSION.fullmatch(text.strip())
    return _reference(match[1], where) if match else None


def _reference(expression: str, where: str) -> Reference:
    match = _OF_PARENT.fullmatch(expression.removesuffix(".path"))
    if match is None:
        raise invalid(
            where,
            f"the expression '${{{{{expression}}}}}' cannot be used in a step of a pipeline. Allowed: ${{{{parent.inputs.<name>}}}}, "
            "${{parent.jobs.<step>.outputs.<name>}}, ${{parent.outputs.<name>}}.",
            "InvalidExpressionInJob",
        )
    if match["input"]:
        return Reference("input", match["input"])
    if match["node"]:
        return Reference("node output", match["port"], match["node"])
    return Reference("output", match["output"])


@dataclass
class Scope:
    """The values that expressions of one pipeline stand for while it runs: its inputs, and the outputs of nodes that ended."""

    inputs: Mapping[str, JobInput | None]
    outputs: dict[tuple[str, str], JobInput] = field(default_factory=dict)

    def value(self, reference: Reference) -> JobInput | None:
        """The input that a reference stands for; None for an optional one that was given no value."""
        if reference.kind == "node output":
            return self.outputs[reference.node, reference.name]
        return self.inputs.get(reference.name)

    def text(self, text: str, where: str) -> str:
        """A text with its expressions replaced: by the value of a literal, or by the URI of data."""

        def replace(match: re.Match[str]) -> str:
            found = self.value(_reference(match[1], where))
            if found is None:
                raise invalid(where, f"'{match[0]}' has no value.", "InvalidExpressionInJob")
            return str(found["value"] if found["jobInputType"] == "literal" else found["uri"])

        return _EXPRESSION.sub(replace, text)

    def input(self, given: Mapping[str, Any], where: str) -> JobInput | None:
        """An input of a node as its job gets it."""
        body = camel(given)
        value = body.get("value")
        if body.get("jobInputType") != "literal" or not isinstance(value, str):
            return body
        reference = whole(value, where)
        if reference is None:
            return {**body, "value": self.text(value, where)}
        found = self.value(reference)
        if found is None or found["jobInputType"] == "literal":
            return found
        return {**found, "mode": body["mode"]} if body.get("mode") else found


def camel(body: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a node, written as in YAML, with the names that they have in ARM: `shm_size` -> `shmSize`."""
    return {re.sub(r"_([a-z])", lambda match: match[1].upper(), name): value for name, value in body.items()}
