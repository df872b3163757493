"""Components: reusable steps of pipelines, checked when they are registered so that a broken one fails before any job uses it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aml_emulator.http import Call, Reply, Router, ServiceError
from aml_emulator.jobs import component as components
from aml_emulator.jobs import pipeline_plan, validation
from aml_emulator.ml.assets import AssetKind, AssetRoutes
from aml_emulator.ml.scope import WorkspaceRoutes, missing, properties_of, refused

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

_IMMUTABLE = (
    "type",
    "command",
    "code",
    "environment",
    "inputs",
    "outputs",
    "jobs",
    "task",
    "distribution",
    "is_deterministic",
)
"""Members of `componentSpec` that a version keeps; the rest describes it."""

_DEFAULT_VERSION = "azureml_default"
"""What clients ask for when they want the latest version."""


def _missing(name: str, version: str | None) -> ServiceError:
    what = name if version is None else f"{name}:{version}"
    return missing(f"Not found component {what}.", "NotFound", "ComponentNotFound")


KIND = AssetKind(collection="components", immutable=(), missing=_missing)


class ComponentRoutes(AssetRoutes):
    """As other assets, but for what a version keeps, its default version, and a container that can be archived."""

    def register(self, router: Router) -> None:
        """Add the routes."""
        super().register(router)
        WorkspaceRoutes(router, self._emulator).add("PUT", "/components/{name}", self._put_container)

    def _put_container(self, call: Call, workspace: Resource) -> Reply:
        name = call.params["name"]
        old = self._emulator.resources.get(f"{workspace.id}/components/{name}")
        if old is None:
            raise _missing(name, None)
        given = {key: value for key, value in properties_of(call).items() if key in _CONTAINER and value is not None}
        self._emulator.resources.put(old.id, {"properties": {**old.properties, **given}})
        return self._container(call, workspace)

    def _find(self, call: Call, workspace: Resource) -> Resource:
        name = call.params["name"]
        if call.params["version"] == _DEFAULT_VERSION:
            versions = self._emulator.resources.list(f"{workspace.id}/components/{name}", KIND.version_type)
            if not versions:
                raise _missing(name, None)
            return versions[-1]
        return super()._find(call, workspace)

    def _check_unchanged(self, name: str, version: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        if old.get("isAnonymous"):  # named by the hash of what it is; clients send it again with other decoration
            return
        before, after = old["componentSpec"], new["componentSpec"]
        changed = [key for key in _IMMUTABLE if before.get(key) != after.get(key)]
        if changed:
            fields = ", ".join(f'"{key}"' for key in changed)
            raise refused(
                f"Component {name}:{version} exists already, and the field {fields} is immutable. Give it another version.",
                "BadArgument",
                "ArgumentInvalid",
                "UpdateComponentFailed",
            )


_CONTAINER = ("description", "tags", "properties", "isArchived")


def register(router: Router, emulator: Emulator) -> None:
    """Routes of components."""

    def prepare(call: Call, workspace: Resource, properties: Body) -> Body:
        spec = properties.get("componentSpec")
        if not isinstance(spec, dict):
            raise refused("A component needs an object 'componentSpec'.", target="componentSpec")
        check(emulator, call.params["name"], call.params["version"], spec)
        return properties

    ComponentRoutes(emulator, KIND, prepare).register(router)


def check(emulator: Emulator, name: str, version: str, spec: Mapping[str, Any]) -> None:
    """Refuse a component that is wrong or refers to what does not exist.

    Raises:
        ServiceError: in the words of the service.

    """
    component = components.read(name, version, spec)
    if component.kind == "pipeline":
        validation.check(emulator, pipeline_plan.of_component(component, validation.STAND_IN))
        return
    program = spec if component.kind == "command" else spec.get("task") or {}
    if component.kind == "command" and not str(spec.get("command") or "").strip():
        raise refused("A command component needs a command.", target="command")
    components.check_asset(emulator, program.get("environment"), "environments", "Environment", "environment")
    if program.get("code"):
        components.check_asset(emulator, program["code"], "codes", "Code", "code")
