"""One dispatch per event, although Event Grid delivers at least once and invocations run at the same time.

Before an invocation calls GitHub it claims the event in a store; afterwards it writes there that the event is done.

What is guaranteed:

- While a claim is held, nobody else calls GitHub for this event, on any instance of the app (`BlobStore`), in any process
  of the machine (`SqliteStore`), in any thread of the process (`MemoryStore`).
- Once an event is done, no later delivery makes a dispatch.
- No event is lost: a claim whose holder failed is given back at once; a claim whose holder died ends by itself after
  `Patience.claim` seconds, and the event, which Event Grid still holds, is dispatched by a later delivery.

What cannot be guaranteed, because GitHub takes no idempotency key: when a holder dies between GitHub's acceptance and
the note that the event is done, or GitHub accepts a dispatch and its answer never arrives, nobody knows that the dispatch
was made. It is then made again, since losing it would be worse: at most once for each such accident. The payload's `id`
is the same both times.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bridge.events import Event

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient, ContainerClient

REMEMBERED = 7 * 24 * 3600.0
"""Seconds for which an event stays known in the local stores. Event Grid redelivers for a day. Blobs are left to a
lifecycle rule of the storage account."""


class Taken(Enum):
    """Why an event could not be claimed."""

    DONE = "done"
    """Its dispatch is made."""
    PENDING = "pending"
    """Another invocation works on it."""


@dataclass(frozen=True)
class Claim:
    """The right to dispatch one event.

    Attributes:
        key: the event's key in the store.
        owner: tells this claim from every other one.
        etag: version of the record, where the store has one.
    """

    key: str
    owner: str
    etag: str = ""


class ClaimLost(Exception):
    """The claim had ended, and another invocation has taken the event meanwhile."""


class Store(Protocol):
    """Where claims are kept. Every method may raise what its medium raises: the caller then lets Event Grid redeliver."""

    def claim(self, key: str, seconds: float) -> Claim | Taken:
        """Claim an event for so many seconds, unless it is done or taken."""

    def finish(self, claim: Claim) -> None:
        """Note that the event is done.

        Raises:
            ClaimLost: see there.
        """

    def release(self, claim: Claim) -> None:
        """Give a claim back, so that the next delivery need not wait for its end. One that is lost is nobody's loss."""


def key_of(event: Event, repository: str) -> str:
    """The event's key: its publisher, type and id, and the repository, since two subscriptions may name two of them."""
    return hashlib.sha256(f"{event.correlation_id}\n{repository.lower()}".encode()).hexdigest()


@dataclass
class _Record:
    owner: str
    until: float
    done: bool = False


class MemoryStore:
    """Claims of one process, gone with it: for tests, and for a single local process."""

    def __init__(self) -> None:
        self._records: dict[str, _Record] = {}
        self._lock = threading.Lock()
        self._pruned = time.time()

    def claim(self, key: str, seconds: float) -> Claim | Taken:
        """See `Store`."""
        now = time.time()
        with self._lock:
            self._prune(now)
            record = self._records.get(key)
            if record is not None and record.done:
                return Taken.DONE
            if record is not None and record.until > now:
                return Taken.PENDING
            claim = Claim(key, _owner())
            self._records[key] = _Record(claim.owner, now + seconds)
            return claim

    def finish(self, claim: Claim) -> None:
        """See `Store`."""
        with self._lock:
            record = self._records.get(claim.key)
            if record is None or record.owner != claim.owner:
                raise ClaimLost
            record.done, record.until = True, time.time() + REMEMBERED

    def release(self, claim: Claim) -> None:
        """See `Store`."""
        with self._lock:
            record = self._records.get(claim.key)
            if record is not None and record.owner == claim.owner:
                del self._records[claim.key]

    def _prune(self, now: float) -> None:
        if now - self._pruned > REMEMBERED / 100:
            self._pruned = now
            self._records = {key: record for key, record in self._records.items() if record.until > now}


