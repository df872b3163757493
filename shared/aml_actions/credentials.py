"""Who a step signs in as: the service principal in the input ``azure_credentials``, or a service connection of Azure Pipelines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aml_actions.errors import ActionError, InvalidSettings

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from aml_actions.cloud import Cloud

_REQUIRED = {
    "clientId": "client_id",
    "clientSecret": "client_secret",
    "tenantId": "tenant_id",
    "subscriptionId": "subscription_id",
}
_ENDPOINTS = {
    "resourceManagerEndpointUrl": "resource_manager_endpoint",
    "activeDirectoryEndpointUrl": "active_directory_endpoint",
}
_EXPECTED = "a JSON object with the keys " + ", ".join(_REQUIRED)
_CREATE = "az ad sp create-for-rbac --name <name> --role contributor --scopes /subscriptions/<id>/resourceGroups/<name> --json-auth"
_ANCHOR = "docs/troubleshooting.md#azure_credentials"


@dataclass(frozen=True)
class Credentials:
    """A service principal and where it signs in.

    Attributes:
        client_id: application id.
        client_secret: its secret; empty with a service connection.
        tenant_id: directory (tenant) id.
        subscription_id: subscription in which a workspace is looked for.
        resource_manager_endpoint: address of Azure Resource Manager; empty means the public cloud.
        active_directory_endpoint: address of Microsoft Entra; empty means the one of the cloud.
        service_connection_id: of Azure Pipelines, which vouches for the step in place of a secret.
        system_access_token: of the pipeline's job, with which the service connection is asked.
    """

    client_id: str
    client_secret: str = field(repr=False)
    tenant_id: str
    subscription_id: str
    resource_manager_endpoint: str = ""
    active_directory_endpoint: str = ""
    service_connection_id: str = ""
    system_access_token: str = field(default="", repr=False)


_CONNECTION = {
    "AZURESUBSCRIPTION_CLIENT_ID": "client_id",
    "AZURESUBSCRIPTION_TENANT_ID": "tenant_id",
    "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": "service_connection_id",
    "AZURE_SUBSCRIPTION_ID": "subscription_id",
    "SYSTEM_ACCESSTOKEN": "system_access_token",
}
"""Variables of a step of Azure Pipelines; the first three are set by the task AzureCLI@2, the others by ``env:`` of the step."""


def from_service_connection(environ: Mapping[str, str]) -> Credentials | None:
    """Return who a step of Azure Pipelines signs in as by its service connection; None where it has none.

    Raises:
        ActionError: some of the variables are there, others are not.
    """
    if not environ.get("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"):
        return None
    missing = [name for name in _CONNECTION if not environ.get(name)]
    if missing:
        raise ActionError(
            f"The service connection cannot be used: {', '.join(missing)} not set.",
            allowed="all of " + ", ".join(_CONNECTION),
            cause="SYSTEM_ACCESSTOKEN reaches a step only when it is mapped",
            fix="add to the step `env: {SYSTEM_ACCESSTOKEN: $(System.AccessToken), AZURE_SUBSCRIPTION_ID: <id>}`",
            anchor="docs/azure-devops.md",
        )
    named = {field_name: environ[name] for name, field_name in _CONNECTION.items()}
    return Credentials(client_secret="", **named)


def parse(text: str) -> Credentials:
    """Read the value of ``azure_credentials``.

    No part of the value is ever quoted in an error: what cannot be read may still be a secret.

    Raises:
        ActionError: empty, not JSON, not an object; InvalidSettings when keys are missing, empty or of a wrong type.
    """
    if not text.strip():
        raise ActionError(
            "The input azure_credentials is empty.",
            allowed=_EXPECTED,
            cause="the secret does not exist under that name, belongs to an environment that the job does not name, or is not passed "
            "to this run (pull requests from forks and Dependabot get no secrets)",
            fix=f"create the secret from the output of `{_CREATE}`",
            anchor=_ANCHOR,
        )
    data = _object(text)
    problems = [problem for key in _REQUIRED if (problem := _problem(data, key, required=True))]
    problems += [problem for key in _ENDPOINTS if (problem := _problem(data, key, required=False))]
    if problems:
        raise InvalidSettings(problems)
    names = {**_REQUIRED, **_ENDPOINTS}
    return Credentials(**{name: data[key].strip() for key, name in names.items() if data.get(key)})


def _object(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise ActionError(
            f"The input azure_credentials is not JSON (line {error.lineno}, column {error.colno}: {error.msg}).",
            value="not shown, it may hold a secret",
            allowed=_EXPECTED,
            cause="the secret holds only the password, lost its braces or quotes, or was pasted with single quotes",
            fix=f"store the whole output of `{_CREATE}`",
            anchor=_ANCHOR,
        ) from None
    if not isinstance(data, dict):
        raise ActionError(
            "The input azure_credentials is JSON, but not an object.",
            value=f"a JSON {_json_type(data)}",
            allowed=_EXPECTED,
            fix=f"store the whole output of `{_CREATE}`",
            anchor=_ANCHOR,
        )
    return data


def _problem(data: dict[str, Any], key: str, *, required: bool) -> ActionError | None:
    value = data.get(key)
    if value is None and not required:
        return None
    if key not in data:
        found = ", ".join(sorted(str(name) for name in data)) or "none"
        return ActionError(
            f"The input azure_credentials lacks the key {key}.",
            value=f"keys that are there: {found}",
            allowed=_EXPECTED,
            cause="the output of `az ad sp create-for-rbac` without --json-auth has other keys (appId, password, tenant)",
            fix=f"create it with `{_CREATE}`",
            anchor=_ANCHOR,
        )
    if not isinstance(value, str) or (required and not value.strip()):
        kind = "an empty string" if isinstance(value, str) else f"a JSON {_json_type(value)}"
        return ActionError(f"In azure_credentials the value of {key} must be a text.", value=kind, anchor=_ANCHOR)
    if key in _ENDPOINTS and value and not value.strip().startswith("https://"):
        return ActionError(
            f"In azure_credentials the value of {key} must be an https address.",
            value=value,
            allowed="https://<host>[:<port>]/, since a token is sent there",
            anchor=_ANCHOR,
        )
    return None


def _json_type(value: object) -> str:
    names = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def token_credential(credentials: Credentials, cloud: Cloud) -> TokenCredential:
    """Return the credential that signs in to Azure; nothing is asked of the network yet.

    The instance discovery of MSAL is switched off for a custom cloud: it would ask login.microsoftonline.com about a host
    that only this cloud knows.
    """
    from azure.identity import AzurePipelinesCredential, ClientSecretCredential

    if credentials.service_connection_id:
        return AzurePipelinesCredential(
            tenant_id=credentials.tenant_id,
            client_id=credentials.client_id,
            service_connection_id=credentials.service_connection_id,
            system_access_token=credentials.system_access_token,
            authority=cloud.active_directory,
            disable_instance_discovery=cloud.custom,
        )
    return ClientSecretCredential(
        tenant_id=credentials.tenant_id,
        client_id=credentials.client_id,
        client_secret=credentials.client_secret,
        authority=cloud.active_directory,
        disable_instance_discovery=cloud.custom,
    )
