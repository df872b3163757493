"""Microsoft.ContainerRegistry: registries, which are records: no image is kept, and their address answers nothing."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from aml_emulator.arm.subscriptions import GROUP
from aml_emulator.http import Call, Reply, Router, ServiceError, not_found
from aml_emulator.ml.scope import find_group
from aml_emulator.providers.checks import Fields
from aml_emulator.providers.generic import Put, register_type
from aml_emulator.providers.identities import assigned
from aml_emulator.resources import now

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Resource

REGISTRY = "Microsoft.ContainerRegistry/registries"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS registry_passwords (
    registry TEXT PRIMARY KEY COLLATE NOCASE,
    password TEXT NOT NULL,
    password2 TEXT NOT NULL
);
"""


def register(router: Router, emulator: Emulator) -> None:
    """Routes of registries."""
    emulator.database.create(_SCHEMA)
    register_type(router, emulator, REGISTRY, name_pattern=r"[a-zA-Z0-9]{5,50}", on_put=_registry, on_delete=_forget)

    def credentials(call: Call) -> Reply:
        registry_id = f"{find_group(emulator, call).id}/providers/{REGISTRY}/{call.params['name']}"
        registry = emulator.resources.get(registry_id)
        if registry is None:
            raise not_found(registry_id)
        if not registry.properties["adminUserEnabled"]:
            raise ServiceError(
                400,
                "UnAuthorizedForCredentialOperations",
                f"The registry '{registry.name}' has no credentials to list: its admin user is not enabled.",
            )
        passwords = _passwords(emulator, registry)
        return Reply(
            body={
                "username": registry.name,
                "passwords": [{"name": name, "value": value} for name, value in passwords.items()],
            }
        )

    router.add("POST", f"{GROUP}/providers/{REGISTRY}/{{name}}/listCredentials", credentials)


def _registry(put: Put) -> None:
    sku = Fields(put.body, "body").inner("sku", required=True)
    name = sku.choice("name", ("Basic", "Standard", "Premium"), required=True)
    put.body["sku"]["tier"] = name
    fields = put.fields
    fields.flag("adminUserEnabled", default=False)
    fields.flag("anonymousPullEnabled", default=False)
    fields.choice("publicNetworkAccess", ("Enabled", "Disabled"), default="Enabled")
    fields.choice("networkRuleBypassOptions", ("AzureServices", "None"), default="AzureServices")
    fields.choice("zoneRedundancy", ("Enabled", "Disabled"))
    taken = [item for item in put.emulator.resources.all_of(REGISTRY) if item.name.lower() == put.name.lower()]
    if put.old is None and taken:
        raise ServiceError(409, "AlreadyInUse", f"The registry DNS name {put.name.lower()} is already in use.")
    if (identity := assigned(put.emulator, put.body.get("identity"), put.old)) is not None:
        put.body["identity"] = identity
    put.properties["loginServer"] = f"{put.name.lower()}.azurecr.local"
    put.once("creationDate", now)


def _passwords(emulator: Emulator, registry: Resource) -> dict[str, str]:
    emulator.database.execute(
        "INSERT OR IGNORE INTO registry_passwords (registry, password, password2) VALUES (?, ?, ?)",
        (registry.id, secrets.token_urlsafe(36), secrets.token_urlsafe(36)),
    )
    row = emulator.database.row("SELECT * FROM registry_passwords WHERE registry = ?", (registry.id,))
    if row is None:
        raise not_found(registry.id)
    return {"password": row["password"], "password2": row["password2"]}


def _forget(emulator: Emulator, gone: Resource) -> None:
    emulator.database.execute("DELETE FROM registry_passwords WHERE registry = ?", (gone.id,))
