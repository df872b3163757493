"""The primary rate limits of the REST API: requests an hour. They begin anew with the emulator."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

WINDOW_SECONDS = 3600.0
PERSONAL = INSTALLATION = 5000
RUN = 1000
ANONYMOUS = 60


@dataclass(frozen=True)
class Budget:
    """What is left of an hour's requests. `reset` is when the next hour begins, in seconds since 1970."""

    limit: int
    used: int
    reset: int

    @property
    def remaining(self) -> int:
        """Requests that are left."""
        return max(self.limit - self.used, 0)

    def headers(self) -> dict[str, str]:
        """As GitHub tells it with every answer."""
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-used": str(self.used),
            "x-ratelimit-reset": str(self.reset),
            "x-ratelimit-resource": "core",
        }

    def as_json(self) -> dict[str, object]:
        """As `GET /rate_limit` tells it."""
        return {
            "limit": self.limit,
            "remaining": self.remaining,
            "used": self.used,
            "reset": self.reset,
            "resource": "core",
        }


class RateLimits:
    """Counts requests by the budget that they share."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        """Nothing is used."""
        self._clock = clock
        self._used: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()

    def look(self, name: str, limit: int) -> Budget:
        """A budget as it is."""
        with self._lock:
            return self._budget(name, limit)

    def spend(self, name: str, limit: int) -> tuple[Budget, bool]:
        """Count one request; the budget after it, and whether the request is within the limit."""
        with self._lock:
            before = self._budget(name, limit)
            if before.remaining == 0:
                return before, False
            self._used[name] = (before.used + 1, before.reset)
            return self._budget(name, limit), True

    def _budget(self, name: str, limit: int) -> Budget:
        now = self._clock()
        used, reset = self._used.get(name, (0, 0.0))
        if now >= reset:
            used, reset = 0, now + WINDOW_SECONDS
        return Budget(limit, used, int(reset))
