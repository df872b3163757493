"""The blob store: containers of named byte strings on disk, with metadata in the database.

Contents lie in files of random names, so a blob `a` and a blob `a/b` can both exist and no blob name
reaches the file system. A size is read from the file when it is asked for: a log that a job is still writing is an ordinary blob.

Whoever got a `Blob` may read it although it is replaced or deleted meanwhile, as on Azure: its file stays for `KEPT_SECONDS`.
"""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from aml_emulator.database import Database

_SCHEMA = """
CREATE TABLE IF NOT EXISTS containers (name TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS blobs (
    container TEXT NOT NULL,
    name TEXT NOT NULL,
    file TEXT NOT NULL,
    content_type TEXT NOT NULL,
    metadata TEXT NOT NULL,
    etag TEXT NOT NULL,
    PRIMARY KEY (container, name)
);
CREATE TABLE IF NOT EXISTS replaced_blob_files (file TEXT PRIMARY KEY, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS replaced_blob_files_by_time ON replaced_blob_files (at);
"""

KEPT_SECONDS = 60.0
"""How long the file of a replaced or deleted blob stays for those who were about to read it, at least."""


@dataclass(frozen=True)
class Blob:
    """One blob. `path` holds its bytes; never write there, except through `BlobStore.live`."""

    container: str
    name: str
    path: Path
    content_type: str
    etag: str
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Length in bytes, at this moment."""
        return self.path.stat().st_size

    @property
    def modified(self) -> datetime:
        """When the bytes last changed (UTC)."""
        return datetime.fromtimestamp(self.path.stat().st_mtime, timezone.utc)

    def read(self) -> bytes:
        """All bytes."""
        return self.path.read_bytes()


@dataclass(frozen=True)
class Cause:
    """The request of the blob service that changes a blob: the operation's name in events, and the ids of the request."""

    api: str
    request_id: str = ""
    client_request_id: str = ""


@dataclass(frozen=True)
class BlobChange:
    """A blob that was written or deleted, of `size` bytes at that moment. Without a cause the emulator itself did it."""

    blob: Blob
    size: int
    deleted: bool
    cause: Cause | None = None

    @property
    def api(self) -> str:
        """Name of the operation."""
        return self.cause.api if self.cause else "DeleteBlob" if self.deleted else "PutBlob"

    @property
    def request_id(self) -> str:
        """The service's id of the request; empty without one."""
        return self.cause.request_id if self.cause else ""

    @property
    def client_request_id(self) -> str:
        """The client's id of the request; empty without one."""
        return self.cause.client_request_id if self.cause else ""


