"""What environments, models, data and code have in common: a name that holds versions, each written once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aml_emulator import ids
from aml_emulator.eventgrid.hooks import model_registered
from aml_emulator.http import Call, Reply, Router
from aml_emulator.ml.scope import WorkspaceRoutes, page, properties_of, refused

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.http import ServiceError
    from aml_emulator.resources import Resource

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}")
_VERSION = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}")

_DEFAULTS: Mapping[str, Any] = {
    "description": None,
    "tags": {},
    "properties": {},
    "isArchived": False,
    "isAnonymous": False,
    "provisioningState": "Succeeded",
}
"""Properties that the service adds to a version of any kind."""

Prepare = Callable[[Call, "Resource", dict[str, Any]], dict[str, Any]]
"""Checks the properties of a new version and gives those that are stored: (call, workspace, properties) -> properties."""


@dataclass(frozen=True)
class AssetKind:
    """One kind of asset.

    Args:
        collection: segment of the id, for example `models`.
        immutable: properties that a later PUT of the same version may not change.
        missing: the error for one that is not there, from its name and its version (None: the container).
        defaults: properties that the service adds, beside those of every asset.

    """

    collection: str
    immutable: tuple[str, ...]
    missing: Callable[[str, str | None], ServiceError]
    defaults: Mapping[str, Any] = field(default_factory=dict)

    @property
    def container_type(self) -> str:
        """ARM type of the name."""
        return f"{ids.PROVIDER}/workspaces/{self.collection}"

    @property
    def all_defaults(self) -> dict[str, Any]:
        """Properties that the service adds to a version of this kind."""
        return {**_DEFAULTS, **self.defaults}

    @property
    def version_type(self) -> str:
        """ARM type of a version."""
        return f"{self.container_type}/versions"


class AssetRoutes:
    """Handlers of one kind of asset."""

    def __init__(self, emulator: Emulator, kind: AssetKind, prepare: Prepare) -> None:
        self._emulator = emulator
        self._kind = kind
        self._prepare = prepare

    def register(self, router: Router) -> None:
        """Add the routes."""
        routes = WorkspaceRoutes(router, self._emulator)
        base = f"/{self._kind.collection}"
        routes.add("GET", base, self._containers)
        routes.add("GET", f"{base}/{{name}}", self._container)
        routes.add("GET", f"{base}/{{name}}/versions", self._versions)
        routes.add("GET", f"{base}/{{name}}/versions/{{version}}", self._get)
        routes.add("PUT", f"{base}/{{name}}/versions/{{version}}", self._put)
        routes.add("DELETE", f"{base}/{{name}}/versions/{{version}}", self._delete)

    def _containers(self, call: Call, workspace: Resource) -> Reply:
        found = self._emulator.resources.list(workspace.id, self._kind.container_type)
        bodies = []
        for container in found:
            versions = self._emulator.resources.list(container.id, self._kind.version_type)
            if any(not item.properties.get("isAnonymous") for item in versions):
                bodies.append(_container_body(container, versions))
        return page(self._emulator, call, _viewed(call, bodies))

    def _container(self, call: Call, workspace: Resource) -> Reply:
        name = call.params["name"]
        found = self._emulator.resources.get(f"{workspace.id}/{self._kind.collection}/{name}")
        if found is None:
            raise self._kind.missing(name, None)
        return Reply(body=_container_body(found, self._emulator.resources.list(found.id, self._kind.version_type)))

    def _versions(self, call: Call, workspace: Resource) -> Reply:
        container_id = f"{workspace.id}/{self._kind.collection}/{call.params['name']}"
        found = self._emulator.resources.list(container_id, self._kind.version_type)
        # Newest first is the service's own order too; `$orderBy=createdtime asc` is the one that differs.
        if "asc" not in call.query.get("$orderby", ""):
            found.reverse()
        return page(self._emulator, call, _viewed(call, [item.body for item in found]))

    def _get(self, call: Call, workspace: Resource) -> Reply:
        return Reply(body=self._find(call, workspace).body)

    def _put(self, call: Call, workspace: Resource) -> Reply:
        name, version = call.params["name"], call.params["version"]
        for what, value, pattern in (("name", name, _NAME), ("version", version, _VERSION)):
            if not pattern.fullmatch(value):
                raise refused(
                    f"The {what} '{value}' is invalid: it must begin with a letter or digit and hold at most 255 letters, digits, "
                    "hyphens, underscores and dots."
                )
        properties = {**self._kind.all_defaults, **self._prepare(call, workspace, properties_of(call))}
        container_id = f"{workspace.id}/{self._kind.collection}/{name}"
        resources = self._emulator.resources
        actor = call.principal.object_id if call.principal else "emulator"
        old = resources.get(f"{container_id}/versions/{version}")
        if old is not None:
            self._check_unchanged(name, version, old.properties, properties)
            properties = {**old.properties, **properties}
        stored = store(self._emulator, container_id, version, properties, actor)
        return Reply(200 if old else 201, stored.body)

    def _check_unchanged(self, name: str, version: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        changed = [key for key in self._kind.immutable if old.get(key) != new.get(key)]
        if changed:
            raise refused(
                f"{name}:{version} already exists. If you are trying to create a new one, use a different name or version. "
                f"An existing one cannot change its {', '.join(changed)}; only description, tags, properties and isArchived can "
                "be updated.",
                "BadArgument",
                "ArgumentInvalid",
                "AssetVersionImmutable",
                status=409,
            )

    def _delete(self, call: Call, workspace: Resource) -> Reply:
        self._emulator.resources.delete(self._find(call, workspace).id)
        container_id = f"{workspace.id}/{self._kind.collection}/{call.params['name']}"
        if not self._emulator.resources.list(container_id, self._kind.version_type):
            self._emulator.resources.delete(container_id)
        return Reply(200)

    def _find(self, call: Call, workspace: Resource) -> Resource:
        name, version = call.params["name"], call.params["version"]
        found = self._emulator.resources.get(f"{workspace.id}/{self._kind.collection}/{name}/versions/{version}")
        if found is None:
            raise self._kind.missing(name, version)
        return found


def store(emulator: Emulator, container_id: str, version: str, properties: Mapping[str, Any], actor: str) -> Resource:
    """Store a version whose properties are complete and checked; its container is made when it is the first."""
    if emulator.resources.get(container_id) is None:
        container: dict[str, Any] = {"description": None, "tags": {}, "properties": {}, "isArchived": False}
        emulator.resources.put(container_id, {"properties": container}, actor=actor)
    version_id = f"{container_id}/versions/{version}"
    with emulator.database.transaction():
        is_new = emulator.resources.get(version_id) is None
        stored = emulator.resources.put(version_id, {"properties": dict(properties)}, actor=actor)
        if is_new and ids.segment(version_id, "models"):
            model_registered(emulator, stored)
    return stored


def _container_body(container: Resource, versions: list[Resource]) -> dict[str, Any]:
    numbers = [int(item.name) for item in versions if item.name.isdigit()]
    latest = versions[-1].name if versions else None
    properties = container.properties | {"latestVersion": latest, "nextVersion": str(max(numbers, default=0) + 1)}
    if versions and "dataType" in versions[-1].properties:
        properties["dataType"] = versions[-1].properties["dataType"]
    return container.body | {"properties": properties}


def _viewed(call: Call, bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without the archived, unless `listViewType` asks for them."""
    view = call.query.get("listviewtype", "ActiveOnly").lower()
    if view == "all":
        return bodies
    return [body for body in bodies if bool(body["properties"].get("isArchived")) == (view == "archivedonly")]
