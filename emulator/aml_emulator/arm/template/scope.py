"""What an expression can ask for: parameters, variables, functions of the template, loops, and the place of the deployment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from aml_emulator.arm.template.errors import EXPRESSIONS, USAGE, NotAvailableError, TemplateError
from aml_emulator.arm.template.values import Value, find_key, get

Body = dict[str, Any]


@dataclass(frozen=True)
class Target:
    """Where a template is deployed: a resource group, or a subscription when `group` is None."""

    subscription: str
    group: str | None

    @property
    def id(self) -> str:
        """The id of the group or of the subscription."""
        root = f"/subscriptions/{self.subscription}"
        return root if self.group is None else f"{root}/resourceGroups/{self.group}"


@dataclass(frozen=True)
class Surroundings:
    """What the functions of the same names give. `resource_group` is None at the scope of a subscription."""

    subscription: Body
    resource_group: Body | None
    deployment: Body
    environment: Body
    tenant: Body
    deployer: Body


class Runtime(Protocol):
    """What only a running deployment can ask: resources as they are now."""

    def reference(self, scope: Scope, resource: str, version: str, *, full: bool) -> Value:
        """A resource's properties, or all of it."""

    def list(self, scope: Scope, function: str, resource: str, version: str, body: Value) -> Value:
        """The answer to a POST of a `list...` function."""


class Later:
    """Stands for a running deployment where a template is only looked at: what needs one is not known yet."""

    def reference(self, scope: Scope, resource: str, version: str, *, full: bool) -> Value:
        """Not known yet."""
        raise NotAvailableError(f"The value of reference('{resource}') is known only when the resource is deployed.")

    def list(self, scope: Scope, function: str, resource: str, version: str, body: Value) -> Value:
        """Not known yet."""
        raise NotAvailableError(f"The value of {function}('{resource}') is known only when the resource is deployed.")


@dataclass(frozen=True)
class VariableLoop:
    """A variable that `copy` at the root of the variables makes."""

    loop: Body


