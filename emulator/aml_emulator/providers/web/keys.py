"""The keys of a function app's host: random, made when they are first needed, the same ever after."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aml_emulator.arm.subscriptions import GROUP
from aml_emulator.http import Call, Reply, Router, ServiceError
from aml_emulator.providers.web.sites import SITE, find_site

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Resource

_SCHEMA = """
CREATE TABLE IF NOT EXISTS site_keys (
    site TEXT PRIMARY KEY COLLATE NOCASE,
    master TEXT NOT NULL,
    function TEXT NOT NULL,
    event_grid TEXT NOT NULL
);
"""


@dataclass(frozen=True)
class HostKeys:
    """What a caller shows: `master` for everything, `default` for any function, `event_grid` for Event Grid's webhook."""

    master: str
    default: str
    event_grid: str


def host_keys(emulator: Emulator, site_id: str) -> HostKeys:
    """The keys of an app.

    Raises:
        LookupError: there is no such app.

    """
    if emulator.resources.get(site_id) is None:
        raise LookupError(f"no function app {site_id}")
    emulator.database.execute(
        "INSERT OR IGNORE INTO site_keys (site, master, function, event_grid) VALUES (?, ?, ?, ?)",
        (site_id, *(secrets.token_urlsafe(40) for _ in range(3))),
    )
    row = emulator.database.row("SELECT * FROM site_keys WHERE site = ?", (site_id,))
    if row is None:
        raise LookupError(f"no keys of {site_id}")
    return HostKeys(row["master"], row["function"], row["event_grid"])


def register(router: Router, emulator: Emulator) -> None:
    """Routes of the keys."""
    emulator.database.create(_SCHEMA)
    emulator.resources.on_delete(SITE, lambda gone: _forget(emulator, gone))

    def of_host(call: Call) -> Reply:
        site = find_site(emulator, call)
        if call.params["host"].lower() != "default":
            raise ServiceError(
                404, "NotFound", f"The app '{site.name}' has no host '{call.params['host']}'; it has 'default'."
            )
        found = host_keys(emulator, site.id)
        return Reply(
            body={
                "masterKey": found.master,
                "functionKeys": {"default": found.default},
                "systemKeys": {"eventgrid_extension": found.event_grid},
            }
        )

    router.add("POST", f"{GROUP}/providers/{SITE}/{{name}}/host/{{host}}/listKeys", of_host)


def _forget(emulator: Emulator, gone: Resource) -> None:
    emulator.database.execute("DELETE FROM site_keys WHERE site = ?", (gone.id,))
