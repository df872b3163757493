"""Finding what a request is about, and the answers that the Machine Learning front end gives when it is not there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from aml_emulator import ids
from aml_emulator.http import Call, Reply, Router, ServiceError, not_found

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Resource

WORKSPACES = f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/providers/{ids.PROVIDER}/workspaces"
WORKSPACE = f"{WORKSPACES}/{{workspace}}"


def find_group(emulator: Emulator, call: Call) -> Resource:
    """The resource group of a request.

    Raises:
        ServiceError: 404 ResourceGroupNotFound.

    """
    group_id = ids.resource_group_id(call.params["subscription"], call.params["group"])
    found = emulator.resources.get(group_id)
    if found is None:
        raise ServiceError(404, "ResourceGroupNotFound", f"Resource group '{call.params['group']}' could not be found.")
    return found


def find_workspace(emulator: Emulator, call: Call) -> Resource:
    """The workspace of a request.

    Raises:
        ServiceError: 404 for the resource group or for the workspace.

    """
    group = find_group(emulator, call)
    workspace_id = ids.workspace_id(call.params["subscription"], ids.name_of(group.id), call.params["workspace"])
    found = emulator.resources.get(workspace_id)
    if found is None:
        raise not_found(workspace_id)
    return found


def refused(message: str, *inner: str, target: str | None = None, status: int = 400) -> ServiceError:
    """A request that the front end refuses: `UserError` with the chain of codes, the last of which tells."""
    return ServiceError(status, "UserError", message, inner=inner or ("BadArgument", "ArgumentInvalid"), target=target)


def missing(message: str, *inner: str, status: int = 404) -> ServiceError:
    """What the front end answers when something is not there."""
    return ServiceError(status, "UserError", message, inner=inner or ("NotFoundError",))


def properties_of(call: Call) -> dict[str, Any]:
    """The `properties` of a request's body.

    Raises:
        ServiceError: 400 when they are missing or no object.

    """
    found = call.json().get("properties")
    if not isinstance(found, dict):
        raise refused("The request content must have an object 'properties'.", "BadArgument", "ArgumentInvalid")
    return found


def page(emulator: Emulator, call: Call, items: Sequence[Any], default_size: int = 100) -> Reply:
    """One page of a listing: `$top` and `$skip` of the request, and the link to the next page."""
    size = _number(call, "$top", _number(call, "count", default_size)) or default_size
    start = _number(call, "$skip", _number(call, "skip", 0))
    body: dict[str, Any] = {"value": list(items[start : start + size])}
    if start + size < len(items) and "$top" not in call.query:
        query = {**call.query, "$skip": str(start + size)}
        body["nextLink"] = f"{emulator.base_url}{quote(call.path)}?{urlencode(query)}"
    return Reply(body=body)


def _number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name)
    if not text or text.lower() == "null":
        return default
    if not text.isdigit():
        raise refused(f"The query parameter {name} must be a number of 0 or more, not '{text}'.")
    return int(text)


class WorkspaceRoutes:
    """Registers handlers below a workspace: each gets the call and the workspace, which exists."""

    def __init__(self, router: Router, emulator: Emulator) -> None:
        self._router = router
        self._emulator = emulator

    def add(self, method: str, pattern: str, handler: Callable[[Call, Resource], Reply]) -> None:
        """Register a handler for `pattern` below the workspace, for example `/computes/{name}`."""

        def handle(call: Call) -> Reply:
            return handler(call, find_workspace(self._emulator, call))

        self._router.add(method, WORKSPACE + pattern, handle)
