"""Other ports than last time: what is stored points at the new ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from aml_emulator.database import Database
from aml_emulator.relocation import relocate
from aml_emulator.resources import Resources


@pytest.mark.parametrize("ports", [(9443, 9444), (8444, 8445), (8442, 8443), (8444, 8443)])
def test_addresses_follow_the_ports_even_where_old_and_new_overlap(tmp_path: Path, ports: tuple[int, int]) -> None:
    database = Database(tmp_path / "state.sqlite3")
    resources = Resources(database)
    relocate(database, "https://127.0.0.1:8443", "https://127.0.0.1:8444")
    uris = {
        "main": "https://127.0.0.1:8443/discovery",
        "blob": "https://127.0.0.1:8444/account/container",
        "other": "x:8443",
    }
    resources.put("/subscriptions/s/resourceGroups/g", {"properties": uris})
    main, blob = (f"https://127.0.0.1:{port}" for port in ports)
    for _ in range(2):  # the second start on the same ports changes nothing
        relocate(database, main, blob)
        found = resources.get("/subscriptions/s/resourceGroups/g")
        assert found is not None
        assert found.properties == {"main": f"{main}/discovery", "blob": f"{blob}/account/container", "other": "x:8443"}
    database.close()
