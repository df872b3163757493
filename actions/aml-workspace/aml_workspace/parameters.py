"""The parameters file of aml-workspace: the keys of the legacy action."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from aml_actions.spec import Parameters

WORKSPACE_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}")
"""The service's rule (Microsoft.MachineLearningServices, WorkspaceNameParameter)."""
WORKSPACE_NAME_RULE = "3 to 33 letters, digits, - and _, the first one a letter or digit"
_RESOURCE_GROUP = re.compile(r"[-\w.()]{0,89}[-\w()]")
_RESOURCE_GROUP_RULE = "1 to 90 letters, digits and -_.(), not ending with a period"


class WorkspaceParameters(Parameters):
    """Which workspace, and what it is made of when it must be created."""

    name: str | None = Field(
        None,
        description="Name of the workspace: " + WORKSPACE_NAME_RULE + ".",
        examples=["ml-team"],
        json_schema_extra={"x-default": "name of the repository"},
    )
    resource_group: str | None = Field(
        None,
        description="Name of its resource group.",
        examples=["rg-ml-team"],
        json_schema_extra={"x-default": "name of the repository"},
    )
    create_workspace: bool = Field(
        False,
        description="Create the workspace when it does not exist. An existing one is never changed.",
        examples=[True],
    )
    create_resource_group: bool = Field(
        True,
        description="When the workspace is created, create its resource group too if that is missing; this needs `location`.",
        examples=[False],
    )
    location: str | None = Field(
        None,
        description="Azure region of what is created.",
        examples=["westeurope"],
        json_schema_extra={"x-default": "region of the resource group"},
    )
    friendly_name: str | None = Field(None, description="Name shown in the Studio.", examples=["ML team"])
    storage_account: str | None = Field(
        None,
        description="Storage account to use, as resource id or in the short form, which means the workspace's resource group.",
        examples=["Microsoft.Storage/storageAccounts/mlteam"],
        pattern="Microsoft.Storage/storageAccounts/.+",
        json_schema_extra={"x-default": "a new one"},
    )
    key_vault: str | None = Field(
        None,
        description="Key vault to use, as resource id or in the short form.",
        examples=["Microsoft.KeyVault/vaults/mlteam"],
        pattern="Microsoft.KeyVault/vaults/.+",
        json_schema_extra={"x-default": "a new one"},
    )
    app_insights: str | None = Field(
        None,
        description="Application Insights component to use, as resource id or in the short form.",
        examples=["Microsoft.Insights/components/mlteam"],
        pattern="[Mm]icrosoft.[Ii]nsights/components/.+",
        json_schema_extra={"x-default": "a new one"},
    )
    container_registry: str | None = Field(
        None,
        description="Container registry to use, as resource id or in the short form.",
        examples=["Microsoft.ContainerRegistry/registries/mlteam"],
        pattern="Microsoft.ContainerRegistry/registries/.+",
        json_schema_extra={"x-default": "a new one, at the first image build"},
    )
    cmk_key_vault: str | None = Field(
        None,
        description="Key vault with the key that encrypts the workspace's data; together with `resource_cmk_uri`.",
        examples=["Microsoft.KeyVault/vaults/mlteam-keys"],
        pattern="Microsoft.KeyVault/vaults/.+",
    )
    resource_cmk_uri: str | None = Field(
        None,
        description="Address of that key, with its version.",
        examples=["https://mlteam-keys.vault.azure.net/keys/ml/0123456789abcdef0123456789abcdef"],
        pattern="https://.+",
    )
    hbi_workspace: bool = Field(
        False,
        description="The workspace holds data of high business impact: Microsoft collects less diagnostic data. Fixed at creation.",
        examples=[True],
    )
    sku: str | None = Field(None, description="Ignored: since 2020 there is one edition.", examples=["basic"])

    @field_validator("name")
    @classmethod
    def _name(cls, value: str | None) -> str | None:
        name = value.strip() if value else value
        if name is not None and not WORKSPACE_NAME.fullmatch(name):
            raise ValueError(WORKSPACE_NAME_RULE)
        return name

    @field_validator("resource_group")
    @classmethod
    def _resource_group(cls, value: str | None) -> str | None:
        name = value.strip() if value else value
        if name is not None and not _RESOURCE_GROUP.fullmatch(name):
            raise ValueError(_RESOURCE_GROUP_RULE)
        return name
