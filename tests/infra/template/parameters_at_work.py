"""Every parameter of the template: a value of one's own, and the places in the deployed resources where it has to be found.

A place is a resource, a path in it and what stands there; names in braces are values of parameters (see `cloud.Deployed.names`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from infra.template.cloud import ENVIRONMENT, SETTINGS, SITE

OWN, EXISTING, PRIVATE, JOINED, APP = "own", "existing", "private", "joined", "app"
"""Deployments: everything made with values of one's own; on what is there already; in a network of its own; in one that is there; with
a GitHub App."""

WORKSPACE = "Microsoft.MachineLearningServices/workspaces/{workspaceName}"
CLUSTER = WORKSPACE + "/computes/{computeName}"
STORAGE = "Microsoft.Storage/storageAccounts/{wsStorageAccountName}"
FUNCTION_STORAGE = "Microsoft.Storage/storageAccounts/fn{unique}"
LAKE = "Microsoft.Storage/storageAccounts/{DataLakestorageName}"
VAULT = "Microsoft.KeyVault/vaults/{keyVaultName}"
INSIGHTS = "Microsoft.Insights/components/{applicationInsightsName}"
REGISTRY = "Microsoft.ContainerRegistry/registries/{containerRegistryName}"
LOGS = "Microsoft.OperationalInsights/workspaces/{plain}-logs"
TOPIC = "Microsoft.EventGrid/systemTopics/{eventGridTopicPrefix}-workspace"
SUBSCRIPTION = TOPIC + "/eventSubscriptions/{eventGridSubscriptionName}"
LAKE_TOPIC = "Microsoft.EventGrid/systemTopics/{eventGridTopicPrefix}-datalake"
LAKE_SUBSCRIPTION = LAKE_TOPIC + "/eventSubscriptions/{storageEventSubName}"
NETWORK = "Microsoft.Network/virtualNetworks/{vnetName}"
ENDPOINT = "Microsoft.Network/privateEndpoints/{plain}-registry"
ZONE = "Microsoft.Network/privateDnsZones/privatelink.azurecr.io"
FUNCTION_INSIGHTS = "Microsoft.Insights/components/{functionAppName}-{unique}-insights"
NAMED = "{group}/providers/"


@dataclass(frozen=True)
class Place:
    """What stands where once a parameter has its value."""

    resource: str
    path: str
    value: Any


@dataclass(frozen=True)
class Case:
    """A deployment in which a parameter has a value of one's own. `same`: the default gives the same, as documented."""

    deployment: str
    places: tuple[Place, ...]
    same: bool = False


def _case(deployment: str, *places: tuple[str, str, Any], same: bool = False) -> Case:
    return Case(deployment, tuple(Place(*each) for each in places), same)


def _named(deployment: str, resource: str, name: str) -> Case:
    return _case(deployment, (resource, "name", name))


TAGGED = (WORKSPACE, CLUSTER, STORAGE, VAULT, REGISTRY, INSIGHTS, LOGS, SITE, TOPIC)
IN_PLACE = (
    WORKSPACE,
    CLUSTER,
    STORAGE,
    FUNCTION_STORAGE,
    VAULT,
    REGISTRY,
    INSIGHTS,
    FUNCTION_INSIGHTS,
    LOGS,
    SITE,
    TOPIC,
)
SHUT = (WORKSPACE, STORAGE, FUNCTION_STORAGE, VAULT, REGISTRY)
SKU = "Standard_ZRS"
ELSEWHERE = "{subscription}/resourceGroups/{elsewhere}/providers/"
KEYS = "properties.encryption.keyVaultProperties"
FILTER = "properties.filter"
DEAD_LETTERS = "properties.deadLetterWithResourceIdentity.deadLetterDestination.properties.blobContainerName"

