"""Managed identities of resources: a system-assigned principal for the resource's life, and user-assigned ones that must exist."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from aml_emulator.http import ServiceError
from aml_emulator.providers.checks import Fields, linked

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

USER_ASSIGNED = "Microsoft.ManagedIdentity/userAssignedIdentities"

_SYSTEM, _USER, _BOTH, _NONE = "SystemAssigned", "UserAssigned", "SystemAssigned, UserAssigned", "None"


def assigned(emulator: Emulator, wanted: object, old: Resource | None, *, both: str = _BOTH) -> Body | None:
    """A resource's `identity` as the service shows it.

    Args:
        emulator: where user-assigned identities are looked for.
        wanted: `identity` of the request.
        old: the resource before: its system-assigned principal stays the same.
        both: how this provider spells the type of a resource with both (some have no space after the comma).

    Raises:
        ServiceError: its type is unknown, or a user-assigned identity is not there.

    """
    if wanted is None:
        return None
    fields = Fields({"identity": wanted}, "body").inner("identity")
    given = str(fields.body.get("type", "")).replace(" ", "")
    fields.body["type"] = _BOTH if given.lower() == _BOTH.replace(" ", "").lower() else given
    kind = fields.choice("type", (_SYSTEM, _USER, _BOTH, _NONE), required=True)
    shown: Body = {"type": both if kind == _BOTH else kind}
    if kind in (_SYSTEM, _BOTH):
        before = (old.body.get("identity") or {}) if old else {}
        shown["principalId"] = before.get("principalId") or str(uuid.uuid4())
        shown["tenantId"] = emulator.tokens.identity.tenant_id
    if kind in (_USER, _BOTH):
        named = fields.inner("userAssignedIdentities", required=True).body
        shown["userAssignedIdentities"] = {name: _user_assigned(emulator, name) for name in named}
    return shown


def _user_assigned(emulator: Emulator, identity_id: str) -> Body:
    try:
        found = linked(emulator, identity_id, "identity.userAssignedIdentities", USER_ASSIGNED)
    except ServiceError as error:
        if error.status != 404:
            raise
        raise ServiceError(
            400,
            "FailedIdentityOperation",
            f"Identity operation failed: the user-assigned identity '{identity_id}' was not found.",
            target="identity.userAssignedIdentities",
        ) from None
    return {"principalId": found.properties["principalId"], "clientId": found.properties["clientId"]}
