"""The conda file behind an environment id, or a refusal that says what is supported."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from aml_emulator import ids
from aml_emulator.environments import build_context
from aml_emulator.http import not_emulated
from aml_emulator.ml import datastores
from aml_emulator.ml.scope import refused

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Resource

_SUPPORTED = (
    "Environments with a conda file are: `environment: {image: ..., conda_file: environment.yml}`;"
    " the image itself is not run."
)


def conda_file(emulator: Emulator, environment_id: str) -> str:
    """Text of the conda file of an environment version, given by its ARM id.

    Of an environment with a build context it is the one that its Dockerfile installs, with the image's variables.

    Raises:
        ServiceError: there is no such environment, it has no conda file, or its Dockerfile needs a container engine.

    """
    found = emulator.resources.get(environment_id.removeprefix("azureml:"))
    if found is None:
        if "registries/" in environment_id:
            raise not_emulated(f"environments of a registry ('{environment_id}'). {_SUPPORTED}")
        raise refused(f"The environment '{environment_id}' does not exist.", "NotFound", "EnvironmentNotFound")
    if found.properties.get("build"):
        return _of_build_context(emulator, found)
    text = found.properties.get("condaFile")
    if not text:
        image = found.properties.get("image")
        raise not_emulated(f"environments that are only an image ('{image}'). {_SUPPORTED}")
    return str(text)


def _of_build_context(emulator: Emulator, environment: Resource) -> str:
    name = f"{ids.segment(environment.id, 'environments')}:{environment.name}"
    path = str(environment.properties["build"].get("dockerfilePath") or "Dockerfile")
    try:
        recipe = build_context.read(_file(emulator, environment, name, path))
        return build_context.merged(_file(emulator, environment, name, recipe.conda_file), recipe)
    except build_context.StepNotCarriedOut as error:
        raise not_emulated(f"building environment {name} with a container engine. {error}") from None
    except build_context.BuildContextError as error:
        raise refused(f"Environment {name} cannot be built. {error}", "BadArgument", "ImageBuildFailure") from None


def _file(emulator: Emulator, environment: Resource, name: str, path: str) -> str:
    """A file of an environment's build context."""
    workspace_id = ids.parent_of(ids.parent_of(environment.id))
    uri = str(environment.properties["build"]["contextUri"])
    container, prefix = datastores.resolve_uri(emulator, workspace_id, uri)
    blob = emulator.blobs.get(container, f"{prefix}/{posixpath.normpath(path).lstrip('/')}")
    if blob is None:
        raise refused(
            f"The build context of environment {name} has no file '{path}'.", "BadArgument", "ImageBuildFailure"
        )
    return blob.read().decode("utf-8-sig", errors="replace")
