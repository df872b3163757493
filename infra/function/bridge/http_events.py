"""The HTTP door: events that a web hook subscription delivers, and the handshakes with which Event Grid checks it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from bridge import events, logs
from bridge.errors import TryLater, UnreadableEvent
from bridge.events import VALIDATION, Event
from bridge.handler import Bridge

ALLOWED_RATE = "120"
"""Requests a minute that the CloudEvents handshake grants."""

_AT_ONCE = 8
_HANDSHAKE_ONLY = {"subscriptiondeletion", "unsubscribe"}


@dataclass(frozen=True)
class Response:
    """An answer to Event Grid.

    Attributes:
        status: 200 when everything is done, 400 for what will never be, 503 when a redelivery is needed. Never a
            status of GitHub's: Event Grid gives an event up at once after 400, 401, 403 and 413.
        body: what is sent as JSON; None sends no body.
        headers: further headers.
    """

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The body as it is sent."""
        return "" if self.body is None else json.dumps(self.body)


def options(headers: Mapping[str, str]) -> Response:
    """The CloudEvents handshake: whoever has the function's key may be sent events by the origin that asks."""
    origin = headers.get("WebHook-Request-Origin")
    if not origin:
        return Response(400, {"error": "The header WebHook-Request-Origin is missing."})
    return Response(200, headers={"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": ALLOWED_RATE})


def post(
    bridge: Callable[[], Bridge],
    headers: Mapping[str, str],
    query: Mapping[str, str],
    body: bytes,
    invocation: str | None = None,
) -> Response:
    """Take what was delivered: one event or several, of either schema, or a handshake.

    Args:
        bridge: gives the bridge; called when it is needed.
        headers: of the request; names are found in any casing.
        query: of the request; `repoName` names the repository, as it did with the old function.
        body: the request's body.
        invocation: the host's id of this invocation, for the log.
    """
    if (headers.get("aeg-event-type") or "").lower() in _HANDSHAKE_ONLY:
        return Response(200)
    try:
        found = json.loads(body)
    except ValueError:
        return Response(400, {"error": "The body is not JSON."})
    documents = found if isinstance(found, list) else [found]
    if not documents:
        return Response(200)
    repository = query.get("repoName") or None
    try:
        if repository is not None and not bridge().routing.allows(repository):
            return Response(400, {"error": f"repoName: '{repository[:200]}' is not among the allowed repositories."})
        if (code := _validation_code(documents)) is not None:
            return Response(200, {"validationResponse": code})
        readable = _readable(documents)
        if not readable:
            return Response(400, {"error": "The body holds no event that can be read."})
        failures = _handle_all(bridge(), readable, repository, invocation)
    except TryLater as error:  # the settings
        logs.write("failed", "", level=logging.ERROR, reason=error.reason, detail=str(error), redelivery="expected")
        return Response(503, {"error": "The function is not set up; its log says why."})
    if failures:
        return Response(503, {"error": f"{failures} of {len(documents)} events are not done; deliver them again."})
    return Response(200)


def _validation_code(documents: Sequence[Any]) -> str | None:
    first = documents[0]
    if not isinstance(first, Mapping) or first.get("eventType") != VALIDATION:
        return None
    code = events.field(first.get("data"), "validationCode")
    return code if isinstance(code, str) else ""


def _readable(documents: Sequence[Any]) -> list[Event]:
    """The events among what was delivered; what is none is logged, since a redelivery would bring the same."""
    found = []
    for document in documents:
        try:
            found.append(events.from_document(document))
        except UnreadableEvent as error:
            logs.write("failed", "", level=logging.ERROR, reason="unreadable", detail=str(error), redelivery="useless")
    return found


def _handle_all(bridge: Bridge, found: Sequence[Event], repository: str | None, invocation: str | None) -> int:
    """Handle a batch within one budget of time; how many of its events need a redelivery."""
    deadline = bridge.deadline()

    def done(event: Event) -> bool:
        try:
            bridge.handle(event, repository=repository, invocation=invocation, deadline=deadline)
        except TryLater:
            return False
        except Exception as error:  # one event's fault must not keep the others from being told apart
            logs.write(
                "failed",
                event.correlation_id,
                level=logging.ERROR,
                reason="defect",
                detail=type(error).__name__,
            )
            return False
        return True

    with ThreadPoolExecutor(max_workers=min(_AT_ONCE, len(found))) as pool:
        return sum(not each for each in pool.map(done, found))
