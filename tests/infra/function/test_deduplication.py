"""Who may dispatch an event: one at a time, in every store; blobs by the real client on the emulator's storage account."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from bridge.deduplication import BlobStore, Claim, ClaimLost, MemoryStore, SqliteStore, Store, Taken, key_of
from bridge.events import from_document
from infra.function.conftest import ROOT, completed, event

LONG = 300.0


@pytest.fixture(params=["memory", "sqlite", "blob"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "memory":
        return MemoryStore()
    if request.param == "sqlite":
        return SqliteStore(tmp_path / "new" / "events.db")
    return BlobStore(request.getfixturevalue("container")())


def claimed(store: Store, key: str, seconds: float = LONG) -> Claim:
    found = store.claim(key, seconds)
    assert isinstance(found, Claim), found
    return found


def test_an_event_is_claimed_once_and_done_for_ever(store: Store) -> None:
    claim = claimed(store, "a")
    assert store.claim("a", LONG) is Taken.PENDING
    assert isinstance(store.claim("b", LONG), Claim)
    store.finish(claim)
    assert store.claim("a", LONG) is Taken.DONE
    assert store.claim("a", 0.0) is Taken.DONE


def test_a_claim_that_is_given_back_can_be_taken_at_once(store: Store) -> None:
    store.release(claimed(store, "a"))
    store.finish(claimed(store, "a"))
    assert store.claim("a", LONG) is Taken.DONE


def test_a_claim_whose_holder_died_ends_by_itself_and_is_lost_to_the_dead(store: Store) -> None:
    dead = claimed(store, "a", seconds=-1)
    heir = claimed(store, "a")
    store.release(dead)
    assert store.claim("a", LONG) is Taken.PENDING
    with pytest.raises(ClaimLost):
        store.finish(dead)
    store.finish(heir)
    assert store.claim("a", LONG) is Taken.DONE


def test_what_is_done_is_not_forgotten_by_a_late_release(store: Store) -> None:
    dead = claimed(store, "a", seconds=-1)
    store.finish(claimed(store, "a"))
    store.release(dead)
    assert store.claim("a", LONG) is Taken.DONE


@pytest.mark.parametrize("expired", [False, True], ids=["a new event", "an event whose holder died"])
def test_of_many_at_once_one_gets_the_claim(store: Store, expired: bool) -> None:
    for number in range(5):
        key = f"key-{number}"
        if expired:
            claimed(store, key, seconds=-1)
        with ThreadPoolExecutor(16) as pool:
            found = list(pool.map(lambda _, key=key: store.claim(key, LONG), range(16)))
        assert sum(isinstance(each, Claim) for each in found) == 1, found


def test_processes_of_one_machine_share_the_file(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from bridge.deduplication import *;"
        "store = SqliteStore(pathlib.Path(sys.argv[1]));"
        "print(sum(isinstance(store.claim(f'k{n}', 300), Claim) for n in range(200)))"
    )
    folder = ROOT / "infra" / "function"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "events.db")], cwd=folder, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    assert sum(int(process.communicate(timeout=60)[0]) for process in running) == 200
    assert all(process.returncode == 0 for process in running)


def test_a_file_outlives_its_process_and_forgets_what_is_old(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    first = SqliteStore(path)
    first.finish(claimed(first, "done"))
    claimed(first, "given up", seconds=-1)
    again = SqliteStore(path)
    assert again.claim("done", LONG) is Taken.DONE
    assert isinstance(again.claim("given up", LONG), Claim)


def test_the_key_tells_events_and_repositories_apart_but_not_deliveries() -> None:
    one = completed()
    found = from_document(one)
    cloud = {
        "specversion": "1.0",
        "id": one["id"],
        "source": one["topic"],
        "type": one["eventType"],
        "subject": one["subject"],
        "time": one["eventTime"],
        "data": one["data"],
    }
    assert key_of(found, "contoso/churn") == key_of(from_document(cloud), "Contoso/Churn")
    assert len({key_of(found, "contoso/churn"), key_of(found, "contoso/fraud"), key_of(event(), "contoso/churn")}) == 3
