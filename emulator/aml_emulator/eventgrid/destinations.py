"""Sending a batch to where a subscription says: to a function of this emulator, or to any webhook over real HTTPS."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aml_emulator.eventgrid import envelopes
from aml_emulator.eventgrid.events import Event
from aml_emulator.eventgrid.schedule import RESPONSE_SECONDS, outcome_of
from aml_emulator.eventgrid.settings import AZURE_FUNCTION, Subscription

if TYPE_CHECKING:
    import httpx

    from aml_emulator.context import Emulator

_SHOWN_CHARACTERS = 500
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Result:
    """What a destination answered. `status` is None when it did not; `outcome` is a word of `lastDeliveryOutcome`."""

    status: int | None
    outcome: str
    message: str = ""

    @property
    def taken(self) -> bool:
        """Whether the events are delivered."""
        return self.outcome == "Delivered"


class Destinations:
    """Everything that events can be sent to."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._lock = threading.Lock()
        self._clients: dict[bool, httpx.Client] = {}

    def send(self, subscription: Subscription, events: Sequence[Event], attempts_before: int) -> Result:
        """Send a batch and wait for the answer, for 30 seconds at most."""
        headers = envelopes.headers(events, subscription, attempts_before)
        if subscription.kind == AZURE_FUNCTION:
            return self._to_function(subscription, events, headers)
        return self.post(subscription.url, envelopes.body(events, subscription), headers)

    def post(self, url: str, body: bytes, headers: Mapping[str, str], method: str = "POST") -> Result:
        """Send a request to a webhook."""
        answer = self.request(method, url, body, headers)
        return answer if isinstance(answer, Result) else _result(answer.status_code, answer.content)

    def request(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> httpx.Response | Result:
        """The webhook's answer, or what went wrong before there was one."""
        import httpx  # at the first delivery: the server starts without it

        try:
            return self._client(url).request(method, url, content=body, headers=dict(headers))
        except httpx.TimeoutException:
            return Result(None, "TimedOut", f"no answer within {RESPONSE_SECONDS:.0f} s")
        except httpx.ConnectError as error:
            outcome = "ResolutionError" if _is_resolution(error) else "SocketError"
            return Result(None, outcome, str(error) or type(error).__name__)
        except httpx.HTTPError as error:
            return Result(None, "SocketError", str(error) or type(error).__name__)

    def _client(self, url: str) -> httpx.Client:
        """One for addresses of this machine, which no proxy reaches, one for all others."""
        import httpx

        local = urlsplit(url).hostname in _LOOPBACK
        with self._lock:
            if local not in self._clients:
                self._clients[local] = httpx.Client(
                    verify=_tls(self._emulator), timeout=RESPONSE_SECONDS, trust_env=not local, follow_redirects=False
                )
            return self._clients[local]

    def _to_function(self, subscription: Subscription, events: Sequence[Event], headers: dict[str, str]) -> Result:
        found = [envelopes.envelope(event, subscription.schema) for event in events]
        try:
            answer = self._emulator.functions.deliver(subscription.function_id, found, headers, RESPONSE_SECONDS)
        except TimeoutError:
            return Result(None, "TimedOut", f"no answer within {RESPONSE_SECONDS:.0f} s")
        return _result(answer.status, answer.body)


def _result(status: int, body: bytes) -> Result:
    outcome = outcome_of(status)
    shown = "" if outcome == "Delivered" else body[: _SHOWN_CHARACTERS * 4].decode(errors="replace")[:_SHOWN_CHARACTERS]
    return Result(status, outcome, shown)


def _tls(emulator: Emulator) -> Any:  # noqa: ANN401 - ssl.SSLContext, imported with httpx
    import ssl

    return ssl.create_default_context(cafile=str(emulator.state.bundle))


def _is_resolution(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
