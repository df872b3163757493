"""Moving to other ports: addresses that the service stored name the ports of the run before."""

from __future__ import annotations

import json

from aml_emulator.database import Database

_SCHEMA = "CREATE TABLE IF NOT EXISTS addresses (one INTEGER PRIMARY KEY CHECK (one = 1), hosts TEXT NOT NULL);"


def relocate(database: Database, base_url: str, blob_url: str) -> None:
    """Rewrite the addresses in stored resources when this run listens elsewhere, and remember this run's."""
    database.create(_SCHEMA)
    new = [url.removeprefix("https://") for url in (base_url, blob_url)]
    row = database.row("SELECT hosts FROM addresses")
    old = json.loads(row["hosts"]) if row else new
    if old != new:
        # Through place-holders: the new main port may be the old blob port.
        for number, host in enumerate(old):
            _replace(database, host, f"\x01{number}\x01")
        for number, host in enumerate(new):
            _replace(database, f"\x01{number}\x01", host)
    database.execute("INSERT OR REPLACE INTO addresses (one, hosts) VALUES (1, ?)", (json.dumps(new),))


def _replace(database: Database, old: str, new: str) -> None:
    database.execute("UPDATE resources SET body = replace(body, ?, ?) WHERE instr(body, ?)", (old, new, old))
