"""Resources that are checked, kept and given back: the routes that every ARM type has, and the hooks that make a kind special.

`register_type` serves a type that lives in a resource group (`Microsoft.X/types`) or below a resource of one
(`Microsoft.X/types/children`); `register_extension` a type that is put on any other resource (`<id>/providers/Microsoft.Y/z/name`).
A resource is ready when its PUT is answered: there is no long-running operation.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aml_emulator import ids
from aml_emulator.arm.subscriptions import GROUP
from aml_emulator.http import Call, Reply, Router, ServiceError, not_found
from aml_emulator.ml.scope import page
from aml_emulator.providers.checks import Fields, region

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

_ENVELOPE = ("kind", "sku", "identity", "zones", "managedBy", "extendedLocation", "plan", "scale")
"""Members of a body beside location, tags and properties that are kept as they are sent."""

_write_only: dict[str, tuple[str, ...]] = {}

Where = Literal["regional", "global", "any", "none"]
"""Which locations a type takes; "none" for types that have no location of their own."""


@dataclass
class Put:
    """A request to make or replace a resource, before it is stored.

    `body` is what will be stored: a hook checks it, edits it in place, or raises a ServiceError. Members whose value was null are gone.
    `sent` is the request as it came. `old` is the resource that is replaced, or None.
    """

    emulator: Emulator
    resource_id: str
    sent: Body
    body: Body
    old: Resource | None
    actor: str

    @property
    def name(self) -> str:
        """Last segment of the id."""
        return ids.name_of(self.resource_id)

    @property
    def parent(self) -> str:
        """Id of the resource or group that holds this one."""
        return ids.parent_of(self.resource_id)

    @property
    def properties(self) -> Body:
        """`properties` of what will be stored."""
        found: Body = self.body["properties"]
        return found

    @property
    def fields(self) -> Fields:
        """`properties`, to be read with checks."""
        return Fields(self.properties)

    def once(self, name: str, make: Callable[[], Any]) -> Any:  # noqa: ANN401 - any JSON
        """A property that the service makes: made when the resource is new, and the same ever after, whatever is sent."""
        before = self.old.properties.get(name) if self.old else None
        self.properties[name] = make() if before is None else before
        return self.properties[name]


OnPut = Callable[[Put], None]
OnStored = Callable[["Emulator", "Resource", "Resource | None"], None]
OnDelete = Callable[["Emulator", "Resource"], None]


@dataclass(frozen=True)
class Kind:
    """A resource type and what is special about it. See `register_type` for the members."""

    type: str
    name_pattern: re.Pattern[str]
    on_put: OnPut | None = None
    on_stored: OnStored | None = None
    on_delete: OnDelete | None = None
    before_delete: OnDelete | None = None
    on_read: Callable[[Emulator, str], None] | None = None
    hidden: tuple[str, ...] = ()
    location: Where = "regional"
    has_state: bool = True
    name_code: str = "InvalidResourceName"

    def put(self, emulator: Emulator, resource_id: str, sent: Body, actor: str) -> tuple[Resource, bool]:
        """Make or replace a resource; the resource and whether it is new.

        Raises:
            ServiceError: its name, its parent or its content is refused.

        """
        name = ids.name_of(resource_id)
        if not self.name_pattern.fullmatch(name):
            message = f"'{name}' is not a valid name of {self.type}: it must match {self.name_pattern.pattern}."
            raise ServiceError(400, self.name_code, message)
        old = emulator.resources.get(resource_id)
        put = Put(emulator, resource_id, sent, self._stored(sent, old), old, actor)
        if self.on_put is not None:
            self.on_put(put)
        stored = emulator.resources.put(resource_id, put.body, actor=actor)
        if self.on_stored is not None:
            self.on_stored(emulator, stored, old)
        return stored, old is None

    def shown(self, resource: Resource) -> Body:
        """The resource as ARM gives it back: without what is hidden."""
        body = copy.deepcopy(resource.body)
        for path in self.hidden:
            _remove(body, path.split("."))
        return body

    def _stored(self, sent: Body, old: Resource | None) -> Body:
        body: Body = {key: _without_null(sent[key]) for key in _ENVELOPE if sent.get(key) is not None}
        if self.location != "none":
            body["location"] = region(
                sent.get("location"),
                self.type,
                worldwide=self.location in ("global", "any"),
                regional=self.location in ("regional", "any"),
            )
            if old is not None and old.body.get("location") not in (None, body["location"]):
                group = ids.segment(old.id, "resourceGroups")
                raise ServiceError(
                    409,
                    "InvalidResourceLocation",
                    f"The resource '{old.name}' already exists in location '{old.body['location']}' in resource group '{group}'. "
                    f"A resource with the same name cannot be created in location '{body['location']}'. Please select a new resource name.",
                )
            body["tags"] = Fields(sent, "body").inner("tags").body
        elif sent.get("tags"):
            body["tags"] = Fields(sent, "body").inner("tags").body
        body["properties"] = _without_null(Fields(sent, "body").inner("properties").body)
        if self.has_state:
            body["properties"]["provisioningState"] = "Succeeded"
        return body


def register_type(
    router: Router,
    emulator: Emulator,
    resource_type: str,
    *,
    name_pattern: str | re.Pattern[str],
    on_put: OnPut | None = None,
    on_stored: OnStored | None = None,
    on_delete: OnDelete | None = None,
    before_delete: OnDelete | None = None,
    on_read: Callable[[Emulator, str], None] | None = None,
    hidden: tuple[str, ...] = (),
    location: Where | None = None,
    has_state: bool = True,
    name_code: str = "InvalidResourceName",
) -> Kind:
    """Serve GET, HEAD, PUT, PATCH, DELETE and the lists of a type.

    Args:
        router: takes the routes.
        emulator: whose resources they are.
        resource_type: `Microsoft.X/types`, or `Microsoft.X/types/children` to any depth.
        name_pattern: what a name must match as a whole.
        on_put: called before a resource is stored, also for PATCH; checks and edits it.
        on_stored: called after it was stored, with the resource and the one before it (None for a new one).
        on_delete: called with each resource that is gone, also when its parent or its group was deleted.
        before_delete: called before a DELETE of the resource itself is carried out; it may refuse.
        on_read: called with the parent's id before a read, for kinds that also come into being by other ways.
        hidden: members that are stored but never given back, for example `properties.value`.
        location: which locations are allowed; a region for types at the top, none for children, unless it is said.
        has_state: whether `properties.provisioningState` is there.
        name_code: error code for a name that is refused.

    """
    pattern = re.compile(name_pattern) if isinstance(name_pattern, str) else name_pattern
    namespace, first, *below = resource_type.split("/")
    place: Where = location or ("none" if below else "regional")
    kind = Kind(
        resource_type,
        pattern,
        on_put=on_put,
        on_stored=on_stored,
        on_delete=on_delete,
        before_delete=before_delete,
        on_read=on_read,
        hidden=hidden,
        location=place,
        has_state=has_state,
        name_code=name_code,
    )
    base = f"{GROUP}/providers/{namespace}/{first}"
    for number, child in enumerate(below):
        base += f"/{{parent{number}}}/{child}"

    def parent_of(call: Call) -> str:
        parent = ids.resource_group_id(call.params["subscription"], call.params["group"])
        steps = [first, *below][:-1]
        if steps:
            names = [call.params[f"parent{number}"] for number in range(len(steps))]
            parent += f"/providers/{namespace}" + "".join(f"/{x}/{y}" for x, y in zip(steps, names, strict=True))
        found = emulator.resources.get(parent)
        return found.id if found else parent

    def id_of(call: Call) -> str:
        parent = parent_of(call)
        return f"{parent}/{below[-1] if below else f'providers/{resource_type}'}/{call.params['name']}"

    def whole_subscription(call: Call) -> Reply:
        return page(emulator, call, [kind.shown(item) for item in emulator.resources.all_of(resource_type)])

    _serve(router, emulator, kind, base, parent_of, id_of)
    if not below:
        router.add("GET", f"/subscriptions/{{subscription}}/providers/{resource_type}", whole_subscription)
    return kind


def register_extension(
    router: Router,
    emulator: Emulator,
    resource_type: str,
    *,
    name_pattern: str | re.Pattern[str],
    on_put: OnPut | None = None,
    on_stored: OnStored | None = None,
    on_delete: OnDelete | None = None,
    hidden: tuple[str, ...] = (),
    has_state: bool = True,
    name_code: str = "InvalidResourceName",
    with_list: bool = True,
) -> Kind:
    """Serve a type that is put on a subscription, a resource group or any resource; arguments as `register_type`.

    The resource's `parent` is what it is put on. With `with_list` false the caller serves the list by itself.
    """
    pattern = re.compile(name_pattern) if isinstance(name_pattern, str) else name_pattern
    kind = Kind(
        resource_type,
        pattern,
        on_put=on_put,
        on_stored=on_stored,
        on_delete=on_delete,
        hidden=hidden,
        location="none",
        has_state=has_state,
        name_code=name_code,
    )
    base = f"/{{scope:path}}/providers/{resource_type}"

    def parent_of(call: Call) -> str:
        return find_scope(emulator, call)

    def id_of(call: Call) -> str:
        return f"{parent_of(call)}/providers/{resource_type}/{call.params['name']}"

    _serve(router, emulator, kind, base, parent_of, id_of, with_list=with_list)
    return kind


def find_scope(emulator: Emulator, call: Call) -> str:
    """Id of what the request's `scope` names: a subscription, a resource group or a resource, as the store spells it.

    Raises:
        ServiceError: 404 when it is not there.

    """
    scope = "/" + call.params["scope"].strip("/")
    subscription = ids.segment(scope, "subscriptions")
    if subscription is None:
        raise ServiceError(
            404, "InvalidScope", f"The scope '{scope}' is not a subscription, resource group or resource."
        )
    if subscription.lower() != emulator.tokens.identity.subscription_id:
        raise ServiceError(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")
    if scope.count("/") == len(("subscriptions", subscription)):
        return scope
    found = emulator.resources.get(scope)
    if found is not None:
        return found.id
    group = ids.segment(scope, "resourceGroups") or ""
    if emulator.resources.get(ids.resource_group_id(subscription, group)) is None:
        raise ServiceError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")
    raise not_found(scope)


def write_only(resource_type: str) -> tuple[str, ...]:
    """Members of a type that are taken and never given back, for example `properties.value`: no read tells whether they changed."""
    return _write_only.get(resource_type.lower(), ())


def actor_of(call: Call) -> str:
    """Who is noted as the maker of what a request makes."""
    return call.principal.object_id if call.principal else "emulator"


def _serve(
    router: Router,
    emulator: Emulator,
    kind: Kind,
    base: str,
    parent_of: Callable[[Call], str],
    id_of: Callable[[Call], str],
    *,
    with_list: bool = True,
) -> None:
    _write_only[kind.type.lower()] = kind.hidden
    if kind.on_delete is not None:
        hook = kind.on_delete
        emulator.resources.on_delete(kind.type, lambda gone: hook(emulator, gone))

    def find(call: Call) -> Resource:
        if kind.on_read is not None:
            kind.on_read(emulator, parent_of(call))
        resource_id = id_of(call)
        found = emulator.resources.get(resource_id)
        if found is None:
            _check_parent(emulator, kind, parent_of(call), "read")
            raise not_found(resource_id)
        return found

    def listing(call: Call) -> Reply:
        parent = parent_of(call)
        _check_parent(emulator, kind, parent, "read")
        if kind.on_read is not None:
            kind.on_read(emulator, parent)
        return page(emulator, call, [kind.shown(item) for item in emulator.resources.list(parent, kind.type)])

    def get(call: Call) -> Reply:
        return Reply(body=kind.shown(find(call)))

    def head(call: Call) -> Reply:
        return Reply(204 if emulator.resources.get(id_of(call)) else 404, media_type="")

    def put(call: Call) -> Reply:
        _check_parent(emulator, kind, parent_of(call), "write")
        stored, new = kind.put(emulator, id_of(call), call.json(), actor_of(call))
        return Reply(201 if new else 200, kind.shown(stored))

    def patch(call: Call) -> Reply:
        found = find(call)
        merged = _merged(found.body, call.json())
        stored, _ = kind.put(emulator, found.id, merged, actor_of(call))
        return Reply(200, kind.shown(stored))

    def delete(call: Call) -> Reply:
        found = emulator.resources.get(id_of(call))
        if found is not None and kind.before_delete is not None:
            kind.before_delete(emulator, found)
        gone = emulator.resources.delete(id_of(call))
        return Reply(200 if gone else 204, media_type="")

    if with_list:
        router.add("GET", base, listing)
    for method, handler in (("GET", get), ("HEAD", head), ("PUT", put), ("PATCH", patch), ("DELETE", delete)):
        router.add(method, f"{base}/{{name}}", handler)


def _check_parent(emulator: Emulator, kind: Kind, parent: str, verb: str) -> None:
    if emulator.resources.get(parent) is not None or parent.count("/") == len(("subscriptions", "id")):
        return
    if "/providers/" not in parent.lower():
        name = ids.name_of(parent)
        raise ServiceError(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")
    group = parent.lower().partition("/providers/")[0]
    if emulator.resources.get(group) is None:
        raise ServiceError(404, "ResourceGroupNotFound", f"Resource group '{ids.name_of(group)}' could not be found.")
    raise ServiceError(
        404,
        "ParentResourceNotFound",
        f"Failed to perform '{verb}' on resource(s) of type '{kind.type.partition('/')[2]}', because the parent resource "
        f"'{parent}' could not be found.",
    )


def _without_null(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """A copy without the members that are null: to a service that is the same as absent."""
    if isinstance(value, dict):
        return {key: _without_null(inner) for key, inner in value.items() if inner is not None}
    return [_without_null(inner) for inner in value] if isinstance(value, list) else value


def _merged(old: Any, changes: Any) -> Any:  # noqa: ANN401 - any JSON
    """JSON merge patch (RFC 7396)."""
    if not isinstance(changes, dict):
        return changes
    merged = dict(old) if isinstance(old, dict) else {}
    for key, value in changes.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key), value)
    return merged


def _remove(body: Any, path: list[str]) -> None:  # noqa: ANN401 - any JSON
    """Remove a member; a list on the way stands for each of its items."""
    if isinstance(body, list):
        for item in body:
            _remove(item, path)
    elif isinstance(body, dict):
        if len(path) == 1:
            body.pop(path[0], None)
        else:
            _remove(body.get(path[0]), path[1:])
