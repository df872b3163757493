"""The keys and tokens of online endpoints: what callers show to score."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from aml_emulator.http import Call, Reply
from aml_emulator.ml.scope import refused

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

_TOKEN_SECONDS = 12 * 3600

_SCHEMA = """
CREATE TABLE IF NOT EXISTS endpoint_keys (
    endpoint TEXT PRIMARY KEY COLLATE NOCASE,
    primary_key TEXT NOT NULL,
    secondary_key TEXT NOT NULL
);
"""


def prepare(emulator: Emulator) -> None:
    """Make the table of keys when it is not there."""
    emulator.database.create(_SCHEMA)


def endpoint_keys(emulator: Emulator, endpoint_id: str) -> tuple[str, str]:
    """The primary and the secondary key of an endpoint.

    Raises:
        LookupError: there is no such endpoint.

    """
    row = emulator.database.row("SELECT * FROM endpoint_keys WHERE endpoint = ?", (endpoint_id,))
    if row is None:
        raise LookupError(f"no endpoint {endpoint_id}")
    return row["primary_key"], row["secondary_key"]


def scoring_audience(endpoint_id: str) -> str:
    """Audience of the tokens that an endpoint of auth mode AMLToken gives out and accepts."""
    return f"https://ml.azure.local{endpoint_id.lower()}"


def make_keys(emulator: Emulator, endpoint_id: str, given: Body) -> None:
    """Store the keys of a new endpoint: those of the request (`primaryKey`, `secondaryKey`), or random ones."""
    emulator.database.execute(
        "INSERT OR REPLACE INTO endpoint_keys (endpoint, primary_key, secondary_key) VALUES (?, ?, ?)",
        (
            endpoint_id,
            given.get("primaryKey") or secrets.token_urlsafe(32),
            given.get("secondaryKey") or secrets.token_urlsafe(32),
        ),
    )


def forget_keys(emulator: Emulator, endpoint_id: str) -> None:
    """Delete the keys of an endpoint that is deleted."""
    emulator.database.execute("DELETE FROM endpoint_keys WHERE endpoint = ?", (endpoint_id,))


def list_keys(emulator: Emulator, endpoint: Resource) -> Reply:
    """The answer to `listKeys`: nulls for an endpoint of tokens."""
    if endpoint.properties["authMode"] != "Key":
        return Reply(body={"primaryKey": None, "secondaryKey": None})
    primary, secondary = endpoint_keys(emulator, endpoint.id)
    return Reply(body={"primaryKey": primary, "secondaryKey": secondary})


def regenerate(emulator: Emulator, call: Call, endpoint: Resource) -> Reply:
    """Replace one key, as `regenerateKeys` does.

    Raises:
        ServiceError: the endpoint has no keys, or the request names none of the two.

    """
    if endpoint.properties["authMode"] != "Key":
        raise refused(f"Endpoint {endpoint.name} has no keys: its authMode is {endpoint.properties['authMode']}.")
    body = call.json()
    column = {"primary": "primary_key", "secondary": "secondary_key"}.get(str(body.get("keyType", "")).lower())
    if column is None:
        raise refused(f"keyType '{body.get('keyType')}' is unknown. Allowed: Primary, Secondary.", target="keyType")
    # The SDK sends the present key as `keyValue` and means a new one.
    wanted = body.get("keyValue")
    if not wanted or wanted in endpoint_keys(emulator, endpoint.id):
        wanted = secrets.token_urlsafe(32)
    emulator.database.execute(
        f"UPDATE endpoint_keys SET {column} = ? WHERE endpoint = ?",  # noqa: S608 - one of two fixed names
        (wanted, endpoint.id),
    )
    return Reply(200, media_type="")


def give_token(emulator: Emulator, endpoint: Resource) -> Reply:
    """A token for scoring, as `token` answers it.

    Raises:
        ServiceError: the endpoint's callers show something else.

    """
    mode = endpoint.properties["authMode"]
    if mode != "AMLToken":
        raise refused(f"Endpoint {endpoint.name} gives out no tokens: its authMode is {mode}.")
    expiry = datetime.now(timezone.utc) + timedelta(seconds=_TOKEN_SECONDS)
    body: dict[str, Any] = {
        "accessToken": emulator.tokens.issue(scoring_audience(endpoint.id), seconds=_TOKEN_SECONDS),
        "tokenType": "Bearer",
        "expiryTimeUtc": int(expiry.timestamp()),
        "refreshAfterTimeUtc": int((expiry - timedelta(hours=1)).timestamp()),
    }
    return Reply(body=body)
