"""10,000 events at once: how many dispatches are made, lost and repeated. Run it: it takes a minute or more.

    PYTHONPATH=tests python tests/infra/function/storm.py [events]

Each event is an invocation of the function app's Event Grid trigger, in threads, against a GitHub on 127.0.0.1 in the same
process; a delivery that fails is delivered again, as Event Grid does.
"""

from __future__ import annotations

import logging
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "infra" / "function"))

from bridge import settings
from bridge.github_client import GitHubClient, Patience
from bridge.handler import Bridge
from infra.function.conftest import completed

from infra.function import github_server, harness

FAULTS = [github_server.Fault(500), github_server.Fault(404, "Not Found"), github_server.Fault(silent=True)]


def storm(events: int, store: str, *, twice: float = 0.0, faulty: float = 0.0, at_once: int = 32) -> Counter[str]:
    """One storm; what became of it.

    Args:
        events: how many different events.
        store: the setting DEDUPLICATION_STORE.
        twice: share of the events that is delivered a second time.
        faulty: share of GitHub's answers that are faults.
        at_once: invocations that run at the same time.
    """
    chance = random.Random(20)
    documents = [completed(f"run-{number}") for number in range(events)]
    deliveries = [*documents, *chance.sample(documents, int(events * twice))]
    chance.shuffle(deliveries)
    with github_server.running() as github:
        github.faults.extend(chance.choice(FAULTS) if chance.random() < faulty else None for _ in range(events * 2))
        made = settings.bridge(
            {
                "GITHUB_API_URL": github.url,
                "GITHUB_TOKEN": github_server.TOKEN,
                "ALLOWED_REPOSITORIES": "contoso/churn",
                "DEDUPLICATION_STORE": store,
            }
        )
        patience = Patience(first_wait=0.02)
        client = GitHubClient(made.client.api, made.client.credentials, patience)
        harness.use(Bridge(made.routing, client, made.store, patience))
        grid = harness.EventGrid(at_once=at_once)
        began = time.perf_counter()
        given_up = grid.deliver(deliveries)
        seconds = time.perf_counter() - began
    times = github.events
    return Counter(
        dispatches=sum(times.values()),
        lost=sum(times[document["id"]] == 0 for document in documents),
        repeated=sum(count - 1 for count in times.values() if count > 1),
        deliveries=grid.deliveries,
        raised=len(grid.failures),
        given_up=len(given_up),
        seconds=round(seconds),
    )


def main() -> int:
    """Run the storms and print a table; 1 if anything was lost or repeated."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    logging.getLogger("aml_events").addHandler(logging.NullHandler())
    logging.getLogger("aml_events").propagate = False
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for title, store, shares in (
            ("memory", "memory", {}),
            ("sqlite", f"sqlite:{folder}/plain.db", {}),
            ("sqlite, 30 % twice, GitHub fails 10 %", f"sqlite:{folder}/rough.db", {"twice": 0.3, "faulty": 0.1}),
        ):
            found = storm(events, store, **shares)
            print(
                f"{events} events, {title}: " + ", ".join(f"{name} {value}" for name, value in found.items()),
                flush=True,
            )
            wrong += found["lost"] + found["repeated"] + (found["dispatches"] != events)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
