"""Subscriptions, resource groups and provider registration: what ARM itself answers."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from aml_emulator import ids
from aml_emulator.http import Call, Reply, Router, ServiceError
from aml_emulator.ml import workspaces
from aml_emulator.ml.scope import find_group, page

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

GROUPS = "/subscriptions/{subscription}/resourceGroups"
GROUP = f"{GROUPS}/{{group}}"
_GROUP_TYPE = "Microsoft.Resources/resourceGroups"
_GROUP_NAME = re.compile(r"[\w.()-]{1,89}[\w()-]|[\w()-]")

LOCATIONS = (
    ("westeurope", "West Europe"),
    ("northeurope", "North Europe"),
    ("germanywestcentral", "Germany West Central"),
    ("francecentral", "France Central"),
    ("switzerlandnorth", "Switzerland North"),
    ("swedencentral", "Sweden Central"),
    ("norwayeast", "Norway East"),
    ("uksouth", "UK South"),
    ("ukwest", "UK West"),
    ("eastus", "East US"),
    ("eastus2", "East US 2"),
    ("centralus", "Central US"),
    ("northcentralus", "North Central US"),
    ("southcentralus", "South Central US"),
    ("westcentralus", "West Central US"),
    ("westus", "West US"),
    ("westus2", "West US 2"),
    ("westus3", "West US 3"),
    ("canadacentral", "Canada Central"),
    ("canadaeast", "Canada East"),
    ("brazilsouth", "Brazil South"),
    ("eastasia", "East Asia"),
    ("southeastasia", "Southeast Asia"),
    ("japaneast", "Japan East"),
    ("japanwest", "Japan West"),
    ("koreacentral", "Korea Central"),
    ("centralindia", "Central India"),
    ("australiaeast", "Australia East"),
    ("australiasoutheast", "Australia Southeast"),
    ("southafricanorth", "South Africa North"),
    ("uaenorth", "UAE North"),
)

PROVIDERS = (
    "Microsoft.MachineLearningServices",
    "Microsoft.Storage",
    "Microsoft.KeyVault",
    "Microsoft.Insights",
    "Microsoft.OperationalInsights",
    "Microsoft.ContainerRegistry",
    "Microsoft.ManagedIdentity",
    "Microsoft.Network",
    "Microsoft.Web",
    "Microsoft.App",
    "Microsoft.EventGrid",
    "Microsoft.Authorization",
    "Microsoft.Resources",
)
_ALWAYS_REGISTERED = ("microsoft.resources", "microsoft.authorization")
_REGISTERING_SECONDS = 0.2

_SCHEMA = """
CREATE TABLE IF NOT EXISTS provider_registrations (namespace TEXT PRIMARY KEY COLLATE NOCASE, since REAL NOT NULL);
"""


def register_provider(emulator: Emulator, namespace: str) -> None:
    """Register a resource provider; one that is registered stays so."""
    emulator.database.execute(
        "INSERT OR IGNORE INTO provider_registrations (namespace, since) VALUES (?, ?)", (namespace, time.time())
    )


def is_registered(emulator: Emulator, namespace: str) -> bool:
    """Whether resources of a provider may be deployed: it is registered, or registering."""
    return registration_state(emulator, namespace) != "NotRegistered"


def registration_state(emulator: Emulator, namespace: str) -> str:
    """The state of a resource provider: Registered, Registering or NotRegistered."""
    if namespace.lower() in _ALWAYS_REGISTERED:
        return "Registered"
    row = emulator.database.row("SELECT since FROM provider_registrations WHERE namespace = ?", (namespace,))
    if row is None:
        return "NotRegistered"
    return "Registered" if time.time() - row["since"] > _REGISTERING_SECONDS else "Registering"


def normal_location(location: object) -> str:
    """A location's short name: `West Europe` and `westeurope` are the same.

    Raises:
        ServiceError: 400 for one that does not exist.

    """
    name = str(location or "").replace(" ", "").lower()
    if name not in dict(LOCATIONS):
        known = ", ".join(short for short, _ in LOCATIONS)
        raise ServiceError(
            400,
            "LocationNotAvailableForResourceGroup",
            f"The provided location '{location}' is not available for resource group. List of available regions is '{known}'.",
        )
    return name


def register(router: Router, emulator: Emulator) -> None:
    """Routes of ARM's own resources."""
    emulator.database.create(_SCHEMA)

    def subscriptions(call: Call) -> Reply:
        return Reply(body={"value": [_subscription(emulator)], "count": {"type": "Total", "value": 1}})

    def subscription(call: Call) -> Reply:
        return Reply(body=_subscription(emulator))

    def tenants(call: Call) -> Reply:
        tenant = emulator.tokens.identity.tenant_id
        return Reply(body={"value": [{"id": f"/tenants/{tenant}", "tenantId": tenant, "displayName": "aml-emulator"}]})

    def locations(call: Call) -> Reply:
        root = f"/subscriptions/{call.params['subscription']}/locations"
        found = [{"id": f"{root}/{name}", "name": name, "displayName": title} for name, title in LOCATIONS]
        return Reply(body={"value": found})

    def groups(call: Call) -> Reply:
        return page(emulator, call, [item.body for item in emulator.resources.all_of(_GROUP_TYPE)])

    def get_group(call: Call) -> Reply:
        return Reply(body=find_group(emulator, call).body)

    def head_group(call: Call) -> Reply:
        found = emulator.resources.get(ids.resource_group_id(call.params["subscription"], call.params["group"]))
        return Reply(404 if found is None else 204, media_type="")

    def put_group(call: Call) -> Reply:
        return _put_group(emulator, call)

    def patch_group(call: Call) -> Reply:
        group, tags = find_group(emulator, call), call.json().get("tags")
        if tags is not None:
            group = emulator.resources.change(group.id, lambda body: body.update(tags=tags)) or group
        return Reply(body=group.body)

    def delete_group(call: Call) -> Reply:
        _delete_group(emulator, find_group(emulator, call))
        return Reply(200, media_type="")

    def resources(call: Call) -> Reply:
        found = [
            item
            for item in emulator.resources.list(find_group(emulator, call).id)
            if not ids.type_of(item.id).lower().startswith("microsoft.resources/")
        ]
        shown = [
            {key: item.body.get(key) for key in ("id", "name", "type", "location", "tags", "kind")} for item in found
        ]
        return page(emulator, call, shown)

    router.add("GET", "/subscriptions", subscriptions)
    router.add("GET", "/subscriptions/{subscription}", subscription)
    router.add("GET", "/subscriptions/{subscription}/locations", locations)
    router.add("GET", "/tenants", tenants)
    router.add("GET", GROUPS, groups)
    router.add("GET", GROUP, get_group)
    router.add("HEAD", GROUP, head_group)
    router.add("PUT", GROUP, put_group)
    router.add("PATCH", GROUP, patch_group)
    router.add("DELETE", GROUP, delete_group)
    router.add("GET", f"{GROUP}/resources", resources)
    _register_providers(router, emulator)


