"""The deployments in which every parameter of the template has a value of one's own (see `parameters_at_work`)."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from emulator.providers import bodies
from infra.template import cloud as clouds
from infra.template import parameters_at_work as table
from infra.template.cloud import Cloud, Deployed

from aml_emulator import ids

Deployments = Callable[[str], Deployed]

ZONES = [
    "privatelink.api.azureml.ms",
    "privatelink.notebooks.azure.net",
    "privatelink.vaultcore.azure.net",
    "privatelink.azurecr.io",
]
BEFORE = {"made": "before"}
TOKEN = "github_pat_existing_token"


def own(cloud: Cloud) -> Deployed:
    tail, vault = uuid.uuid4().hex[:8], f"keys{uuid.uuid4().hex[:8]}"
    names = ("wsStorageAccountName", "keyVaultName", "containerRegistryName", "DataLakestorageName")
    values = table.OWN_VALUES | {name: f"own{name[:2].lower()}{tail}" for name in names}
    keys = f"{cloud.group()}/providers/Microsoft.KeyVault/vaults/{vault}"
    cloud.put(keys, bodies.VAULT)
    return cloud.deploy(**values, cmk_keyvault=keys).subscribed(clouds.PROBE)


def existing(cloud: Cloud) -> Deployed:
    group, tail = cloud.group(), uuid.uuid4().hex[:8]
    names = {
        "wsStorageAccountName": f"exst{tail}",
        "keyVaultName": f"exkv{tail}",
        "applicationInsightsName": "existing-insights",
        "containerRegistryName": f"excr{tail}",
        "DataLakestorageName": f"exlake{tail}",
    }
    home = f"{group}/providers/"
    logs = cloud.put(f"{home}Microsoft.OperationalInsights/workspaces/logs", bodies.LOGS)["id"]
    account = bodies.STORAGE | {"tags": BEFORE}
    cloud.put(home + table.STORAGE.format(**names), account)
    cloud.put(home + table.LAKE.format(**names), account)
    cloud.put(home + table.VAULT.format(**names), bodies.VAULT | {"tags": BEFORE})
    cloud.put(home + table.INSIGHTS.format(**names), bodies.insights(logs) | {"tags": BEFORE})
    cloud.put(home + table.REGISTRY.format(**names), bodies.REGISTRY | {"tags": BEFORE})
    there = {
        name: "existing"
        for name in cloud.template["parameters"]
        if name.endswith("NewOrExisting") and name != "vnetNewOrExisting"
    }
    groups = {name: ids.name_of(group) for name in cloud.template["parameters"] if name.endswith("ResourceGroupName")}
    groups.pop("vnetResourceGroupName")
    values = {**names, **there, **groups, "logAnalyticsWorkspaceId": logs, "storageEvents": True}
    return cloud.deploy(**values, patToken=TOKEN).publish(clouds.PROBE)


def private(cloud: Cloud) -> Deployed:
    return cloud.deploy(**table.PRIVATE_VALUES)


def joined(cloud: Cloud) -> Deployed:
    group = cloud.group()
    home = f"{group}/providers/Microsoft.Network/"
    cloud.put(f"{home}virtualNetworks/hub", bodies.NETWORK)
    suffix = (
        cloud.ask("GET", "/metadata/endpoints", version="2022-09-01").json()[0]["suffixes"]["storage"].partition("@")[0]
    )
    for zone in (*ZONES, *(f"privatelink.{kind}.{suffix}" for kind in ("blob", "file", "dfs"))):
        cloud.put(f"{home}privateDnsZones/{zone}", bodies.ZONE)
    return cloud.deploy(
        privateNetwork=True,
        vnetNewOrExisting="existing",
        vnetName="hub",
        vnetResourceGroupName=ids.name_of(group),
        privateEndpointSubnetName="snet-pe",
        functionSubnetName="snet-func",
        privateDnsZoneResourceGroupId=group,
    )


def app(cloud: Cloud) -> Deployed:
    routing = {"rules": [{"repository": "own/routed"}]}
    made = cloud.deploy(gitHubAppId="4711", gitHubAppPrivateKey="the own private key", routing=routing)
    return made.publish(clouds.PROBE)


MAKERS: dict[str, Callable[[Cloud], Deployed]] = {
    table.OWN: own,
    table.EXISTING: existing,
    table.PRIVATE: private,
    table.JOINED: joined,
    table.APP: app,
}