class SqliteStore:
    """Claims of all processes of one machine, in a file: for the function on a developer's machine.

    Args:
        path: the database; made when it is missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._writing() as database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS events (key TEXT PRIMARY KEY, owner TEXT NOT NULL, until REAL NOT NULL,"
                " done INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID"
            )
            database.execute("DELETE FROM events WHERE until < ?", (time.time(),))

    def claim(self, key: str, seconds: float) -> Claim | Taken:
        """See `Store`."""
        now = time.time()
        with self._writing() as database:
            row = database.execute("SELECT until, done FROM events WHERE key = ?", (key,)).fetchone()
            if row is not None and row[1]:
                return Taken.DONE
            if row is not None and row[0] > now:
                return Taken.PENDING
            claim = Claim(key, _owner())
            database.execute(
                "INSERT OR REPLACE INTO events (key, owner, until) VALUES (?, ?, ?)", (key, claim.owner, now + seconds)
            )
            return claim

    def finish(self, claim: Claim) -> None:
        """See `Store`."""
        with self._writing() as database:
            changed = database.execute(
                "UPDATE events SET done = 1, until = ? WHERE key = ? AND owner = ?",
                (time.time() + REMEMBERED, claim.key, claim.owner),
            )
            if changed.rowcount == 0:
                raise ClaimLost

    def release(self, claim: Claim) -> None:
        """See `Store`."""
        with self._writing() as database:
            database.execute("DELETE FROM events WHERE key = ? AND owner = ? AND done = 0", (claim.key, claim.owner))

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the write lock from its first statement: reading and writing are then one step."""
        with closing(sqlite3.connect(self._path, timeout=30, isolation_level=None)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
            except BaseException:
                database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")


class BlobStore:
    """Claims in a container of the function's own storage account: one small blob per event, for all instances.

    It needs conditional requests only: a blob is made if there is none (`If-None-Match: *`) and changed or deleted if it is
    still the version that was read (`If-Match`), so the storage service decides who was first.

    Args:
        container: the container; made at first use if it is missing.
    """

    def __init__(self, container: ContainerClient) -> None:
        self._container = container

    def claim(self, key: str, seconds: float) -> Claim | Taken:
        """See `Store`."""
        from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError

        blob = self._blob(key)
        owner = _owner()
        pending = _document("pending", owner, time.time() + seconds)
        if (etag := self._create(blob, pending)) is not None:
            return Claim(key, owner, etag)
        try:
            found = blob.download_blob()
            record = json.loads(found.readall())
            if record["state"] == "done":
                return Taken.DONE
            if record["owner"] == owner:  # the blob is this call's own: its answer got lost and the client asked again
                return Claim(key, owner, found.properties.etag)
            if record["until"] > time.time():
                return Taken.PENDING
            return Claim(key, owner, _replace(blob, pending, found.properties.etag))
        except (ResourceModifiedError, ResourceNotFoundError):  # somebody was quicker, or gave it back just now
            return Taken.PENDING

    def finish(self, claim: Claim) -> None:
        """See `Store`."""
        from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError

        try:
            _replace(self._blob(claim.key), _document("done", claim.owner, None), claim.etag)
        except (ResourceModifiedError, ResourceNotFoundError) as error:
            raise ClaimLost from error

    def release(self, claim: Claim) -> None:
        """See `Store`."""
        from azure.core import MatchConditions
        from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError

        try:
            self._blob(claim.key).delete_blob(etag=claim.etag, match_condition=MatchConditions.IfNotModified)
        except (ResourceModifiedError, ResourceNotFoundError):
            return

    @property
    def url(self) -> str:
        """Address of the container."""
        return str(self._container.url)

    def _blob(self, key: str) -> BlobClient:
        return self._container.get_blob_client(f"{key}.json")

    def _create(self, blob: BlobClient, content: bytes) -> str | None:
        """Make the blob; its version, or None when it is there already."""
        from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

        for last in (False, True):
            try:
                return _etag(blob.upload_blob(content, overwrite=False))
            except ResourceExistsError:
                return None
            except ResourceNotFoundError:  # no container yet
                if last:
                    raise
                self._make_container()
        return None

    def _make_container(self) -> None:
        from azure.core.exceptions import ResourceExistsError

        try:
            self._container.create_container()
        except ResourceExistsError:
            return


def _replace(blob: BlobClient, content: bytes, etag: str) -> str:
    from azure.core import MatchConditions

    written = blob.upload_blob(content, overwrite=True, etag=etag, match_condition=MatchConditions.IfNotModified)
    return _etag(written)


def _etag(written: dict[str, Any]) -> str:
    return str(written["etag"])


def _document(state: str, owner: str, until: float | None) -> bytes:
    return json.dumps({"state": state, "owner": owner, "until": until}).encode()


def _owner() -> str:
    return uuid.uuid4().hex
