"""Whether an endpoint wants events: a function must be there with the right trigger, a webhook must answer a handshake.

The texts are Event Grid's (azure-infra, 0.8 and 3.2).
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

from aml_emulator import ids
from aml_emulator.eventgrid.destinations import Result
from aml_emulator.eventgrid.events import time_text
from aml_emulator.eventgrid.settings import CLOUD_SCHEMA
from aml_emulator.http import Call, Principal, Reply, Router, ServiceError

if TYPE_CHECKING:
    import httpx

    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

WAITING = "AwaitingManualAction"
MANUAL_SECONDS = 600.0
"""For how long a validation address may be called (not scaled: a person does it)."""

_ORIGIN = "eventgrid.azure.net"
_TRIGGER = "eventgridtrigger"
_FUNCTION_API = "2024-11-01"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS event_validations (
    code TEXT PRIMARY KEY,
    subscription TEXT NOT NULL COLLATE NOCASE,
    since REAL NOT NULL
);
"""


def register(router: Router, emulator: Emulator) -> None:
    """The address that an endpoint's owner may call in place of an answer."""
    emulator.database.create(_SCHEMA)

    def confirm(call: Call) -> Reply:
        row = emulator.database.row("SELECT * FROM event_validations WHERE code = ?", (call.query.get("id", ""),))
        if row is None or time.time() - row["since"] > MANUAL_SECONDS:
            return Reply(400, "This validation address is unknown or has expired.", media_type="text/plain")
        _forget(emulator, row["code"])
        _end(emulator, row["subscription"], "Succeeded")
        return Reply(200, "Webhook successfully validated as a subscription endpoint.", media_type="text/plain")

    for method in ("GET", "POST"):
        router.add(method, "/eventgrid/validate", confirm, "none")


def settle(emulator: Emulator, stored: Resource) -> None:
    """Go on with a subscription that has been stored while its validation address waits to be called."""
    if stored.properties.get("provisioningState") != WAITING:
        return
    rows = emulator.database.rows("SELECT * FROM event_validations WHERE subscription = ?", (stored.id,))
    if not rows:  # it was called before the subscription was stored
        _end(emulator, stored.id, "Succeeded")
    for row in rows:
        _expire_later(emulator, row["code"], stored.id, row["since"])


def resume(emulator: Emulator) -> None:
    """After a start: addresses that were not called yet expire when they would have."""
    for row in emulator.database.rows("SELECT * FROM event_validations"):
        _expire_later(emulator, row["code"], row["subscription"], row["since"])


def _expire_later(emulator: Emulator, code: str, subscription_id: str, since: float) -> None:
    """Have a subscription whose address nobody calls end as Failed."""

    def expire() -> None:
        if _forget(emulator, code):
            _end(emulator, subscription_id, "Failed")

    timer = threading.Timer(max(0.0, since + MANUAL_SECONDS - time.time()), expire)
    timer.daemon = True
    timer.start()


def _forget(emulator: Emulator, code: str) -> bool:
    """Have an address lead nowhere any more; whether it led anywhere."""
    return emulator.database.execute("DELETE FROM event_validations WHERE code = ?", (code,)) > 0


def _end(emulator: Emulator, subscription_id: str, state: str) -> None:
    """End the wait of a subscription."""

    def edit(body: Body) -> None:
        if body["properties"]["provisioningState"] == WAITING:
            body["properties"]["provisioningState"] = state

    emulator.resources.change(subscription_id, edit)


def check_function(emulator: Emulator, function_id: str, actor: str) -> None:
    """See that a function is there and has an Event Grid trigger.

    Raises:
        ServiceError: 400, in Event Grid's words.

    """
    found = _function(emulator, function_id, actor)
    if found is None:
        raise ServiceError(400, "Endpoint validation", "Destination endpoint not found.")
    bindings = (found.get("config") or {}).get("bindings") or []
    if not any(str(binding.get("type", "")).lower() == _TRIGGER for binding in bindings):
        raise ServiceError(
            400,
            "Unsupported Azure Function Trigger",
            "Can't add resource; Azure Event Grid supports EventGrid Trigger type only.",
        )


