"""What the demonstration ends with: each chain as a timeline, and what became of the events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields
from typing import Any

from aml_emulator.demo.chain import Chain
from aml_emulator.demo.console import table
from aml_emulator.demo.facts import DISPATCHED, DUPLICATE, IGNORED, RECEIVED, Facts


def timeline(chain: Chain) -> list[str]:
    """The links of a chain, one line each, with the seconds since its cause."""
    began = chain.links[0].time
    return table(
        ("After", "What", "Where"),
        [(f"{link.time - began:.1f} s", link.what, link.where) for link in chain.links],
        right=(0,),
    )


@dataclass(frozen=True)
class Tally:
    """What became of the events of one type, in numbers.

    Attributes:
        published: events.
        delivered: deliveries that were taken, one for each subscription.
        arrived: times that the function was handed one: Event Grid may deliver an event more than once.
        duplicate: times that it had been taken to GitHub already.
        ignored: events that concern no repository.
        dispatched: dispatches that were made.
        lost: events that were neither dispatched nor ignored. Must be 0.
        repeated: dispatches beyond the first of an event. Must be 0.

    """

    published: int
    delivered: int
    arrived: int
    duplicate: int
    ignored: int
    dispatched: int
    lost: int
    repeated: int

    def __add__(self, other: Tally) -> Tally:
        """The sum."""
        return Tally(*(one + another for one, another in zip(astuple(self), astuple(other), strict=True)))


def tallies(facts: Facts) -> dict[str, Tally]:
    """Count by event type, without `Microsoft.`."""
    found: dict[str, Tally] = {}
    for event in sorted(facts.events, key=lambda event: str(event["eventType"])):
        name = str(event["eventType"]).removeprefix("Microsoft.")
        found[name] = found[name] + _tally(facts, event) if name in found else _tally(facts, event)
    return found


def _tally(facts: Facts, event: Mapping[str, Any]) -> Tally:
    steps = [line.step for line in facts.lines_of(str(event["id"]))]
    dispatched, ignored = steps.count(DISPATCHED), min(steps.count(IGNORED), 1)
    return Tally(
        published=1,
        delivered=sum(delivery["state"] == "Delivered" for delivery in event["deliveries"]),
        arrived=steps.count(RECEIVED),
        duplicate=steps.count(DUPLICATE),
        ignored=ignored,
        dispatched=dispatched,
        lost=int(not dispatched and not ignored),
        repeated=max(dispatched - 1, 0),
    )


def events_table(found: Mapping[str, Tally]) -> list[str]:
    """Tallies as a table, with their sum."""
    head = ("Event", *(field.name for field in fields(Tally)))
    total = sum(found.values(), Tally(0, 0, 0, 0, 0, 0, 0, 0))
    rows = [(name, *map(str, astuple(tally))) for name, tally in [*found.items(), ("all", total)]]
    return table(head, rows, right=range(1, len(head)))
