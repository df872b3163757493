"""Requests as templates send them: shapes that were checked against Microsoft's type definitions (see docs/infrastructure.md)."""

from __future__ import annotations

from typing import Any

STORAGE = {
    "location": "westeurope",
    "kind": "StorageV2",
    "sku": {"name": "Standard_LRS"},
    "properties": {
        "accessTier": "Hot",
        "minimumTlsVersion": "TLS1_2",
        "supportsHttpsTrafficOnly": True,
        "allowBlobPublicAccess": False,
        "allowSharedKeyAccess": False,
        "defaultToOAuthAuthentication": True,
        "allowCrossTenantReplication": False,
        "isHnsEnabled": False,
        "publicNetworkAccess": "Enabled",
        "networkAcls": {"defaultAction": "Allow", "bypass": "AzureServices"},
    },
}
BLOB_SERVICE = {
    "properties": {
        "deleteRetentionPolicy": {"enabled": True, "days": 7},
        "containerDeleteRetentionPolicy": {"enabled": True, "days": 7},
    }
}
CONTAINER = {"properties": {"publicAccess": "None"}}
VAULT = {
    "location": "westeurope",
    "properties": {
        "tenantId": "00000000-0000-0000-0000-000000000000",
        "sku": {"family": "A", "name": "standard"},
        "enableRbacAuthorization": True,
        "enableSoftDelete": True,
        "softDeleteRetentionInDays": 90,
        "enablePurgeProtection": True,
        "publicNetworkAccess": "Enabled",
        "networkAcls": {"bypass": "AzureServices", "defaultAction": "Allow"},
    },
}
SECRET = {"properties": {"value": "x", "contentType": "application/x-pem-file", "attributes": {"enabled": True}}}
REGISTRY = {
    "location": "westeurope",
    "sku": {"name": "Basic"},
    "properties": {"adminUserEnabled": False, "publicNetworkAccess": "Enabled"},
}
LOGS = {"location": "westeurope", "properties": {"sku": {"name": "PerGB2018"}, "retentionInDays": 30}}
PLAN = {
    "location": "westeurope",
    "kind": "functionapp",
    "sku": {"tier": "FlexConsumption", "name": "FC1"},
    "properties": {"reserved": True, "zoneRedundant": False},
}
POLICY = {"kind": "string", "properties": {"allow": False}}
IDENTITY = {"location": "westeurope"}
FEDERATED = {
    "properties": {
        "issuer": "https://token.actions.githubusercontent.com",
        "subject": "repo:OWNER/REPO:environment:prod",
        "audiences": ["api://AzureADTokenExchange"],
    }
}
NETWORK = {
    "location": "westeurope",
    "properties": {
        "addressSpace": {"addressPrefixes": ["10.10.0.0/16"]},
        "subnets": [
            {
                "name": "snet-pe",
                "properties": {"addressPrefix": "10.10.1.0/24", "privateEndpointNetworkPolicies": "Disabled"},
            },
            {
                "name": "snet-func",
                "properties": {
                    "addressPrefix": "10.10.2.0/24",
                    "delegations": [{"name": "flex", "properties": {"serviceName": "Microsoft.App/environments"}}],
                },
            },
        ],
    },
}
ZONE = {"location": "global"}


def insights(workspace: str) -> dict[str, Any]:
    """Application Insights on a Log Analytics workspace."""
    return {
        "location": "westeurope",
        "kind": "web",
        "properties": {
            "Application_Type": "web",
            "WorkspaceResourceId": workspace,
            "IngestionMode": "LogAnalytics",
            "DisableLocalAuth": False,
        },
    }


def diagnostics(workspace: str) -> dict[str, Any]:
    """Everything that a resource says, to a Log Analytics workspace."""
    return {
        "properties": {
            "workspaceId": workspace,
            "logs": [{"categoryGroup": "allLogs", "enabled": True}],
            "metrics": [{"category": "AllMetrics", "enabled": True}],
        }
    }


def workspace(home: str, account: str, vault: str, component: str, registry: str) -> dict[str, Any]:
    """A Machine Learning workspace on resources of its group."""
    return {
        "location": "westeurope",
        "kind": "Default",
        "identity": {"type": "SystemAssigned"},
        "sku": {"name": "Basic", "tier": "Basic"},
        "properties": {
            "friendlyName": "x",
            "storageAccount": f"{home}/providers/Microsoft.Storage/storageAccounts/{account}",
            "keyVault": f"{home}/providers/Microsoft.KeyVault/vaults/{vault}",
            "applicationInsights": f"{home}/providers/Microsoft.Insights/components/{component}",
            "containerRegistry": f"{home}/providers/Microsoft.ContainerRegistry/registries/{registry}",
            "publicNetworkAccess": "Enabled",
            "systemDatastoresAuthMode": "Identity",
            "hbiWorkspace": False,
            "v1LegacyMode": False,
            "managedNetwork": {"isolationMode": "AllowInternetOutbound"},
            "provisionNetworkNow": False,
        },
    }


CLUSTER = {
    "location": "westeurope",
    "identity": {"type": "SystemAssigned"},
    "properties": {
        "computeType": "AmlCompute",
        "computeLocation": "westeurope",
        "disableLocalAuth": True,
        "properties": {
            "osType": "Linux",
            "vmSize": "STANDARD_DS3_V2",
            "vmPriority": "Dedicated",
            "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 2, "nodeIdleTimeBeforeScaleDown": "PT120S"},
            "remoteLoginPortPublicAccess": "NotSpecified",
            "enableNodePublicIp": True,
        },
    },
}


def site(plan: str, identity: str, container: str, settings: dict[str, str]) -> dict[str, Any]:
    """A function app on Flex Consumption with a user-assigned identity."""
    return {
        "location": "westeurope",
        "kind": "functionapp,linux",
        "identity": {"type": "SystemAssigned, UserAssigned", "userAssignedIdentities": {identity: {}}},
        "properties": {
            "serverFarmId": plan,
            "httpsOnly": True,
            "publicNetworkAccess": "Enabled",
            "keyVaultReferenceIdentity": identity,
            "functionAppConfig": {
                "deployment": {
                    "storage": {
                        "type": "blobContainer",
                        "value": container,
                        "authentication": {
                            "type": "UserAssignedIdentity",
                            "userAssignedIdentityResourceId": identity,
                        },
                    }
                },
                "scaleAndConcurrency": {
                    "maximumInstanceCount": 40,
                    "instanceMemoryMB": 2048,
                    "alwaysReady": [],
                    "triggers": {"http": {"perInstanceConcurrency": 16}},
                },
                "runtime": {"name": "python", "version": "3.12"},
            },
            "siteConfig": {
                "minTlsVersion": "1.2",
                "ftpsState": "Disabled",
                "appSettings": [{"name": name, "value": value} for name, value in settings.items()],
            },
        },
    }


def endpoint(subnet: str, target: str, group: str) -> dict[str, Any]:
    """A private endpoint in a subnet."""
    connection = {"name": "pe", "properties": {"privateLinkServiceId": target, "groupIds": [group]}}
    return {
        "location": "westeurope",
        "properties": {"subnet": {"id": subnet}, "privateLinkServiceConnections": [connection]},
    }


def role(role_id: str, principal: str) -> dict[str, Any]:
    """A role for a managed identity; the id's prefix may name any scope."""
    return {
        "properties": {
            "roleDefinitionId": f"/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/{role_id}",
            "principalId": principal,
            "principalType": "ServicePrincipal",
            "description": "host storage",
        }
    }
