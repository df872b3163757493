"""Entra: the token endpoint and the managed identity endpoint of jobs.

Error texts and statuses follow the Microsoft identity platform (`error`, `error_description` with AADSTS number, `error_codes`,
`trace_id`, `correlation_id`, `error_uri`), so that clients that read them behave as against Azure.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from aml_emulator import client_assertions
from aml_emulator.entra_errors import EntraError
from aml_emulator.federation import Federation
from aml_emulator.http import Call, Reply, Router
from aml_emulator.tokens import CLOCK_SKEW_SECONDS, TOKEN_SECONDS, TokenAuthority

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.federation import Client

ADFS_TENANT = "adfs"
"""MSAL asks no public host about an authority with this tenant, so `DefaultAzureCredential()` works without a network."""


def register(router: Router, emulator: Emulator) -> None:
    """Routes of the token service."""
    tokens, federation = emulator.tokens, Federation(emulator)

    def configuration(call: Call) -> Reply:
        tenant = _known_tenant(tokens, call)
        return Reply(body=_configuration(emulator.base_url, tenant, tokens))

    def keys(call: Call) -> Reply:
        return Reply(body=tokens.keys())

    def token(call: Call) -> Reply:
        _known_tenant(tokens, call)
        return _token(emulator, federation, call)

    def managed_identity(call: Call) -> Reply:
        return _managed_identity(emulator, call)

    for version in ("", "/v2.0"):
        router.add("GET", f"/{{tenant}}{version}/.well-known/openid-configuration", configuration, "none")
        router.add("POST", f"/{{tenant}}/oauth2{version}/token", token, "none")
    router.add("GET", "/{tenant}/discovery/v2.0/keys", keys, "none")
    router.add("GET", "/msi/token", managed_identity, "none")


def _configuration(base_url: str, tenant: str, tokens: TokenAuthority) -> dict[str, Any]:
    root = f"{base_url}/{tenant}"
    return {
        "issuer": tokens.issuer,
        "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
        "token_endpoint": f"{root}/oauth2/v2.0/token",
        "jwks_uri": f"{root}/discovery/v2.0/keys",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "response_types_supported": ["token"],
        "grant_types_supported": ["client_credentials"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "tenant_region_scope": "local",
        "cloud_instance_name": "aml-emulator",
    }


def _known_tenant(tokens: TokenAuthority, call: Call) -> str:
    tenant = call.params["tenant"]
    if tenant.lower() not in (tokens.identity.tenant_id, ADFS_TENANT):
        raise EntraError(
            400,
            "invalid_request",
            90002,
            f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
            "correct cloud. Check with your subscription administrator, this may happen if there are no active "
            "subscriptions for the tenant.",
        )
    return tenant.lower()


def _token(emulator: Emulator, federation: Federation, call: Call) -> Reply:
    tokens = emulator.tokens
    form = {name: values[-1] for name, values in parse_qs(call.body.decode("utf-8", "replace")).items()}
    for required in ("client_id", "grant_type"):
        if not form.get(required):
            raise EntraError(
                400,
                "invalid_request",
                900144,
                f"The request body must contain the following parameter: '{required}'.",
            )
    if form["grant_type"] != "client_credentials":
        raise EntraError(
            400,
            "unsupported_grant_type",
            70003,
            f"The app requested an unsupported grant type '{form['grant_type']}'. "
            "The emulator signs in applications, not users: use 'client_credentials'.",
        )
    client = federation.client(form["client_id"])
    if client is None:
        raise EntraError(
            400,
            "unauthorized_client",
            700016,
            f"Application with identifier '{form['client_id']}' was not found in the directory "
            f"'{tokens.identity.tenant_id}'. This can happen if the application has not been installed by the administrator of "
            "the tenant or consented to by any user in the tenant. You may have sent your authentication request to the "
            "wrong tenant.",
        )
    if form.get("client_assertion") and not form.get("client_secret"):
        client_assertions.verify(emulator, client, form)
    else:
        _check_secret(tokens, client, form)
    audience = _audience(tokens, form.get("scope"), form.get("resource"))
    seconds, told = _life(emulator)
    return Reply(
        body={
            "token_type": "Bearer",
            "expires_in": told,
            "ext_expires_in": told,
            "access_token": tokens.issue(
                audience,
                seconds=seconds,
                client_id=client.client_id,
                object_id=client.object_id,
                kind="1" if form.get("client_secret") else "2",
            ),
        },
        headers={"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"},
    )


def _check_secret(tokens: TokenAuthority, client: Client, form: Mapping[str, str]) -> None:
    if not form.get("client_secret"):
        raise EntraError(
            401,
            "invalid_client",
            7000218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        )
    same = secrets.compare_digest(form["client_secret"].encode(), tokens.identity.client_secret.encode())
    if not (same and client.has_secret):
        raise EntraError(
            401,
            "invalid_client",
            7000215,
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
            f"not the client secret ID, for a secret added to app '{client.client_id}'.",
        )


def _life(emulator: Emulator) -> tuple[int, int]:
    """How long a new token is good, and how long its client is told so, in seconds; a fault may have it expire early."""
    life = emulator.faults.tokens
    if life.seconds is None:
        return TOKEN_SECONDS, TOKEN_SECONDS
    # The second at which it is no longer taken is the one that was asked for, not one some seconds later.
    return life.seconds - CLOCK_SKEW_SECONDS, life.told or life.seconds


def _audience(tokens: TokenAuthority, scope: str | None, resource: str | None) -> str:
    """The resource a token is asked for; it is answered as it was written (with or without the last slash)."""
    if scope:
        asked = [part for part in scope.split() if part not in ("openid", "profile", "offline_access")]
        if len(asked) != 1 or not asked[0].endswith("/.default"):
            raise EntraError(
                400,
                "invalid_scope",
                1002012,
                f"The provided value for scope {scope} is not valid. Client credential flows must have a scope value with "
                "/.default suffixed to the resource identifier (application ID URI).",
            )
        resource = asked[0].removesuffix("/.default")
    if not resource:
        raise EntraError(
            400, "invalid_request", 900144, "The request body must contain the following parameter: 'scope'."
        )
    if resource.rstrip("/") not in tokens.audiences():
        raise EntraError(
            400,
            "invalid_resource",
            500011,
            f"The resource principal named {resource} was not found in the tenant named {tokens.identity.tenant_id}. This "
            "can happen if the application has not been installed by the administrator of the tenant or consented to by any "
            "user in the tenant. You might have sent your authentication request to the wrong tenant.",
        )
    return resource


def _managed_identity(emulator: Emulator, call: Call) -> Reply:
    """The protocol of App Service and of Azure ML's computes: a local secret in a header, `expires_on` in epoch seconds."""
    tokens = emulator.tokens
    shown = call.headers.get("x-identity-header") or call.headers.get("secret") or ""
    if not secrets.compare_digest(shown.encode(), tokens.msi_secret.encode()):
        return Reply(401, {"statusCode": 401, "message": "The secret of the managed identity endpoint is wrong."})
    resource = call.query.get("resource", "").removesuffix("/.default")
    if resource.rstrip("/") not in tokens.audiences():
        known = ", ".join(tokens.audiences())
        return Reply(400, {"statusCode": 400, "message": f"Unknown resource '{resource}'. Known: {known}."})
    seconds, told = _life(emulator)
    expires = int(time.time()) + told
    return Reply(
        body={
            "access_token": tokens.issue(resource, seconds=seconds),
            "expires_on": str(expires),
            "resource": resource,
            "token_type": "Bearer",
            "client_id": tokens.identity.client_id,
        }
    )
