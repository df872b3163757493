"""Microsoft.KeyVault: vaults, and the secrets that templates put into them.

ARM never gives a secret's value back; here the function host reads it with `secret`. A vault's own address answers nothing.
"""

from __future__ import annotations

import re
import time
import uuid
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aml_emulator import ids
from aml_emulator.http import Router, ServiceError, not_found
from aml_emulator.providers.checks import GUID, Fields
from aml_emulator.providers.generic import Put, register_type

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Resource

VAULT = "Microsoft.KeyVault/vaults"
SECRET = f"{VAULT}/secrets"

DNS_SUFFIX = "vault.azure.local"
"""What follows a vault's name in its address. Never contacted, as the portal's (`arm.metadata`)."""

_PUBLIC_DNS_SUFFIX = "vault.azure.net"
_SECRET_PATH = re.compile(r"/secrets/(?P<name>[^/]+)(?:/(?P<version>[^/]*))?/?")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS vault_secrets (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    secret TEXT NOT NULL COLLATE NOCASE,
    version TEXT NOT NULL,
    value TEXT NOT NULL,
    created INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS vault_secrets_by_secret ON vault_secrets (secret);
"""


def secret(emulator: Emulator, secret_uri: str) -> str | None:
    """The value that a secret's address names; None when there is none, or when it is disabled, expired or not yet valid.

    Args:
        emulator: whose vaults they are.
        secret_uri: `https://<vault>.<suffix>/secrets/<name>[/<version>]`, with this emulator's suffix or the public cloud's.

    """
    try:
        parts = urlsplit(secret_uri)
    except ValueError:
        return None
    vault, _, suffix = (parts.hostname or "").partition(".")
    match = _SECRET_PATH.fullmatch(parts.path)
    if parts.scheme != "https" or suffix not in (DNS_SUFFIX, _PUBLIC_DNS_SUFFIX) or match is None:
        return None
    return secret_named(emulator, vault, match["name"], match["version"] or "")


def secret_named(emulator: Emulator, vault: str, name: str, version: str = "") -> str | None:
    """As `secret`, by the names of vault and secret; the newest version unless one is given."""
    found = next((item for item in emulator.resources.all_of(VAULT) if item.name.lower() == vault.lower()), None)
    stored = emulator.resources.get(f"{found.id}/secrets/{name}") if found else None
    if stored is None or not _usable(stored):
        return None
    row = emulator.database.row(
        "SELECT value FROM vault_secrets WHERE secret = ? AND (? = '' OR version = ?) ORDER BY sequence DESC",
        (stored.id, version, version),
    )
    return str(row["value"]) if row else None


def register(router: Router, emulator: Emulator) -> None:
    """Routes of vaults and secrets."""
    emulator.database.create(_SCHEMA)
    register_type(
        router,
        emulator,
        VAULT,
        name_pattern=r"(?!.*--)[a-zA-Z][a-zA-Z0-9-]{1,22}[a-zA-Z0-9]",
        on_put=_vault,
        name_code="VaultNameNotValid",
    )
    register_type(
        router,
        emulator,
        SECRET,
        name_pattern=r"[a-zA-Z0-9-]{1,127}",
        on_put=_secret,
        on_delete=_forget,
        hidden=("properties.value",),
        has_state=False,
    )


def _vault(put: Put) -> None:
    fields = put.fields
    fields.text("tenantId", required=True, pattern=GUID)
    sku = fields.inner("sku", required=True)
    sku.choice("family", ("A",), required=True)
    sku.choice("name", ("standard", "premium"), required=True)
    fields.choice("createMode", ("default", "recover"))
    fields.choice("publicNetworkAccess", ("Enabled", "Disabled"), default="Enabled")
    fields.flag("enableRbacAuthorization")
    fields.flag("enableSoftDelete", default=True)
    fields.number("softDeleteRetentionInDays", 7, 90, default=90)
    if fields.flag("enablePurgeProtection") is False:
        raise ServiceError(
            400,
            "BadRequest",
            'The property "enablePurgeProtection" cannot be set to false. Enabling the purge protection for a vault is an irreversible '
            "action. Leave the property out, or set it to true.",
        )
    if not fields.body.get("enableRbacAuthorization"):
        _access_policies(fields)
    rules = fields.inner("networkAcls")
    rules.choice("defaultAction", ("Allow", "Deny"))
    rules.choice("bypass", ("AzureServices", "None"))
    taken = [item for item in put.emulator.resources.all_of(VAULT) if item.name.lower() == put.name.lower()]
    if put.old is None and taken:
        message = f"The vault name '{put.name}' is already in use. Vault names are globally unique."
        raise ServiceError(409, "VaultAlreadyExists", message)
    put.properties["vaultUri"] = f"https://{put.name.lower()}.{DNS_SUFFIX}/"


def _access_policies(fields: Fields) -> None:
    fields.body.setdefault("accessPolicies", [])
    for policy in fields.items("accessPolicies"):
        policy.text("tenantId", required=True, pattern=GUID)
        policy.text("objectId", required=True)
        policy.inner("permissions", required=True)


def _secret(put: Put) -> None:
    fields = put.fields
    value = fields.text("value")
    before = put.old is not None
    if not value and "value" not in put.properties and not before:
        raise ServiceError(
            400, "BadParameter", "The property 'value' of a secret is required.", target="properties.value"
        )
    attributes = fields.inner("attributes")
    enabled = attributes.flag("enabled", default=True)
    limits = {name: attributes.number(name, 0, 1 << 40) for name in ("nbf", "exp")}
    now = int(time.time())
    vault = put.emulator.resources.get(put.parent)
    if vault is None:
        raise not_found(put.parent)
    version = uuid.uuid4().hex
    if "value" in put.properties:
        put.emulator.database.execute(
            "INSERT INTO vault_secrets (secret, version, value, created) VALUES (?, ?, ?, ?)",
            (put.old.id if put.old else put.resource_id, version, value, now),
        )
    elif put.old is not None:
        version = ids.name_of(str(put.old.properties["secretUriWithVersion"]))
    uri = f"{vault.properties['vaultUri']}secrets/{put.name}"
    created = put.old.properties["attributes"]["created"] if put.old else now
    properties: dict[str, object] = {
        "attributes": {
            "enabled": enabled,
            **{name: limit for name, limit in limits.items() if limit is not None},
            "created": created,
            "updated": now,
        },
        "secretUri": uri,
        "secretUriWithVersion": f"{uri}/{version}",
    }
    if content_type := fields.text("contentType"):
        properties["contentType"] = content_type
    put.body["properties"] = properties


def _usable(stored: Resource) -> bool:
    attributes, now = stored.properties["attributes"], time.time()
    return bool(attributes["enabled"]) and attributes.get("nbf", 0) <= now < attributes.get("exp", float("inf"))


def _forget(emulator: Emulator, gone: Resource) -> None:
    emulator.database.execute("DELETE FROM vault_secrets WHERE secret = ?", (gone.id,))
