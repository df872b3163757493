"""Events that could not be delivered, as a blob with the reason (azure-infra, 3.3)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from aml_emulator import ids
from aml_emulator.eventgrid.envelopes import Envelope, envelope
from aml_emulator.eventgrid.events import time_text
from aml_emulator.eventgrid.settings import CLOUD_SCHEMA, DeadLetterPlace, Subscription

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.eventgrid.records import Delivery


class StorageUnavailable(Exception):
    """The container for dead letters is not there."""


def is_there(emulator: Emulator, place: DeadLetterPlace) -> bool:
    """Whether events can be written to a place: the account has the container."""
    stored = _stored(emulator, place)
    return (
        emulator.resources.get(place.account_id) is not None
        and emulator.accounts.owner(stored) == ids.name_of(place.account_id)
        and emulator.blobs.has_container(stored)
    )


def _stored(emulator: Emulator, place: DeadLetterPlace) -> str:
    """The name under which the blob store keeps the container."""
    return emulator.accounts.place(ids.name_of(place.account_id), place.container)


def write(emulator: Emulator, subscription: Subscription, deliveries: Sequence[Delivery], now: float) -> str:
    """Write events to the dead-letter container of their subscription; `container/name` of the blob.

    Raises:
        StorageUnavailable: there is no such container.

    """
    place = subscription.dead_letter
    if place is None or not is_there(emulator, place):
        raise StorageUnavailable(place.container if place else "")
    moment = datetime.fromtimestamp(now, timezone.utc)
    folder = f"{subscription.name.upper()}/{moment.year}/{moment.month}/{moment.day}/{moment.hour}"
    name = f"{folder}/{uuid.uuid4()}.json"
    content = json.dumps([dead_letter(one, subscription.schema) for one in deliveries]).encode()
    emulator.blobs.put(_stored(emulator, place), name, content, content_type="application/json")
    return f"{place.container}/{name}"


def dead_letter(delivery: Delivery, schema: str) -> Envelope:
    """An event with why it was given up; CloudEvents have extension attributes, whose names are lower case."""
    facts: Envelope = {
        "deadLetterReason": delivery.reason,
        "deliveryAttempts": delivery.attempts,
        "lastDeliveryOutcome": delivery.outcome,
        "publishTime": time_text(delivery.published),
        "lastDeliveryAttemptTime": None if delivery.last_attempt is None else time_text(delivery.last_attempt),
    }
    if schema == CLOUD_SCHEMA:
        facts = {name.lower(): value for name, value in facts.items()}
    return {**envelope(delivery.event, schema), **facts}
