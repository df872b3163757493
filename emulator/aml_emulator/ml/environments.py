"""Environments: a conda file (and an image's name, which stays a name here), or a Docker build context."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aml_emulator.http import Call, Router, ServiceError, not_emulated
from aml_emulator.ml.assets import AssetKind, AssetRoutes
from aml_emulator.ml.scope import missing, refused

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Resource


def _missing(name: str, version: str | None) -> ServiceError:
    what = name if version is None else f"{name}:{version}"
    return missing(f"Environment {what} was not found.")


KIND = AssetKind(
    collection="environments",
    immutable=("condaFile", "image", "build", "osType"),
    missing=_missing,
    defaults={
        "environmentType": "UserCreated",
        "osType": "Linux",
        "condaFile": None,
        "image": None,
    },
)


def register(router: Router, emulator: Emulator) -> None:
    """Routes of environments."""
    AssetRoutes(emulator, KIND, _prepare).register(router)


def _prepare(call: Call, workspace: Resource, properties: dict[str, Any]) -> dict[str, Any]:
    build = properties.get("build")
    if build:
        if properties.get("image"):
            raise refused("An environment has an image or a build context, not both.", target="build")
        if properties.get("condaFile"):
            raise not_emulated("a conda file beside a build context. Have the Dockerfile install it")
        if not isinstance(build, dict) or not build.get("contextUri"):
            raise refused("The build context of an environment needs a contextUri.", target="build.contextUri")
        return properties
    if not properties.get("image") and not properties.get("condaFile"):
        raise refused("An environment needs an image or a conda file.", target="properties")
    conda = properties.get("condaFile")
    if conda is not None:
        _check_conda(conda)
    return properties


def _check_conda(text: str) -> None:
    """The service reads the conda file when the environment is registered, so that a broken one fails here."""
    import yaml

    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise refused(f"The conda specification is not valid YAML: {error}", target="condaFile") from None
    if not isinstance(found, dict):
        raise refused("The conda specification must be a mapping with 'dependencies'.", target="condaFile")
