"""The list of events with what became of each, and one event with every attempt to deliver it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime, timezone

from aml_emulator import ids
from aml_emulator.context import Emulator
from aml_emulator.eventgrid import records as states
from aml_emulator.eventgrid.events import ML_PREFIX, STORAGE_PREFIX
from aml_emulator.eventgrid.records import Delivery, Record
from aml_emulator.http import Call, Reply, Router
from aml_emulator.studio.pages import NotHere, page, render

_LISTED = 200
_TONES = {
    states.DELIVERED: "good",
    states.DEAD_LETTERED: "bad",
    states.DROPPED: "bad",
    states.DEAD_LETTERING: "bad",
    states.DELIVERING: "busy",
}
_WORDS = {
    states.DEAD_LETTERED: "Dead-lettered",
    states.DEAD_LETTERING: "To the dead letters",
}


@dataclass(frozen=True)
class DeliveryRow:
    """An event on its way to one subscription."""

    delivery: Delivery

    @property
    def subscription(self) -> str:
        """Name of the event subscription."""
        return ids.name_of(self.delivery.subscription)

    @property
    def state(self) -> str:
        """Its state in words: what is tried again waits."""
        if self.delivery.state == states.PENDING:
            return "Waits for the next attempt" if self.delivery.attempts else "Waits"
        return _WORDS.get(self.delivery.state, self.delivery.state)

    @property
    def tone(self) -> str:
        """Tone of the state's badge."""
        return _TONES.get(self.delivery.state, "wait")

    @property
    def next(self) -> datetime | None:
        """When something happens next; None when nothing does."""
        waits = self.delivery.state in (states.PENDING, states.DEAD_LETTERING)
        return _moment(max(self.delivery.due, time.time())) if waits else None

    @property
    def attempts(self) -> list[dict[str, object]]:
        """The attempts, in order."""
        return [
            {
                "number": one.number,
                "moment": _moment(one.time),
                "after": one.time - self.delivery.published,
                "answer": str(one.status) if one.status is not None else "none",
                "outcome": f"{one.outcome} (again)" if one.repeat else one.outcome,
                "tone": "good" if one.outcome == "Delivered" else "bad",
                "seconds": one.milliseconds / 1000,
                "message": one.message,
            }
            for one in self.delivery.history
        ]


@dataclass(frozen=True)
class EventRow:
    """An event."""

    record: Record

    @property
    def kind(self) -> str:
        """Its type without the provider's name."""
        name = self.record.event.type
        return name.removeprefix(ML_PREFIX).removeprefix(STORAGE_PREFIX)

    @property
    def source(self) -> str:
        """Name of the workspace or storage account."""
        return ids.name_of(self.record.event.source)

    @property
    def published(self) -> datetime:
        """When it was published."""
        return _moment(self.record.published)

    @property
    def deliveries(self) -> list[DeliveryRow]:
        """To whom it went, or goes."""
        return [DeliveryRow(one) for one in self.record.deliveries]

    @property
    def under_way(self) -> bool:
        """Whether something will still happen to it."""
        return any(one.delivery.state not in states.ENDED for one in self.deliveries)

    @property
    def run(self) -> str:
        """The run that it is about, for a link; empty for other events."""
        data = self.record.event.data
        return str(data.get("runId") or "") if self.record.event.type.startswith(f"{ML_PREFIX}Run") else ""


def register(router: Router, emulator: Emulator) -> None:
    """Add the pages."""

    def events(call: Call) -> Reply:
        records = emulator.events.records
        rows = [EventRow(one) for one in records.newest(_LISTED)]
        return render(
            "events.html",
            section="events",
            live=any(row.under_way for row in rows),
            rows=rows,
            total=records.total(),
            counts=_counts(records.counts()),
        )

    def event(call: Call) -> Reply:
        found = emulator.events.records.find(call.params["event"])
        if found is None:
            raise NotHere(f"There is no event “{call.params['event']}”")
        row = EventRow(found)
        return render(
            "event.html",
            section="events",
            live=row.under_way,
            row=row,
            data=json.dumps(found.event.data, indent=2, ensure_ascii=False),
        )

    router.add("GET", "/events", page(events), "none")
    router.add("GET", "/events/{event}", page(event), "none")


def _counts(found: dict[str, int]) -> list[tuple[str, int]]:
    """How many deliveries came to what, in the order in which they do."""
    waiting = found.get(states.PENDING, 0) + found.get(states.DELIVERING, 0)
    dead = found.get(states.DEAD_LETTERED, 0) + found.get(states.DEAD_LETTERING, 0)
    return [
        ("Delivered", found.get(states.DELIVERED, 0)),
        ("Under way", waiting),
        ("Dead-lettered", dead),
        ("Dropped", found.get(states.DROPPED, 0)),
    ]


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)
