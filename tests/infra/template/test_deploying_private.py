"""The private network: no public door is open, and behind each closed one there is a private endpoint whose name resolves."""

from __future__ import annotations

import uuid

import pytest
from infra.template import parameters_at_work as table
from infra.template.cloud import SITE, Cloud, Deployed
from infra.template.deployments import Deployments

from aml_emulator import ids

NETWORK = "Microsoft.Network/"
ENDPOINTS = {
    "storage-blob": ("Microsoft.Storage/storageAccounts/{wsStorageAccountName}", "blob", ["blob"]),
    "storage-file": ("Microsoft.Storage/storageAccounts/{wsStorageAccountName}", "file", ["file"]),
    "key-vault": ("Microsoft.KeyVault/vaults/{keyVaultName}", "vault", ["vaultcore"]),
    "registry": ("Microsoft.ContainerRegistry/registries/{containerRegistryName}", "registry", ["azurecr"]),
    "workspace": (
        "Microsoft.MachineLearningServices/workspaces/{workspaceName}",
        "amlworkspace",
        ["api", "notebooks"],
    ),
    "function-blob": ("Microsoft.Storage/storageAccounts/fn{unique}", "blob", ["blob"]),
}
LAKE = {
    "datalake-blob": ("Microsoft.Storage/storageAccounts/{DataLakestorageName}", "blob", ["blob"]),
    "datalake-dfs": ("Microsoft.Storage/storageAccounts/{DataLakestorageName}", "dfs", ["dfs"]),
}
ACCOUNTS = ("{wsStorageAccountName}", "fn{unique}")


@pytest.fixture(scope="module")
def private(deployments: Deployments) -> Deployed:
    return deployments(table.PRIVATE)


@pytest.fixture(scope="module")
def with_lake(cloud: Cloud) -> Deployed:
    lake = {"DataLakestorageName": f"lake{uuid.uuid4().hex[:8]}", "dataLakeNewOrExisting": "new"}
    return cloud.deploy(**table.PRIVATE_VALUES, **lake)


def names(deployed: Deployed, kind: str) -> set[str]:
    return {ids.name_of(each) for each in deployed.ids() if ids.type_of(each) == kind}


@pytest.mark.parametrize("resource", table.SHUT)
def test_a_public_door_is_shut_and_was_open(private: Deployed, by_default: Deployed, resource: str) -> None:
    assert private.read(resource, "properties.publicNetworkAccess") == "Disabled"
    assert by_default.read(resource, "properties.publicNetworkAccess") == "Enabled"


@pytest.mark.parametrize("resource", [table.VAULT, table.STORAGE, table.FUNCTION_STORAGE])
def test_a_firewall_lets_in_azure_alone(private: Deployed, by_default: Deployed, resource: str) -> None:
    acls = "properties.networkAcls"
    assert private.read(resource, f"{acls}.defaultAction") == "Deny"
    assert private.read(resource, f"{acls}.bypass") == "AzureServices"
    assert by_default.read(resource, f"{acls}.defaultAction") == "Allow"


def test_the_data_lakes_door_is_shut_too(with_lake: Deployed) -> None:
    assert with_lake.read(table.LAKE, "properties.publicNetworkAccess") == "Disabled"
    assert with_lake.read(table.LAKE, "properties.networkAcls.defaultAction") == "Deny"


def test_only_event_grid_reaches_the_function(private: Deployed, by_default: Deployed) -> None:
    configuration = private.there(SITE + "/config/web")["properties"]
    (rule,) = [each for each in configuration["ipSecurityRestrictions"] if each["action"] == "Allow"]
    assert (rule["tag"], rule["ipAddress"]) == ("ServiceTag", "AzureEventGrid")
    assert configuration["ipSecurityRestrictionsDefaultAction"] == "Deny"
    assert by_default.there(SITE + "/config/web")["properties"]["ipSecurityRestrictionsDefaultAction"] == "Allow"


