"""The function app: `aml_event_to_github` for Event Grid subscriptions, `aml_events` for web hooks.

Functions of the Python v2 programming model. All that they do is in the package `bridge`, which knows nothing of Functions.
"""

from __future__ import annotations

import logging
import os
import threading

import azure.functions as func
from bridge import events, http_events, logs, settings
from bridge.errors import SettingsError, UnreadableEvent
from bridge.events import Event
from bridge.handler import Bridge

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
logs.set_up()

_lock = threading.Lock()
_bridge: Bridge | None = None


def the_bridge() -> Bridge:
    """The one bridge of this process, made by the first event: wrong settings must not keep the functions from being found.

    Raises:
        SettingsError: the app settings are wrong. Tried again with the next event.
    """
    global _bridge
    with _lock:
        if _bridge is None:
            _bridge = settings.bridge(os.environ)
        return _bridge


@app.function_name(name="aml_event_to_github")
@app.event_grid_trigger(arg_name="event")
def aml_event_to_github(event: func.EventGridEvent, context: func.Context) -> None:
    """Take one event to GitHub. Returning tells Event Grid that it is done; raising has Event Grid deliver it again."""
    try:
        found = _event(event)
    except UnreadableEvent as error:
        logs.write("failed", "", level=logging.ERROR, reason="unreadable", detail=str(error), redelivery="useless")
        return
    try:
        bridge = the_bridge()
    except SettingsError as error:
        logs.write(
            "failed",
            found.correlation_id,
            level=logging.ERROR,
            event_id=found.id,
            reason=error.reason,
            detail=str(error),
            redelivery="expected",
        )
        raise
    bridge.handle(found, invocation=context.invocation_id)


def _event(event: func.EventGridEvent | func.CloudEvent) -> Event:
    """The event behind what the worker hands over; it makes a `func.CloudEvent` whatever the parameter is annotated with."""
    if isinstance(event, func.CloudEvent):
        kind, source, time = event.type, event.source, event.time
    else:
        kind, source, time = event.event_type, event.topic, event.event_time
    return events.make(
        identity=event.id, kind=kind, source=source, subject=event.subject, time=time, data=event.get_json()
    )


@app.function_name(name="aml_events")
@app.route(route="aml_events", methods=["POST", "OPTIONS"], auth_level=func.AuthLevel.FUNCTION)
def aml_events(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Answer Event Grid's handshakes and take delivered events to GitHub."""
    if req.method.upper() == "OPTIONS":
        answer = http_events.options(req.headers)
    else:
        answer = http_events.post(the_bridge, req.headers, req.params, req.get_body(), context.invocation_id)
    return func.HttpResponse(
        answer.text, status_code=answer.status, headers=dict(answer.headers), mimetype="application/json"
    )
