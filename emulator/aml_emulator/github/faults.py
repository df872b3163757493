"""Faults of the REST API, asked for by a person or a test: the next requests fail, or are slow. Kept until the emulator stops."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from aml_emulator.faults.fault import Use
from aml_emulator.resources import now


@dataclass
class Fault:
    """What happens to requests.

    Attributes:
        id: number of the fault.
        status: of the answer; None: the request is answered as ever.
        message: of the error; empty: GitHub's own for the status.
        headers: more headers of the answer.
        count: how many requests it meets.
        path: text that their paths have in them, in any case.
        delay: seconds before the answer.
        uses: the requests that it met.

    """

    id: int
    status: int | None
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    count: int = 1
    path: str = ""
    delay: float = 0.0
    uses: list[Use] = field(default_factory=list)


class Faults:
    """The faults in the order in which they were asked for; a request meets the first that is not used up."""

    def __init__(self) -> None:
        """There are none."""
        self._faults: list[Fault] = []
        self._last = 0
        self._lock = threading.Lock()

    def add(
        self,
        status: int | None,
        *,
        message: str = "",
        headers: Mapping[str, str] | None = None,
        count: int = 1,
        path: str = "",
        delay: float = 0.0,
    ) -> Fault:
        """Ask for one (see `Fault`)."""
        with self._lock:
            self._last += 1
            fault = Fault(self._last, status, message, dict(headers or {}), count, path, delay)
            self._faults.append(fault)
        return fault

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that a request meets, which is noted; None when it meets none."""
        with self._lock:
            for fault in self._faults:
                if len(fault.uses) < fault.count and fault.path.lower() in path.lower():
                    fault.uses.append(Use(now(), method, path))
                    return fault
        return None

    def all(self) -> list[Fault]:
        """Every fault, the used up as well."""
        with self._lock:
            return list(self._faults)

    def clear(self) -> None:
        """Take all back."""
        with self._lock:
            self._faults.clear()
