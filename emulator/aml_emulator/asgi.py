"""The two ASGI applications: requests in, handlers in threads, answers out, one log line each."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from aml_emulator.blob_errors import StorageError
from aml_emulator.faults import answers, wire
from aml_emulator.faults.consistency import Consistency
from aml_emulator.http import Call, FileSlice, Principal, Reply, Router, ServiceError, not_emulated
from aml_emulator.request_log import RequestLog, shown_target
from aml_emulator.tokens import ML_AUDIENCES, TokenAuthority, bearer_token

if TYPE_CHECKING:
    from aml_emulator.faults.fault import Fault
    from aml_emulator.faults.names import Port
    from aml_emulator.faults.switchboard import Switchboard

log = logging.getLogger("aml_emulator.requests")

Handler = Callable[[Call], Reply]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

MAX_BODY_BYTES = 1 << 30
_PIECE_BYTES = 1 << 20
_THREADS = 64


class Application:
    """An ASGI application around one function `(Call) -> Reply`, which runs in a thread; faults come between."""

    def __init__(
        self,
        handle: Handler,
        executor: ThreadPoolExecutor,
        requests: RequestLog,
        faults: Switchboard,
        *,
        port: Port,
        plus_is_space: bool,
    ) -> None:
        self._handle = Consistency(faults, port).around(handle)
        self._faults, self._port = faults, port
        self._requests = requests
        self._executor = executor
        self._plus_is_space = plus_is_space

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise RuntimeError(f"unexpected ASGI scope {scope['type']}")
        started = time.perf_counter()
        loop = asyncio.get_running_loop()
        fault: Fault | None = None
        try:
            call = self._call(scope, await _body(receive))
        except _TooLargeError:
            reply = ServiceError(413, "RequestBodyTooLarge", f"The body is larger than {MAX_BODY_BYTES} bytes.").reply()
            call = self._call(scope, b"")
        except _DisconnectedError:
            return
        else:
            try:
                fault = self._faults.request(self._port, call)
            except ServiceError as error:
                reply = error.reply()
            else:
                reply = await self._answered(loop, call, fault)
        try:
            if fault is not None and fault.drop in ("before", "answer"):
                wire.abort(scope)
                raise wire.Dropped
            sending = send if fault is None else wire.impaired(scope, send, fault)
            await _send(loop, self._executor, sending, call.method, reply)
        except OSError:
            pass
        except wire.Dropped:
            if fault is not None and fault.drop != "body":
                reply = Reply(0)  # what the log says of a request that got no answer
        milliseconds = (time.perf_counter() - started) * 1000
        self._requests.write(call, reply, milliseconds, fault=None if fault is None else fault.id)
        log.info(
            "%s %s %s %.0f ms%s%s",
            call.method,
            shown_target(call),
            reply.status,
            milliseconds,
            f" ({reply.headers['x-ms-error-code']})" if "x-ms-error-code" in reply.headers else "",
            "" if fault is None else f" [fault {fault.id}]",
        )

    async def _answered(self, loop: asyncio.AbstractEventLoop, call: Call, fault: Fault | None) -> Reply:
        """What a request is answered, by the fault that it met or by its handler."""
        if fault is None:
            return await loop.run_in_executor(self._executor, self._safely, call)
        await asyncio.sleep(fault.delay)
        if fault.drop == "before":
            return Reply(0)
        if (found := answers.reply(fault, self._port, call)) is not None:
            return found
        reply = await loop.run_in_executor(self._executor, self._safely, call)
        reply.headers.update(fault.headers)
        return reply

    def _call(self, scope: Scope, body: bytes) -> Call:
        raw_path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
        raw_query = scope["query_string"].decode("latin-1")
        return Call(
            method=scope["method"],
            path=unquote(raw_path),
            raw_path=raw_path,
            query=_query(raw_query, plus_is_space=self._plus_is_space),
            raw_query=raw_query,
            headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
            body=body,
        )

    def _safely(self, call: Call) -> Reply:
        try:
            return self._handle(call)
        except ServiceError as error:
            return error.reply()
        except StorageError as error:
            return error.reply()
        except Exception:
            reference = uuid.uuid4().hex[:12]
            log.exception("%s %s failed (%s)", call.method, shown_target(call), reference)
            message = f"The emulator failed. This is a defect; its log has the details under {reference}."
            return ServiceError(500, "InternalServerError", message).reply()


def route(router: Router, tokens: TokenAuthority) -> Handler:
    """The function behind the main port: find the handler, check who calls, run it."""

    def handle(call: Call) -> Reply:
        path = "/" + call.raw_path.strip("/")
        found = router.find(call.method, path)
        if found is None:
            raise not_emulated(f"{call.method} {call.path}")
        handler, authentication, params = found
        principal = None
        if authentication == "arm":
            principal = _authenticate(call, tokens)
            _check_scope(call, params, tokens)
        return handler(replace(call, params=params, principal=principal))

    return handle


def _is_arm(call: Call) -> bool:
    return call.path.lower().startswith(("/subscriptions", "/tenants", "/providers"))


def _authenticate(call: Call, tokens: TokenAuthority) -> Principal:
    """ARM takes tokens for itself only; the data plane takes those for Machine Learning too, as on Azure."""
    audiences = (tokens.arm_audience,) if _is_arm(call) else (tokens.arm_audience, *ML_AUDIENCES)
    return tokens.verify(bearer_token(call), audiences)


def _check_scope(call: Call, params: Mapping[str, str], tokens: TokenAuthority) -> None:
    if _is_arm(call) and not call.query.get("api-version"):
        raise ServiceError(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    asked = params.get("subscription")
    if asked is not None and asked.lower() != tokens.identity.subscription_id:
        raise ServiceError(404, "SubscriptionNotFound", f"The subscription '{asked}' could not be found.")


def _query(raw: str, *, plus_is_space: bool) -> dict[str, str]:
    if plus_is_space:
        return {name.lower(): value for name, value in parse_qsl(raw, keep_blank_values=True)}
    parts = (part.partition("=") for part in raw.split("&") if part)
    return {unquote(name).lower(): unquote(value) for name, _, value in parts}


class _TooLargeError(Exception):
    pass


class _DisconnectedError(Exception):
    pass


async def _body(receive: Receive) -> bytes:
    pieces = bytearray()
    too_large = False
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _DisconnectedError
        if not too_large:
            pieces += message.get("body", b"")
            too_large = len(pieces) > MAX_BODY_BYTES
        if too_large:
            pieces.clear()
        if not message.get("more_body"):
            break
    if too_large:
        raise _TooLargeError
    return bytes(pieces)


async def _send(
    loop: asyncio.AbstractEventLoop, executor: ThreadPoolExecutor, send: Send, method: str, reply: Reply
) -> None:
    is_file = isinstance(reply.body, FileSlice)
    content = b"" if is_file else reply.encoded()
    length = reply.body.length if isinstance(reply.body, FileSlice) else len(content)
    headers = {"x-ms-request-id": str(uuid.uuid4()), **reply.headers}
    if reply.status not in (204, 304) and not any(name.lower() == "content-length" for name in headers):
        headers["Content-Length"] = str(length)
    if reply.media_type and (length or method == "HEAD"):
        headers["Content-Type"] = reply.media_type
    await send(
        {
            "type": "http.response.start",
            "status": reply.status,
            "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
        }
    )
    if method == "HEAD" or reply.status in (204, 304):
        await send({"type": "http.response.body", "body": b""})
    elif isinstance(reply.body, FileSlice):
        await _send_file(loop, executor, send, reply.body)
    else:
        await send({"type": "http.response.body", "body": content})


async def _send_file(
    loop: asyncio.AbstractEventLoop, executor: ThreadPoolExecutor, send: Send, part: FileSlice
) -> None:
    file = await loop.run_in_executor(executor, part.path.open, "rb")
    try:
        file.seek(part.start)
        left = part.length
        while left:
            piece = await loop.run_in_executor(executor, file.read, min(left, _PIECE_BYTES))
            if not piece:
                raise OSError(f"{part.path} became shorter while it was sent")
            left -= len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
        if part.length == 0:
            await send({"type": "http.response.body", "body": b""})
    finally:
        file.close()


def executor() -> ThreadPoolExecutor:
    """The threads that handlers run in."""
    return ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="handler")