class BlobStore:
    """All containers of the emulator's one storage account."""

    def __init__(self, root: Path, database: Database) -> None:
        self._root = root
        self._database = database
        self._changed: Callable[[BlobChange], None] = lambda change: None
        database.create(_SCHEMA)
        self._tidy(time.time())  # nobody reads what an emulator before this one replaced

    def watch(self, changed: Callable[[BlobChange], None]) -> None:
        """Have a function called with every blob that is written or deleted, as part of the same transaction."""
        self._changed = changed

    def create_container(self, name: str) -> bool:
        """Make a container; False when it was there."""
        return self._database.execute("INSERT OR IGNORE INTO containers (name) VALUES (?)", (name,)) > 0

    def has_container(self, name: str) -> bool:
        """Whether a container exists."""
        return self._database.row("SELECT 1 FROM containers WHERE name = ?", (name,)) is not None

    def delete_container(self, name: str) -> None:
        """Delete a container and its blobs."""
        for blob in self.list(name):
            self._delete(blob)
        self._database.execute("DELETE FROM containers WHERE name = ?", (name,))
        self._tidy(time.time() - KEPT_SECONDS)

    def put(
        self,
        container: str,
        name: str,
        content: bytes | Path,
        *,
        content_type: str = "application/octet-stream",
        metadata: dict[str, str] | None = None,
        cause: Cause | None = None,
    ) -> Blob:
        """Create or replace a blob from bytes or from a file (copied)."""
        path = self._new_file()
        if isinstance(content, Path):
            shutil.copyfile(content, path)
        else:
            path.write_bytes(content)
        return self._record(container, name, path, content_type, metadata or {}, cause)

    def live(self, container: str, name: str, *, content_type: str = "text/plain") -> Blob:
        """A new empty blob whose `path` may be appended to: readers see it grow."""
        path = self._new_file()
        path.touch()
        return self._record(container, name, path, content_type, {})

    def get(self, container: str, name: str) -> Blob | None:
        """The blob of that name, or None."""
        row = self._database.row("SELECT * FROM blobs WHERE container = ? AND name = ?", (container, name))
        if row is None:
            return None
        return Blob(
            row["container"],
            row["name"],
            self._root / row["file"],
            row["content_type"],
            row["etag"],
            json.loads(row["metadata"]),
        )

    def list(self, container: str, prefix: str = "") -> list[Blob]:
        """Blobs whose names begin with `prefix`, sorted by name."""
        rows = self._database.rows(
            "SELECT name FROM blobs WHERE container = ? AND substr(name, 1, ?) = ? ORDER BY name",
            (container, len(prefix), prefix),
        )
        return [blob for row in rows if (blob := self.get(container, row["name"]))]

    def set_metadata(self, container: str, name: str, metadata: dict[str, str]) -> bool:
        """Replace a blob's metadata; False when there is no such blob."""
        return (
            self._database.execute(
                "UPDATE blobs SET metadata = ?, etag = ? WHERE container = ? AND name = ?",
                (json.dumps(metadata), _etag(), container, name),
            )
            > 0
        )

    def delete(self, container: str, name: str, *, cause: Cause | None = None) -> bool:
        """Delete a blob; False when it was not there."""
        with self._database.transaction():
            blob = self.get(container, name)
            if blob is None:
                return False
            self._changed(BlobChange(blob, _size_of(blob), True, cause))
            self._database.execute("DELETE FROM blobs WHERE container = ? AND name = ?", (container, name))
            self._retire(blob)
        self._tidy(time.time() - KEPT_SECONDS)
        return True

    def _delete(self, blob: Blob) -> None:
        """Delete a blob with its container, of which no event tells."""
        with self._database.transaction():
            self._database.execute("DELETE FROM blobs WHERE container = ? AND name = ?", (blob.container, blob.name))
            self._retire(blob)

    def _retire(self, blob: Blob) -> None:
        """Note that no name leads to a blob's file any more."""
        self._database.execute(
            "INSERT OR REPLACE INTO replaced_blob_files (file, at) VALUES (?, ?)",
            (str(blob.path.relative_to(self._root)), time.time()),
        )

    def _tidy(self, until: float) -> None:
        """Delete the files that were noted until a moment (seconds since 1970)."""
        for row in self._database.rows("SELECT file FROM replaced_blob_files WHERE at <= ?", (until,)):
            (self._root / row["file"]).unlink(missing_ok=True)
            self._database.execute("DELETE FROM replaced_blob_files WHERE file = ?", (row["file"],))

    def upload_folder(self, container: str, prefix: str, folder: Path) -> int:
        """Store every file below a folder as `prefix/relative/path`; how many there were. Links are not followed."""
        count = 0
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                self.put(container, f"{prefix.rstrip('/')}/{path.relative_to(folder).as_posix()}", path)
                count += 1
        return count

    def download_folder(self, container: str, prefix: str, folder: Path) -> int:
        """Write every blob below `prefix/` to a folder; how many there were.

        Raises:
            ValueError: a blob name would leave the folder.
        """
        prefix = prefix.rstrip("/") + "/" if prefix else ""
        target_root = folder.resolve()
        count = 0
        for blob in self.list(container, prefix):
            target = (target_root / blob.name[len(prefix) :]).resolve()
            if not target.is_relative_to(target_root):
                raise ValueError(f"blob name {blob.name!r} leaves its folder")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(blob.path, target)
            count += 1
        return count

    def _new_file(self) -> Path:
        name = uuid.uuid4().hex
        folder = self._root / name[:2]
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name

    def _record(
        self,
        container: str,
        name: str,
        path: Path,
        content_type: str,
        metadata: dict[str, str],
        cause: Cause | None = None,
    ) -> Blob:
        with self._database.transaction():
            old = self.get(container, name)
            self._database.execute("INSERT OR IGNORE INTO containers (name) VALUES (?)", (container,))
            etag = _etag()
            self._database.execute(
                "INSERT OR REPLACE INTO blobs (container, name, file, content_type, metadata, etag)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (container, name, str(path.relative_to(self._root)), content_type, json.dumps(metadata), etag),
            )
            blob = Blob(container, name, path, content_type, etag, metadata)
            self._changed(BlobChange(blob, _size_of(blob), False, cause))
            if old is not None:
                self._retire(old)
        if old is not None:
            self._tidy(time.time() - KEPT_SECONDS)
        return blob


def _size_of(blob: Blob) -> int:
    return blob.path.stat().st_size if blob.path.exists() else 0


def _etag() -> str:
    return f'"0x{uuid.uuid4().hex[:15].upper()}"'
