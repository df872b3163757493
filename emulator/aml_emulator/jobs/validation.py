"""A job of any type, checked down to the last of its steps before anything of it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aml_emulator import ids
from aml_emulator.environments import definition
from aml_emulator.jobs import specification, steps, sweeps
from aml_emulator.jobs.bindings import Scope
from aml_emulator.jobs.pipeline_plan import plan
from aml_emulator.ml import datastores
from aml_emulator.ml.job_checks import check_compute
from aml_emulator.ml.scope import refused

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

STAND_IN = f"azureml://datastores/{datastores.BLOB_STORE}/paths/not-written-yet"
"""Where an output lies that no step has written yet."""

_MAX_DEPTH = 8
"""Pipelines within pipelines within ...: more than anybody nests."""


def check(emulator: Emulator, properties: Mapping[str, Any], depth: int = 0) -> None:
    """Refuse a job that is wrong, refers to what does not exist, or asks for what does not run here.

    Raises:
        ServiceError: in the words of the service; 501 for what does not run here.

    """
    kind = properties.get("jobType")
    if kind == "Pipeline":
        _check_steps(emulator, properties, depth)
    elif kind == "Sweep":
        sweep = sweeps.read(properties)
        definition.conda_file(emulator, str(sweep.trial.get("environmentId") or ""))
    else:
        job = specification.read("", properties)
        definition.conda_file(emulator, job.environment_id)


def _check_steps(emulator: Emulator, properties: Mapping[str, Any], depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise refused(f"Pipelines are nested more than {_MAX_DEPTH} deep.", target="jobs")
    made = plan(emulator, properties)
    scope = Scope(made.inputs)
    for node in made.nodes.values():
        for name, port in node.component.outputs.items():
            kind = str(port.get("type") or "uri_folder")
            scope.outputs[node.name, name] = {"jobInputType": kind, "uri": STAND_IN}
    for node in made.nodes.values():
        step = steps.properties(made, node, scope)
        compute = str(step.get("computeId") or "")
        if compute.startswith("/"):
            check_compute(emulator, ids.parent_of(compute), compute)
        check(emulator, step, depth + 1)