def test_the_cluster_has_no_public_address_and_builds_the_images(private: Deployed, by_default: Deployed) -> None:
    public = "properties.properties.enableNodePublicIp"
    assert (private.read(table.CLUSTER, public), by_default.read(table.CLUSTER, public)) == (False, True)
    builds = "properties.imageBuildCompute"
    assert private.read(table.WORKSPACE, builds) == private.outputs["computeName"]
    assert by_default.read(table.WORKSPACE, builds) is None


@pytest.mark.parametrize("made", ["private", "with_lake"])
def test_each_resource_has_its_endpoints_and_no_other(request: pytest.FixtureRequest, made: str) -> None:
    deployed: Deployed = request.getfixturevalue(made)
    wanted = ENDPOINTS if made == "private" else ENDPOINTS | LAKE
    plain = deployed.names["plain"]
    assert names(deployed, NETWORK + "privateEndpoints") == {f"{plain}-{name}" for name in wanted}
    for name, (target, group, zones) in wanted.items():
        endpoint = f"{NETWORK}privateEndpoints/{plain}-{name}"
        properties = deployed.there(endpoint)["properties"]
        (connection,) = properties["privateLinkServiceConnections"]
        assert connection["properties"]["privateLinkServiceId"] == deployed.id_of(target)
        assert connection["properties"]["groupIds"] == [group]
        assert properties["subnet"]["id"] == deployed.id_of(table.NETWORK + "/subnets/{privateEndpointSubnetName}")
        configs = deployed.there(endpoint + "/privateDnsZoneGroups/default")["properties"]["privateDnsZoneConfigs"]
        found = [each["properties"]["privateDnsZoneId"] for each in configs]
        assert [ids.name_of(each).split(".")[1] for each in found] == zones
        for zone in found:
            assert deployed.there(zone)["location"] == "global"


def test_each_zone_is_linked_to_the_network(private: Deployed) -> None:
    zones = names(private, NETWORK + "privateDnsZones")
    assert len(zones) == 7
    links = [each for each in private.ids() if ids.type_of(each).endswith("/virtualNetworkLinks")]
    assert {ids.name_of(ids.parent_of(each)) for each in links} == zones
    for each in links:
        properties = private.there(each)["properties"]
        assert properties["virtualNetwork"]["id"] == private.id_of(table.NETWORK)
        assert properties["registrationEnabled"] is False


def test_the_workspace_may_read_the_endpoints_of_its_storage(private: Deployed) -> None:
    principal = private.there(table.WORKSPACE)["identity"]["principalId"]
    readers = [
        each["id"].rpartition("/providers/")[0]
        for key in private.ids()
        if ids.type_of(key) == "Microsoft.Authorization/roleAssignments"
        for each in [private.there(key)]
        if each["properties"]["principalId"] == principal
    ]
    endpoint = NETWORK + "privateEndpoints/{plain}-"
    assert sorted(readers) == [private.id_of(endpoint + "storage-blob"), private.id_of(endpoint + "storage-file")]


def test_nothing_of_a_network_is_made_without_it(by_default: Deployed) -> None:
    assert not [each for each in by_default.ids() if ids.type_of(each).startswith(NETWORK)]
    assert by_default.read(SITE, "properties.virtualNetworkSubnetId") is None


def test_a_network_that_is_there_is_joined_and_no_other_made(deployments: Deployments) -> None:
    joined = deployments(table.JOINED)
    made = {ids.type_of(each) for each in joined.ids() if ids.type_of(each).startswith(NETWORK)}
    assert made == {NETWORK + "privateEndpoints", NETWORK + "privateEndpoints/privateDnsZoneGroups"}
    home = joined.names["privateDnsZoneResourceGroupId"]
    for name in ENDPOINTS:
        endpoint = joined.there(f"{NETWORK}privateEndpoints/{{plain}}-{name}")
        network = f"{home}/providers/{NETWORK}virtualNetworks/hub"
        assert endpoint["properties"]["subnet"]["id"] == f"{network}/subnets/snet-pe"
        group = joined.there(f"{NETWORK}privateEndpoints/{{plain}}-{name}/privateDnsZoneGroups/default")
        for config in group["properties"]["privateDnsZoneConfigs"]:
            assert config["properties"]["privateDnsZoneId"].startswith(f"{home}/providers/")
