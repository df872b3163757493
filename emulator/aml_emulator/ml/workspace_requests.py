"""A PUT of a workspace, as templates send it: what it may say, what of it is kept, and what cannot be changed later.

Managed networks, customer-managed keys, the way its datastores sign in and its container registry are records: jobs run on this machine
and reach what it reaches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aml_emulator import ids
from aml_emulator.http import Call, Reply, Router, ServiceError, not_emulated
from aml_emulator.ml import workspaces
from aml_emulator.ml.scope import WORKSPACE, find_group
from aml_emulator.providers.checks import Fields, invalid, linked, region
from aml_emulator.providers.generic import actor_of
from aml_emulator.providers.identities import USER_ASSIGNED, assigned

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

_LINKS = {
    "storageAccount": "Microsoft.Storage/storageAccounts",
    "keyVault": "Microsoft.KeyVault/vaults",
    "applicationInsights": "Microsoft.Insights/components",
    "containerRegistry": "Microsoft.ContainerRegistry/registries",
}
_REQUIRED = ("storageAccount", "keyVault")
_TEXTS = ("friendlyName", "description", "imageBuildCompute", "primaryUserAssignedIdentity")
_FLAGS = ("hbiWorkspace", "v1LegacyMode", "allowPublicAccessWhenBehindVnet")
_FOR_ITS_LIFE = ("storageAccount", "keyVault", "hbiWorkspace", "encryption")
_NOT_CARRIED_OUT = (
    "provisionNetworkNow",
    "enableDataIsolation",
    "softDeleteEnabled",
    "allowRecoverSoftDeletedWorkspace",
)
_ISOLATION = ("Disabled", "AllowInternetOutbound", "AllowOnlyApprovedOutbound")


def register(router: Router, emulator: Emulator) -> None:
    """The route."""

    def put(call: Call) -> Reply:
        workspace, new = _put(emulator, call, find_group(emulator, call))
        return Reply(201 if new else 200, workspace.body)

    router.add("PUT", WORKSPACE, put)


def _put(emulator: Emulator, call: Call, group: Resource) -> tuple[Resource, bool]:
    name = call.params["workspace"]
    workspaces.check_name(name)
    body = {key: value for key, value in call.json().items() if value is not None}
    envelope = Fields(body, "body")
    kind = envelope.text("kind", default="Default")
    if kind.lower() != "default":
        raise not_emulated(f"workspaces of kind {kind}")
    envelope.inner("sku").choice("name", ("Basic", "Standard", "Free", "Premium"))
    workspace_id = f"{group.id}/providers/{ids.PROVIDER}/workspaces/{name}"
    old = emulator.resources.get(workspace_id)
    location = region(body.get("location"), workspaces.TYPE)
    if old is not None and old.body["location"] != location:
        raise ServiceError(
            409,
            "InvalidResourceLocation",
            f"The resource '{name}' already exists in location '{old.body['location']}' in resource group '{group.name}'. A resource with "
            f"the same name cannot be created in location '{location}'. Please select a new resource name.",
        )
    identity = assigned(
        emulator, body.get("identity") or {"type": "SystemAssigned"}, old, both="SystemAssigned,UserAssigned"
    )
    properties = _properties(emulator, envelope.inner("properties", required=True), old)
    _check_primary_identity(emulator, properties, identity or {})
    tags = envelope.inner("tags").body
    if old is None:
        made = workspaces.create(
            emulator,
            workspace_id,
            location=location,
            properties=properties,
            tags=tags,
            identity=identity,
            actor=actor_of(call),
        )
        return made, True
    _check_change(old, properties)

    def edit(stored: Body) -> None:
        stored["properties"] |= properties
        stored |= {"tags": tags, "identity": identity}

    return emulator.resources.change(old.id, edit) or old, False


def _properties(emulator: Emulator, fields: Fields, old: Resource | None) -> Body:
    fields.body = {key: value for key, value in fields.body.items() if value not in (None, "")}
    kept: Body = {name: fields.text(name) for name in _TEXTS if name in fields.body}
    for name, resource_type in _LINKS.items():
        found = fields.link(emulator, name, resource_type, required=name in _REQUIRED)
        kept[name] = found.id if found else None
    _check_storage(emulator, kept["storageAccount"])
    for name in _FLAGS:
        if name in fields.body:
            kept[name] = _truth(fields, name)
    for name in _NOT_CARRIED_OUT:
        if name in fields.body and _truth(fields, name):
            raise not_emulated(f"workspaces with {name}")
    kept["publicNetworkAccess"] = fields.choice("publicNetworkAccess", ("Enabled", "Disabled"), default="Enabled")
    mode = fields.choice("systemDatastoresAuthMode", ("AccessKey", "Identity", "UserDelegationSAS"))
    if mode is not None:
        kept["systemDatastoresAuthMode"] = mode
    if encryption := _encryption(emulator, fields.inner("encryption")):
        kept["encryption"] = encryption
    if (network := fields.inner("managedNetwork")).body:
        kept["managedNetwork"] = _network(network, old)
    if compute := fields.inner("serverlessComputeSettings").body:
        kept["serverlessComputeSettings"] = compute
    return kept


def _truth(fields: Fields, name: str) -> bool:
    """True or false, which this provider also takes as a word: the SDK's template sends words."""
    value: Any = fields.body[name]
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return bool(fields.flag(name))


