"""`aml-emulator events`: lists the events of a running emulator, and sends one."""

from __future__ import annotations

import json
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from aml_emulator.eventgrid.api import PATH
from aml_emulator.eventgrid.events import ML_PREFIX

if TYPE_CHECKING:
    from aml_emulator.state import ServerRecord, StateDirectory

_SECONDS = 60


class _Failed(Exception):
    """The command failed; the message is for its user."""


def show(state: StateDirectory, *, last: int, event_type: str, as_json: bool) -> int:
    """Print the newest events, oldest first; the exit code."""
    try:
        query = urlencode({"last": last, "type": event_type})
        found = _ask(state, "GET", f"{PATH}?{query}")["value"]
    except _Failed as error:
        return _fail(error)
    for one in reversed(found):
        print(json.dumps(one) if as_json else _line(one))
    return 0


def send(state: StateDirectory, *, source: str, event_type: str, subject: str, data: str) -> int:
    """Publish an event; the exit code.

    Args:
        state: of the running emulator.
        source: id or name of a workspace or storage account.
        event_type: in full, or without `Microsoft.MachineLearningServices.` before it.
        subject: what of the source it is about.
        data: the payload as JSON, or `@` and the name of a file with it.

    """
    try:
        text = Path(data[1:]).read_text(encoding="utf-8") if data.startswith("@") else data
        payload = json.loads(text)
    except OSError as error:
        return _fail(f"--data {data}: cannot read the file: {error.strerror}")
    except ValueError as error:
        return _fail(f"--data is not valid JSON: {error}")
    full = event_type if "." in event_type else f"{ML_PREFIX}{event_type}"
    body = {"source": source, "eventType": full, "subject": subject, "data": payload}
    try:
        made = _ask(state, "POST", PATH, body)
    except _Failed as error:
        return _fail(error)
    count = len(made.get("deliveries", []))
    print(f"{made['id']} is published to {count} event subscription{'' if count == 1 else 's'}.")
    return 0


def _line(one: dict[str, Any]) -> str:
    ends = [
        f"{delivery['subscription'].rsplit('/', 1)[-1]}: {delivery['state']} ({delivery['attempts']})"
        for delivery in one["deliveries"]
    ]
    return f"{one['eventTime']} {one['id']} {one['eventType']} {one['subject']} -> {', '.join(ends) or 'nobody'}"


def _ask(state: StateDirectory, method: str, path: str, body: object = None) -> dict[str, Any]:
    """The emulator's answer to a signed request."""
    from aml_emulator.control import running_record

    record = running_record(state)
    if record is None:
        raise _Failed(f"no emulator runs with the state {state.root}. Start it: aml-emulator up")
    token = _token(state, record)
    content = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
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
    found = _open(state, urllib.request.Request(address, urlencode(form).encode(), method="POST"))  # noqa: S310 - https
    return str(found["access_token"])


def _open(state: StateDirectory, request: urllib.request.Request) -> dict[str, Any]:
    context = ssl.create_default_context(cafile=str(state.bundle))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(request, timeout=_SECONDS) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except urllib.error.HTTPError as error:
        raise _Failed(_message(error.read())) from None
    except OSError as error:
        raise _Failed(f"the emulator does not answer: {error}") from None


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")


def _fail(message: object) -> int:
    print(f"aml-emulator: {message}", file=sys.stderr)
    return 1
