"""Every event that was published, whom it was for, and each attempt to deliver it. Kept in the database: a restart loses nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from aml_emulator.database import Database
from aml_emulator.eventgrid.events import Event

PENDING, DELIVERING, DELIVERED = "Pending", "Delivering", "Delivered"
DEAD_LETTERING, DEAD_LETTERED, DROPPED = "DeadLettering", "DeadLettered", "Dropped"

ENDED = (DELIVERED, DEAD_LETTERED, DROPPED)

_KEPT_EVENTS = 20_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL COLLATE NOCASE,
    type TEXT NOT NULL,
    subject TEXT NOT NULL,
    data TEXT NOT NULL,
    time TEXT NOT NULL,
    data_version TEXT NOT NULL,
    published REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS event_deliveries (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    event INTEGER NOT NULL,
    subscription TEXT NOT NULL COLLATE NOCASE,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL,
    outcome TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '',
    last_attempt REAL,
    blob TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS event_deliveries_by_event ON event_deliveries (event);
CREATE INDEX IF NOT EXISTS event_deliveries_by_subscription ON event_deliveries (state, subscription, due);
CREATE INDEX IF NOT EXISTS event_deliveries_by_due ON event_deliveries (state, due);
CREATE TABLE IF NOT EXISTS event_attempts (
    delivery INTEGER NOT NULL,
    number INTEGER NOT NULL,
    time REAL NOT NULL,
    status INTEGER,
    outcome TEXT NOT NULL,
    milliseconds REAL NOT NULL,
    message TEXT NOT NULL,
    repeat INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS event_attempts_by_delivery ON event_attempts (delivery);
"""

_WAITING = """
WITH RECURSIVE found (subscription) AS (
    SELECT MIN(subscription) FROM event_deliveries WHERE state = ?1
    UNION ALL
    SELECT (SELECT MIN(other.subscription) FROM event_deliveries AS other
        WHERE other.state = ?1 AND other.subscription > found.subscription)
    FROM found WHERE found.subscription IS NOT NULL
)
SELECT subscription FROM found WHERE subscription IS NOT NULL AND EXISTS (
    SELECT 1 FROM event_deliveries AS one WHERE one.state = ?1 AND one.subscription = found.subscription AND one.due <= ?2
)
"""  # from one subscription to the next in the index: thousands of events that wait are not read for it

_DELIVERIES = (
    "SELECT event_deliveries.*, events.id AS event_id, events.source, events.type, events.subject, events.data, events.time,"
    " events.data_version, events.published FROM event_deliveries JOIN events ON events.sequence = event"
)


@dataclass(frozen=True)
class Attempt:
    """One attempt. `status` is None when there was no answer; `repeat` marks one after the event had been taken already."""

    number: int
    time: float
    status: int | None
    outcome: str
    milliseconds: float
    message: str
    repeat: bool = False


@dataclass(frozen=True)
class Delivery:
    """An event on its way to one subscription. Times are seconds since 1970.

    Attributes:
        sequence: number of the delivery.
        event: what is delivered.
        published: when the event was published.
        subscription: ARM id of the event subscription.
        state: Pending, Delivering, Delivered, DeadLettering, DeadLettered or Dropped.
        attempts: how many there were.
        due: when the next attempt (or the dead letter) is due.
        outcome: of the last attempt, as `lastDeliveryOutcome` has it.
        reason: why it was given up; empty while it was not.
        last_attempt: when that was.
        blob: `container/name` of the dead letter.
        history: the attempts; only where they were asked for.
    """

    sequence: int
    event: Event
    published: float
    subscription: str
    state: str
    attempts: int
    due: float
    outcome: str
    reason: str
    last_attempt: float | None
    blob: str
    history: tuple[Attempt, ...] = ()


@dataclass(frozen=True)
class Record:
    """A published event with all its deliveries."""

    event: Event
    published: float
    deliveries: tuple[Delivery, ...] = field(default=())


