"""Microsoft.ManagedIdentity: user-assigned identities and the outside identities that may act as them. Both are records."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from aml_emulator.http import Router, ServiceError
from aml_emulator.providers.generic import Put, register_type
from aml_emulator.providers.identities import USER_ASSIGNED

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

_FEDERATED = f"{USER_ASSIGNED}/federatedIdentityCredentials"
_MOST_CREDENTIALS = 20


def register(router: Router, emulator: Emulator) -> None:
    """Routes of the two types."""
    register_type(
        router, emulator, USER_ASSIGNED, name_pattern=r"[a-zA-Z0-9][\w-]{2,127}", on_put=_identity, has_state=False
    )
    register_type(
        router,
        emulator,
        _FEDERATED,
        name_pattern=r"[a-zA-Z0-9][a-zA-Z0-9_-]{2,119}",  # type definition of the resource, 2024-11-30
        on_put=_credential,
        has_state=False,
    )


def _identity(put: Put) -> None:
    put.once("principalId", lambda: str(uuid.uuid4()))
    put.once("clientId", lambda: str(uuid.uuid4()))
    put.properties["tenantId"] = put.emulator.tokens.identity.tenant_id


def _credential(put: Put) -> None:
    fields = put.fields
    pair = fields.text("issuer", required=True), fields.text("subject", required=True)
    if len(fields.words("audiences", required=True)) != 1:
        raise ServiceError(400, "BadRequest", "A federated identity credential has exactly one audience.")
    others = [item for item in put.emulator.resources.list(put.parent, _FEDERATED) if item.name != put.name]
    if any((item.properties["issuer"], item.properties["subject"]) == pair for item in others):
        raise ServiceError(
            409,
            "Conflict",
            f"Issuer and subject combination already exists for this Managed Identity: {pair[0]}, {pair[1]}.",
        )
    if put.old is None and len(others) >= _MOST_CREDENTIALS:
        message = f"A managed identity has at most {_MOST_CREDENTIALS} federated identity credentials."
        raise ServiceError(400, "BadRequest", message)
