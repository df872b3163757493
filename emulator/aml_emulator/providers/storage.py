"""Microsoft.Storage: accounts, whose containers really keep blobs, with their keys, their blob service and its settings.

An account has a blob endpoint and no other: there are no queues, tables, shares or file systems here. Network rules, access by key,
retention and lifecycle rules are records.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aml_emulator import ids
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

ACCOUNT = "Microsoft.Storage/storageAccounts"
BLOB_SERVICE = f"{ACCOUNT}/blobServices"
CONTAINER = f"{BLOB_SERVICE}/containers"
LIFECYCLE = f"{ACCOUNT}/managementPolicies"

CONTAINER_NAME = re.compile(r"[a-z0-9](?!.*--)[a-z0-9-]{1,61}[a-z0-9]|\$root|\$web")

_SKUS = (
    "Standard_LRS",
    "Standard_GRS",
    "Standard_RAGRS",
    "Standard_ZRS",
    "Standard_GZRS",
    "Standard_RAGZRS",
    "Premium_LRS",
    "Premium_ZRS",
    "StandardV2_LRS",
    "StandardV2_GRS",
    "StandardV2_ZRS",
    "StandardV2_GZRS",
    "PremiumV2_LRS",
    "PremiumV2_ZRS",
)
_KINDS = ("Storage", "StorageV2", "BlobStorage", "FileStorage", "BlockBlobStorage")
_FOR_ITS_LIFE = ("isHnsEnabled",)


def blob_endpoint(emulator: Emulator, account: str) -> str:
    """Address of an account's blobs, as `primaryEndpoints.blob` gives it. The path names the account: 127.0.0.1 has no subdomains."""
    return f"{emulator.blob_url}/{account}/"


def register(router: Router, emulator: Emulator) -> None:
    """Routes of accounts and what is below them."""
    register_type(
        router,
        emulator,
        ACCOUNT,
        name_pattern=r"[a-z0-9]{3,24}",
        name_code="AccountNameInvalid",
        on_put=_account,
        on_stored=_make_account,
        on_delete=_remove_account,
    )
    register_type(router, emulator, BLOB_SERVICE, name_pattern="default", on_put=_blob_service, has_state=False)
    register_type(
        router,
        emulator,
        CONTAINER,
        name_pattern=CONTAINER_NAME,
        on_put=_container,
        on_stored=_make_container,
        on_delete=_remove_container,
        on_read=_notice_containers,
        has_state=False,
    )
    register_type(router, emulator, LIFECYCLE, name_pattern="default", on_put=_lifecycle, has_state=False)

    def list_keys(call: Call) -> Reply:
        account_id = f"{find_group(emulator, call).id}/providers/{ACCOUNT}/{call.params['name']}"
        account = emulator.resources.get(account_id)
        if account is None:
            raise not_found(account_id)
        value = emulator.accounts.key(account.name)
        return Reply(body={"keys": [{"keyName": "key1", "value": value, "permissions": "FULL"}]})

    router.add("POST", f"{GROUP}/providers/{ACCOUNT}/{{name}}/listKeys", list_keys)


# ---------------------------------------------------------------- accounts


def _account(put: Put) -> None:
    if put.old is None and put.emulator.accounts.key(put.name) is not None:
        raise ServiceError(409, "StorageAccountAlreadyTaken", f"The storage account named {put.name} is already taken.")
    body = Fields(put.body, "body")
    kind = body.choice("kind", _KINDS, required=True)
    sku = body.inner("sku", required=True)
    name = str(sku.choice("name", _SKUS, required=True))
    put.body["sku"]["tier"] = name.partition("_")[0].removesuffix("V2")
    fields = put.fields
    fields.choice("accessTier", ("Hot", "Cool", "Cold", "Premium"), default=None if kind == "Storage" else "Hot")
    fields.choice("minimumTlsVersion", ("TLS1_0", "TLS1_1", "TLS1_2", "TLS1_3"), default="TLS1_2")
    fields.choice("publicNetworkAccess", ("Enabled", "Disabled", "SecuredByPerimeter"), default="Enabled")
    fields.flag("supportsHttpsTrafficOnly", default=True)
    fields.flag("allowBlobPublicAccess", default=False)
    fields.flag("isHnsEnabled")
    for flag in ("allowSharedKeyAccess", "defaultToOAuthAuthentication", "allowCrossTenantReplication"):
        fields.flag(flag)
    rules = fields.inner("networkAcls")
    if rules.body:
        rules.choice("defaultAction", ("Allow", "Deny"), required=True)
        rules.text("bypass", default="AzureServices")
    identity = assigned(put.emulator, put.body.get("identity"), put.old, both="SystemAssigned,UserAssigned")
    if identity is not None:
        put.body["identity"] = identity
    _check_change(put)
    put.once("creationTime", now)
    put.properties["primaryLocation"] = put.body["location"]
    put.properties["statusOfPrimary"] = "available"
    put.properties["primaryEndpoints"] = {"blob": blob_endpoint(put.emulator, put.name)}


