"""The private network: virtual networks with subnets, private endpoints, private DNS."""

from __future__ import annotations

import copy

import pytest
from emulator.providers import bodies

from aml_emulator.http import ServiceError

VNET = "Microsoft.Network/virtualNetworks/vnet-example"
ZONE = "Microsoft.Network/privateDnsZones/privatelink.api.azureml.ms"
ENDPOINT = "Microsoft.Network/privateEndpoints/pe-kv"


@pytest.fixture
def vnet(local) -> str:
    return local.put(VNET, bodies.NETWORK)["id"]


@pytest.fixture
def vault(local) -> str:
    return local.put("Microsoft.KeyVault/vaults/kv-example", bodies.VAULT)["id"]


def test_subnets_are_part_of_their_network_and_resources_of_their_own(local, vnet: str) -> None:
    names = [item["name"] for item in local.call("GET", vnet).body["properties"]["subnets"]]
    assert names == ["snet-pe", "snet-func"]
    one = local.call("GET", f"{vnet}/subnets/snet-pe").body
    assert one["properties"]["addressPrefix"] == "10.10.1.0/24"
    local.call("PUT", f"{vnet}/subnets/more", {"properties": {"addressPrefix": "10.10.3.0/24"}})
    listed = [item["name"] for item in local.call("GET", vnet).body["properties"]["subnets"]]
    assert listed == ["snet-pe", "snet-func", "more"]
    local.call("DELETE", f"{vnet}/subnets/more")
    assert [item["name"] for item in local.call("GET", vnet).body["properties"]["subnets"]] == names
    before = local.call("GET", vnet).body["properties"]
    assert local.put(VNET, bodies.NETWORK)["properties"] == before


def test_the_whole_private_network_of_a_vault(local, vnet: str, vault: str) -> None:
    endpoint = local.put(ENDPOINT, bodies.endpoint(f"{vnet}/subnets/snet-pe", vault, "vault"))
    (connection,) = endpoint["properties"]["privateLinkServiceConnections"]
    assert connection["properties"]["privateLinkServiceConnectionState"]["status"] == "Approved"
    zone = local.put(ZONE, bodies.ZONE)
    assert zone["location"] == "global"
    link_body = {
        "location": "global",
        "properties": {"registrationEnabled": False, "virtualNetwork": {"id": vnet}},
    }
    link = local.put(f"{ZONE}/virtualNetworkLinks/link", link_body)
    assert link["properties"]["virtualNetworkLinkState"] == "Completed"
    with pytest.raises(ServiceError) as refused:
        local.put(f"{ZONE}/virtualNetworkLinks/again", link_body)
    assert refused.value.status == 409
    configuration = {"name": "api", "properties": {"privateDnsZoneId": zone["id"]}}
    group = local.put(
        f"{ENDPOINT}/privateDnsZoneGroups/default", {"properties": {"privateDnsZoneConfigs": [configuration]}}
    )
    assert group["properties"]["privateDnsZoneConfigs"][0]["properties"]["privateDnsZoneId"] == zone["id"]


def test_a_subnet_in_use_stays(local, vnet: str, vault: str) -> None:
    local.put(ENDPOINT, bodies.endpoint(f"{vnet}/subnets/snet-pe", vault, "vault"))
    smaller = copy.deepcopy(bodies.NETWORK)
    smaller["properties"]["subnets"] = smaller["properties"]["subnets"][1:]
    with pytest.raises(ServiceError) as refused:
        local.put(VNET, smaller)
    assert refused.value.code == "InUseSubnetCannotBeDeleted"
    with pytest.raises(ServiceError) as refused:
        local.call("DELETE", f"{vnet}/subnets/snet-pe")
    assert refused.value.code == "InUseSubnetCannotBeDeleted"


def test_a_network_sent_without_subnets_keeps_them(local, vnet: str) -> None:
    space = {"addressSpace": bodies.NETWORK["properties"]["addressSpace"]}
    assert len(local.put(VNET, {"location": "westeurope", "properties": space})["properties"]["subnets"]) == 2


@pytest.mark.parametrize(
    ("prefixes", "code"),
    [
        (["10.11.1.0/24"], "NetcfgInvalidSubnet"),
        (["10.10.1.0/24", "10.10.1.128/25"], "NetcfgSubnetRangesOverlap"),
        (["10.10.1.1/24"], "InvalidAddressPrefixFormat"),
        (["ten"], "InvalidAddressPrefixFormat"),
    ],
)
def test_addresses_that_do_not_fit(local, prefixes: list[str], code: str) -> None:
    subnets = [{"name": f"s{n}", "properties": {"addressPrefix": text}} for n, text in enumerate(prefixes)]
    body = {**bodies.NETWORK, "properties": {**bodies.NETWORK["properties"], "subnets": subnets}}
    with pytest.raises(ServiceError) as refused:
        local.put(VNET, body)
    assert (refused.value.status, refused.value.code) == (400, code)


def test_an_endpoint_leads_from_a_subnet_that_exists_to_a_group_of_its_target(local, vnet: str, vault: str) -> None:
    good = bodies.endpoint(f"{vnet}/subnets/snet-pe", vault, "vault")
    for body, code in (
        (bodies.endpoint(f"{vnet}/subnets/none", vault, "vault"), "InvalidResourceReference"),
        (bodies.endpoint(f"{vnet}/subnets/snet-pe", f"{vault}x", "vault"), "InvalidResourceReference"),
        (bodies.endpoint(f"{vnet}/subnets/snet-pe", vault, "blob"), "InvalidGroupId"),
        (bodies.endpoint(f"{vnet}/subnets/snet-pe", vnet, "vault"), "InvalidGroupId"),
        ({**good, "properties": {"subnet": good["properties"]["subnet"]}}, "InvalidRequestContent"),
    ):
        with pytest.raises(ServiceError) as refused:
            local.put(ENDPOINT, body)
        assert (refused.value.status, refused.value.code) == (400, code)


def test_a_registry_behind_an_endpoint_is_a_premium_one(local, vnet: str) -> None:
    path = "Microsoft.ContainerRegistry/registries/crexample"
    registry = local.put(path, bodies.REGISTRY)["id"]
    body = bodies.endpoint(f"{vnet}/subnets/snet-pe", registry, "registry")
    with pytest.raises(ServiceError, match="Premium"):
        local.put(ENDPOINT, body)
    local.put(path, {**bodies.REGISTRY, "sku": {"name": "Premium"}})
    assert local.put(ENDPOINT, body)["name"] == "pe-kv"


def test_a_zone_is_global_and_named_as_a_domain(local) -> None:
    with pytest.raises(ServiceError) as refused:
        local.put(ZONE, {"location": "westeurope"})
    assert refused.value.code == "LocationNotAvailableForResourceType"
    with pytest.raises(ServiceError) as refused:
        local.put("Microsoft.Network/privateDnsZones/local", bodies.ZONE)
    assert refused.value.code == "InvalidResourceName"
