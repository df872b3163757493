"""The switchboard: the faults that are asked for, which of them a request or a job meets, and what they met."""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aml_emulator import ids
from aml_emulator.faults import fault as definition
from aml_emulator.faults import names
from aml_emulator.faults.fault import LONG_RUNNING, Fault, Use
from aml_emulator.faults.shown import Shown
from aml_emulator.faults.token_life import TokenLife
from aml_emulator.http import Call, ServiceError
from aml_emulator.resources import now

_KEPT_HEADER_FAULTS = 1000
log = logging.getLogger("aml_emulator.faults")


class Switchboard:
    """Faults in the order in which they were asked for; a request meets the first that fits and is not used up.

    Those of the file stand behind those of the command, and are replaced whenever the file changes. None outlives the emulator but
    those of the file.
    """

    def __init__(self, file: Path) -> None:
        """Begin without faults; `file` is read when it is there."""
        self._file = file
        self._stamp: tuple[int, int] | None = None
        self._problem = ""
        self._commanded: list[Fault] = []
        self._filed: list[Fault] = []
        self._of_headers: list[Fault] = []
        self._tokens, self._tokens_of_file = TokenLife(), TokenLife()
        self._last = 0
        self._lock = threading.Lock()
        self.shown = Shown()
        self.stopped = threading.Event()
        """Set when the emulator stops: nothing is held any longer."""

    # ---------------------------------------------------------------- asking for faults

    def add(self, body: object) -> Fault:
        """Ask for one by command.

        Raises:
            ValueError: it is none.

        """
        with self._lock:
            made = definition.read(body, self._next(), "command")
            self._commanded.append(made)
        return made

    def clear(self) -> None:
        """Take back what was asked for by command, and forget what headers asked for. What they hold goes on."""
        with self._lock:
            for one in self._commanded:
                one.gone.set()
            self._commanded.clear()
            self._of_headers.clear()
            self._tokens = TokenLife()

    def all(self) -> list[Fault]:
        """Every fault, the used up as well."""
        with self._lock:
            self._look_at_file()
            return [*self._commanded, *self._filed, *self._of_headers]

    @property
    def problem(self) -> str:
        """What is wrong with the file; empty: nothing."""
        with self._lock:
            self._look_at_file()
            return self._problem

    @property
    def tokens(self) -> TokenLife:
        """How long new tokens are good."""
        with self._lock:
            self._look_at_file()
            return self._tokens if self._tokens.seconds is not None else self._tokens_of_file

    @tokens.setter
    def tokens(self, life: TokenLife) -> None:
        with self._lock:
            self._tokens = life

    # ---------------------------------------------------------------- meeting them

    def request(self, port: names.Port, call: Call) -> Fault | None:
        """The fault that a request meets, which is noted; None when it meets none.

        Raises:
            ServiceError: 400, the header of the request is no fault.

        """
        text = call.headers.get(names.HEADER, "").strip()
        if text.lower() == names.NONE or call.path.startswith(names.OWN_PATHS):
            return None
        use = Use(now(), call.method, call.path)
        with self._lock:
            if text:
                return self._of_header(text, use)
            self._look_at_file()
            return self._take(lambda one: one.of_requests and not one.stale and _meets(one, port, call), use)

    def stale(self, port: names.Port, call: Call) -> list[Fault]:
        """The faults under which reads like this one are answered wrongly after a write. Nothing is noted."""
        with self._lock:
            self._look_at_file()
            return [one for one in (*self._commanded, *self._filed) if one.stale and _meets(one, port, call)]

    @property
    def any_stale(self) -> bool:
        """Whether there is a fault of that kind."""
        with self._lock:
            self._look_at_file()
            return any(one.stale for one in (*self._commanded, *self._filed))

    def note(self, met: Fault, method: str, path: str) -> bool:
        """Note a use of a fault; False when it is used up, or lets this one pass."""
        with self._lock:
            return self._take(lambda one: one is met, Use(now(), method, path)) is not None

    def long_running(self, resource_id: str) -> Fault | None:
        """The fault that the operation which begins on a resource meets, which is noted."""
        kind = ids.type_of(resource_id).rsplit("/", 1)[-1].lower()

        def fits(one: Fault) -> bool:
            kinds = LONG_RUNNING.get(one.operation)
            found = kinds is not None and (not kinds or kind in kinds.lower().split("|"))
            return found and one.match.lower() in resource_id.lower()

        with self._lock:
            self._look_at_file()
            return self._take(fits, Use(now(), "", resource_id))

    def job(self, operation: str, job_id: str, known_as: Callable[[], Sequence[str]], **members: str) -> Fault | None:
        """The fault of a kind that a job meets, which is noted.

        Args:
            operation: a name of `OF_JOBS`.
            job_id: ARM id of the job.
            known_as: gives the names that `match` is looked for in.
            members: what else must be so, for example the stage: `at="Queued"`.

        """

        def fits(one: Fault) -> bool:
            return (
                one.operation == operation
                and all(getattr(one, name) == value for name, value in members.items())
                and (not one.match or any(one.match.lower() in name.lower() for name in known_as()))
            )

        with self._lock:
            self._look_at_file()
            return self._take(fits, Use(now(), "", job_id))

    def _take(self, fits: Callable[[Fault], bool], use: Use) -> Fault | None:
        for one in (*self._commanded, *self._filed):
            if one.used_up or not fits(one):
                continue
            if one.passed < one.after:
                one.passed += 1
                continue
            if one.of_requests and not one.stale and one.seconds is not None:
                one.first = one.first if one.first is not None else time.monotonic()
                if time.monotonic() - one.first > one.seconds:
                    continue
            one.note(use)
            return one
        return None

    def _of_header(self, text: str, use: Use) -> Fault:
        try:
            made = definition.read(json.loads(text), self._next(), "header", operation="any")
            if not made.of_requests or made.stale:
                raise ValueError(f"A header can ask for faults of its own request only, not for {made.operation}.")
        except ValueError as error:
            message = f"The header {names.HEADER} is neither a fault nor {names.NONE!r}: {error}"
            raise ServiceError(400, "InvalidRequestContent", message) from None
        made.note(use)
        self._of_headers.append(made)
        del self._of_headers[:-_KEPT_HEADER_FAULTS]
        return made

    # ---------------------------------------------------------------- the file

    def _look_at_file(self) -> None:
        """Read the file if it has changed since the last look."""
        try:
            found = self._file.stat()
            stamp: tuple[int, int] | None = (found.st_mtime_ns, found.st_size)
        except OSError:
            stamp = None
        if stamp == self._stamp:
            return
        self._stamp = stamp
        for one in self._filed:
            one.gone.set()
        self._filed, self._tokens_of_file, self._problem = [], TokenLife(), ""
        if stamp is None:
            return
        try:
            self._filed, self._tokens_of_file = self._read(json.loads(self._file.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            self._problem = f"{self._file.name} is not used: {error}"
            log.warning("%s", self._problem)

    def _read(self, content: Any) -> tuple[list[Fault], TokenLife]:  # noqa: ANN401 - any JSON
        listed = content.get("faults", []) if isinstance(content, dict) else content
        if not isinstance(listed, list):
            raise ValueError('it must be a list of faults, or an object {"faults": [...], "tokens": {"seconds": N}}.')
        faults = [definition.read(one, self._next(), "file") for one in listed]
        return faults, TokenLife.read(content.get("tokens") if isinstance(content, dict) else None)

    def _next(self) -> int:
        self._last += 1
        return self._last


def _meets(one: Fault, port: names.Port, call: Call) -> bool:
    """Whether a fault is one of such a request."""
    return (
        one.of_requests
        and one.match.lower() in call.path.lower()
        and one.agent.lower() in call.headers.get("user-agent", "").lower()
        and any(kind.match(port, call) for kind in names.requests_of(one.operation))
    )


def subject(path: str) -> str:
    """What a request is about, so that a write is known to concern a read: the job of a run, else the resource itself."""
    if found := re.search(r"/(?:jobs|runs)/([^/]+)", path, re.IGNORECASE):
        return f"job {found[1].lower()}"
    return path.lower().rstrip("/")
