"""A translated v1 pipeline as a v2 pipeline job YAML: what is submitted, and what the user can keep as `job_file`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from aml_run import job_yaml
from aml_run.pipeline_v1_model import Pipeline, Step, StepInput

SCHEMA = "https://azuremlschemas.azureedge.net/latest/pipelineJob.schema.json"


def pipeline_yaml(pipeline: Pipeline, root: Path, temp: Path) -> str:
    """Return the YAML of a pipeline job. Its paths are relative to the root of the repository.

    Args:
        pipeline: the job.
        root: of the repository.
        temp: folder for Dockerfiles, should there be any.
    """
    document: dict[str, Any] = {
        "$schema": SCHEMA,
        "type": "pipeline",
        "description": pipeline.description,
        "inputs": {
            **{one.input: one.value for one in pipeline.parameters},
            **{one.input: {"type": one.type, "path": one.path} for one in pipeline.data},
        },
        "settings": {"default_compute": f"azureml:{pipeline.default_compute}"} if pipeline.default_compute else None,
        "jobs": {step.key: _node(step, root, temp) for step in pipeline.steps},
    }
    return job_yaml.dump({name: value for name, value in document.items() if value})


def _node(step: Step, root: Path, temp: Path) -> dict[str, Any]:
    settings = step.settings
    node: dict[str, Any] = {
        "type": "command",
        "display_name": step.name,
        "component": _component(step, root, temp),
        "inputs": {
            **{one.input: _source(one) for one in step.inputs},
            **{one.input: f"${{{{parent.inputs.{one.parameter.input}}}}}" for one in step.parameters if one.parameter},
        },
        "outputs": {
            one.output: {"type": "uri_folder", "mode": one.mode, **({"path": one.path} if one.path else {})}
            for one in step.outputs
        },
        "compute": f"azureml:{settings.compute}" if settings.compute else None,
        "environment_variables": settings.environment_variables,
        "resources": job_yaml.resources(settings),
        "distribution": job_yaml.distribution(settings.distribution),
        "limits": job_yaml.limits(settings),
    }
    return {name: value for name, value in node.items() if value}


def _component(step: Step, root: Path, temp: Path) -> dict[str, Any]:
    """Return what a step is by itself; the service compares it and its inputs with earlier runs when it may reuse one."""
    component: dict[str, Any] = {
        "type": "command",
        "inputs": {
            **{one.input: {"type": one.type} for one in step.inputs},
            **{one.input: {"type": one.parameter.type} for one in step.parameters if one.parameter},
        },
        "outputs": {one.output: {"type": "uri_folder"} for one in step.outputs},
        "code": os.path.relpath(step.settings.code, root),
        "command": step.settings.command,
        "environment": job_yaml.environment(step.settings.environment, root, temp),
        "is_deterministic": step.allow_reuse,
    }
    return {name: value for name, value in component.items() if value not in ({}, None)}


def _source(binding: StepInput) -> dict[str, str]:
    source = f"jobs.{binding.step}.outputs.{binding.output}" if binding.step else f"inputs.{binding.data}"
    return {"path": f"${{{{parent.{source}}}}}", "mode": binding.mode}
