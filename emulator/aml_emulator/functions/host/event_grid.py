"""The webhook of Event Grid triggers: `/runtime/webhooks/EventGrid?functionName=...`, by the rules of the runtime's extension.

A body holds one event or many. Each is an invocation, all run at the same time, and one that fails fails the request: Event Grid then
delivers all of them again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from azure.functions.eventgrid import EventGridEventInConverter
from azure.functions.meta import Datum

from . import logs
from .answers import Answer
from .index import EVENT_GRID, Function
from .invocations import FunctionTimeout, Invoker, failure

_VALIDATION, _NOTIFICATION, _UNSUBSCRIBE = "subscriptionvalidation", "notification", "unsubscribe"


def answer(
    functions: Mapping[str, Function], invoker: Invoker, name: str, headers: dict[str, str], body: bytes
) -> Answer:
    """Answer a delivery.

    Args:
        functions: those of the app.
        invoker: runs them.
        name: of the function that is meant.
        headers: of the request, names in lower case.
        body: of the request.

    """
    function = functions.get(name.lower())
    if function is None or function.trigger != EVENT_GRID or function.disabled:
        logs.write(
            logs.WARNING, f"Event Grid asked for the function '{name}', which is not there or has another trigger."
        )
        return Answer.text(404, f"cannot find function: '{name}'")
    kind = headers.get("aeg-event-type", "").lower()
    if kind == _UNSUBSCRIBE:
        return Answer(202)
    if kind not in (_VALIDATION, _NOTIFICATION):
        return Answer(400)
    try:
        found = json.loads(body)
    except ValueError as error:
        return Answer.text(400, f"The body is not JSON: {error}")
    events = found if isinstance(found, list) else [found]
    if not all(isinstance(event, dict) for event in events):
        return Answer.text(400, "The body is neither an event nor a list of events.")
    if kind == _VALIDATION:
        return _validated(events)
    return _notified(function, invoker, headers, events)


def _validated(events: list[dict[str, Any]]) -> Answer:
    data = events[0].get("data") if events else None
    code = data.get("validationCode") if isinstance(data, dict) else None
    if not code:
        return Answer.text(400, "The validation event has no data.validationCode.")
    logs.write(logs.INFORMATION, "Event Grid validated the subscription.")
    return Answer.json(200, {"validationResponse": code})


def _notified(function: Function, invoker: Invoker, headers: dict[str, str], events: list[dict[str, Any]]) -> Answer:
    if function.refusal:
        logs.write(logs.ERROR, function.refusal)
        return Answer.text(500, function.refusal)
    moment = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    reason = f"EventGrid trigger fired at {moment}"
    begun = [invoker.start(function, reason, lambda event=event: _decoded(event), headers) for event in events]  # type: ignore[misc]
    failed: BaseException | None = None
    for invocation in begun:
        try:
            invoker.result(invocation)
        except FunctionTimeout as error:
            return Answer.text(500, str(error), ends_host=True)
        except Exception as error:
            failed = failed or error
    return Answer(202) if failed is None else Answer.text(500, failure(failed))


def _decoded(event: dict[str, Any]) -> object:
    """What the worker makes of an event: a `func.CloudEvent` where it has `specversion`, else a `func.EventGridEvent`."""
    return EventGridEventInConverter.decode(Datum(json.dumps(event), "json"), trigger_metadata={})
