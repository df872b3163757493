"""Blocks of blobs that are being uploaded in pieces: staged by id, joined by a block list."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

from aml_emulator.database import Database

_SCHEMA = """
CREATE TABLE IF NOT EXISTS blocks (
    container TEXT NOT NULL,
    name TEXT NOT NULL,
    block TEXT NOT NULL,
    file TEXT NOT NULL,
    PRIMARY KEY (container, name, block)
);
"""


class BlockStore:
    """Uncommitted blocks. They lie in files of random names, as blobs do."""

    def __init__(self, root: Path, database: Database) -> None:
        self._root = root
        self._database = database
        database.create(_SCHEMA)

    def stage(self, container: str, name: str, block: str, content: bytes) -> None:
        """Keep a block; one of the same id is replaced."""
        self._root.mkdir(exist_ok=True)
        path = self._root / uuid.uuid4().hex
        path.write_bytes(content)
        with self._database.transaction():
            where = (container, name, block)
            old = self._database.row("SELECT file FROM blocks WHERE container = ? AND name = ? AND block = ?", where)
            self._database.execute(
                "INSERT OR REPLACE INTO blocks (container, name, block, file) VALUES (?, ?, ?, ?)", (*where, path.name)
            )
        if old is not None:
            (self._root / old["file"]).unlink(missing_ok=True)

    def join(self, container: str, name: str, blocks: Sequence[str]) -> Path:
        """A file with the listed blocks one after the other; the caller moves or deletes it, then calls `clear`.

        Raises:
            KeyError: a block of the list was never staged.

        """
        rows = self._database.rows("SELECT block, file FROM blocks WHERE container = ? AND name = ?", (container, name))
        files = {row["block"]: self._root / row["file"] for row in rows}
        parts = [files[block] for block in blocks]
        self._root.mkdir(exist_ok=True)
        whole = self._root / uuid.uuid4().hex
        with whole.open("wb") as target:
            for part in parts:
                with part.open("rb") as source:
                    shutil.copyfileobj(source, target, 1 << 20)
        return whole

    def clear(self, container: str, name: str) -> None:
        """Forget all blocks of a blob."""
        with self._database.transaction():
            rows = self._database.rows("SELECT file FROM blocks WHERE container = ? AND name = ?", (container, name))
            self._database.execute("DELETE FROM blocks WHERE container = ? AND name = ?", (container, name))
        for row in rows:
            (self._root / row["file"]).unlink(missing_ok=True)
