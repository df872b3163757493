"""What was asked of the emulator: one JSON object a request, so that a person, or a test, sees what really reached the wire."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aml_emulator.arm.template.secrets import hidden_request
from aml_emulator.http import Call, Reply
from aml_emulator.resources import now

MOST_BODY_BYTES = 256 * 1024
"""Bytes of a body that is kept; what is larger is data, not a definition."""
MOST_LOG_BYTES = 32 * 1024 * 1024
"""Bytes after which a new log is begun; one older is kept."""
_SECRET_PARAMETERS = ("sig", "code", "token", "client_secret")
_SECRET_KEY = re.compile(
    r"password|secret|token|keyvalue|primarykey|secondarykey|accountkey|sasuri|privatekey|endpointurl", re.IGNORECASE
)
_SECRET_VALUES = re.compile(r"/vaults/[^/]+/secrets/|/config/(appsettings|connectionstrings)", re.IGNORECASE)
"""Paths of what holds secrets under any name: every string in `properties` is hidden."""
_SECRET_LISTS = ("appsettings", "connectionstrings")
"""Members that are lists of names with values: every value is hidden."""
_DEPLOYMENT = re.compile(r"/providers/Microsoft\.Resources/deployments/[^/]+(/validate|/whatIf)?/?", re.IGNORECASE)
"""Paths of deployments: what of their parameters is secret, their template says."""
HIDDEN = "***"


def shown_target(call: Call) -> str:
    """Path and query of a request, its secrets hidden."""
    parts = []
    for part in call.raw_query.split("&") if call.raw_query else []:
        name = part.partition("=")[0]
        parts.append(f"{name}={HIDDEN}" if name.lower() in _SECRET_PARAMETERS else part)
    return call.raw_path + (f"?{'&'.join(parts)}" if parts else "")


class RequestLog:
    """Appends to a file that others read; every request is one line, complete when it is seen."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()

    def write(self, call: Call, reply: Reply, milliseconds: float, *, fault: int | None = None) -> None:
        """Note a request that was answered (status 0: the connection was closed instead), and the fault that it met."""
        line = json.dumps(
            {
                "time": now(),
                "method": call.method,
                "path": call.path,
                "query": {name: HIDDEN if name in _SECRET_PARAMETERS else value for name, value in call.query.items()},
                "status": reply.status,
                "milliseconds": round(milliseconds, 1),
                "body": _body(call),
                **({} if fault is None else {"fault": fault}),
            }
        )
        with self._lock:
            if self._file.exists() and self._file.stat().st_size > MOST_LOG_BYTES:
                self._file.replace(self._file.with_suffix(".jsonl.1"))
            with self._file.open("a", encoding="utf-8") as stream:
                stream.write(line + "\n")


def read(file: Path, *, method: str = "", path: str = "") -> Iterator[dict[str, Any]]:
    """Give the requests of a log, oldest first.

    Args:
        file: the log; one that is not there holds nothing.
        method: only this one.
        path: only paths in which this regular expression is found, whatever their case.
    """
    pattern = re.compile(path, re.IGNORECASE)
    if not file.exists():
        return
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            try:
                found = json.loads(line)
            except ValueError:  # the last line of a server that was killed
                continue
            if method.upper() in ("", found["method"]) and pattern.search(found["path"]):
                yield found


def _body(call: Call) -> Any:  # noqa: ANN401 - any JSON
    """The JSON of a body, its secrets hidden; None for everything that is not JSON."""
    if not call.body or len(call.body) > MOST_BODY_BYTES or call.body.lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        parsed = json.loads(call.body)
        if _DEPLOYMENT.search(call.path):
            parsed = hidden_request(parsed)
        found = _hidden(parsed)
    except (ValueError, RecursionError):
        return None
    if isinstance(found, dict) and _SECRET_VALUES.search(call.path):
        found["properties"] = _all_hidden(found.get("properties"))
    return found


def _all_hidden(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Every string and number hidden; names stay."""
    if isinstance(value, dict):
        return {name: _all_hidden(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_all_hidden(inner) for inner in value]
    return value if value is None or isinstance(value, bool) else HIDDEN


def _hidden_values(items: Any) -> Any:  # noqa: ANN401 - any JSON
    """A list of names with values, without the values."""
    if not isinstance(items, list):
        return _all_hidden(items)
    return [{**item, "value": HIDDEN} if isinstance(item, dict) else HIDDEN for item in items]


def _hidden(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        if value.get("isSecret") is True and "value" in value:  # a delivery attribute of an event subscription
            value = {**value, "value": HIDDEN}
        return {
            name: _hidden_values(inner)
            if name.lower() in _SECRET_LISTS
            else HIDDEN
            if isinstance(inner, str) and inner and _SECRET_KEY.search(name)
            else _hidden(inner)
            for name, inner in value.items()
        }
    return [_hidden(inner) for inner in value] if isinstance(value, list) else value