def _check_change(put: Put) -> None:
    if put.old is None:
        return
    for name in _FOR_ITS_LIFE:
        before, after = bool(put.old.properties.get(name)), put.properties.get(name)
        if after is not None and bool(after) != before:
            raise ServiceError(
                400,
                "InvalidRequestPropertyValue",
                f"The value '{after}' is not allowed for property {name}: it is {before} for as long as the account lives. Use another "
                "account.",
                target=f"properties.{name}",
            )


def _make_account(emulator: Emulator, account: Resource, old: Resource | None) -> None:
    emulator.accounts.create(account.name)
    if emulator.resources.get(f"{account.id}/blobServices/default") is None:
        emulator.resources.put(f"{account.id}/blobServices/default", {"properties": {}})


def _remove_account(emulator: Emulator, gone: Resource) -> None:
    for container in emulator.accounts.containers(gone.name):
        emulator.blobs.delete_container(container)
    emulator.accounts.delete(gone.name)


# ---------------------------------------------------------------- below an account


def _blob_service(put: Put) -> None:
    fields = put.fields
    for name in ("deleteRetentionPolicy", "containerDeleteRetentionPolicy", "restorePolicy"):
        policy = fields.inner(name)
        if policy.flag("enabled"):
            policy.number("days", 1, 365, required=True)
    fields.flag("isVersioningEnabled")


def _container(put: Put) -> None:
    access = put.fields.choice("publicAccess", ("None", "Blob", "Container"), default="None")
    account = put.emulator.resources.get(ids.parent_of(put.parent))
    if account is not None and access != "None" and not account.properties.get("allowBlobPublicAccess"):
        raise ServiceError(
            409,
            "PublicAccessNotPermitted",
            "Public access is not permitted on this storage account.",
            target="properties.publicAccess",
        )
    put.once("lastModifiedTime", now)
    put.properties.update(leaseState="Available", leaseStatus="Unlocked")


def _make_container(emulator: Emulator, container: Resource, old: Resource | None) -> None:
    account = _account_of(container.id)
    with emulator.database.transaction():  # two deployments may make containers of the same name at the same time
        name = emulator.accounts.place(account, container.name)
        emulator.blobs.create_container(name)
        emulator.accounts.assign(name, account)


def _remove_container(emulator: Emulator, gone: Resource) -> None:
    name = emulator.accounts.place(_account_of(gone.id), gone.name)
    emulator.blobs.delete_container(name)
    emulator.accounts.release(name)


def _notice_containers(emulator: Emulator, service_id: str) -> None:
    """Containers are made and deleted at the blob endpoint too: have their resources say so."""
    account = _account_of(service_id)
    there = {
        emulator.accounts.name_of(item)
        for item in emulator.accounts.containers(account)
        if emulator.blobs.has_container(item)
    }
    known = {item.name: item for item in emulator.resources.list(service_id, CONTAINER)}
    for name, item in known.items():
        if name not in there:
            emulator.resources.delete(item.id)
    if emulator.resources.get(service_id) is None:
        return
    for name in sorted(there - set(known)):
        state = {
            "publicAccess": "None",
            "lastModifiedTime": now(),
            "leaseState": "Available",
            "leaseStatus": "Unlocked",
        }
        emulator.resources.put(f"{service_id}/containers/{name}", {"properties": state})


def _lifecycle(put: Put) -> None:
    for rule in put.fields.inner("policy", required=True).items("rules", required=True):
        rule.text("name", required=True)
        rule.choice("type", ("Lifecycle",), required=True)
        rule.flag("enabled", default=True)
        definition = rule.inner("definition", required=True)
        definition.inner("actions", required=True)
        definition.inner("filters").words("blobTypes", required=bool(definition.body.get("filters")))
    put.properties["lastModifiedTime"] = now()


def _account_of(resource_id: str) -> str:
    return ids.segment(resource_id, "storageAccounts") or ""