class Records:
    """The tables of Event Grid."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.create(_SCHEMA)

    def add(self, event: Event, published: float, subscriptions: Iterable[str]) -> None:
        """Keep an event and begin its deliveries, as one step."""
        with self._database.transaction():
            self._database.execute(
                "INSERT INTO events (id, source, type, subject, data, time, data_version, published)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    event.id,
                    event.source,
                    event.type,
                    event.subject,
                    json.dumps(event.data),
                    event.time,
                    event.data_version,
                    published,
                ),
            )
            self._database.execute_many(
                "INSERT INTO event_deliveries (event, subscription, state, due)"
                " SELECT sequence, ?, ?, ? FROM events WHERE id = ?",
                [(subscription, PENDING, published, event.id) for subscription in subscriptions],
            )

    # What is to be done

    def waiting(self, now: float, state: str = PENDING) -> list[str]:
        """Subscriptions with something that is due."""
        rows = self._database.rows(_WAITING, (state, now))
        return [row["subscription"] for row in rows]

    def due(self, subscription: str, now: float, limit: int, state: str = PENDING) -> list[Delivery]:
        """What is due of a subscription, in the order in which it became so."""
        rows = self._database.rows(
            f"{_DELIVERIES} WHERE state = ? AND subscription = ? AND due <= ? ORDER BY due, event_deliveries.sequence LIMIT ?",
            (state, subscription, now, limit),
        )
        return [_delivery(row) for row in rows]

    def next_due(self) -> float | None:
        """When the next thing is to be done; None when nothing is."""
        statement = "SELECT MIN(due) AS due FROM event_deliveries WHERE state = ?"
        found = (self._database.row(statement, (state,)) for state in (PENDING, DEAD_LETTERING))
        return min((row["due"] for row in found if row and row["due"] is not None), default=None)

    # What became of it

    def delivering(self, deliveries: Sequence[Delivery]) -> None:
        """Note that an attempt is under way."""
        self._set_all(deliveries, "state = ?", (DELIVERING,))

    def attempted(self, deliveries: Sequence[Delivery], attempt: Attempt) -> None:
        """Note an attempt, of each delivery of a batch."""
        with self._database.transaction():
            self._database.execute_many(
                "INSERT INTO event_attempts (delivery, number, time, status, outcome, milliseconds, message, repeat)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        one.sequence,
                        one.attempts + attempt.number,
                        attempt.time,
                        attempt.status,
                        attempt.outcome,
                        attempt.milliseconds,
                        attempt.message,
                        int(attempt.repeat),
                    )
                    for one in deliveries
                ],
            )
            self._set_all(
                deliveries,
                "attempts = attempts + ?, outcome = ?, last_attempt = ?",
                (int(not attempt.repeat), attempt.outcome, attempt.time),
            )

    def delivered(self, deliveries: Sequence[Delivery]) -> None:
        """End deliveries well."""
        self._set_all(deliveries, "state = ?", (DELIVERED,))

    def retry(self, deliveries: Sequence[Delivery], due: float) -> None:
        """Try again at a time."""
        self._set_all(deliveries, "state = ?, due = ?", (PENDING, due))

    def give_up(self, deliveries: Sequence[Delivery], reason: str, dead_letter_due: float | None) -> None:
        """Try no more: write a dead letter at a time, or drop it (None)."""
        state = DROPPED if dead_letter_due is None else DEAD_LETTERING
        values = (state, reason, dead_letter_due or 0.0)
        self._set_all(deliveries, "state = ?, reason = ?, due = ?", values)

    def dead_lettered(self, deliveries: Sequence[Delivery], blob: str) -> None:
        """Note where the dead letter lies."""
        self._set_all(deliveries, "state = ?, blob = ?", (DEAD_LETTERED, blob))

    def postpone_dead_letter(self, deliveries: Sequence[Delivery], due: float) -> None:
        """Try later to write the dead letter."""
        self._set_all(deliveries, "due = ?", (due,))

    def drop_of(self, subscription: str, reason: str) -> None:
        """Give up everything that is under way to a subscription that is gone."""
        self._database.execute(
            "UPDATE event_deliveries SET state = ?, reason = ? WHERE subscription = ? AND state IN (?, ?, ?)",
            (DROPPED, reason, subscription, PENDING, DELIVERING, DEAD_LETTERING),
        )

    def resume(self) -> None:
        """After a start: what was being delivered when the emulator ended is delivered (again). Old events are forgotten."""
        with self._database.transaction():
            self._database.execute("UPDATE event_deliveries SET state = ? WHERE state = ?", (PENDING, DELIVERING))
            last = self._database.row("SELECT MAX(sequence) AS last FROM events")
            oldest = (last["last"] or 0) - _KEPT_EVENTS if last else 0
            if oldest > 0:
                self._forget(oldest)

    def _forget(self, sequence: int) -> None:
        """Forget events up to this one, but for those with something still to be done."""
        self._database.execute(
            "DELETE FROM events WHERE sequence <= ? AND sequence NOT IN"
            " (SELECT event FROM event_deliveries WHERE state IN (?, ?))",
            (sequence, PENDING, DEAD_LETTERING),
        )
        self._database.execute("DELETE FROM event_deliveries WHERE event NOT IN (SELECT sequence FROM events)")
        self._database.execute(
            "DELETE FROM event_attempts WHERE delivery NOT IN (SELECT sequence FROM event_deliveries)"
        )

    def _set_all(self, deliveries: Sequence[Delivery], change: str, values: tuple[object, ...]) -> None:
        # A delivery that was dropped meanwhile, with its subscription, stays so.
        self._database.execute_many(
            f"UPDATE event_deliveries SET {change} WHERE sequence = ? AND state <> '{DROPPED}'",  # noqa: S608 - fixed words
            [(*values, one.sequence) for one in deliveries],
        )

    # What a person wants to see

    def find(self, event_id: str) -> Record | None:
        """An event with its deliveries and every attempt; None when there is no such event."""
        row = self._database.row("SELECT * FROM events WHERE id = ?", (event_id,))
        return self._record(row, with_history=True) if row else None

    def newest(self, limit: int, event_type: str = "") -> list[Record]:
        """The newest events with their deliveries, newest first; with `event_type` those whose type has this text in it."""
        rows = self._database.rows(
            "SELECT * FROM events WHERE ? = '' OR instr(lower(type), ?) ORDER BY sequence DESC LIMIT ?",
            (event_type, event_type.lower(), limit),
        )
        return [self._record(row, with_history=False) for row in rows]

    def counts(self) -> dict[str, int]:
        """How many deliveries there are in each state."""
        rows = self._database.rows("SELECT state, COUNT(*) AS count FROM event_deliveries GROUP BY state")
        return {row["state"]: row["count"] for row in rows}

    def total(self) -> int:
        """How many events are kept."""
        row = self._database.row("SELECT COUNT(*) AS count FROM events")
        return int(row["count"]) if row else 0

    def _record(self, row: sqlite3.Row, *, with_history: bool) -> Record:
        found = self._database.rows(
            f"{_DELIVERIES} WHERE event = ? ORDER BY event_deliveries.sequence", (row["sequence"],)
        )
        deliveries = (_delivery(one, self._history(one["sequence"]) if with_history else ()) for one in found)
        return Record(_event(row, row["id"]), row["published"], tuple(deliveries))

    def _history(self, delivery: int) -> tuple[Attempt, ...]:
        rows = self._database.rows("SELECT * FROM event_attempts WHERE delivery = ? ORDER BY rowid", (delivery,))
        return tuple(
            Attempt(
                row["number"],
                row["time"],
                row["status"],
                row["outcome"],
                row["milliseconds"],
                row["message"],
                bool(row["repeat"]),
            )
            for row in rows
        )


def _event(row: sqlite3.Row, event_id: str) -> Event:
    data: dict[str, Any] = json.loads(row["data"])
    return Event(event_id, row["source"], row["type"], row["subject"], data, row["time"], row["data_version"])


def _delivery(row: sqlite3.Row, history: tuple[Attempt, ...] = ()) -> Delivery:
    return Delivery(
        sequence=row["sequence"],
        event=_event(row, row["event_id"]),
        published=row["published"],
        subscription=row["subscription"],
        state=row["state"],
        attempts=row["attempts"],
        due=row["due"],
        outcome=row["outcome"],
        reason=row["reason"],
        last_attempt=row["last_attempt"],
        blob=row["blob"],
        history=history,
    )