def _check_storage(emulator: Emulator, account_id: str) -> None:
    account = linked(emulator, account_id, "properties.storageAccount")
    if account.properties.get("isHnsEnabled"):
        raise invalid(
            "properties.storageAccount",
            f"the storage account '{account.name}' has a hierarchical namespace (isHnsEnabled) and cannot be a workspace's own. Add it "
            "as a datastore instead.",
            "ValidationError",
        )
    sku = str((account.body.get("sku") or {}).get("name", ""))
    if sku.lower().startswith("premium"):
        raise invalid(
            "properties.storageAccount",
            f"the storage account '{account.name}' is of type {sku}; a workspace's own must be a standard one.",
            "ValidationError",
        )


def _encryption(emulator: Emulator, fields: Fields) -> Body | None:
    if fields.choice("status", ("Enabled", "Disabled")) != "Enabled":
        return None
    key = fields.inner("keyVaultProperties", required=True)
    vault = key.link(emulator, "keyVaultArmId", _LINKS["keyVault"], required=True)
    identifier = key.text("keyIdentifier", required=True)
    return {
        "status": "Enabled",
        "keyVaultProperties": {"keyVaultArmId": vault.id if vault else None, "keyIdentifier": identifier},
    }


def _network(fields: Fields, old: Resource | None) -> Body:
    mode = fields.choice("isolationMode", _ISOLATION, default="Disabled")
    before = ((old.properties.get("managedNetwork") or {}) if old else {}).get("isolationMode", "Disabled")
    if before != "Disabled" and mode == "Disabled":
        raise invalid(
            fields.at("isolationMode"),
            f"the managed network of this workspace is {before}; isolation cannot be switched off again.",
            "ValidationError",
        )
    rules = fields.inner("outboundRules").body
    for name in rules:
        Fields(rules, fields.at("outboundRules")).inner(name, required=True).choice(
            "type", ("FQDN", "PrivateEndpoint", "ServiceTag"), required=True
        )
    shown: Body = {"isolationMode": mode, "outboundRules": rules}
    if sku := fields.choice("firewallSku", ("Standard", "Basic")):
        shown["firewallSku"] = sku
    if mode != "Disabled":
        shown["status"] = {"status": "Inactive", "sparkReady": False}
    return shown


def _check_primary_identity(emulator: Emulator, properties: Body, identity: Body) -> None:
    primary = properties.get("primaryUserAssignedIdentity")
    if not primary:
        return
    found = linked(emulator, primary, "properties.primaryUserAssignedIdentity", USER_ASSIGNED)
    if found.id.lower() not in {name.lower() for name in identity.get("userAssignedIdentities") or {}}:
        raise invalid(
            "properties.primaryUserAssignedIdentity",
            f"the identity '{primary}' is not assigned to the workspace. Name it in 'identity' too.",
            "ValidationError",
        )


def _check_change(old: Resource, properties: Body) -> None:
    for name in _FOR_ITS_LIFE:
        before, after = old.properties.get(name), properties.get(name, old.properties.get(name))
        if str(before).lower() != str(after).lower():
            raise invalid(
                f"properties.{name}",
                f"it is {before} for workspace '{old.name}' and cannot be changed to {after} for as long as the workspace lives.",
                "ValidationError",
            )
