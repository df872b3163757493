"""The engine's way to resources: the emulator's own routes, called as a client calls them."""

from __future__ import annotations

import json
import logging
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlencode, urlsplit

from aml_emulator import ids
from aml_emulator.http import Call, Principal, Reply, ServiceError, not_emulated

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

log = logging.getLogger("aml_emulator.arm")

_NOT_QUOTED = "/-_.~()@:,=&+$!*';"


def has_route(emulator: Emulator, method: str, resource_id: str) -> bool:
    """Whether the emulator answers a method for a resource of this type."""
    return emulator.router.find(method, quote(resource_id, safe=_NOT_QUOTED)) is not None


def put(emulator: Emulator, resource_id: str, api_version: str, body: Any, principal: Principal | None) -> Reply:  # noqa: ANN401 - any JSON
    """Create or replace a resource.

    Raises:
        ServiceError: the resource's provider refused.

    """
    return _request(emulator, "PUT", resource_id, api_version, body, principal)


def get(emulator: Emulator, resource_id: str, api_version: str, principal: Principal | None) -> Any:  # noqa: ANN401 - any JSON
    """A resource as its provider shows it.

    Raises:
        ServiceError: it is not there.

    """
    return _request(emulator, "GET", resource_id, api_version, None, principal).body


def post(
    emulator: Emulator,
    resource_id: str,
    action: str,
    api_version: str,
    body: Any,  # noqa: ANN401 - any JSON
    principal: Principal | None,
) -> Any:  # noqa: ANN401 - any JSON
    """The answer to an action of a resource, for example listKeys.

    Raises:
        ServiceError: it is not there, or has no such action.

    """
    return _request(emulator, "POST", f"{resource_id}/{action}", api_version, body, principal).body


def delete(emulator: Emulator, resource_id: str, api_version: str, principal: Principal | None) -> Reply:
    """Delete a resource.

    Raises:
        ServiceError: its provider refused.

    """
    return _request(emulator, "DELETE", resource_id, api_version, None, principal)


def follow(emulator: Emulator, address: str, principal: Principal | None) -> Any:  # noqa: ANN401 - any JSON
    """What a status address of this emulator shows (Azure-AsyncOperation)."""
    return _request(emulator, "GET", unquote(urlsplit(address).path), "2024-03-01", None, principal).body


def _request(
    emulator: Emulator,
    method: str,
    path: str,
    api_version: str,
    body: Any,  # noqa: ANN401 - any JSON
    principal: Principal | None,
) -> Reply:
    query = {"api-version": api_version}
    raw_path = quote(path, safe=_NOT_QUOTED)
    found = emulator.router.find(method, raw_path)
    if found is None:
        raise not_emulated(f"{method} of the resource type {ids.type_of(path)}")
    handler, _, params = found
    asked = params.get("subscription")
    if asked is not None and asked.lower() != emulator.tokens.identity.subscription_id.lower():
        raise ServiceError(404, "SubscriptionNotFound", f"The subscription '{asked}' could not be found.")
    call = Call(
        method=method,
        path=path,
        raw_path=raw_path,
        query=query,
        raw_query=urlencode(query),
        headers={},
        body=b"" if body is None else json.dumps(body).encode(),
        principal=principal,
    )
    try:
        reply = handler(replace(call, params=params))
    except ServiceError:
        raise
    except Exception:
        reference = uuid.uuid4().hex[:12]
        log.exception("%s %s failed in a deployment (%s)", method, path, reference)
        message = f"The emulator failed. This is a defect; its log has the details under {reference}."
        raise ServiceError(500, "InternalServerError", message) from None
    if reply.status >= 400:
        error = (reply.body or {}).get("error") or {} if isinstance(reply.body, dict) else {}
        code, message = str(error.get("code") or "Unknown"), str(error.get("message") or f"HTTP status {reply.status}")
        raise ServiceError(
            reply.status, code, message, target=error.get("target"), details=error.get("details"), headers=reply.headers
        )
    return reply