def _function(emulator: Emulator, function_id: str, actor: str) -> Body | None:
    """Properties of a function, asked for as a client asks."""
    site, _, name = function_id.partition("/functions/")
    if not name or ids.type_of(site).lower() != "microsoft.web/sites":
        return None
    found = emulator.router.find("GET", function_id)
    if found is None:
        return None
    handler, _, params = found
    principal = Principal(actor, actor, emulator.tokens.identity.tenant_id, emulator.tokens.arm_audience)
    query = {"api-version": _FUNCTION_API}
    try:
        reply = handler(Call("GET", function_id, function_id, query, "", {}, params=params, principal=principal))
    except ServiceError as error:
        if error.status in (404, 409):
            return None
        raise
    properties: Any = reply.body.get("properties") if reply.status == 200 and isinstance(reply.body, dict) else None
    return properties if isinstance(properties, dict) else None


def handshake(emulator: Emulator, subscription_id: str, topic: str, url: str, schema: str) -> str:
    """Ask a webhook whether it wants events; the subscription's state: Succeeded, or AwaitingManualAction.

    Raises:
        ServiceError: 400: it does not.

    """
    code, now = str(uuid.uuid4()).upper(), time.time()
    callback = f"{emulator.base_url}/eventgrid/validate?id={code}"
    emulator.database.execute(
        "INSERT INTO event_validations (code, subscription, since) VALUES (?, ?, ?)", (code, subscription_id, now)
    )
    answer = _ask(emulator, subscription_id, topic, url, schema, code, callback)
    if isinstance(answer, Result):
        _forget(emulator, code)
        raise _refused(url, f"{answer.outcome}: {answer.message}")
    if answer.status_code != 200:
        _forget(emulator, code)
        raise _refused(url, f"the endpoint answered {answer.status_code}; 200 is expected")
    if schema == CLOUD_SCHEMA:
        wanted = answer.headers.get("webhook-allowed-origin", "") in ("*", _ORIGIN)
    else:
        wanted = _validation_response(answer) == code
    if wanted:
        _forget(emulator, code)
        return "Succeeded"
    row = emulator.database.row("SELECT 1 FROM event_validations WHERE code = ?", (code,))
    return WAITING if row else "Succeeded"  # an endpoint may call the address before it answers


def _ask(
    emulator: Emulator, subscription_id: str, topic: str, url: str, schema: str, code: str, callback: str
) -> httpx.Response | Result:
    destinations = emulator.events.delivery.destinations
    if schema == CLOUD_SCHEMA:
        headers = {
            "WebHook-Request-Origin": _ORIGIN,
            "WebHook-Request-Callback": callback,
            "WebHook-Request-Rate": "120",
        }
        return destinations.request("OPTIONS", url, b"", headers)
    event = {
        "id": str(uuid.uuid4()),
        "topic": topic,
        "subject": "",
        "data": {"validationCode": code, "validationUrl": callback},
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "eventTime": time_text(time.time()),
        "metadataVersion": "1",
        "dataVersion": "1",
    }
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "aeg-event-type": "SubscriptionValidation",
        "aeg-subscription-name": ids.name_of(subscription_id).upper(),
        "aeg-delivery-count": "0",
        "aeg-metadata-version": "1",
        "aeg-data-version": "1",
    }
    return destinations.request("POST", url, json.dumps([event]).encode(), headers)


def _validation_response(answer: httpx.Response) -> str:
    """The code that an endpoint gave back, whatever the case of the member's name (the Functions host begins it with a capital)."""
    try:
        found = answer.json()
    except ValueError:
        return ""
    if not isinstance(found, dict):
        return ""
    return next((str(value) for name, value in found.items() if name.lower() == "validationresponse"), "")


def _refused(url: str, why: str) -> ServiceError:
    shown = url.partition("?")[0]  # what follows may be a key
    return ServiceError(
        400,
        "Url validation",
        f"The attempt to validate the provided endpoint {shown} failed ({why}). "
        "For more details, visit https://aka.ms/esvalidation.",
    )
