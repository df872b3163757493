"""Reads that do not know of a write yet: for some seconds, or some reads, they answer 404 or what was before."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aml_emulator.faults import answers
from aml_emulator.faults.fault import Fault
from aml_emulator.faults.names import HEADER, NONE, OWN_PATHS
from aml_emulator.faults.switchboard import subject
from aml_emulator.http import Call, FileSlice, Reply

if TYPE_CHECKING:
    from aml_emulator.faults.names import Port
    from aml_emulator.faults.switchboard import Switchboard

Handler = Callable[[Call], Reply]
_WRITES = ("PUT", "PATCH", "POST", "DELETE")
_MOST_KEPT = 500


@dataclass
class _Lag:
    """Reads of a subject that a fault answers wrongly, since a moment."""

    fault: Fault
    since: float
    reads: int = 0

    @property
    def over(self) -> bool:
        fault = self.fault
        late = fault.seconds is not None and time.monotonic() - self.since > fault.seconds
        return fault.gone.is_set() or late or (fault.reads is not None and self.reads >= fault.reads)


class Consistency:
    """Stands before the handlers of a port. Without a fault of this kind it does nothing."""

    def __init__(self, switchboard: Switchboard, port: Port) -> None:
        self._switchboard, self._port = switchboard, port
        self._lags: dict[tuple[str, int], _Lag] = {}
        self._known: dict[str, Reply] = {}
        self._lock = threading.Lock()

    def around(self, handle: Handler) -> Handler:
        """The handler with its reads made late."""

        def handling(call: Call) -> Reply:
            if not self._switchboard.any_stale or call.path.startswith(OWN_PATHS) or call.headers.get(HEADER) == NONE:
                return handle(call)
            if call.method == "GET":
                return self._read(handle, call)
            reply = handle(call)
            if call.method in _WRITES and reply.status < 300:
                self._written(call)
            return reply

        return handling

    def _written(self, call: Call) -> None:
        """Begin the lag of every fault that may concern the subject; a fault counts the writes after which a read met it."""
        about = subject(call.path)
        with self._lock:
            self._lags = {key: lag for key, lag in self._lags.items() if not lag.over}
            for fault in self._switchboard.all():
                if fault.stale and not fault.used_up:
                    self._lags[about, fault.id] = _Lag(fault, time.monotonic())

    def _read(self, handle: Handler, call: Call) -> Reply:
        about = subject(call.path)
        for fault in self._switchboard.stale(self._port, call):
            with self._lock:
                lag = self._lags.get((about, fault.id))
                if lag is None:
                    continue
                if lag.over:
                    del self._lags[about, fault.id]
                    continue
                if lag.reads == 0 and not self._switchboard.note(fault, call.method, call.path):
                    del self._lags[about, fault.id]
                    continue
                lag.reads += 1
                older = self._known.get(call.path.lower()) if fault.stale == "older" else None
            if older is not None:
                return Reply(older.status, older.body, dict(older.headers), older.media_type)
            missing = answers.reply(replace(fault, status=404), self._port, call)
            return missing or Reply(404)
        reply = handle(call)
        self._keep(call, reply)
        return reply

    def _keep(self, call: Call, reply: Reply) -> None:
        """Remember the answer, if a fault may ask for it."""
        wanted = any(one.stale == "older" for one in self._switchboard.stale(self._port, call))
        if not wanted or isinstance(reply.body, FileSlice):
            return
        with self._lock:
            self._known.pop(call.path.lower(), None)
            self._known[call.path.lower()] = reply
            while len(self._known) > _MOST_KEPT:
                self._known.pop(next(iter(self._known)))