OWN_VALUES: dict[str, Any] = {
    "workspaceName": "own_workspace",
    "location": "northeurope",
    "sku": "enterprise",
    "confidential_data": "true",
    "encryption_status": "Enabled",
    "resource_cmk_uri": "https://ownkeys.vault.azure.net/keys/own/0123456789abcdef0123456789abcdef",
    "systemDatastoresAuthMode": "Identity",
    "storageAccountType": SKU,
    "applicationInsightsName": "own-insights",
    "containerRegistrySku": "Basic",
    "logRetentionDays": 61,
    "computeName": "own-cluster",
    "computeVmSize": "STANDARD_DS2_V2",
    "computeMinNodes": 1,
    "computeMaxNodes": 7,
    "repo_name": "own/repository",
    "patToken": "github_pat_own_token",
    "gitHubApiUrl": "https://github.example.com/api/v3",
    "routing": {"rules": [{"repository": "own/other"}]},
    "functionAppName": "own-function",
    "deployEventSubscriptions": False,
    "eventGridTopicPrefix": "own-topics",
    "eventGridSubscriptionName": "own-subscription",
    "workspaceEventTypes": ["Microsoft.MachineLearningServices.ModelRegistered"],
    "dataLakeNewOrExisting": "new",
    "dataLakeLocation": "uksouth",
    "storageEvents": True,
    "storageEventSubName": "ownStorageEvents",
    "storageEventsBeginWith": "/blobServices/default/containers/own/blobs/",
    "deadLetterContainerName": "own-dead-letters",
    "tags": {"own": "tag"},
    "ownerName": "own@example.com",
    "ExpireOn": "2031-12-24",
    "functionGitHubURL": "idle-url",
    "functionGitHubBranch": "idle-branch",
    "functionFolder": "idle-folder",
    "functionName": "idle-name",
    "functionAppResourceGroup": "idle-group",
}
"""Names that are unique worldwide, and `cmk_keyvault`, come when it is deployed."""

PRIVATE_VALUES: dict[str, Any] = {
    "functionPythonVersion": "3.13",
    "privateNetwork": True,
    "vnetName": "own-network",
    "vnetAddressPrefix": "10.77.0.0/16",
    "privateEndpointSubnetName": "own-endpoints",
    "privateEndpointSubnetPrefix": "10.77.5.0/24",
    "functionSubnetName": "own-function",
    "functionSubnetPrefix": "10.77.6.0/24",
}

