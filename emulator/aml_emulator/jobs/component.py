"""A component as steps of pipelines use it: its kind, its ports, and what it says to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aml_emulator import ids
from aml_emulator.http import ServiceError, not_emulated
from aml_emulator.ml.scope import missing, refused

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

KINDS = ("command", "parallel", "pipeline")
"""Kinds of components that run here. A sweep is no component of its own: it is a node around a command component."""


@dataclass(frozen=True)
class Component:
    """One version of a component. `spec` is `componentSpec` as it was registered."""

    id: str
    name: str
    version: str
    kind: str
    spec: Mapping[str, Any]
    inputs: Mapping[str, Mapping[str, Any]]
    outputs: Mapping[str, Mapping[str, Any]]

    @property
    def deterministic(self) -> bool:
        """Whether the same inputs give the same outputs, so that those of an earlier run may be used again."""
        return truth(self.spec.get("is_deterministic", True))


def read(name: str, version: str, spec: Mapping[str, Any], component_id: str = "") -> Component:
    """A component from its `componentSpec`.

    Raises:
        ServiceError: 501 for a kind that does not run here, 400 for ports that are no mapping.

    """
    kind = str(spec.get("type") or "").partition("@")[0]
    if kind not in KINDS:
        raise not_emulated(f"components of type '{kind}'. Those that are: {', '.join(KINDS)}")
    return Component(component_id, name, version, kind, spec, _ports(spec, "inputs"), _ports(spec, "outputs"))


def find(emulator: Emulator, component_id: str, where: str) -> Component:
    """The registered component of an id; `where` says who refers to it, for example `jobs.train`.

    Raises:
        ServiceError: 404 in the service's words when it is not there; 501 for a registry's, or a kind that does not run here.

    """
    asset_id = component_id.removeprefix("azureml:")
    if asset_id.startswith("//"):
        raise not_emulated(f"components of a registry ({component_id})")
    found = emulator.resources.get(asset_id)
    name, version = ids.segment(asset_id, "components") or asset_id, ids.name_of(asset_id)
    if found is None:
        raise ServiceError(404, "NotFound", f"key: {where}, Message: Not found component {name}:{version}.")
    return read(name, version, found.properties.get("componentSpec") or {}, found.id)


def check_asset(emulator: Emulator, reference: object, collection: str, what: str, target: str) -> str:
    """The id of an environment or code that a component names, which exists.

    Raises:
        ServiceError: there is none, it is a registry's, or it does not exist.

    """
    if not reference:
        raise refused(f"{what} is missing: a component of this type needs one.", target=target)
    asset_id = str(reference).removeprefix("azureml:")
    if asset_id.startswith("//"):
        raise not_emulated(f"assets of a registry ({reference})")
    if emulator.resources.get(asset_id) is None:
        name = f"{ids.segment(asset_id, collection) or asset_id}:{ids.name_of(asset_id)}"
        raise missing(f"{what} {name} was not found in workspace {ids.segment(asset_id, 'workspaces') or ''}.")
    return asset_id


def truth(value: object) -> bool:
    """A flag that came as JSON's true or as the text of one."""
    return str(value).strip().lower() == "true"


def _ports(spec: Mapping[str, Any], side: str) -> dict[str, Mapping[str, Any]]:
    found = spec.get(side) or {}
    if not isinstance(found, dict) or not all(isinstance(port, dict) for port in found.values()):
        raise refused(f"The {side} of a component must be a mapping of names to types.", target=side)
    return found
