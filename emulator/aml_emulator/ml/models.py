"""Models: a name, a version, and a path that must exist when it is registered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aml_emulator.http import Call, Router, ServiceError
from aml_emulator.ml import datastores
from aml_emulator.ml.assets import AssetKind, AssetRoutes
from aml_emulator.ml.scope import refused

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Resource

_TYPES = ("custom_model", "mlflow_model", "triton_model")


def _missing(name: str, version: str | None) -> ServiceError:
    what = name if version is None else f"{name}:{version}"
    message = f"Model {what} was not found."
    detail = {"code": "ModelNotFound", "message": message, "details": [], "additionalInfo": []}
    return ServiceError(404, "UserError", message, details=[detail])


KIND = AssetKind(
    collection="models",
    immutable=("modelUri", "modelType"),
    missing=_missing,
    defaults={
        "flavors": {},
        "jobName": None,
        "modelType": "custom_model",
        "stage": None,
    },
)


def register(router: Router, emulator: Emulator) -> None:
    """Routes of models."""

    def prepare(call: Call, workspace: Resource, properties: dict[str, Any]) -> dict[str, Any]:
        return checked(emulator, workspace, properties)

    AssetRoutes(emulator, KIND, prepare).register(router)


def checked(emulator: Emulator, workspace: Resource, properties: dict[str, Any]) -> dict[str, Any]:
    """The properties of a new version, completed from what lies at its path.

    Raises:
        ServiceError: there is nothing, or it is no model of that type.

    """
    asked = properties.get("modelUri")
    if not isinstance(asked, str) or not asked:
        raise refused("A model needs a modelUri.", target="modelUri")
    kind = properties.get("modelType") or "custom_model"
    if kind not in _TYPES:
        raise refused(f"Model type '{kind}' is unknown. Allowed: {', '.join(_TYPES)}.", target="modelType")
    place = datastores.locate(emulator, workspace.id, asked)
    is_file = emulator.blobs.get(place.container, place.prefix) is not None
    if not is_file and not emulator.blobs.list(place.container, f"{place.prefix}/" if place.prefix else ""):
        raise _no_such_path(emulator, place, asked)
    stored = {key: value for key, value in properties.items() if value is not None}
    stored["modelType"] = kind
    if place.job is not None:
        # The job's name disappears from the path that is stored, and becomes a property (azure-wire, 2.5).
        stored["modelUri"] = datastores.uri_of(emulator, workspace.id, place) + ("" if is_file else "/")
        stored["jobName"] = place.job
    if kind == "mlflow_model":
        stored["flavors"] = _flavors(emulator, place, asked)
    return stored


def _no_such_path(emulator: Emulator, place: datastores.Place, asked: str) -> ServiceError:
    root = f"ExperimentRun/dcid.{place.job}/"
    known = [blob.name[len(root) :] for blob in emulator.blobs.list(place.container, root)] if place.job else []
    listing = f" The job has: {', '.join(known[:20])}." if known else ""
    return refused(
        f"The model path '{asked}' does not exist: there is no file below it.{listing}",
        "NotFound",
        "ModelPathNotFound",
        target="modelUri",
    )


def _flavors(emulator: Emulator, place: datastores.Place, asked: str) -> dict[str, Any]:
    """The flavors that the `MLmodel` file of an MLflow model names."""
    import yaml

    file = emulator.blobs.get(place.container, f"{place.prefix}/MLmodel")
    if file is None:
        raise refused(f"'{asked}' is no MLflow model: it holds no file 'MLmodel'.", target="modelUri")
    try:
        found = yaml.safe_load(file.read())
    except yaml.YAMLError as error:
        raise refused(f"The file 'MLmodel' of '{asked}' is not valid YAML: {error}", target="modelUri") from None
    flavors = (found or {}).get("flavors") or {}
    return {name: {"data": {key: str(value) for key, value in data.items()}} for name, data in flavors.items()}
