"""What the command line asks of the emulator that runs, at the emulator's own addresses, as its service principal."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from aml_emulator.faults.names import HEADER, NONE

if TYPE_CHECKING:
    from aml_emulator.state import ServerRecord, StateDirectory

_SECONDS = 60


class Failed(Exception):
    """The command failed; the message is for its user."""


def ask(state: StateDirectory, method: str, path: str, body: object = None) -> dict[str, Any]:
    """The emulator's answer to a signed request; {} when it has no body.

    Args:
        state: of the running emulator.
        method: the verb.
        path: path and query below the main port.
        body: what is sent as JSON.

    Raises:
        Failed: no emulator runs, or it refuses.

    """
    from aml_emulator.control import running_record

    record = running_record(state)
    if record is None:
        raise Failed(f"no emulator runs with the state {state.root}. Start it: aml-emulator up")
    token = _token(state, record)
    content = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", HEADER: NONE}
    return _open(state, urllib.request.Request(f"{record.base_url}{path}", content, headers, method=method))  # noqa: S310 - https


def _token(state: StateDirectory, record: ServerRecord) -> str:
    from aml_emulator.identity import Identity

    identity = Identity.ensure(state.identity)
    form = {
        "grant_type": "client_credentials",
        "client_id": identity.client_id,
        "client_secret": identity.client_secret,
        "scope": f"{record.base_url}/.default",
    }
    address = f"{record.base_url}/{identity.tenant_id}/oauth2/v2.0/token"
    request = urllib.request.Request(address, urlencode(form).encode(), {HEADER: NONE}, method="POST")  # noqa: S310 - https
    found = _open(state, request)
    return str(found["access_token"])


def _open(state: StateDirectory, request: urllib.request.Request) -> dict[str, Any]:
    context = ssl.create_default_context(cafile=str(state.bundle))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(request, timeout=_SECONDS) as answer:
            content = answer.read()
    except urllib.error.HTTPError as error:
        raise Failed(_message(error.read())) from None
    except OSError as error:
        raise Failed(f"the emulator does not answer: {error}") from None
    found: dict[str, Any] = json.loads(content) if content else {}
    return found


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")
