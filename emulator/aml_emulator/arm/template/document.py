"""A template as it is handed in: what it must have, and the scope that its expressions see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aml_emulator.arm.metadata import cloud
from aml_emulator.arm.template import parameters
from aml_emulator.arm.template.parameters import SecretReader
from aml_emulator.arm.template.scope import Document, Scope, Surroundings, Target, functions_of, variables_of
from aml_emulator.arm.template.values import Value, find_key
from aml_emulator.http import Principal, ServiceError, not_emulated
from aml_emulator.providers.key_vault import DNS_SUFFIX as KEY_VAULT_SUFFIX

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

Body = dict[str, Any]

_MEMBERS = {
    "$schema",
    "contentversion",
    "languageversion",
    "apiprofile",
    "metadata",
    "definitions",
    "parameters",
    "variables",
    "functions",
    "resources",
    "outputs",
    "imports",
    "extensions",
    "asserts",
}
_REQUIRED = ("$schema", "contentVersion", "resources")
_REFUSED = ("imports", "extensions", "asserts")


def check_shape(template: Any, where: str = "properties.template") -> Body:  # noqa: ANN401 - any JSON
    """A template with the members that every template has, and no other.

    Raises:
        ServiceError: 400 InvalidRequestContent.

    """
    if not isinstance(template, dict):
        raise _content("The request content must have a template, which is an object", where)
    for name in _REQUIRED:
        if find_key(template, name) is None:
            raise _content(f"Required property '{name}' not found in JSON", where)
    for key in template:
        if key.lower() not in _MEMBERS:
            raise _content(f"Could not find member '{key}' on object of type 'Template'", f"{where}.{key}")
        if key.lower() in _REFUSED:
            raise not_emulated(f"{key} of a template")
    return template


def _content(reason: str, where: str) -> ServiceError:
    message = f"The request content was invalid and could not be deserialized: '{reason}. Path '{where}'.'."
    return ServiceError(400, "InvalidRequestContent", message)


def scope_of(
    template: Mapping[str, Any],
    given: Any,  # noqa: ANN401 - any JSON
    target: Target,
    surroundings: Surroundings,
    read_secret: SecretReader,
) -> Scope:
    """The scope of a template with the values of its parameters.

    Raises:
        TemplateError: a declaration, or a value, is not allowed.

    """
    declared = parameters.declarations(template)
    values = parameters.values_of(declared, given, read_secret)
    document = Document(declared, values, variables_of(template), functions_of(template))
    scope = Scope(target, surroundings, document)
    parameters.check_all(scope)
    return scope


def secret_values(scope: Scope) -> list[Value]:
    """The values of the secret parameters."""
    declared = scope.document.declared
    return [scope.parameter(name) for name, item in declared.items() if parameters.is_secure(item)]


def surroundings_of(emulator: Emulator, target: Target, deployment: Body, principal: Principal | None) -> Surroundings:
    """What the functions of the scope give for a deployment.

    Raises:
        ServiceError: 404 for a resource group that is not there.

    """
    identity = emulator.tokens.identity
    subscription = {
        "id": f"/subscriptions/{target.subscription}",
        "subscriptionId": target.subscription,
        "tenantId": identity.tenant_id,
        "displayName": "aml-emulator (local)",
    }
    group = None
    if target.group is not None:
        found = emulator.resources.get(target.id)
        if found is None:
            raise ServiceError(404, "ResourceGroupNotFound", f"Resource group '{target.group}' could not be found.")
        shown = ("id", "name", "type", "location", "managedBy", "tags", "properties")
        group = {key: found.body[key] for key in shown if found.body.get(key) is not None}
    tenant = {
        "id": f"/tenants/{identity.tenant_id}",
        "tenantId": identity.tenant_id,
        "countryCode": "",
        "displayName": "aml-emulator",
    }
    deployer = {"objectId": principal.object_id if principal else "", "tenantId": identity.tenant_id}
    return Surroundings(subscription, group, deployment, environment_of(emulator), tenant, deployer)


def environment_of(emulator: Emulator) -> Body:
    """The cloud as `environment()` gives it: this emulator's endpoints, with the suffixes that templates make names of."""
    found: Body = cloud(emulator)
    url = emulator.base_url
    return {
        "name": found["name"],
        "gallery": f"{url}/",
        "graph": f"{url}/",
        "portal": found["portal"],
        "graphAudience": f"{url}/",
        "activeDirectoryDataLake": f"{url}/",
        "batch": f"{url}/",
        "media": f"{url}/",
        "sqlManagement": f"{url}/",
        "vmImageAliasDoc": f"{url}/",
        "resourceManager": found["resourceManager"],
        "authentication": found["authentication"],
        "suffixes": {
            "acrLoginServer": ".azurecr.local",
            "keyvaultDns": f".{KEY_VAULT_SUFFIX}",
            "sqlServerHostname": ".database.azure.local",
            # Without the user-info part that brings clients to the blob port: templates make names of DNS zones of it.
            "storage": found["suffixes"]["storage"].partition("@")[0],
        },
    }
