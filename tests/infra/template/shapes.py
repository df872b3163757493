"""The kinds of resources that the template may make: one API version each, and every property that this version knows.

Versions and properties are those that were checked against Microsoft's type definitions. A tree says what may stand where:
a type, a tuple of allowed words, `{...}` of properties (`!` marks one that must be there), `[item]`, or `FREE`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from infra.template.walk import is_expression

FREE = object()
"""Any value."""

_NETWORK_ACCESS = ("Enabled", "Disabled")
_SYSTEM = {"type!": ("SystemAssigned",)}
_DAYS = {"enabled": bool, "days": int}
_FUNCTION_DESTINATION = {
    "endpointType!": ("AzureFunction",),
    "properties": {"resourceId": str, "maxEventsPerBatch": int, "preferredBatchSizeInKilobytes": int},
}


@dataclass(frozen=True)
class Kind:
    """A kind of resource: its API version, its properties, and what else stands beside them."""

    version: str
    properties: Any
    beside: dict[str, Any]
    tagged: bool = True


def _tracked(version: str, properties: Any, **beside: Any) -> Kind:
    return Kind(version, properties, {"location!": str, "tags!": FREE, **beside})


def _child(version: str, properties: Any) -> Kind:
    return Kind(version, properties, {}, tagged=False)


KINDS: dict[str, Kind] = {
    "Microsoft.OperationalInsights/workspaces": _tracked(
        "2025-07-01", {"sku!": {"name!": ("PerGB2018",)}, "retentionInDays": int}
    ),
    "Microsoft.Insights/components": _tracked(
        "2020-02-02",
        {
            "Application_Type!": ("web",),
            "WorkspaceResourceId!": str,
            "IngestionMode": ("LogAnalytics",),
            "DisableLocalAuth": bool,
        },
        **{"kind!": ("web",)},
    ),
    "Microsoft.Insights/diagnosticSettings": _child(
        "2021-05-01-preview",
        {
            "workspaceId!": str,
            "logs": [{"categoryGroup": str, "category": str, "enabled!": bool}],
            "metrics": [{"category": str, "enabled!": bool}],
        },
    ),
    "Microsoft.Storage/storageAccounts": _tracked(
        "2025-06-01",
        {
            "accessTier": ("Hot",),
            "minimumTlsVersion!": ("TLS1_2",),
            "supportsHttpsTrafficOnly!": bool,
            "allowBlobPublicAccess!": bool,
            "allowSharedKeyAccess!": bool,
            "defaultToOAuthAuthentication": bool,
            "allowCrossTenantReplication": bool,
            "isHnsEnabled": bool,
            "publicNetworkAccess!": _NETWORK_ACCESS,
            "networkAcls!": {"bypass": str, "defaultAction!": ("Allow", "Deny")},
        },
        **{"kind!": ("StorageV2",), "sku!": {"name!": str}},
    ),
    "Microsoft.Storage/storageAccounts/blobServices": _child(
        "2025-06-01", {"deleteRetentionPolicy": _DAYS, "containerDeleteRetentionPolicy": _DAYS}
    ),
    "Microsoft.Storage/storageAccounts/blobServices/containers": _child("2025-06-01", {"publicAccess!": ("None",)}),
    "Microsoft.Storage/storageAccounts/managementPolicies": _child(
        "2025-06-01",
        {
            "policy!": {
                "rules!": [
                    {
                        "name!": str,
                        "enabled": bool,
                        "type!": ("Lifecycle",),
                        "definition!": {
                            "filters": {"blobTypes!": [("blockBlob",)], "prefixMatch": [str]},
                            "actions!": {"baseBlob": {"delete": {"daysAfterModificationGreaterThan": int}}},
                        },
                    }
                ]
            }
        },
    ),
    "Microsoft.KeyVault/vaults": _tracked(
        "2025-05-01",
        {
            "tenantId!": str,
            "sku!": {"family!": ("A",), "name!": ("standard",)},
            "enableRbacAuthorization!": bool,
            "enableSoftDelete": bool,
            "softDeleteRetentionInDays": int,
            "enablePurgeProtection": bool,
            "publicNetworkAccess!": _NETWORK_ACCESS,
            "networkAcls!": {"bypass": str, "defaultAction!": ("Allow", "Deny")},
        },
    ),
    "Microsoft.KeyVault/vaults/secrets": _child(
        "2025-05-01", {"value!": str, "contentType": str, "attributes": {"enabled": bool}}
    ),
    "Microsoft.ContainerRegistry/registries": _tracked(
        "2025-11-01",
        {
            "adminUserEnabled!": bool,
            "anonymousPullEnabled": bool,
            "networkRuleBypassOptions": ("AzureServices",),
            "publicNetworkAccess!": _NETWORK_ACCESS,
        },
        **{"sku!": {"name!": str}},
    ),
    "Microsoft.MachineLearningServices/workspaces": _tracked(
        "2025-12-01",
        {
            "friendlyName": str,
            "storageAccount!": str,
            "keyVault!": str,
            "applicationInsights!": str,
            "containerRegistry!": str,
            "systemDatastoresAuthMode": ("AccessKey", "Identity"),
            "hbiWorkspace": bool,
            "v1LegacyMode": bool,
            "encryption": FREE,
            "publicNetworkAccess!": _NETWORK_ACCESS,
            "managedNetwork": {"isolationMode": ("Disabled", "AllowInternetOutbound", "AllowOnlyApprovedOutbound")},
            "imageBuildCompute": str,
        },
        **{"kind!": ("Default",), "identity!": _SYSTEM, "sku!": {"name!": str, "tier!": str}},
    ),
    "Microsoft.MachineLearningServices/workspaces/computes": _tracked(
        "2025-12-01",
        {
            "computeType!": ("AmlCompute",),
            "computeLocation": str,
            "disableLocalAuth!": bool,
            "properties!": {
                "osType": ("Linux",),
                "vmSize!": str,
                "vmPriority": ("Dedicated",),
                "scaleSettings!": {
                    "minNodeCount": int,
                    "maxNodeCount!": int,
                    "nodeIdleTimeBeforeScaleDown": str,
                },
                "remoteLoginPortPublicAccess!": ("Disabled",),
                "enableNodePublicIp": bool,
            },
        },
        **{"identity!": _SYSTEM},
    ),
    "Microsoft.ManagedIdentity/userAssignedIdentities": _tracked("2024-11-30", None),
    "Microsoft.Authorization/roleAssignments": _child(
        "2022-04-01",
        {"roleDefinitionId!": str, "principalId!": str, "principalType!": ("ServicePrincipal",), "description": str},
    ),
    "Microsoft.Web/serverfarms": _tracked(
        "2024-11-01",
        {"reserved!": bool, "zoneRedundant": bool},
        **{"kind!": ("functionapp",), "sku!": {"tier!": ("FlexConsumption",), "name!": ("FC1",)}},
    ),
    "Microsoft.Web/sites": _tracked(
        "2024-11-01",
        {
            "serverFarmId!": str,
            "httpsOnly!": bool,
            "publicNetworkAccess!": _NETWORK_ACCESS,
            "virtualNetworkSubnetId": str,
            "keyVaultReferenceIdentity!": str,
            "functionAppConfig!": {
                "deployment!": {
                    "storage!": {
                        "type!": ("blobContainer",),
                        "value!": str,
                        "authentication!": {
                            "type!": ("UserAssignedIdentity",),
                            "userAssignedIdentityResourceId!": str,
                        },
                    }
                },
                "scaleAndConcurrency!": {"maximumInstanceCount": int, "instanceMemoryMB": int},
                "runtime!": {"name!": ("python",), "version!": str},
            },
            "siteConfig!": {
                "minTlsVersion!": ("1.2",),
                "scmMinTlsVersion": ("1.2",),
                "ftpsState": ("Disabled",),
                "http20Enabled": bool,
                "ipSecurityRestrictions": FREE,
                "ipSecurityRestrictionsDefaultAction": ("Allow", "Deny"),
                "appSettings!": [{"name!": str, "value!": str}],
            },
        },
        **{
            "kind!": ("functionapp,linux",),
            "identity!": {"type!": ("UserAssigned",), "userAssignedIdentities!": FREE},
        },
    ),
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": _child("2024-11-01", {"allow!": bool}),
    "Microsoft.EventGrid/systemTopics": _tracked(
        "2025-02-15",
        {
            "source!": str,
            "topicType!": ("Microsoft.MachineLearningServices.Workspaces", "Microsoft.Storage.StorageAccounts"),
        },
        **{"identity!": _SYSTEM},
    ),
    "Microsoft.EventGrid/systemTopics/eventSubscriptions": _child(
        "2025-02-15",
        {
            "destination!": _FUNCTION_DESTINATION,
            "eventDeliverySchema!": ("EventGridSchema",),
            "filter!": {
                "includedEventTypes!": [str],
                "subjectBeginsWith": str,
                "isSubjectCaseSensitive": bool,
                "enableAdvancedFilteringOnArrays": bool,
                "advancedFilters": [{"operatorType!": ("StringNotIn",), "key!": str, "values": [str]}],
            },
            "retryPolicy!": {"maxDeliveryAttempts": int, "eventTimeToLiveInMinutes": int},
            "deadLetterWithResourceIdentity!": {
                "identity!": _SYSTEM,
                "deadLetterDestination!": {
                    "endpointType!": ("StorageBlob",),
                    "properties!": {"resourceId!": str, "blobContainerName!": str},
                },
            },
        },
    ),
    "Microsoft.Network/virtualNetworks": _tracked(
        "2025-05-01",
        {
            "addressSpace!": {"addressPrefixes!": [str]},
            "subnets!": [
                {
                    "name!": str,
                    "properties!": {
                        "addressPrefix!": str,
                        "privateEndpointNetworkPolicies": _NETWORK_ACCESS,
                        "delegations": [
                            {"name!": str, "properties!": {"serviceName!": ("Microsoft.App/environments",)}}
                        ],
                    },
                }
            ],
        },
    ),
    "Microsoft.Network/privateDnsZones": _tracked("2024-06-01", None),
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": _tracked(
        "2024-06-01", {"registrationEnabled!": bool, "virtualNetwork!": {"id!": str}}
    ),
    "Microsoft.Network/privateEndpoints": _tracked(
        "2025-05-01",
        {
            "subnet!": {"id!": str},
            "privateLinkServiceConnections!": [
                {"name!": str, "properties!": {"privateLinkServiceId!": str, "groupIds!": [str]}}
            ],
        },
    ),
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": _child(
        "2025-05-01", {"privateDnsZoneConfigs!": [{"name!": str, "properties!": {"privateDnsZoneId!": str}}]}
    ),
    "Microsoft.Resources/deployments": Kind(
        "2025-04-01",
        {
            "mode!": ("Incremental",),
            "expressionEvaluationOptions!": {"scope!": ("inner",)},
            "parameters!": FREE,
            "template!": FREE,
        },
        {"resourceGroup!": str},
        tagged=False,
    ),
}

LANGUAGE = {"type", "apiVersion", "name", "condition", "dependsOn", "copy", "scope", "properties"}
"""Keys of a resource that belong to the template language."""


def problems(value: object, tree: Any, where: str = "") -> list[str]:
    """Everything in a value that its tree does not allow, with where it stands. What is an expression is not judged."""
    if tree is FREE or is_expression(value):
        return []
    if isinstance(tree, dict):
        return _object_problems(value, tree, where)
    if isinstance(tree, list):
        if not isinstance(value, list):
            return [f"{where} is no list"]
        return [one for at, item in enumerate(value) for one in problems(item, tree[0], f"{where}[{at}]")]
    if isinstance(tree, tuple):
        return [] if value in tree else [f"{where} is {value!r}, not one of {', '.join(tree)}"]
    if tree is None:
        return [f"{where} takes no properties"]
    return [] if type(value) is tree else [f"{where} is {value!r}, not of type {tree.__name__}"]


def _object_problems(value: object, tree: dict[str, Any], where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where} is no object"]
    known = {name.rstrip("!"): each for name, each in tree.items()}
    found = [f"{where}.{name} is missing" for name in tree if name.endswith("!") and name[:-1] not in value]
    for name, item in value.items():
        if name in known:
            found += problems(item, known[name], f"{where}.{name}")
        else:
            found.append(f"{where}.{name} is unknown")
    return found
