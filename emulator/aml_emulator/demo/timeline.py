"""What the demonstration ends with: each chain as a timeline, and what became of the events."""

from __future__ import annotations

from aml_emulator.demo.chain import Chain
from aml_emulator.demo.console import table
from aml_emulator.demo.facts import DISPATCHED, DUPLICATE, FAILED, IGNORED, RECEIVED, Facts


def timeline(chain: Chain) -> list[str]:
    """The links of a chain, one line each, with the seconds since its cause."""
    began = chain.links[0].time
    links = sorted(chain.links, key=lambda link: link.time)
    return table(
        ("After", "What", "Where"),
        [(f"{link.time - began:.1f} s", link.what, link.where) for link in links],
        right=(0,),
    )


def events_table(facts: Facts) -> list[str]:
    """How often each kind of event was published, delivered, and taken to GitHub; and the sums."""
    kinds = sorted({str(event["eventType"]) for event in facts.events})
    counts = [_counts(facts, kind) for kind in kinds]
    sums = [sum(column) for column in zip(*counts, strict=True)] if counts else [0] * (len(_HEAD) - 1)
    names = [kind.removeprefix("Microsoft.") for kind in kinds]
    rows = [(name, *map(str, line)) for name, line in zip([*names, "all"], [*counts, sums], strict=True)]
    return table(_HEAD, rows, right=range(1, len(_HEAD)))


_HEAD = ("Event", "published", "delivered", "arrived", "duplicate", "ignored", "failed", "dispatched")


def _counts(facts: Facts, kind: str) -> tuple[int, int, int, int, int, int, int]:
    events = [event for event in facts.events if event["eventType"] == kind]
    delivered = sum(delivery["state"] == "Delivered" for event in events for delivery in event["deliveries"])
    steps = [line.step for event in events for line in facts.lines_of(str(event["id"]))]
    arrived, duplicate, ignored, failed, dispatched = (
        steps.count(step) for step in (RECEIVED, DUPLICATE, IGNORED, FAILED, DISPATCHED)
    )
    return len(events), delivered, arrived, duplicate, ignored, failed, dispatched