CASES: dict[str, Case] = {
    "workspaceName": _case(
        OWN,
        (WORKSPACE, "name", "own_workspace"),
        (LOGS, "name", "own-workspace-logs"),
        (WORKSPACE, "properties.friendlyName", "own_workspace"),
    ),
    "location": _case(OWN, *((each, "location", "northeurope") for each in IN_PLACE)),
    "sku": _case(OWN, (WORKSPACE, "sku.name", "Basic"), (WORKSPACE, "sku.tier", "Basic"), same=True),
    "confidential_data": _case(OWN, (WORKSPACE, "properties.hbiWorkspace", True)),
    "encryption_status": _case(OWN, (WORKSPACE, "properties.encryption.status", "Enabled")),
    "cmk_keyvault": _case(OWN, (WORKSPACE, f"{KEYS}.keyVaultArmId", "{cmk_keyvault}")),
    "resource_cmk_uri": _case(OWN, (WORKSPACE, f"{KEYS}.keyIdentifier", OWN_VALUES["resource_cmk_uri"])),
    "systemDatastoresAuthMode": _case(
        OWN,
        (WORKSPACE, "properties.systemDatastoresAuthMode", "Identity"),
        (STORAGE, "properties.allowSharedKeyAccess", False),
        (LAKE, "properties.allowSharedKeyAccess", False),
    ),
    "storageAccountNewOrExisting": _case(
        EXISTING,
        (WORKSPACE, "properties.storageAccount", ELSEWHERE + STORAGE),
        (ELSEWHERE + STORAGE, "tags.made", "before"),
    ),
    "wsStorageAccountName": _case(
        OWN, (STORAGE, "name", "{wsStorageAccountName}"), (WORKSPACE, "properties.storageAccount", NAMED + STORAGE)
    ),
    "storageAccountType": _case(OWN, *((each, "sku.name", SKU) for each in (STORAGE, FUNCTION_STORAGE, LAKE))),
    "wsStorageAccountResourceGroupName": _case(EXISTING, (WORKSPACE, "properties.storageAccount", ELSEWHERE + STORAGE)),
    "keyVaultNewOrExisting": _case(
        EXISTING, (WORKSPACE, "properties.keyVault", ELSEWHERE + VAULT), (ELSEWHERE + VAULT, "tags.made", "before")
    ),
    "keyVaultName": _case(OWN, (VAULT, "name", "{keyVaultName}"), (WORKSPACE, "properties.keyVault", NAMED + VAULT)),
    "keyVaultResourceGroupName": _case(
        EXISTING,
        (WORKSPACE, "properties.keyVault", ELSEWHERE + VAULT),
        (ENVIRONMENT, "GITHUB_TOKEN", "github_pat_existing_token"),
    ),
    "applicationInsightsNewOrExisting": _case(
        EXISTING,
        (WORKSPACE, "properties.applicationInsights", ELSEWHERE + INSIGHTS),
        (ELSEWHERE + INSIGHTS, "tags.made", "before"),
    ),
    "applicationInsightsName": _case(
        OWN, (INSIGHTS, "name", "own-insights"), (WORKSPACE, "properties.applicationInsights", NAMED + INSIGHTS)
    ),
    "applicationInsightsResourceGroupName": _case(
        EXISTING, (WORKSPACE, "properties.applicationInsights", ELSEWHERE + INSIGHTS)
    ),
    "containerRegistryNewOrExisting": _case(
        EXISTING,
        (WORKSPACE, "properties.containerRegistry", ELSEWHERE + REGISTRY),
        (ELSEWHERE + REGISTRY, "tags.made", "before"),
    ),
    "containerRegistryName": _case(
        OWN,
        (REGISTRY, "name", "{containerRegistryName}"),
        (WORKSPACE, "properties.containerRegistry", NAMED + REGISTRY),
    ),
    "containerRegistrySku": _case(OWN, (REGISTRY, "sku.name", "Basic")),
    "containerRegistryResourceGroupName": _case(
        EXISTING, (WORKSPACE, "properties.containerRegistry", ELSEWHERE + REGISTRY)
    ),
    "logAnalyticsWorkspaceId": _case(
        EXISTING,
        (FUNCTION_INSIGHTS, "properties.WorkspaceResourceId", "{logAnalyticsWorkspaceId}"),
        (
            WORKSPACE + "/providers/Microsoft.Insights/diagnosticSettings/to-logs",
            "properties.workspaceId",
            "{logAnalyticsWorkspaceId}",
        ),
        (LOGS, "name", None),
    ),
    "logRetentionDays": _case(OWN, (LOGS, "properties.retentionInDays", 61)),
    "computeName": _named(OWN, CLUSTER, "own-cluster"),
    "computeVmSize": _case(OWN, (CLUSTER, "properties.properties.vmSize", "STANDARD_DS2_V2")),
    "computeMinNodes": _case(OWN, (CLUSTER, "properties.properties.scaleSettings.minNodeCount", 1)),
    "computeMaxNodes": _case(OWN, (CLUSTER, "properties.properties.scaleSettings.maxNodeCount", 7)),
    "repo_name": _case(
        OWN,
        (
            SETTINGS,
            "ROUTING",
            '{{"allowed_repositories":["own/repository"],"default_repository":"own/repository",'
            '"rules":[{{"repository":"own/other"}}]}}',
        ),
    ),
    "patToken": _case(
        OWN,
        (ENVIRONMENT, "GITHUB_TOKEN", "github_pat_own_token"),
        (VAULT + "/secrets/github-token", "properties.contentType", "text/plain"),
    ),
    "gitHubAppId": _case(APP, (SETTINGS, "GITHUB_APP_ID", "4711"), (SETTINGS, "GITHUB_TOKEN", "")),
    "gitHubAppPrivateKey": _case(
        APP,
        (ENVIRONMENT, "GITHUB_APP_PRIVATE_KEY", "the own private key"),
        (VAULT + "/secrets/github-app-private-key", "properties.contentType", "application/x-pem-file"),
    ),
    "gitHubApiUrl": _case(OWN, (SETTINGS, "GITHUB_API_URL", OWN_VALUES["gitHubApiUrl"])),
    "routing": _case(APP, (SETTINGS, "ROUTING", '{{"rules":[{{"repository":"own/routed"}}]}}')),
    "functionAppName": _named(OWN, SITE, "own-function-{unique}"),
    "functionPythonVersion": _case(PRIVATE, (SITE, "properties.functionAppConfig.runtime.version", "3.13")),
    "deployEventSubscriptions": _case(
        OWN,
        (
            SUBSCRIPTION,
            "properties.destination.properties.resourceId",
            NAMED + SITE + "/functions/aml_event_to_github",
        ),
        (
            LAKE_SUBSCRIPTION,
            "properties.destination.properties.resourceId",
            NAMED + SITE + "/functions/aml_event_to_github",
        ),
    ),
    "eventGridTopicPrefix": _case(
        OWN, (TOPIC, "name", "own-topics-workspace"), (LAKE_TOPIC, "name", "own-topics-datalake")
    ),
    "eventGridSubscriptionName": _named(OWN, SUBSCRIPTION, "own-subscription"),
    "workspaceEventTypes": _case(
        OWN, (SUBSCRIPTION, f"{FILTER}.includedEventTypes", OWN_VALUES["workspaceEventTypes"])
    ),
    "dataLakeNewOrExisting": _case(OWN, (LAKE, "properties.isHnsEnabled", True)),
    "DataLakestorageName": _case(
        OWN, (LAKE, "name", "{DataLakestorageName}"), (LAKE_TOPIC, "properties.source", NAMED + LAKE)
    ),
    "dataLakeResourceGroupName": _case(EXISTING, (LAKE_TOPIC, "properties.source", ELSEWHERE + LAKE)),
    "dataLakeLocation": _case(OWN, (LAKE, "location", "uksouth"), (LAKE_TOPIC, "location", "uksouth")),
    "storageEvents": _case(OWN, (LAKE_TOPIC, "properties.topicType", "Microsoft.Storage.StorageAccounts")),
    "storageEventSubName": _named(OWN, LAKE_SUBSCRIPTION, "ownStorageEvents"),
    "storageEventsBeginWith": _case(
        OWN, (LAKE_SUBSCRIPTION, f"{FILTER}.subjectBeginsWith", OWN_VALUES["storageEventsBeginWith"])
    ),
    "deadLetterContainerName": _case(
        OWN,
        (FUNCTION_STORAGE + "/blobServices/default/containers/{deadLetterContainerName}", "name", "own-dead-letters"),
        (SUBSCRIPTION, DEAD_LETTERS, "own-dead-letters"),
        (LAKE_SUBSCRIPTION, DEAD_LETTERS, "own-dead-letters"),
    ),
    "privateNetwork": _case(
        PRIVATE,
        *((each, "properties.publicNetworkAccess", "Disabled") for each in SHUT),
        (WORKSPACE, "properties.managedNetwork.isolationMode", "AllowInternetOutbound"),
        (REGISTRY, "sku.name", "Premium"),
    ),
    "vnetNewOrExisting": _case(JOINED, (ENDPOINT, "properties.subnet.id", ELSEWHERE + NETWORK + "/subnets/snet-pe")),
    "vnetName": _named(PRIVATE, NETWORK, "own-network"),
    "vnetResourceGroupName": _case(
        JOINED, (SITE, "properties.virtualNetworkSubnetId", ELSEWHERE + NETWORK + "/subnets/snet-func")
    ),
    "vnetAddressPrefix": _case(PRIVATE, (NETWORK, "properties.addressSpace.addressPrefixes", ["10.77.0.0/16"])),
    "privateEndpointSubnetName": _case(
        PRIVATE,
        (NETWORK, "properties.subnets.0.name", "own-endpoints"),
        (ENDPOINT, "properties.subnet.id", NAMED + NETWORK + "/subnets/own-endpoints"),
    ),
    "privateEndpointSubnetPrefix": _case(
        PRIVATE, (NETWORK, "properties.subnets.0.properties.addressPrefix", "10.77.5.0/24")
    ),
    "functionSubnetName": _case(
        PRIVATE,
        (NETWORK, "properties.subnets.1.name", "own-function"),
        (SITE, "properties.virtualNetworkSubnetId", NAMED + NETWORK + "/subnets/own-function"),
    ),
    "functionSubnetPrefix": _case(PRIVATE, (NETWORK, "properties.subnets.1.properties.addressPrefix", "10.77.6.0/24")),
    "privateDnsZoneResourceGroupId": _case(
        JOINED,
        (
            ENDPOINT + "/privateDnsZoneGroups/default",
            "properties.privateDnsZoneConfigs.0.properties.privateDnsZoneId",
            "{privateDnsZoneResourceGroupId}/providers/" + ZONE,
        ),
    ),
    "tags": _case(OWN, *((each, "tags.own", "tag") for each in TAGGED)),
    "ownerName": _case(OWN, *((each, "tags.Owner", "own@example.com") for each in TAGGED)),
    "ExpireOn": _case(OWN, *((each, "tags.ExpireOn", "2031-12-24") for each in TAGGED)),
}
