"""The conda file behind an environment id, or a refusal that says what is supported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aml_emulator.http import not_emulated
from aml_emulator.ml.scope import refused

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

_SUPPORTED = (
    "Environments with a conda file are: `environment: {image: ..., conda_file: environment.yml}`;"
    " the image itself is not run."
)


def conda_file(emulator: Emulator, environment_id: str) -> str:
    """Text of the conda file of an environment version, given by its ARM id.

    Raises:
        ServiceError: there is no such environment, or it has no conda file.

    """
    found = emulator.resources.get(environment_id.removeprefix("azureml:"))
    if found is None:
        if "registries/" in environment_id:
            raise not_emulated(f"environments of a registry ('{environment_id}'). {_SUPPORTED}")
        raise refused(f"The environment '{environment_id}' does not exist.", "NotFound", "EnvironmentNotFound")
    if found.properties.get("build"):
        raise not_emulated(f"environments from a Dockerfile ('{found.name}'). {_SUPPORTED}")
    text = found.properties.get("condaFile")
    if not text:
        image = found.properties.get("image")
        raise not_emulated(f"environments that are only an image ('{image}'). {_SUPPORTED}")
    return str(text)
