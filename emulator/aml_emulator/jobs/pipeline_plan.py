"""A pipeline as it was sent, read and checked: its nodes, what each runs, and which wait for which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aml_emulator.http import not_emulated
from aml_emulator.jobs import component as components
from aml_emulator.jobs.bindings import Reference, camel, invalid, references, whole
from aml_emulator.jobs.component import Component, truth
from aml_emulator.ml.job_checks import DATA_TYPES
from aml_emulator.ml.scope import refused

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

NODE_TYPES = ("command", "parallel", "pipeline", "sweep")
"""Types of nodes that run here."""


@dataclass(frozen=True)
class Settings:
    """The settings of a pipeline, which those within it inherit."""

    default_compute: str | None = None
    continue_on_step_failure: bool = True
    force_rerun: bool = False


@dataclass(frozen=True)
class Node:
    """One node. `body` is what was sent, `needs` the nodes whose outputs it uses."""

    name: str
    type: str
    body: Mapping[str, Any]
    component: Component
    needs: frozenset[str]

    @property
    def bound_outputs(self) -> dict[str, str]:
        """The outputs that are outputs of the pipeline too, with the name that they have there."""
        found = {}
        for name, output in (self.body.get("outputs") or {}).items():
            if bound := _bound(output, self.name):
                found[name] = bound.name
        return found


@dataclass(frozen=True)
class Plan:
    """A pipeline that can run."""

    nodes: Mapping[str, Node]
    inputs: Mapping[str, Mapping[str, Any] | None]
    outputs: Mapping[str, Mapping[str, Any]]
    settings: Settings


def plan(emulator: Emulator, properties: Mapping[str, Any]) -> Plan:
    """A pipeline job's properties as a plan.

    Raises:
        ServiceError: it is wrong, refers to what does not exist, or asks for what does not run here.

    """
    bodies, inputs, outputs = (
        properties.get("jobs"),
        dict(properties.get("inputs") or {}),
        properties.get("outputs") or {},
    )
    settings = read_settings(properties)
    if component_id := properties.get("componentId"):
        found = components.find(emulator, str(component_id), "componentId")
        if found.kind != "pipeline":
            raise refused(f"A pipeline job needs a component of type 'pipeline'; {found.name} is a {found.kind}.")
        bodies = bodies or found.spec.get("jobs")
        inputs = given_inputs(found, inputs, "inputs")
        outputs = {**{name: _declared(port) for name, port in found.outputs.items()}, **outputs}
    if not isinstance(bodies, dict) or not bodies:
        raise refused(
            "A pipeline job needs at least one step in 'jobs'.", "BadArgument", "ArgumentInvalid", "InvalidPipelineJob"
        )
    for name, body in bodies.items():  # before anything is looked up: what does not run here at all is said first
        _check_type(name, body)
    nodes = {name: _node(emulator, name, body) for name, body in bodies.items()}
    made = Plan(nodes, inputs, outputs, settings)
    for node in nodes.values():
        _check_bindings(made, node)
    _check_order(made)
    return made


def of_component(component: Component, stand_in: str) -> dict[str, Any]:
    """The properties of a pipeline job of a component whose data inputs all lie at one place: enough to be checked."""
    inputs = {name: _stand_in(port, stand_in) for name, port in component.inputs.items()}
    return {
        "jobType": "Pipeline",
        "jobs": component.spec.get("jobs"),
        "inputs": inputs,
        "outputs": {name: _declared(port) for name, port in component.outputs.items()},
    }


def _stand_in(port: Mapping[str, Any], place: str) -> dict[str, Any]:
    kind = str(port.get("type"))
    if kind in DATA_TYPES:
        return {"jobInputType": kind, "uri": place}
    return {"jobInputType": "literal", "value": str(port.get("default", ""))}


def read_settings(properties: Mapping[str, Any]) -> Settings:
    """Settings by the names that clients use: `default_compute`, `defaultCompute`, `DefaultCompute`."""
    found = {str(name).replace("_", "").lower(): value for name, value in (properties.get("settings") or {}).items()}
    compute = found.get("defaultcompute") or properties.get("computeId")
    going_on = found.get("continueonstepfailure")
    return Settings(
        default_compute=str(compute) if compute and compute != "serverless" else None,
        continue_on_step_failure=True if going_on is None else truth(going_on),  # the service's default
        force_rerun=truth(found.get("forcererun")),
    )


def given_inputs(component: Component, given: Mapping[str, Any], where: str) -> dict[str, Mapping[str, Any] | None]:
    """Every input of a component: what was given, or its default; None for an optional one that was not given.

    Raises:
        ServiceError: 400 InvalidComponentJobInput: one that the component does not have, or a required one is missing.

    """
    for name in given:
        if name not in component.inputs:
            have = ", ".join(sorted(component.inputs)) or "none"
            raise invalid(
                where,
                f"the component '{component.name}' has no input '{name}'. Its inputs: {have}.",
                "InvalidComponentJobInput",
            )
    found: dict[str, Mapping[str, Any] | None] = {}
    for name, port in component.inputs.items():
        if given.get(name) is not None:
            found[name] = given[name]
        elif port.get("default") is not None:
            found[name] = {"jobInputType": "literal", "value": str(port["default"])}
        elif truth(port.get("optional")):
            found[name] = None
        else:
            raise invalid(where, f"the required input '{name}' has no value.", "InvalidComponentJobInput")
    return found


def _declared(port: Mapping[str, Any]) -> dict[str, Any]:
    return {"jobOutputType": port.get("type") or "uri_folder", **({"mode": port["mode"]} if port.get("mode") else {})}


def _check_type(name: str, body: object) -> None:
    if not isinstance(body, dict):
        raise invalid(f"jobs.{name}", "a step must be a mapping.", "InvalidComponentJob")
    kind = str(body.get("type") or "command").partition("@")[0]
    if kind not in NODE_TYPES:
        raise not_emulated(
            f"a step of type '{kind}' in a pipeline (jobs.{name}). Those that are: {', '.join(NODE_TYPES)}"
        )


def _node(emulator: Emulator, name: str, body: Mapping[str, Any]) -> Node:
    kind, where = str(body.get("type") or "command").partition("@")[0], f"jobs.{name}"
    holder = (body.get("trial") or {}) if kind == "sweep" else body
    component_id = holder.get("componentId") if isinstance(holder, dict) else holder
    if not component_id:
        raise invalid(where, "the step has no componentId.", "InvalidComponentJob")
    component = components.find(emulator, str(component_id), where)
    wanted = "command" if kind == "sweep" else kind
    if component.kind != wanted:
        raise invalid(
            where,
            f"a step of type '{kind}' cannot use the {component.kind} component '{component.name}'.",
            "InvalidComponentJob",
        )
    found = [reference for text, place in _texts(body, where) for reference in references(text, place)]
    return Node(name, kind, body, component, frozenset(item.node for item in found if item.kind == "node output"))


def _texts(body: Mapping[str, Any], where: str) -> Iterator[tuple[str, str]]:
    """Every text of a node that may hold expressions, and where it stands."""
    for name, given in (body.get("inputs") or {}).items():
        if isinstance(given, dict) and isinstance(given.get("value"), str):
            yield given["value"], f"{where}.inputs.{name}"
    for name, value in (body.get("environment_variables") or {}).items():
        yield str(value), f"{where}.environment_variables.{name}"
    if isinstance(body.get("computeId"), str):
        yield body["computeId"], f"{where}.compute"


def _bound(output: object, node: str) -> Reference | None:
    """The output of the pipeline that an output of a node is bound to."""
    value = output.get("value") if isinstance(output, dict) else None
    if not isinstance(value, str):
        return None
    found = whole(value, f"jobs.{node}.outputs")
    if found is None or found.kind != "output":
        raise invalid(f"jobs.{node}.outputs", f"'{value}' is no output of the pipeline.", "InvalidExpressionInJob")
    return found


def _check_bindings(plan: Plan, node: Node) -> None:
    where = f"jobs.{node.name}"
    for text, place in _texts(node.body, where):
        for reference in references(text, place):
            _check_reference(plan, reference, place)
    given = dict(node.body.get("inputs") or {})
    if node.type == "sweep":
        given |= {name: {"value": ""} for name in node.body.get("search_space") or {} if name in node.component.inputs}
    given_inputs(node.component, given, where)
    for name in node.body.get("outputs") or {}:
        if name not in node.component.outputs:
            raise invalid(
                where, f"the component '{node.component.name}' has no output '{name}'.", "InvalidComponentJobOutput"
            )
    for name, bound in node.bound_outputs.items():
        if bound not in plan.outputs:
            raise invalid(f"{where}.outputs.{name}", f"the pipeline has no output '{bound}'.", "InvalidExpressionInJob")


def _check_reference(plan: Plan, reference: Reference, where: str) -> None:
    if reference.kind == "input" and reference.name not in plan.inputs:
        have = ", ".join(sorted(plan.inputs)) or "none"
        raise invalid(
            where, f"the pipeline has no input '{reference.name}'. Its inputs: {have}.", "InvalidExpressionInJob"
        )
    if reference.kind == "output":
        raise invalid(where, f"'{reference}' is an output; it cannot be an input of a step.", "InvalidExpressionInJob")
    if reference.kind == "node output":
        source = plan.nodes.get(reference.node)
        if source is None:
            raise invalid(where, f"the pipeline has no step '{reference.node}'.", "SourceComponentPortNotExsit")
        if reference.name not in source.component.outputs:
            have = ", ".join(sorted(source.component.outputs)) or "none"
            message = f"the step '{reference.node}' has no output '{reference.name}'. Its outputs: {have}."
            raise invalid(where, message, "SourceComponentPortNotExsit")


def _check_order(plan: Plan) -> None:
    """Refuse steps that wait for each other."""
    ended: set[str] = set()
    left = dict(plan.nodes)
    while left:
        ready = [name for name, node in left.items() if node.needs <= ended]
        if not ready:
            raise refused(f"The steps {', '.join(sorted(left))} wait for each other's outputs.", *_CYCLE, target="jobs")
        for name in ready:
            ended.add(name)
            del left[name]


_CYCLE = ("BadArgument", "ArgumentInvalid", "InvalidPipelineJob")


def output_of(node: Node, name: str) -> dict[str, Any]:
    """An output of a node as its job declares it: the component's type, and what the node says of mode and place."""
    given = camel((node.body.get("outputs") or {}).get(name) or {})
    found = _declared(node.component.outputs[name])
    if given.get("jobOutputType") and "value" not in given:
        found["jobOutputType"] = given["jobOutputType"]
    given |= {"assetName": given.get("assetName") or given.get("name")}
    given |= {"assetVersion": given.get("assetVersion") or given.get("version")}
    return found | {key: given[key] for key in ("mode", "uri", "assetName", "assetVersion") if given.get(key)}
