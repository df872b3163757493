"""Events as they go over the wire, in both schemas, with the headers of a delivery (azure-infra, 3.1)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from aml_emulator.eventgrid import filters
from aml_emulator.eventgrid.events import Event
from aml_emulator.eventgrid.settings import CLOUD_SCHEMA, Subscription

Envelope = dict[str, Any]


def envelope(event: Event, schema: str) -> Envelope:
    """An event in a schema."""
    if schema == CLOUD_SCHEMA:
        return {
            "id": event.id,
            "source": event.source,
            "specversion": "1.0",
            "type": event.type,
            "subject": event.subject,
            "time": event.time,
            "data": event.data,
        }
    return {
        "id": event.id,
        "topic": event.source,
        "subject": event.subject,
        "eventType": event.type,
        "eventTime": event.time,
        "data": event.data,
        "dataVersion": event.data_version,
        "metadataVersion": "1",
    }


def body(events: Sequence[Event], subscription: Subscription) -> bytes:
    """What is sent: an array; one object for a CloudEvent of a subscription without batches."""
    found = [envelope(event, subscription.schema) for event in events]
    single = subscription.schema == CLOUD_SCHEMA and subscription.most_events == 1
    return json.dumps(found[0] if single else found).encode()


def headers(events: Sequence[Event], subscription: Subscription, attempts_before: int) -> dict[str, str]:
    """Headers of a delivery, those of the subscription's delivery attributes included."""
    found = {"Content-Type": "application/json; charset=utf-8"}
    if subscription.schema == CLOUD_SCHEMA:
        kind = "cloudevents" if subscription.most_events == 1 else "cloudevents-batch"
        found["Content-Type"] = f"application/{kind}+json; charset=utf-8"
    found |= {
        "aeg-event-type": "Notification",
        "aeg-subscription-name": subscription.name.upper(),
        "aeg-delivery-count": str(attempts_before),
        "aeg-metadata-version": "1",
    }
    if subscription.schema != CLOUD_SCHEMA:
        found["aeg-data-version"] = events[0].data_version
    if len(events) == 1:
        found["aeg-output-event-id"] = events[0].id
    for attribute in subscription.attributes:
        value = filters.text_of(events[0], attribute.source_field) if attribute.source_field else attribute.value
        if value is not None and value.isascii() and value.isprintable():  # nothing else can be a header
            found[attribute.name] = value
    return found
