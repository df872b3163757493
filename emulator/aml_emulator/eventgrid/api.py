"""What `aml-emulator events` asks the running emulator: `GET` and `POST /emulator/events`, with a token for ARM.

Azure has no such address: nobody but a service publishes to its system topics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aml_emulator import ids
from aml_emulator.eventgrid.events import time_text, topic_type_of
from aml_emulator.http import Call, Reply, Router, ServiceError, not_found

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.eventgrid.records import Attempt, Delivery, Record

PATH = "/emulator/events"
_LISTED = 50
_MOST_BYTES = 1 << 20


def register(router: Router, emulator: Emulator) -> None:
    """Routes."""

    def listing(call: Call) -> Reply:
        asked = call.query.get("last") or str(_LISTED)
        if not asked.isdigit():
            raise _invalid(f"last must be a number, not '{asked}'.")
        found = emulator.events.records.newest(int(asked), call.query.get("type", ""))
        return Reply(body={"value": [_shown(one) for one in found]})

    def get(call: Call) -> Reply:
        found = emulator.events.records.find(call.params["event"])
        if found is None:
            raise ServiceError(404, "EventNotFound", f"There is no event {call.params['event']}.")
        return Reply(body=_shown(found))

    def send(call: Call) -> Reply:
        return _send(emulator, call)

    router.add("GET", PATH, listing)
    router.add("POST", PATH, send)
    router.add("GET", f"{PATH}/{{event}}", get)


def _send(emulator: Emulator, call: Call) -> Reply:
    body = call.json()
    if len(call.body) > _MOST_BYTES:
        raise ServiceError(413, "PayloadTooLarge", f"An event has at most {_MOST_BYTES} bytes, not {len(call.body)}.")
    source, event_type, subject = (body.get(name) for name in ("source", "eventType", "subject"))
    data = body.get("data")
    if not isinstance(source, str) or not isinstance(event_type, str) or not event_type:
        raise _invalid("An event needs a source and an eventType.")
    if not isinstance(data, dict):
        raise _invalid("The data of an event must be an object.")
    resource = emulator.resources.get(source) or _workspace_named(emulator, source)
    if resource is None:
        raise not_found(source)
    if topic_type_of(resource.id) is None:
        raise _invalid(
            f"{resource.id} raises no events: the sources are Machine Learning workspaces and storage accounts."
        )
    if not emulator.events.heard(resource.id):
        raise ServiceError(
            409,
            "NobodyListens",
            f"{resource.id} has no Event Grid system topic and no event subscription: nobody would get the event. "
            "Create them first, for example by a deployment of infra/deploy.core-infra.json.",
        )
    event_id = emulator.events.publish(resource.id, event_type, str(subject or ""), data)
    found = emulator.events.records.find(event_id)
    return Reply(201, _shown(found) if found else {"id": event_id})


def _workspace_named(emulator: Emulator, name: str) -> Any:  # noqa: ANN401 - Resource or None
    """The only workspace, or storage account, of that name."""
    kinds = (f"{ids.PROVIDER}/workspaces", "Microsoft.Storage/storageAccounts")
    found = [one for kind in kinds for one in emulator.resources.all_of(kind) if one.name.lower() == name.lower()]
    if len(found) > 1:
        raise _invalid(f"'{name}' is ambiguous; give the id: {', '.join(one.id for one in found)}.")
    return found[0] if found else None


def _shown(record: Record) -> dict[str, Any]:
    event = record.event
    return {
        "id": event.id,
        "source": event.source,
        "eventType": event.type,
        "subject": event.subject,
        "eventTime": event.time,
        "data": event.data,
        "published": time_text(record.published),
        "deliveries": [_delivery(one) for one in record.deliveries],
    }


def _delivery(one: Delivery) -> dict[str, Any]:
    return {
        "subscription": one.subscription,
        "state": one.state,
        "attempts": one.attempts,
        "lastDeliveryOutcome": one.outcome or None,
        "reason": one.reason or None,
        "deadLetter": one.blob or None,
        "history": [_attempt(attempt) for attempt in one.history],
    }


def _attempt(one: Attempt) -> dict[str, Any]:
    return {
        "number": one.number,
        "time": time_text(one.time),
        "status": one.status,
        "outcome": one.outcome,
        "milliseconds": round(one.milliseconds, 1),
        "message": one.message,
        "repeat": one.repeat,
    }


def _invalid(message: str) -> ServiceError:
    return ServiceError(400, "InvalidRequest", message)
