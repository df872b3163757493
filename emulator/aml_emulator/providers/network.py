"""Microsoft.Network: virtual networks, private endpoints and private DNS. All are records: every address stays 127.0.0.1."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from aml_emulator import ids
from aml_emulator.http import Router, ServiceError, not_found
from aml_emulator.providers.checks import Fields, invalid
from aml_emulator.providers.generic import Put, register_type

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

NETWORK = "Microsoft.Network/virtualNetworks"
SUBNET = f"{NETWORK}/subnets"
ENDPOINT = "Microsoft.Network/privateEndpoints"
ZONE_GROUP = f"{ENDPOINT}/privateDnsZoneGroups"
ZONE = "Microsoft.Network/privateDnsZones"
ZONE_LINK = f"{ZONE}/virtualNetworkLinks"

_NAME = r"[a-zA-Z0-9][\w.-]{0,78}\w|[a-zA-Z0-9]"
_ZONE_NAME = r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"

_GROUPS = {
    "microsoft.machinelearningservices/workspaces": ("amlworkspace",),
    "microsoft.storage/storageaccounts": ("blob", "file", "dfs", "queue", "table", "web"),
    "microsoft.keyvault/vaults": ("vault",),
    "microsoft.containerregistry/registries": ("registry",),
    "microsoft.web/sites": ("sites",),
    "microsoft.eventgrid/topics": ("topic",),
}
"""What of a resource a private endpoint can lead to (azure-infra, 1.6)."""

_Net = ipaddress.IPv4Network | ipaddress.IPv6Network


def register(router: Router, emulator: Emulator) -> None:
    """Routes of the six types."""
    register_type(
        router,
        emulator,
        NETWORK,
        name_pattern=_NAME,
        on_put=_network,
        on_stored=_spread_subnets,
        before_delete=_check_no_subnet_used,
    )
    register_type(
        router,
        emulator,
        SUBNET,
        name_pattern=_NAME,
        on_put=_subnet,
        on_stored=_note_subnet,
        on_delete=_drop,
        before_delete=lambda of, subnet: _check_unused(of, subnet.id),
    )
    register_type(router, emulator, ENDPOINT, name_pattern=_NAME, on_put=_endpoint)
    register_type(router, emulator, ZONE_GROUP, name_pattern=_NAME, on_put=_zone_group)
    register_type(router, emulator, ZONE, name_pattern=_ZONE_NAME, location="global")
    register_type(router, emulator, ZONE_LINK, name_pattern=_NAME, on_put=_zone_link, location="global")


def _network(put: Put) -> None:
    fields = put.fields
    spaces = [
        _prefix(text, "properties.addressSpace.addressPrefixes")
        for text in fields.inner("addressSpace", required=True).words("addressPrefixes", required=True)
    ]
    subnets = fields.items("subnets")
    if "subnets" not in put.properties and put.old is not None:
        # A network that is sent again without subnets keeps those it has.
        put.properties["subnets"] = put.old.properties.get("subnets") or []
        subnets = fields.items("subnets")
    taken: list[tuple[str, _Net]] = []
    for subnet in subnets:
        name, ranges = _checked_subnet(subnet.text("name", required=True), subnet.inner("properties", required=True))
        _check_ranges(put.name, spaces, taken, name, ranges)
        taken += [(name, item) for item in ranges]
        subnet.body["properties"]["provisioningState"] = "Succeeded"
        subnet.body |= {"id": f"{put.resource_id}/subnets/{name}", "type": SUBNET}
    if put.old is not None:
        kept = {name.lower() for name, _ in taken}
        for subnet_name in (item["name"] for item in put.old.properties.get("subnets") or []):
            if subnet_name.lower() not in kept:
                _check_unused(put.emulator, f"{put.old.id}/subnets/{subnet_name}")
    put.properties.setdefault("subnets", [])
    put.properties.setdefault("virtualNetworkPeerings", [])


def _spread_subnets(emulator: Emulator, network: Resource, old: Resource | None) -> None:
    """Subnets are resources of their own too: those that are gone go, the others are stored."""
    wanted: dict[str, Body] = {str(item["name"]).lower(): item for item in network.properties["subnets"]}
    for item in emulator.resources.list(network.id, SUBNET):
        if item.name.lower() not in wanted:
            emulator.resources.delete(item.id)
    for entry in wanted.values():
        emulator.resources.put(f"{network.id}/subnets/{entry['name']}", {"properties": entry["properties"]})


def _subnet(put: Put) -> None:
    network = put.emulator.resources.get(put.parent)
    if network is None:
        raise not_found(put.parent)
    name, ranges = _checked_subnet(put.name, put.fields)
    spaces = [
        _prefix(text, "properties.addressSpace") for text in network.properties["addressSpace"]["addressPrefixes"]
    ]
    taken = [
        (str(item["name"]), found)
        for item in network.properties["subnets"]
        if str(item["name"]).lower() != name.lower()
        for found in _checked_subnet(item["name"], Fields(item["properties"]))[1]
    ]
    _check_ranges(network.name, spaces, taken, name, ranges)


def _note_subnet(emulator: Emulator, subnet: Resource, old: Resource | None) -> None:
    """Show a subnet in its network as well."""
    entry = {"name": subnet.name, "properties": subnet.properties, "id": subnet.id, "type": SUBNET}

    def edit(body: Body) -> None:
        listed = body["properties"]["subnets"]
        places = [place for place, item in enumerate(listed) if item["name"].lower() == subnet.name.lower()]
        if places:
            listed[places[0]] = entry
        else:
            listed.append(entry)

    emulator.resources.change(ids.parent_of(subnet.id), edit)


def _drop(emulator: Emulator, gone: Resource) -> None:
    def edit(body: Body) -> None:
        listed = body["properties"]["subnets"]
        body["properties"]["subnets"] = [item for item in listed if item["name"].lower() != gone.name.lower()]

    emulator.resources.change(ids.parent_of(gone.id), edit)


def _checked_subnet(name: str, fields: Fields) -> tuple[str, list[_Net]]:
    prefix = fields.text("addressPrefix")
    texts = [prefix] if prefix else fields.words("addressPrefixes", required=True)
    for policy in ("privateEndpointNetworkPolicies", "privateLinkServiceNetworkPolicies"):
        fields.choice(policy, ("Enabled", "Disabled", "NetworkSecurityGroupEnabled", "RouteTableEnabled"))
    for delegation in fields.items("delegations"):
        delegation.text("name", required=True)
        delegation.inner("properties", required=True).text("serviceName", required=True)
    return name, [_prefix(text, fields.at("addressPrefix")) for text in texts]


def _check_ranges(
    network: str, spaces: list[_Net], taken: list[tuple[str, _Net]], name: str, ranges: list[_Net]
) -> None:
    for item in ranges:
        if not any(_within(item, space) for space in spaces):
            raise ServiceError(
                400,
                "NetcfgInvalidSubnet",
                f"Subnet '{name}' is not valid because its IP address range is outside the IP address range of virtual network "
                f"'{network}'.",
            )
        for other, range_ in taken:
            if item.version == range_.version and item.overlaps(range_):
                raise ServiceError(
                    400,
                    "NetcfgSubnetRangesOverlap",
                    f"Subnet '{name}' is not valid because its IP address range overlaps with that of an existing subnet in virtual "
                    f"network '{network}': '{other}'.",
                )


def _within(inner: _Net, outer: _Net) -> bool:
    if isinstance(inner, ipaddress.IPv4Network) and isinstance(outer, ipaddress.IPv4Network):
        return inner.subnet_of(outer)
    return (
        isinstance(inner, ipaddress.IPv6Network) and isinstance(outer, ipaddress.IPv6Network) and inner.subnet_of(outer)
    )


def _prefix(text: str, path: str) -> _Net:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        message = f"The address prefix '{text}' is not a valid CIDR block: {error}."
        raise ServiceError(400, "InvalidAddressPrefixFormat", message, target=path) from None


def _check_no_subnet_used(emulator: Emulator, network: Resource) -> None:
    for subnet in emulator.resources.list(network.id, SUBNET):
        _check_unused(emulator, subnet.id)


def _check_unused(emulator: Emulator, subnet_id: str) -> None:
    for endpoint in emulator.resources.all_of(ENDPOINT):
        if str(endpoint.properties["subnet"]["id"]).lower() == subnet_id.lower():
            raise ServiceError(
                400,
                "InUseSubnetCannotBeDeleted",
                f"Subnet {ids.name_of(subnet_id)} is in use by {endpoint.id} and cannot be deleted.",
            )


def _referenced(put: Put, fields: Fields, name: str, resource_type: str | None) -> Resource:
    """The resource that a member names, with the error of this provider when it is not there."""
    try:
        found = fields.link(put.emulator, name, resource_type, required=True)
    except ServiceError as error:
        if error.status != 404:
            raise
        raise ServiceError(
            400,
            "InvalidResourceReference",
            f"Resource {fields.body[name]} referenced by resource {put.resource_id} was not found. Please make sure that the referenced "
            "resource exists, and that both resources are in the same region.",
        ) from None
    if found is None:
        raise invalid(fields.at(name), "it is required.")
    return found


def _endpoint(put: Put) -> None:
    fields = put.fields
    _referenced(put, fields.inner("subnet", required=True), "id", SUBNET)
    automatic = fields.items("privateLinkServiceConnections")
    manual = fields.items("manualPrivateLinkServiceConnections")
    if len(automatic) + len(manual) != 1:
        raise invalid(
            fields.path,
            "a private endpoint has exactly one connection, automatic or manual, to a private link service.",
        )
    for connection in (*automatic, *manual):
        name = connection.text("name", required=True)
        inner = connection.inner("properties", required=True)
        target = _referenced(put, inner, "privateLinkServiceId", None)
        allowed = _GROUPS.get(ids.type_of(target.id).lower())
        groups = inner.words("groupIds", required=True)
        if allowed is None or any(group.lower() not in allowed for group in groups):
            raise ServiceError(
                400,
                "InvalidGroupId",
                f"The group ids {', '.join(groups)} are not those of {ids.type_of(target.id)}. Allowed: "
                f"{', '.join(allowed) if allowed else 'none, it has no private link'}.",
            )
        if allowed == ("registry",) and target.body["sku"]["name"] != "Premium":
            raise ServiceError(
                400,
                "PrivateEndpointCannotBeCreated",
                f"The registry {target.name} has the sku {target.body['sku']['name']}: private endpoints need Premium.",
            )
        state = ("Pending", inner.text("requestMessage")) if manual else ("Approved", "Auto-Approved")
        connection.body["id"] = f"{put.resource_id}/privateLinkServiceConnections/{name}"
        inner.body["provisioningState"] = "Succeeded"
        inner.body["privateLinkServiceConnectionState"] = {
            "status": state[0],
            "description": state[1],
            "actionsRequired": "None",
        }
    # No network card and no addresses: nothing is behind the record.
    put.properties["networkInterfaces"] = []
    put.properties["customDnsConfigs"] = []


def _zone_group(put: Put) -> None:
    for configuration in put.fields.items("privateDnsZoneConfigs", required=True):
        configuration.text("name", required=True)
        inner = configuration.inner("properties", required=True)
        _referenced(put, inner, "privateDnsZoneId", ZONE)
        inner.body["recordSets"] = []


def _zone_link(put: Put) -> None:
    fields = put.fields
    network = _referenced(put, fields.inner("virtualNetwork", required=True), "id", NETWORK)
    fields.flag("registrationEnabled", default=False)
    for item in put.emulator.resources.list(put.parent, ZONE_LINK):
        if item.name.lower() != put.name.lower() and _linked(item) == network.id.lower():
            raise ServiceError(
                409,
                "Conflict",
                f"A virtual network cannot be linked to multiple zones with overlapping namespaces. You tried to link virtual network "
                f"'{network.id}' with '{ids.name_of(put.parent)}', which link '{item.name}' does.",
            )
    put.properties["virtualNetworkLinkState"] = "Completed"


def _linked(link: Resource) -> str:
    return str(link.properties["virtualNetwork"]["id"]).lower()
