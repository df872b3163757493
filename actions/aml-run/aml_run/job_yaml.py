"""Translated settings as a v2 job YAML: what is submitted, and what the user can keep as `job_file`."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Any

from aml_run.launchers import Distribution
from aml_run.training_environment import TrainingEnvironment
from aml_run.translate import CommandSettings

SCHEMA = "https://azuremlschemas.azureedge.net/latest/commandJob.schema.json"


_CONDA_FILE = "conda.yml"
_CONDA_STEPS = f"""\
COPY {_CONDA_FILE} /azureml-environment/{_CONDA_FILE}
RUN conda env create --prefix /azureml-environment/conda --file /azureml-environment/{_CONDA_FILE}
ENV PATH=/azureml-environment/conda/bin:$PATH
"""
"""What the service of SDK v1 did itself with a Dockerfile beside which there were conda dependencies."""


def job_yaml(settings: CommandSettings, temp: Path) -> str:
    """Return the YAML of a command job. Its paths are relative to the folder of the code.

    Args:
        settings: of the job.
        temp: folder for a Dockerfile, should there be one.
    """
    document: dict[str, Any] = {
        "$schema": SCHEMA,
        "type": "command",
        "code": ".",
        "command": settings.command,
        "environment": environment(settings.environment, settings.code, temp),
        "environment_variables": settings.environment_variables,
        "compute": f"azureml:{settings.compute}",
        "resources": resources(settings),
        "distribution": distribution(settings.distribution),
        "limits": limits(settings),
    }
    return dump({name: value for name, value in document.items() if value})


def dump(document: dict[str, Any]) -> str:
    """Return YAML with the keys in their order and long lines left whole."""
    import yaml

    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=10_000)


def resources(settings: CommandSettings) -> dict[str, Any]:
    """Return the section ``resources``, without what is not set."""
    wanted = {
        "instance_count": settings.nodes,
        "instance_type": settings.instance_type,
        "shm_size": settings.shm_size,
        "docker_args": settings.docker_args,
    }
    return {name: value for name, value in wanted.items() if value}


def limits(settings: CommandSettings) -> dict[str, Any] | None:
    """Return the section ``limits``; None without a limit."""
    return {"timeout": settings.timeout} if settings.timeout else None


def environment(wanted: TrainingEnvironment, base: Path, temp: Path) -> dict[str, Any]:
    """Return the section ``environment``.

    Args:
        wanted: what the job runs in.
        base: folder that the paths of the YAML are relative to.
        temp: folder in which a build context is made for a Dockerfile.
    """
    if wanted.context:
        return {"build": {"path": wanted.context, "dockerfile_path": wanted.dockerfile_path}}
    if wanted.dockerfile:
        return {"build": {"path": str(_build_context(wanted, temp)), "dockerfile_path": "Dockerfile"}}
    if wanted.conda is None:
        return {"image": wanted.image}
    conda = os.path.relpath(wanted.conda, base) if isinstance(wanted.conda, Path) else wanted.conda
    return {"image": wanted.image, "conda_file": conda}


def _build_context(wanted: TrainingEnvironment, temp: Path) -> Path:
    """Return a new folder with the Dockerfile; conda packages become its last steps."""
    folder = Path(tempfile.mkdtemp(prefix="aml-run-image-", dir=temp))
    text = wanted.dockerfile
    if wanted.conda is not None:
        as_root = "USER root\n" if re.search(r"^\s*USER\s", text, re.IGNORECASE | re.MULTILINE) else ""
        text = f"{text.rstrip()}\n{as_root}{_CONDA_STEPS}"
        conda = wanted.conda.read_bytes() if isinstance(wanted.conda, Path) else dump(wanted.conda).encode()
        (folder / _CONDA_FILE).write_bytes(conda)
    (folder / "Dockerfile").write_text(text, encoding="utf-8")
    return folder


def distribution(wanted: Distribution | None) -> dict[str, Any] | None:
    """Return the section ``distribution``; None for one process."""
    if wanted is None:
        return None
    if wanted.kind == "tensorflow":
        return {
            "type": "tensorflow",
            "worker_count": wanted.workers,
            "parameter_server_count": wanted.parameter_servers,
        }
    return {"type": wanted.kind, "process_count_per_instance": wanted.processes_per_node}
