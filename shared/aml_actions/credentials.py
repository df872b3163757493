"""Who a step signs in as: the service principal in the input ``azure_credentials``, or a service connection of Azure Pipelines.

The service principal signs in by its secret or, when the JSON holds none, by the id token of the GitHub job.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from aml_actions.errors import ActionError, InvalidSettings
from aml_actions.id_tokens import REQUEST_TOKEN, REQUEST_URL, missing_permission

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from aml_actions.cloud import Cloud

_REQUIRED = {
    "clientId": "client_id",
    "clientSecret": "client_secret",
    "tenantId": "tenant_id",
    "subscriptionId": "subscription_id",
}
_WITHOUT_SECRET = tuple(key for key in _REQUIRED if key != "clientSecret")
_ENDPOINTS = {
    "resourceManagerEndpointUrl": "resource_manager_endpoint",
    "activeDirectoryEndpointUrl": "active_directory_endpoint",
}
_EXPECTED = (
    "a JSON object with the keys " + ", ".join(_REQUIRED) + "; on GitHub, clientSecret may be left out (OpenID Connect)"
)
_CREATE = "az ad sp create-for-rbac --name <name> --role contributor --scopes /subscriptions/<id>/resourceGroups/<name> --json-auth"
_ANCHOR = "docs/troubleshooting.md#azure_credentials"


@dataclass(frozen=True)
class Credentials:
    """A service principal and where it signs in.

    Attributes:
        client_id: application id.
        client_secret: its secret; empty with a service connection, and where GitHub's id token stands in for it.
        tenant_id: directory (tenant) id.
        subscription_id: subscription in which a workspace is looked for.
        resource_manager_endpoint: address of Azure Resource Manager; empty means the public cloud.
        active_directory_endpoint: address of Microsoft Entra; empty means the one of the cloud.
        service_connection_id: of Azure Pipelines, which vouches for the step in place of a secret.
        system_access_token: of the pipeline's job, with which the service connection is asked.
        id_token_url: where the GitHub job's id token is asked for; empty with a secret or a service connection.
        id_token_request_token: with which it is asked for.
    """

    client_id: str
    client_secret: str = field(repr=False)
    tenant_id: str
    subscription_id: str
    resource_manager_endpoint: str = ""
    active_directory_endpoint: str = ""
    service_connection_id: str = ""
    system_access_token: str = field(default="", repr=False)
    id_token_url: str = ""
    id_token_request_token: str = field(default="", repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Everything in it that must not be seen."""
        found = (self.client_secret, self.system_access_token, self.id_token_request_token)
        return tuple(secret for secret in found if secret)


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


def with_id_token(credentials: Credentials, environ: Mapping[str, str]) -> Credentials:
    """Return how the service principal signs in in a GitHub job: by its secret, or without one by the id token of the job.

    Raises:
        ActionError: it has no secret, and the job may not ask for an id token.
    """
    if credentials.client_secret:
        return credentials
    url, token = environ.get(REQUEST_URL, ""), environ.get(REQUEST_TOKEN, "")
    if not url or not token:
        raise missing_permission(credentials.client_id)
    return replace(credentials, id_token_url=url, id_token_request_token=token)


def parse(text: str, *, secret_required: bool = False) -> Credentials:
    """Read the value of ``azure_credentials``. Without clientSecret it is a service principal that signs in by OpenID Connect.

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
    # Without any other key missing, a missing secret is meant so.
    may_lack = () if secret_required or not all(key in data for key in _WITHOUT_SECRET) else ("clientSecret",)
    needed = [key for key in _REQUIRED if key in data or key not in may_lack]
    problems = [problem for key in needed if (problem := _problem(data, key, required=True))]
    problems += [problem for key in _ENDPOINTS if (problem := _problem(data, key, required=False))]
    if problems:
        raise InvalidSettings(problems)
    names = {**_REQUIRED, **_ENDPOINTS}
    given = {name: data[key].strip() for key, name in names.items() if data.get(key)}
    return Credentials(**{"client_secret": "", **given})


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
        fix = "leave the key out to sign in by OpenID Connect" if key == "clientSecret" and value == "" else None
        return ActionError(
            f"In azure_credentials the value of {key} must be a text.", value=kind, fix=fix, anchor=_ANCHOR
        )
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


def token_credential(
    credentials: Credentials, cloud: Cloud, mask: Callable[[str], None] | None = None
) -> TokenCredential:
    """Return the credential that signs in to Azure; nothing is asked of the network yet.

    Args:
        credentials: who signs in.
        cloud: where.
        mask: has every id token hidden; needed when one is used.

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
    if not credentials.client_secret:
        if mask is None:
            raise ValueError("an id token must be masked before it is used")
        from aml_actions.federation import GitHubCredential
        from aml_actions.id_tokens import IdTokens

        tokens = IdTokens(credentials.id_token_url, credentials.id_token_request_token, cloud.exchange_audience, mask)
        return GitHubCredential(tokens, tenant_id=credentials.tenant_id, client_id=credentials.client_id, cloud=cloud)
    return ClientSecretCredential(
        tenant_id=credentials.tenant_id,
        client_id=credentials.client_id,
        client_secret=credentials.client_secret,
        authority=cloud.active_directory,
        disable_instance_discovery=cloud.custom,
    )
