"""Data assets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aml_emulator.http import Call, Router, ServiceError
from aml_emulator.ml import datastores
from aml_emulator.ml.assets import AssetKind, AssetRoutes
from aml_emulator.ml.scope import missing, refused

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Resource

_TYPES = ("uri_file", "uri_folder", "mltable")


def _missing(name: str, version: str | None) -> ServiceError:
    what = name if version is None else f"{name}:{version}"
    return missing(f"Data {what} was not found.")


KIND = AssetKind(
    collection="data",
    immutable=("dataUri", "dataType"),
    missing=_missing,
)


def register(router: Router, emulator: Emulator) -> None:
    """Routes of data."""

    def prepare(call: Call, workspace: Resource, properties: dict[str, Any]) -> dict[str, Any]:
        kind, uri = properties.get("dataType"), properties.get("dataUri")
        if kind not in _TYPES:
            raise refused(f"Data type '{kind}' is unknown. Allowed: {', '.join(_TYPES)}.", target="dataType")
        if not isinstance(uri, str) or not uri:
            raise refused("A data asset needs a dataUri.", target="dataUri")
        if not uri.startswith(("https://", "http://")):
            # Addresses outside are stored as they are, as on Azure; a datastore must exist.
            datastores.locate(emulator, workspace.id, uri)
        return properties

    AssetRoutes(emulator, KIND, prepare).register(router)