@dataclass(frozen=True)
class Document:
    """The parts of a template that expressions name, and what they were evaluated to so far.

    `given` are the values of parameters that were handed in, `declared` the template's declarations. A user function has a document
    of its own: its arguments and nothing else.
    """

    declared: Mapping[str, Any]
    given: Mapping[str, Value]
    variables: Mapping[str, Any]
    functions: Mapping[str, Any]
    known_parameters: dict[str, Value] = field(default_factory=dict)
    known_variables: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Scope:
    """The surroundings of one expression. `copies` are the indexes of the loops around it; `loop` names the resource's own."""

    target: Target
    surroundings: Surroundings
    document: Document
    runtime: Runtime | None = None
    copies: Mapping[str, int] = field(default_factory=dict)
    loop: str | None = None
    lambdas: Mapping[str, Value] = field(default_factory=dict)
    trail: frozenset[str] = frozenset()
    in_default: bool = False

    def at_runtime(self, function: str) -> Runtime:
        """Who answers for resources.

        Raises:
            TemplateError: no resource may be asked for here.

        """
        if self.runtime is None:
            raise TemplateError(f"The template function '{function}' is not expected at this location. {EXPRESSIONS}")
        return self.runtime

    def parameter(self, name: str) -> Value:
        """The value of a parameter: given, or its default, evaluated when it is first asked for."""
        from aml_emulator.arm.template import parameters

        document = self.document
        key = find_key(document.given, name)
        if key is not None:
            return document.given[key]
        declared = find_key(document.declared, name)
        if declared is None:
            raise TemplateError(
                f"The template parameter '{name}' is not found. Please see https://aka.ms/arm-template/#parameters {USAGE}"
            )
        if declared not in document.known_parameters:
            inner = self._inside(f"parameter '{declared}'")
            document.known_parameters[declared] = parameters.default(declared, document.declared[declared], inner)
        return document.known_parameters[declared]

    def variable(self, name: str) -> Value:
        """The value of a variable, evaluated when it is first asked for."""
        from aml_emulator.arm.template import evaluator

        document = self.document
        key = find_key(document.variables, name)
        if self.in_default or key is None:
            raise TemplateError(
                f"The template variable '{name}' is not found. Please see https://aka.ms/arm-template/#variables {USAGE}"
            )
        if key not in document.known_variables:
            inner = self._inside(f"variable '{key}'")
            raw = document.variables[key]
            document.known_variables[key] = (
                evaluator.copied(raw.loop, inner, ("variables", "copy"))
                if isinstance(raw, VariableLoop)
                else evaluator.evaluate(raw, inner, ("variables", key))
            )
        return document.known_variables[key]

    def user_function(self, name: str) -> Body:
        """The declaration of a function of the template, by `namespace.name`.

        Raises:
            TemplateError: there is none.

        """
        key = find_key(self.document.functions, name)
        if key is None:
            raise TemplateError(f"The template function '{name}' is not valid. {EXPRESSIONS}")
        found: Body = self.document.functions[key]
        return found

    def copy_index(self, name: str | None) -> int:
        """The index of a loop; without a name, of the resource's own.

        Raises:
            TemplateError: there is no such loop around this.

        """
        wanted = self.loop if name is None else find_key(self.copies, name)
        if wanted is not None:
            return self.copies[wanted]
        if name is None:
            raise TemplateError(
                "The template function 'copyIndex' is not expected at this location. The function can only be used in a resource "
                f"with copy specified. Please see https://aka.ms/arm-copy {USAGE}"
            )
        raise TemplateError(
            f"The template language function 'copyIndex' has an invalid argument. The provided copy name '{name}' doesn't exist in "
            f"the resource. Please see https://aka.ms/arm-resource-loops {USAGE}"
        )

    def lambda_variable(self, name: str) -> Value:
        """The value of a variable of a lambda around this.

        Raises:
            TemplateError: there is none.

        """
        key = find_key(self.lambdas, name)
        if key is None:
            raise TemplateError(f"The lambda variable '{name}' is not found. {EXPRESSIONS}")
        return self.lambdas[key]

    def with_copy(self, name: str, index: int, *, own: bool = False) -> Scope:
        """Inside a loop; `own` for the loop of a resource."""
        return replace(self, copies={**self.copies, name: index}, loop=name if own else self.loop)

    def with_lambda(self, names: Sequence[str], values: Sequence[Value]) -> Scope:
        """Inside a lambda."""
        return replace(self, lambdas={**self.lambdas, **dict(zip(names, values, strict=True))})

    def with_runtime(self, runtime: Runtime | None) -> Scope:
        """Where resources may be asked for, or may not."""
        return replace(self, runtime=runtime)

    def _inside(self, what: str) -> Scope:
        """Inside a parameter or variable, where neither loops nor resources are seen.

        Raises:
            TemplateError: it is being evaluated already: it needs itself.

        """
        if what in self.trail:
            raise TemplateError(
                f"The template {what} has a circular dependency: it is needed to evaluate itself. {EXPRESSIONS}"
            )
        trail = self.trail | {what}
        return replace(
            self, runtime=None, copies={}, loop=None, lambdas={}, trail=trail, in_default=what.startswith("parameter")
        )


def variables_of(template: Mapping[str, Any]) -> dict[str, Any]:
    """The variables of a template, those of its loops among them.

    Raises:
        TemplateError: they are no object.

    """
    found = get(template, "variables") or {}
    if not isinstance(found, dict):
        raise TemplateError("The variables of the template must be an object.", ("variables",))
    variables = dict(found)
    key = find_key(variables, "copy")
    if key is not None and isinstance(variables[key], list):
        for index, loop in enumerate(variables.pop(key)):
            name = get(loop, "name") if isinstance(loop, dict) else None
            if not isinstance(name, str) or find_key(loop, "input") is None:
                raise TemplateError(
                    "A copy of variables needs a name, a count and an input.", ("variables", "copy", index)
                )
            variables[name] = VariableLoop(loop)
    return variables


def functions_of(template: Mapping[str, Any]) -> dict[str, Body]:
    """The functions of a template by `namespace.name`."""
    found: dict[str, Body] = {}
    groups = get(template, "functions") or []
    if not isinstance(groups, list):
        raise TemplateError("The functions of the template must be an array.", ("functions",))
    for group in groups:
        namespace = get(group, "namespace") if isinstance(group, dict) else None
        members = get(group, "members") if isinstance(group, dict) else None
        if not isinstance(namespace, str) or not isinstance(members, dict):
            raise TemplateError("Every item of the template's functions needs a namespace and members.", ("functions",))
        if not all(isinstance(member, dict) for member in members.values()):
            raise TemplateError("Every member of the template's functions must be an object.", ("functions",))
        found |= {f"{namespace}.{name}": member for name, member in members.items()}
    return found
