"""Translated settings as a v2 job YAML: what is submitted, and what the user can keep as `job_file`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from aml_run.translate import CommandSettings, Distribution, TrainingEnvironment

SCHEMA = "https://azuremlschemas.azureedge.net/latest/commandJob.schema.json"


def job_yaml(settings: CommandSettings, temp: Path) -> str:
    """Return the YAML of a command job. Its paths are relative to the folder of the code.

    Args:
        settings: of the job.
        temp: folder for a Dockerfile, should there be one.
    """
    import yaml

    resources = {
        "instance_count": settings.nodes,
        "shm_size": settings.shm_size,
        "docker_args": settings.docker_args,
    }
    document: dict[str, Any] = {
        "$schema": SCHEMA,
        "type": "command",
        "code": ".",
        "command": settings.command,
        "environment": _environment(settings.environment, settings.code, temp),
        "environment_variables": settings.environment_variables,
        "compute": f"azureml:{settings.compute}",
        "resources": {name: value for name, value in resources.items() if value},
        "distribution": _distribution(settings.distribution),
        "limits": {"timeout": settings.timeout} if settings.timeout else None,
    }
    kept = {name: value for name, value in document.items() if value}
    return yaml.safe_dump(kept, sort_keys=False, allow_unicode=True, width=10_000)


def _environment(wanted: TrainingEnvironment, code: Path, temp: Path) -> dict[str, Any]:
    if wanted.dockerfile:
        folder = Path(tempfile.mkdtemp(prefix="aml-run-image-", dir=temp))
        (folder / "Dockerfile").write_text(wanted.dockerfile, encoding="utf-8")
        return {"build": {"path": str(folder), "dockerfile_path": "Dockerfile"}}
    if wanted.conda is None:
        return {"image": wanted.image}
    conda = os.path.relpath(wanted.conda, code) if isinstance(wanted.conda, Path) else wanted.conda
    return {"image": wanted.image, "conda_file": conda}


def _distribution(wanted: Distribution | None) -> dict[str, Any] | None:
    if wanted is None:
        return None
    if wanted.kind == "tensorflow":
        return {
            "type": "tensorflow",
            "worker_count": wanted.workers,
            "parameter_server_count": wanted.parameter_servers,
        }
    return {"type": wanted.kind, "process_count_per_instance": wanted.processes_per_node}
