"""Every key of workspace.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from contract.azure import put
from contract.table import Gives, Leaves, Row, Says, Scenario, Wire
from support.azure_resources import smallest_body
from support.training import TrainingRepository

GROUP = "/resourceGroups/rg-contract"
EXISTING = {
    "Microsoft.Storage/storageAccounts": "contractstore",
    "Microsoft.KeyVault/vaults": "contractvault",
    "Microsoft.Insights/components": "contract.insights",
    "Microsoft.ContainerRegistry/registries": "contractregistry",
}


def _existing_resources(repository: TrainingRepository) -> Mapping[str, str]:
    put(repository.emulator, GROUP.replace("resourceGroups", "resourcegroups"), {"location": "northeurope"})
    for kind, name in EXISTING.items():
        put(repository.emulator, f"{GROUP}/providers/{kind}/{name}", smallest_body(kind, "northeurope"))
    subscription = repository.emulator.identity["subscriptionId"]
    return {"group": f"/subscriptions/{subscription}{GROUP}", "subscription": subscription}


FROM_PARTS = Scenario(
    "workspace from existing parts",
    "aml-workspace",
    {
        "name": "ws-contract",
        "resource_group": "rg-contract",
        "create_workspace": True,
        "friendly_name": "Contract",
        "location": "francecentral",
        "storage_account": f"Microsoft.Storage/storageAccounts/{EXISTING['Microsoft.Storage/storageAccounts']}",
        "key_vault": f"Microsoft.KeyVault/vaults/{EXISTING['Microsoft.KeyVault/vaults']}",
        "app_insights": f"Microsoft.Insights/components/{EXISTING['Microsoft.Insights/components']}",
        "container_registry": "Microsoft.ContainerRegistry/registries/contractregistry",
        "cmk_key_vault": "Microsoft.KeyVault/vaults/contractvault",
        "resource_cmk_uri": "https://contractvault.vault.azure.net/keys/k/1",
        "hbi_workspace": True,
        "sku": "basic",
    },
    prepare=_existing_resources,
)
NEW_GROUP = Scenario(
    "workspace in a new resource group",
    "aml-workspace",
    {"name": "ws-new", "resource_group": "rg-new-group", "create_workspace": True, "location": "westeurope"},
)
NO_GROUP = Scenario(
    "workspace whose resource group may not be made",
    "aml-workspace",
    {
        "name": "ws-none",
        "resource_group": "rg-none",
        "create_workspace": True,
        "create_resource_group": False,
        "location": "westeurope",
    },
    code=1,
)
MISSING = Scenario(
    "workspace that may not be made",
    "aml-workspace",
    {"name": "ws-missing", "resource_group": "rg-missing", "create_workspace": False},
    code=1,
)
DEPLOYMENT = "/resourcegroups/rg-contract/providers/Microsoft.Resources/deployments/[^/]+"


def _parameter(name: str, value: Any) -> Wire:
    return Wire("PUT", DEPLOYMENT, f"properties/parameters/{name}/value", value)


def _hands_over(repository: TrainingRepository, seen: Any) -> bool:
    content = json.loads((repository.root / ".azureml" / "aml_arm_config.json").read_text())
    return content["workspace_name"] == "ws-contract" and content["Scope"].endswith("/workspaces/ws-contract")


ROWS = (
    Row("name", FROM_PARTS, _parameter("workspaceName", "ws-contract")),
    Row("name", FROM_PARTS, Leaves("the hand-off file", _hands_over)),
    Row("resource_group", FROM_PARTS, _parameter("resourceGroupName", "rg-contract")),
    Row("resource_group", NEW_GROUP, Gives("resource_group", "rg-new-group")),
    Row("create_workspace", FROM_PARTS, Wire("PUT", DEPLOYMENT)),
    Row("create_workspace", MISSING, Says("error", "set create_workspace to true")),
    Row("create_resource_group", NEW_GROUP, Wire("PUT", "/resourcegroups/rg-new-group", "location", "westeurope")),
    Row("create_resource_group", NO_GROUP, Says("error", "The resource group rg-none does not exist")),
    Row("friendly_name", FROM_PARTS, _parameter("friendlyName", "Contract")),
    Row("location", FROM_PARTS, _parameter("location", "francecentral")),
    Row("storage_account", FROM_PARTS, _parameter("storageAccountName", "contractstore")),
    Row("storage_account", FROM_PARTS, _parameter("storageAccountOption", "existing")),
    Row("key_vault", FROM_PARTS, _parameter("keyVaultName", "contractvault")),
    Row("key_vault", FROM_PARTS, _parameter("keyVaultOption", "existing")),
    Row("app_insights", FROM_PARTS, _parameter("applicationInsightsName", "contract.insights")),
    Row("container_registry", FROM_PARTS, _parameter("containerRegistryName", "contractregistry")),
    Row(
        "cmk_key_vault",
        FROM_PARTS,
        _parameter("cmk_keyvault", "{group}/providers/Microsoft.KeyVault/vaults/contractvault"),
    ),
    Row(
        "resource_cmk_uri", FROM_PARTS, _parameter("resource_cmk_uri", "https://contractvault.vault.azure.net/keys/k/1")
    ),
    Row("hbi_workspace", FROM_PARTS, _parameter("confidential_data", "true")),
    Row("sku", FROM_PARTS, Says("warning", "The parameter sku (basic) is ignored")),
)
