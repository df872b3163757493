"""The parameters file of aml-workspace: the keys of the legacy action."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, JsonValue, ValidationInfo, field_validator

from aml_actions import resource_ids
from aml_actions.spec import FreeText, Parameters

WORKSPACE_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}")
"""The service's rule (Microsoft.MachineLearningServices, WorkspaceNameParameter)."""
WORKSPACE_NAME_RULE = "3 to 33 letters, digits, - and _, no spaces, the first one a letter or digit"
_RESOURCE_GROUP = re.compile(r"[-\w.()]{0,89}[-\w()]")
_RESOURCE_GROUP_RULE = "1 to 90 letters, digits and -_.(), no spaces, not ending with a period"
_RESOURCE_TYPES = {
    "storage_account": "Microsoft.Storage/storageAccounts",
    "key_vault": "Microsoft.KeyVault/vaults",
    "app_insights": "Microsoft.Insights/components",
    "container_registry": "Microsoft.ContainerRegistry/registries",
    "cmk_key_vault": "Microsoft.KeyVault/vaults",
}


def _schema(key: str, default: str | None = None) -> dict[str, JsonValue]:
    """Return what editors are told of a key with a resource id; the check itself is `resource_ids.checked`."""
    pattern: dict[str, JsonValue] = {"pattern": re.escape(_RESOURCE_TYPES[key]) + "/[^/]+/?$"}
    return pattern if default is None else {**pattern, "x-default": default}


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
    friendly_name: Annotated[str | None, FreeText()] = Field(
        None, description="Name shown in the Studio.", examples=["ML team"], json_schema_extra={"x-default": "`name`"}
    )
    storage_account: str | None = Field(
        None,
        description="Storage account to use, as resource id or in the short form, which means the workspace's resource group.",
        examples=["Microsoft.Storage/storageAccounts/mlteam"],
        json_schema_extra=_schema("storage_account", "a new one"),
    )
    key_vault: str | None = Field(
        None,
        description="Key vault to use, as resource id or in the short form.",
        examples=["Microsoft.KeyVault/vaults/mlteam"],
        json_schema_extra=_schema("key_vault", "a new one"),
    )
    app_insights: str | None = Field(
        None,
        description="Application Insights component to use, as resource id or in the short form.",
        examples=["Microsoft.Insights/components/mlteam"],
        json_schema_extra=_schema("app_insights", "a new one"),
    )
    container_registry: str | None = Field(
        None,
        description="Container registry to use, as resource id or in the short form.",
        examples=["Microsoft.ContainerRegistry/registries/mlteam"],
        json_schema_extra=_schema("container_registry", "a new one, at the first image build"),
    )
    cmk_key_vault: str | None = Field(
        None,
        description="Key vault with the key that encrypts the workspace's data; together with `resource_cmk_uri`.",
        examples=["Microsoft.KeyVault/vaults/mlteam-keys"],
        json_schema_extra=_schema("cmk_key_vault"),
    )
    resource_cmk_uri: str | None = Field(
        None,
        description="Address of that key, with its version.",
        examples=["https://mlteam-keys.vault.azure.net/keys/ml/0123456789abcdef0123456789abcdef"],
        pattern="^https://.+",
    )
    hbi_workspace: bool = Field(
        False,
        description="The workspace holds data of high business impact: Microsoft collects less diagnostic data. Fixed at creation.",
        examples=[True],
    )
    sku: Annotated[str | None, FreeText()] = Field(
        None, description="Ignored: since 2020 there is one edition.", examples=["basic"]
    )

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

    @field_validator("location", "friendly_name")
    @classmethod
    def _empty_is_absent(cls, value: str | None) -> str | None:
        return (value or "").strip() or None

    @field_validator(*_RESOURCE_TYPES)
    @classmethod
    def _resource_id(cls, value: str | None, info: ValidationInfo) -> str | None:
        return None if value is None else resource_ids.checked(value, _RESOURCE_TYPES[str(info.field_name)])
