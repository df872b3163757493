"""What a job must be to be taken: everything that it refers to exists. What it is to run is checked by the job service."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aml_emulator import ids
from aml_emulator.http import not_emulated
from aml_emulator.ml import datastores
from aml_emulator.ml.scope import missing, refused

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

KINDS = ("Command", "Pipeline", "Sweep")
"""Types of jobs that run here."""

_EXPERIMENT = re.compile(r"[a-zA-Z0-9][\w-]{0,254}")
DATA_TYPES = ("uri_file", "uri_folder", "mltable", "custom_model", "mlflow_model", "triton_model")


def check(emulator: Emulator, workspace: Resource, properties: Body) -> None:
    """Refuse a job that refers to something that does not exist.

    Raises:
        ServiceError: in the words of the service.

    """
    kind = properties.get("jobType")
    if kind not in KINDS:
        raise not_emulated(f"jobs of type {kind}. Those that are: {', '.join(KINDS)}")
    if kind == "Command":
        _check_program(emulator, workspace, properties, "command job")
    elif kind == "Sweep":
        _check_program(emulator, workspace, properties.get("trial") or {}, "trial of a sweep")
    experiment = properties.get("experimentName") or "Default"
    if not _EXPERIMENT.fullmatch(experiment):
        raise refused(
            f"Experiment name '{experiment}' is invalid: letters, digits, hyphens and underscores.",
            target="experimentName",
        )
    for compute in computes_of(properties):
        check_compute(emulator, workspace.id, compute)
    for value in (properties.get("inputs") or {}).values():
        if isinstance(value, dict) and value.get("jobInputType") in DATA_TYPES and value.get("uri"):
            datastores.locate(emulator, workspace.id, str(value["uri"]))
    for value in (properties.get("outputs") or {}).values():
        uri = (value or {}).get("uri")
        if uri:
            datastores.locate(emulator, workspace.id, str(uri))


def computes_of(properties: Body) -> list[str]:
    """Every compute that a job names: its own, a pipeline's default, those of a pipeline's steps."""
    settings = {str(key).replace("_", "").lower(): value for key, value in (properties.get("settings") or {}).items()}
    steps = [body.get("computeId") for body in (properties.get("jobs") or {}).values() if isinstance(body, dict)]
    named = [properties.get("computeId"), settings.get("defaultcompute"), *steps]
    return [str(compute) for compute in named if compute and compute != "serverless" and "${{" not in str(compute)]


def _check_program(emulator: Emulator, workspace: Resource, program: Body, what: str) -> None:
    if not str(program.get("command") or "").strip():
        raise refused(f"A {what} needs a command.", target="command")
    if program.get("componentId"):
        raise not_emulated("jobs of a component; give command, code and environment, or make it a step of a pipeline")
    if not program.get("environmentId"):
        raise refused(f"Environment is missing: a {what} needs one.", target="environmentId")
    _check_reference(emulator, workspace, program["environmentId"], "environments", "Environment")
    if program.get("codeId"):
        _check_reference(emulator, workspace, program["codeId"], "codes", "Code")


def _check_reference(emulator: Emulator, workspace: Resource, reference: object, collection: str, what: str) -> None:
    asset_id = str(reference).removeprefix("azureml:")
    if asset_id.startswith("//"):
        raise not_emulated(f"assets of a registry ({reference})")
    if emulator.resources.get(asset_id) is None:
        name = f"{ids.segment(asset_id, collection) or asset_id}:{ids.name_of(asset_id)}"
        raise missing(f"{what} {name} was not found in workspace {workspace.name}.")


def check_compute(emulator: Emulator, workspace_id: str, compute: str) -> None:
    """Refuse a compute that does not exist or cannot run jobs (raises ServiceError)."""
    compute_id = compute if compute.startswith("/") else f"{workspace_id}/computes/{compute}"
    found = emulator.resources.get(compute_id)
    if found is None:
        raise missing(
            f"Compute '{ids.name_of(compute_id)}' was not found in workspace {ids.segment(compute_id, 'workspaces')}.",
            "NotFound",
            "ComputeNotFound",
        )
    if found.properties["provisioningState"] in ("Failed", "Deleting"):
        raise refused(
            f"Compute '{found.name}' cannot run jobs: its provisioning state is {found.properties['provisioningState']}.",
            "BadArgument",
            "ArgumentInvalid",
            "ComputeNotReady",
        )