def _register_providers(router: Router, emulator: Emulator) -> None:
    def listing(call: Call) -> Reply:
        return Reply(body={"value": [_provider(emulator, namespace) for namespace in PROVIDERS]})

    def get(call: Call) -> Reply:
        return Reply(body=_provider(emulator, _namespace(call)))

    def begin(call: Call) -> Reply:
        register_provider(emulator, _namespace(call))
        return Reply(body=_provider(emulator, _namespace(call)))

    def end(call: Call) -> Reply:
        emulator.database.execute("DELETE FROM provider_registrations WHERE namespace = ?", (_namespace(call),))
        return Reply(body=_provider(emulator, _namespace(call)))

    base = "/subscriptions/{subscription}/providers"
    router.add("GET", base, listing)
    router.add("GET", f"{base}/{{namespace}}", get)
    router.add("POST", f"{base}/{{namespace}}/register", begin)
    router.add("POST", f"{base}/{{namespace}}/unregister", end)


def _namespace(call: Call) -> str:
    wanted = call.params["namespace"]
    for namespace in PROVIDERS:
        if namespace.lower() == wanted.lower():
            return namespace
    raise ServiceError(404, "InvalidResourceNamespace", f"The resource namespace '{wanted}' is invalid.")


def _provider(emulator: Emulator, namespace: str) -> Body:
    types: list[dict[str, Any]] = []
    if namespace == ids.PROVIDER:
        titles = [title for _, title in LOCATIONS]
        types = [{"resourceType": "workspaces", "locations": titles, "apiVersions": ["2024-10-01"]}]
    return {
        "id": f"/subscriptions/{emulator.tokens.identity.subscription_id}/providers/{namespace}",
        "namespace": namespace,
        "registrationPolicy": "RegistrationRequired",
        "registrationState": registration_state(emulator, namespace),
        "resourceTypes": types,
    }


def _subscription(emulator: Emulator) -> Body:
    identity = emulator.tokens.identity
    return {
        "id": f"/subscriptions/{identity.subscription_id}",
        "subscriptionId": identity.subscription_id,
        "tenantId": identity.tenant_id,
        "displayName": "aml-emulator (local)",
        "state": "Enabled",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionPolicies": {
            "locationPlacementId": "Local",
            "quotaId": "Local",
            "spendingLimit": "Off",
        },
    }


def _put_group(emulator: Emulator, call: Call) -> Reply:
    name, body = call.params["group"], call.json()
    if not _GROUP_NAME.fullmatch(name):
        raise ServiceError(
            400,
            "InvalidResourceGroup",
            f"The provided resource group name '{name}' has these invalid characters or length. The name can only be letters, digits, "
            "'-', '.', '(', ')' or '_', at most 90, and must not end with a dot.",
        )
    if not body.get("location"):
        raise ServiceError(400, "LocationRequired", "The location property is required for this definition.")
    location = normal_location(body["location"])
    group_id = ids.resource_group_id(call.params["subscription"], name)
    old = emulator.resources.get(group_id)
    if old is not None and old.body["location"] != location:
        raise ServiceError(
            409,
            "InvalidResourceGroupLocation",
            f"Invalid resource group location '{location}'. The Resource group already exists in location '{old.body['location']}'.",
        )
    stored = {"location": location, "tags": body.get("tags") or {}, "properties": {"provisioningState": "Succeeded"}}
    actor = call.principal.object_id if call.principal else "emulator"
    group = emulator.resources.put(group_id, stored, actor=actor)
    return Reply(200 if old else 201, group.body)


def _delete_group(emulator: Emulator, group: Resource) -> None:
    for workspace in emulator.resources.list(group.id, workspaces.TYPE):
        workspaces.delete(emulator, workspace)
    for account in emulator.resources.list(group.id, "Microsoft.Storage/storageAccounts"):
        for container in emulator.accounts.containers(account.name):
            emulator.blobs.delete_container(container)
        emulator.accounts.delete(account.name)
    emulator.resources.delete(group.id)
