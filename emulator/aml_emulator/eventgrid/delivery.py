"""Delivery: what is due goes out in batches, some at a time; what fails comes back, until it is delivered, expired or given up."""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aml_emulator.eventgrid import dead_letters, schedule, settings
from aml_emulator.eventgrid.destinations import Destinations, Result
from aml_emulator.eventgrid.options import EventOptions
from aml_emulator.eventgrid.records import DEAD_LETTERING, Attempt, Delivery, Records

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.eventgrid.settings import Subscription

AT_ONCE = 16
"""Batches that are under way at the same time."""
AT_ONCE_OF_ONE = 8
"""Of one subscription: one slow destination must not hold up the others."""

_DEAD_LETTERS_OF_BLOB = 500
_STOP_SECONDS = 3.0
_LONGEST_WAIT = 60.0
_SATURATED_WAIT = 0.05

ATTEMPTS_EXCEEDED = "MaxDeliveryAttemptsExceeded"
EXPIRED = "TimeToLiveExceeded"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Batch:
    """Events of one subscription that go out together."""

    subscription: Subscription
    deliveries: tuple[Delivery, ...]


class DeliveryService:
    """Delivers in the background.

    `claim` and `deliver` are its two halves, which the thread of `start` calls one after the other; `clock` gives seconds since 1970,
    `jitter` numbers from 0 to 1.
    """

    def __init__(
        self,
        emulator: Emulator,
        records: Records,
        options: EventOptions,
        *,
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._emulator = emulator
        self._records = records
        self._options = options
        self._clock, self._jitter = clock, jitter
        self._destinations = Destinations(emulator)
        self._lock = threading.Lock()
        self._under_way: dict[str, int] = {}
        self._workers: set[threading.Thread] = set()
        self._changed = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def destinations(self) -> Destinations:
        """Where events go, for the validation of new ones."""
        return self._destinations

    def start(self) -> None:
        """Go on where the emulator ended."""
        self._records.resume()
        self._thread = threading.Thread(target=self._run, name="event delivery", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing more. What is under way is given a moment; what does not end is delivered again after the next start."""
        self._stopped.set()
        self._changed.set()
        deadline = time.monotonic() + _STOP_SECONDS
        with self._lock:
            threads = [*self._workers, *([self._thread] if self._thread else [])]
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def wake(self) -> None:
        """Something new is there to be delivered."""
        self._changed.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._changed.clear()
            try:
                self.write_dead_letters()
                for batch in self.claim():
                    self._spawn(batch)
                wait = self._wait()
            except Exception:
                if self._stopped.is_set():
                    return
                log.exception("event delivery")  # a defect; what is due stays so
                wait = 1.0
            self._changed.wait(wait)

    def _wait(self) -> float:
        with self._lock:
            if len(self._workers) >= AT_ONCE:
                return _LONGEST_WAIT  # whoever ends wakes us
        due = self._records.next_due()
        if due is None:
            return _LONGEST_WAIT
        return min(max(due - self._clock(), _SATURATED_WAIT), _LONGEST_WAIT)

    def _spawn(self, batch: Batch) -> None:
        def work() -> None:
            try:
                self.deliver(batch)
            except Exception:
                if not self._stopped.is_set():
                    log.exception("delivery to %s", batch.subscription.id)
            finally:
                with self._lock:
                    self._workers.discard(threading.current_thread())
                self._changed.set()

        thread = threading.Thread(target=work, name=f"event to {batch.subscription.name}", daemon=True)
        with self._lock:
            self._workers.add(thread)
        thread.start()

    def _scaled(self, seconds: float) -> float:
        return seconds * self._options.time_scale

    # ---------------------------------------------------------------- what is due

    def claim(self) -> list[Batch]:
        """Batches to be delivered now, at most as many as there is room for. Each must be given to `deliver`."""
        found: list[Batch] = []
        now = self._clock()
        for subscription_id in self._records.waiting(now):
            room = self._room(subscription_id)
            resource = self._emulator.resources.get(subscription_id)
            if resource is None:
                self._records.drop_of(subscription_id, "SubscriptionDeleted")
                continue
            if room <= 0:
                continue
            subscription = settings.read(resource)
            due = self._records.due(subscription_id, now, room * subscription.most_events)
            living = self._expire(subscription, due, now)
            for deliveries in _batches(subscription, living)[:room]:
                self._records.delivering(deliveries)
                with self._lock:
                    self._under_way[subscription_id.lower()] = self._under_way.get(subscription_id.lower(), 0) + 1
                found.append(Batch(subscription, tuple(deliveries)))
        return found

    def _room(self, subscription_id: str) -> int:
        with self._lock:
            free = AT_ONCE - sum(self._under_way.values())
            return min(free, AT_ONCE_OF_ONE - self._under_way.get(subscription_id.lower(), 0))

    def _expire(self, subscription: Subscription, due: Sequence[Delivery], now: float) -> list[Delivery]:
        """What may still be tried. The time to live is looked at when an attempt is due, and not before."""
        lifetime = self._scaled(subscription.minutes_to_live * 60)
        expired = [one for one in due if one.attempts and now - one.published > lifetime]
        if expired:
            self._give_up(subscription, expired, EXPIRED, now)
        gone = {one.sequence for one in expired}
        return [one for one in due if one.sequence not in gone]

    # ---------------------------------------------------------------- one batch

    def deliver(self, batch: Batch) -> Result:
        """Send a batch and note what became of it."""
        subscription, deliveries = batch.subscription, batch.deliveries
        try:
            result = self._attempt(batch, 1)
            if self._stopped.is_set() and not result.taken:
                return result  # nobody knows: it is delivered again after the next start
            if result.taken:
                self._records.delivered(deliveries)
                for number in range(self._options.repeats):
                    self._attempt(batch, number + 2, repeat=True)
            else:
                self._failed(subscription, deliveries, result)
            return result
        finally:
            with self._lock:
                key = subscription.id.lower()
                self._under_way[key] -= 1
                if not self._under_way[key]:
                    del self._under_way[key]

    def _attempt(self, batch: Batch, number: int, *, repeat: bool = False) -> Result:
        events = [one.event for one in batch.deliveries]
        begun, now = time.perf_counter(), self._clock()
        try:
            result = self._destinations.send(batch.subscription, events, batch.deliveries[0].attempts + number - 1)
        except Exception as error:  # a defect of the emulator must not leave an event hanging
            log.exception("delivery to %s", batch.subscription.id)
            result = Result(None, "Aborted", f"the emulator failed to send it: {error!r}")
        milliseconds = (time.perf_counter() - begun) * 1000
        attempt = Attempt(number, now, result.status, result.outcome, milliseconds, result.message, repeat)
        self._records.attempted(batch.deliveries, attempt)
        return result

    def _failed(self, subscription: Subscription, deliveries: Sequence[Delivery], result: Result) -> None:
        now = self._clock()
        if schedule.never_retried(result.status, subscription.kind):
            self._give_up(subscription, deliveries, f"UndeliverableDueToHttp{result.outcome}", now)
            return
        for one in deliveries:
            attempts = one.attempts + 1
            if attempts >= subscription.most_attempts:
                self._give_up(subscription, [one], ATTEMPTS_EXCEEDED, now)
            else:
                seconds = schedule.delay(attempts, result.status, subscription.kind, self._jitter())
                self._records.retry([one], now + self._scaled(seconds))

    # ---------------------------------------------------------------- what cannot be delivered

    def _give_up(self, subscription: Subscription, deliveries: Sequence[Delivery], reason: str, now: float) -> None:
        due = now + self._scaled(schedule.DEAD_LETTER_DELAY) if subscription.dead_letter else None
        self._records.give_up(deliveries, reason, due)
        what = "are dropped" if due is None else "go to the dead letters"
        log.warning("%s event(s) to %s %s: %s", len(deliveries), subscription.name, what, reason)

    def write_dead_letters(self) -> None:
        """Write the dead letters that are due."""
        now = self._clock()
        for subscription_id in self._records.waiting(now, DEAD_LETTERING):
            resource = self._emulator.resources.get(subscription_id)
            if resource is None:
                self._records.drop_of(subscription_id, "SubscriptionDeleted")
                continue
            subscription = settings.read(resource)
            deliveries = self._records.due(subscription_id, now, _DEAD_LETTERS_OF_BLOB, DEAD_LETTERING)
            try:
                with self._emulator.database.transaction():
                    self._records.dead_lettered(
                        deliveries, dead_letters.write(self._emulator, subscription, deliveries, now)
                    )
            except dead_letters.StorageUnavailable:
                self._wait_for_storage(subscription, deliveries, now)

    def _wait_for_storage(self, subscription: Subscription, deliveries: Sequence[Delivery], now: float) -> None:
        patience = self._scaled(schedule.DEAD_LETTER_DELAY + schedule.DEAD_LETTER_PATIENCE)
        lost: list[Delivery] = []
        waiting: list[Delivery] = []
        for one in deliveries:
            (lost if now - (one.last_attempt or one.published) > patience else waiting).append(one)
        if lost:
            log.warning("%s dead letter(s) of %s are dropped: no storage", len(lost), subscription.name)
            for one in lost:
                self._records.give_up([one], one.reason, None)
        if waiting:
            self._records.postpone_dead_letter(waiting, now + self._scaled(schedule.DEAD_LETTER_RETRY))


def _batches(subscription: Subscription, deliveries: Sequence[Delivery]) -> list[list[Delivery]]:
    """Batches within the subscription's bounds; one event is a batch however large it is."""
    found: list[list[Delivery]] = []
    size = 0
    for one in deliveries:
        length = _size(one)
        full = bool(found) and (
            len(found[-1]) >= subscription.most_events
            or size + length > subscription.preferred_bytes
            or found[-1][0].attempts != one.attempts  # the header with their number is one for all
        )
        if not found or full:
            found.append([])
            size = 0
        found[-1].append(one)
        size += length
    return found


def _size(delivery: Delivery) -> int:
    return len(json.dumps(delivery.event.data)) + 400  # the envelope around it
