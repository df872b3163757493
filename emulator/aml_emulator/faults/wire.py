"""Connections that break, and answers that come slowly."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from aml_emulator.faults.fault import Fault

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_EXTENSION = "aml_emulator.connection"
_PIECES_A_SECOND = 20


class Dropped(Exception):
    """The connection was closed on purpose: there is nobody to answer any more."""


class DroppableProtocol(H11Protocol):
    """The server's protocol; an application may close the connection under a request."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Have every request of the connection carry its transport."""
        super().connection_made(transport)
        self.app = partial(_with_transport, self.app, transport)


async def _with_transport(app: Any, transport: asyncio.Transport, scope: Scope, receive: Any, send: Any) -> None:  # noqa: ANN401
    scope.setdefault("extensions", {})[_EXTENSION] = transport
    await app(scope, receive, send)


def abort(scope: Scope) -> None:
    """Close a connection at once, without a word."""
    transport: asyncio.Transport = scope["extensions"][_EXTENSION]
    transport.abort()


def impaired(scope: Scope, send: Send, fault: Fault) -> Send:
    """A `send` that is as slow as the fault says, and breaks off where it says so.

    The `send` raises:
        Dropped: it has broken off.
    """
    limit: int | None = None
    sent = 0

    async def slowed(content: bytes, *, more: bool) -> None:
        if fault.slow is None or not content:
            await send({"type": "http.response.body", "body": content, "more_body": more})
            return
        size = max(1, fault.slow // _PIECES_A_SECOND)
        for start in range(0, len(content), size):
            piece = content[start : start + size]
            await asyncio.sleep(len(piece) / fault.slow)
            last = start + size >= len(content)
            await send({"type": "http.response.body", "body": piece, "more_body": more or not last})

    async def sending(message: dict[str, Any]) -> None:
        nonlocal limit, sent
        if message["type"] == "http.response.start":
            if fault.drop == "body":
                lengths = [int(value) for name, value in message["headers"] if name.lower() == b"content-length"]
                limit = (lengths or [0])[0] // 2 if fault.bytes is None else fault.bytes
            await send(message)
            return
        content = message.get("body", b"")
        if limit is None:
            await slowed(content, more=bool(message.get("more_body")))
            return
        kept = content[: limit - sent]
        sent += len(kept)
        if kept:
            await slowed(kept, more=True)
        if sent >= limit or not message.get("more_body"):
            transport: asyncio.Transport = scope["extensions"][_EXTENSION]
            transport.close()  # what was written still goes out
            raise Dropped

    return sending
