"""From a node of a pipeline to the job that runs it: the component's definition with the node's overrides and values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aml_emulator.jobs import parallel, sampling
from aml_emulator.jobs.bindings import Scope, camel
from aml_emulator.jobs.pipeline_plan import Node, Plan, given_inputs, output_of

_DISTRIBUTIONS = {"pytorch": "PyTorch", "tensorflow": "TensorFlow", "mpi": "Mpi", "ray": "Ray"}


def properties(plan: Plan, node: Node, scope: Scope) -> dict[str, Any]:
    """The properties of the job of a node, without what every job has (experiment, tags).

    Raises:
        ServiceError: a value does not fit, or asks for what does not run here.

    """
    where = f"jobs.{node.name}"
    given = {
        name: scope.input(body, f"{where}.inputs.{name}") for name, body in (node.body.get("inputs") or {}).items()
    }
    made: dict[str, Any] = {
        "displayName": node.body.get("display_name") or node.name,
        "description": node.body.get("comment") or node.component.spec.get("description"),
        "componentId": node.component.id,
        "computeId": _compute(plan, node, scope, where),
        "outputs": {name: _output(plan, node, name) for name in node.component.outputs},
        "tags": dict(node.body.get("tags") or {}),
    }
    if node.type == "sweep":
        return made | _sweep(node, given, scope, where)
    made["inputs"] = {
        name: _typed(node, name, body) for name, body in given_inputs(node.component, given, where).items()
    }
    if node.type == "pipeline":
        settings = plan.settings
        return made | {
            "jobType": "Pipeline",
            "computeId": None,
            "jobs": node.component.spec.get("jobs"),
            "componentId": None,
            "settings": {
                "default_compute": made["computeId"],
                "continue_on_step_failure": settings.continue_on_step_failure,
                "force_rerun": settings.force_rerun,
            },
        }
    if node.type == "parallel":
        return (
            made
            | parallel.properties({**node.component.spec, **node.body}, node.component.inputs, where)
            | _execution(node, scope, where)
        )
    return made | {"jobType": "Command"} | _program(node.component.spec) | _execution(node, scope, where)


def _program(spec: Mapping[str, Any]) -> dict[str, Any]:
    """What a command component runs."""
    return {
        "command": str(spec.get("command") or ""),
        "codeId": _asset(spec.get("code")),
        "environmentId": _asset(spec.get("environment")),
    }


def _execution(node: Node, scope: Scope, where: str) -> dict[str, Any]:
    """How a component runs: variables, nodes, processes, limits; the node's word counts, then the component's."""
    spec, body = node.component.spec, node.body
    variables = {**(spec.get("environment_variables") or {}), **(body.get("environment_variables") or {})}
    resources = camel({**(spec.get("resources") or {}), **(body.get("resources") or {})})
    return {
        "environmentVariables": {
            name: scope.text(str(value), f"{where}.environment_variables.{name}") for name, value in variables.items()
        },
        "resources": {"instanceCount": 1, "properties": {}, **resources},
        "distribution": _distribution(body.get("distribution") or spec.get("distribution")),
        "limits": camel(body["limits"]) if body.get("limits") else None,
        "identity": body.get("identity"),
    }


def _sweep(node: Node, given: Mapping[str, Any], scope: Scope, where: str) -> dict[str, Any]:
    """The properties of a sweep: its trials run the component, with values of the search space in place of inputs."""
    space = sampling.from_node(node.body.get("search_space") or {})
    fixed = given_inputs(
        node.component, {**given, **{name: {} for name in space if name in node.component.inputs}}, where
    )
    algorithm = node.body.get("sampling_algorithm") or "random"
    if isinstance(algorithm, str):
        algorithm = {"type": algorithm}
    named = camel(algorithm)
    trial = dict(node.body.get("trial") or {}) if isinstance(node.body.get("trial"), dict) else {}
    running = Node(
        node.name,
        "command",
        {**trial, **{key: node.body[key] for key in ("resources",) if node.body.get(key)}},
        node.component,
        node.needs,
    )
    return {
        "jobType": "Sweep",
        "searchSpace": space,
        "samplingAlgorithm": {
            **named,
            "samplingAlgorithmType": named.get("samplingAlgorithmType") or named.get("type"),
        },
        "objective": camel(node.body.get("objective") or {}),
        "limits": camel(node.body.get("limits") or {}),
        "earlyTermination": camel(node.body["early_termination"]) if node.body.get("early_termination") else None,
        "inputs": {name: _typed(node, name, body) for name, body in fixed.items() if name not in space},
        "trial": _program(node.component.spec) | _execution(running, scope, where),
    }


def _output(plan: Plan, node: Node, name: str) -> dict[str, Any]:
    """An output of a step: where the pipeline's own output is to lie, if it is bound to one that says so."""
    found = output_of(node, name)
    if bound := node.bound_outputs.get(name):
        parent = plan.outputs[bound]
        found |= {key: parent[key] for key in ("uri", "mode") if (parent or {}).get(key)}
    return found


def _typed(node: Node, name: str, body: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Data gets the type that the component's port has: a folder that another step wrote may be this one's model."""
    kind = node.component.inputs.get(name, {}).get("type")
    if body is None or body.get("jobInputType") == "literal" or not isinstance(kind, str) or kind in ("path", "uri"):
        return body
    mode = body.get("mode") or node.component.inputs[name].get("mode")
    return {**body, "jobInputType": kind, **({"mode": mode} if mode else {})}


def _compute(plan: Plan, node: Node, scope: Scope, where: str) -> str | None:
    own = node.body.get("computeId") or node.body.get("compute")
    if own:
        named = scope.text(str(own), f"{where}.compute").removeprefix("azureml:")
        return None if named == "serverless" else named
    return plan.settings.default_compute


def _asset(reference: object) -> str | None:
    return str(reference).removeprefix("azureml:") if reference else None


def _distribution(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A distribution as ARM has it: components say `type: pytorch`, nodes `distribution_type: PyTorch`."""
    if not given:
        return None
    found = camel(given)
    kind = str(found.pop("type", None) or found.get("distributionType") or "")
    return {**found, "distributionType": _DISTRIBUTIONS.get(kind.lower(), kind)}
