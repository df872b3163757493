"""`aml-emulator events`: lists the events of a running emulator, and sends one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from aml_emulator.eventgrid.api import PATH
from aml_emulator.eventgrid.events import ML_PREFIX
from aml_emulator.own_client import Failed, ask

if TYPE_CHECKING:
    from aml_emulator.state import StateDirectory


def show(state: StateDirectory, *, last: int, event_type: str, as_json: bool) -> int:
    """Print the newest events, oldest first; the exit code.

    Raises:
        Failed: the emulator cannot be asked.

    """
    query = urlencode({"last": last, "type": event_type})
    found = ask(state, "GET", f"{PATH}?{query}")["value"]
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

    Raises:
        Failed: the payload cannot be read, or the emulator refuses the event.

    """
    try:
        text = Path(data[1:]).read_text(encoding="utf-8") if data.startswith("@") else data
        payload = json.loads(text)
    except OSError as error:
        raise Failed(f"--data {data}: cannot read the file: {error.strerror}") from None
    except ValueError as error:
        raise Failed(f"--data is not valid JSON: {error}") from None
    full = event_type if "." in event_type else f"{ML_PREFIX}{event_type}"
    body = {"source": source, "eventType": full, "subject": subject, "data": payload}
    made = ask(state, "POST", PATH, body)
    count = len(made.get("deliveries", []))
    print(f"{made['id']} is published to {count} event subscription{'' if count == 1 else 's'}.")
    return 0


def _line(one: dict[str, Any]) -> str:
    ends = [
        f"{delivery['subscription'].rsplit('/', 1)[-1]}: {delivery['state']} ({delivery['attempts']})"
        for delivery in one["deliveries"]
    ]
    return f"{one['eventTime']} {one['id']} {one['eventType']} {one['subject']} -> {', '.join(ends) or 'nobody'}"
