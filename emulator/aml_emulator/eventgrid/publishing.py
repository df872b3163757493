"""Publishing: an event is matched with the subscriptions of its source and kept, before anything is sent anywhere."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aml_emulator.eventgrid import filters, settings, validation
from aml_emulator.eventgrid.delivery import DeliveryService
from aml_emulator.eventgrid.events import Event, time_text
from aml_emulator.eventgrid.options import EventOptions
from aml_emulator.eventgrid.records import Records

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Resource

TOPIC = "Microsoft.EventGrid/systemTopics"
SUBSCRIPTION = f"{TOPIC}/eventSubscriptions"
EXTENSION = "Microsoft.EventGrid/eventSubscriptions"


class Events:
    """The emulator's Event Grid, as its other parts see it.

    An event whose source has neither a system topic nor an event subscription is nobody's: it costs one look and is not kept.
    """

    def __init__(
        self,
        emulator: Emulator,
        options: EventOptions | None = None,
        *,
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._emulator = emulator
        self._clock = clock
        self.options = options or EventOptions()
        self.records = Records(emulator.database)
        self.delivery = DeliveryService(emulator, self.records, self.options, clock=clock, jitter=jitter)

    def start(self) -> None:
        """Deliver what is due, from now on."""
        validation.resume(self._emulator)
        self.delivery.start()

    def stop(self) -> None:
        """Deliver no more until the next start."""
        self.delivery.stop()

    def heard(self, source_id: str) -> bool:
        """Whether anybody could get events of a source: it has a system topic, or an event subscription of its own."""
        return bool(self._topics(source_id) or self._emulator.resources.list(source_id, EXTENSION))

    def anything_heard(self, source_type: str) -> bool:
        """Whether anybody could get events of any source of an ARM type. Nearly free when nobody does."""
        resources, wanted = self._emulator.resources, f"/providers/{source_type}/".lower()
        return any(
            wanted in str(topic.properties.get("source") or "").lower() for topic in resources.all_of(TOPIC)
        ) or any(wanted in one.id.lower() for one in resources.all_of(EXTENSION))

    def publish(
        self, source_id: str, event_type: str, subject: str, data: dict[str, Any], *, event_id: str | None = None
    ) -> str:
        """Publish an event; its id.

        It is kept in the caller's transaction, where there is one: what happened and its event are stored together or not at all.

        Args:
            source_id: ARM id of the resource that it happened to.
            event_type: for example `Microsoft.MachineLearningServices.RunCompleted`.
            subject: what of the source it is about.
            data: the payload.
            event_id: its id; a new one without.

        """
        now = self._clock()
        event = Event(event_id or str(uuid.uuid4()), source_id, event_type, subject, data, time_text(now))
        if not self.heard(source_id):
            return event.id
        wanted = [one.id for one in self.subscriptions(source_id) if one.active and filters.matches(one.filter, event)]
        self.records.add(event, now, wanted)
        if wanted:
            self.delivery.wake()
        return event.id

    def subscriptions(self, source_id: str) -> list[settings.Subscription]:
        """The event subscriptions of a source: those of its system topics and those that were put on it."""
        resources = self._emulator.resources
        found = [one for topic in self._topics(source_id) for one in resources.list(topic.id, SUBSCRIPTION)]
        return [settings.read(one) for one in [*found, *resources.list(source_id, EXTENSION)]]

    def _topics(self, source_id: str) -> list[Resource]:
        wanted = source_id.lower()
        return [
            topic
            for topic in self._emulator.resources.all_of(TOPIC)
            if str(topic.properties.get("source") or "").lower() == wanted
        ]
