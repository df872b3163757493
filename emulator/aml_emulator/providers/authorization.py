"""Microsoft.Authorization: role assignments on any scope, and the built-in roles.

Assignments are records. Nothing in the emulator asks whether a principal has a role.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from aml_emulator import ids
from aml_emulator.http import Call, Reply, Router, ServiceError, not_emulated
from aml_emulator.ml.scope import page
from aml_emulator.providers.checks import GUID
from aml_emulator.providers.generic import Put, find_scope, register_extension
from aml_emulator.providers.roles import BUILT_IN

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
_DEFINITION = "Microsoft.Authorization/roleDefinitions"

_PRINCIPALS = ("User", "Group", "ServicePrincipal", "ForeignGroup", "Device")
_BY_PRINCIPAL = re.compile(r"\s*principalId eq '(?P<eq>[^']*)'\s*|\s*assignedTo\('(?P<to>[^']*)'\)\s*", re.IGNORECASE)
_BY_NAME = re.compile(r"\s*roleName eq '(?P<name>[^']*)'\s*", re.IGNORECASE)


def register(router: Router, emulator: Emulator) -> None:
    """Routes of assignments and of the built-in roles."""

    def listing(call: Call) -> Reply:
        scope = find_scope(emulator, call)
        return page(emulator, call, [item.body for item in _listed(emulator, scope, call.query.get("$filter", ""))])

    def definitions(call: Call) -> Reply:
        find_scope(emulator, call)
        wanted = call.query.get("$filter", "")
        match = _BY_NAME.fullmatch(wanted)
        if wanted and match is None:
            raise not_emulated(f"the filter {wanted!r} of role definitions; roleName eq '<name>' is")
        found = [
            _definition(emulator, role) for role, name in BUILT_IN.items() if match is None or name == match["name"]
        ]
        return page(emulator, call, found, default_size=len(BUILT_IN))

    def definition(call: Call) -> Reply:
        find_scope(emulator, call)
        return Reply(body=_definition(emulator, _known(call.params["name"])))

    register_extension(
        router,
        emulator,
        ASSIGNMENT,
        name_pattern=GUID,
        on_put=_assignment,
        has_state=False,
        name_code="InvalidRoleAssignmentId",
        with_list=False,
    )
    router.add("GET", f"/{{scope:path}}/providers/{ASSIGNMENT}", listing)
    router.add("GET", f"/{{scope:path}}/providers/{_DEFINITION}", definitions)
    router.add("GET", f"/{{scope:path}}/providers/{_DEFINITION}/{{name}}", definition)


def _assignment(put: Put) -> None:
    fields = put.fields
    role = _known(ids.name_of(fields.text("roleDefinitionId", required=True)))
    principal = fields.text("principalId", required=True)
    if not GUID.fullmatch(principal):
        raise ServiceError(
            400,
            "InvalidPrincipalId",
            f"The Principal ID '{principal}' is not valid. Principal ID must be a GUID.",
            target=fields.at("principalId"),
        )
    fields.choice("principalType", _PRINCIPALS, default="ServicePrincipal")
    put.properties["roleDefinitionId"] = _definition_id(put.emulator, role)
    put.properties["scope"] = put.parent
    if put.old is not None and _triple(put.old.properties) != _triple(put.properties):
        raise ServiceError(
            400,
            "RoleAssignmentUpdateNotPermitted",
            "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
        )
    for item in put.emulator.resources.list(put.parent, ASSIGNMENT):
        if item.name.lower() != put.name.lower() and _triple(item.properties) == _triple(put.properties):
            raise ServiceError(
                409,
                "RoleAssignmentExists",
                f"The role assignment already exists. The ID of the existing role assignment is {uuid.UUID(item.name).hex}.",
            )
    put.once("createdBy", lambda: put.actor)


def _triple(properties: Body) -> tuple[str, str]:
    return str(properties["roleDefinitionId"]).lower(), str(properties["principalId"]).lower()


def _known(role: str) -> str:
    if role.lower() not in BUILT_IN:
        raise ServiceError(
            400,
            "RoleDefinitionDoesNotExist",
            f"The specified role definition with ID '{role}' does not exist. The emulator knows {len(BUILT_IN)} built-in roles and no "
            "custom ones.",
        )
    return role.lower()


def _definition_id(emulator: Emulator, role: str) -> str:
    return f"/subscriptions/{emulator.tokens.identity.subscription_id}/providers/{_DEFINITION}/{role}"


def _definition(emulator: Emulator, role: str) -> Body:
    """A role without its permissions: nothing here checks them."""
    properties = {"roleName": BUILT_IN[role], "type": "BuiltInRole", "assignableScopes": ["/"]}
    return {"id": _definition_id(emulator, role), "name": role, "type": _DEFINITION, "properties": properties}


def _listed(emulator: Emulator, scope: str, wanted: str) -> list[Resource]:
    """Assignments at a scope, above and below it; `atScope()` leaves those below out."""
    principal, at_scope = "", False
    for part in re.split(r"\s+and\s+", wanted) if wanted else []:
        match = _BY_PRINCIPAL.fullmatch(part)
        if part.strip().lower() == "atscope()":
            at_scope = True
        elif match is not None:
            principal = (match["eq"] or match["to"] or "").lower()
        else:
            raise not_emulated(f"the filter {part!r} of role assignments; atScope(), principalId eq, assignedTo() are")
    here = scope.lower()
    found = []
    for item in emulator.resources.all_of(ASSIGNMENT):
        there = str(item.properties["scope"]).lower()
        above = here == there or here.startswith(f"{there}/")
        below = there.startswith(f"{here}/") and not at_scope
        if (above or below) and principal in ("", str(item.properties["principalId"]).lower()):
            found.append(item)
    return found
