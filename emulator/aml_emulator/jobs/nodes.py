"""The nodes of computes: jobs wait in order for one, as many run at a time as the compute may have nodes."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable

_POLL_SECONDS = 0.2


class Nodes:
    """Queues of jobs by compute. A cluster scales up at once, so a free node is a ready node."""

    def __init__(self, maximum: Callable[[str], int | None]) -> None:
        """`maximum` gives the number of nodes a compute may have now; None for no limit."""
        self._maximum = maximum
        self._changed = threading.Condition()
        self._waiting: dict[str, list[str]] = defaultdict(list)
        self._running: dict[str, set[str]] = defaultdict(set)

    def acquire(self, compute: str, job: str, canceled: threading.Event) -> bool:
        """Wait for a node; False when the job was canceled meanwhile. A cluster that is resized is seen in a moment."""
        compute = compute.lower()
        with self._changed:
            self._waiting[compute].append(job)
            try:
                while not canceled.is_set():
                    limit = self._maximum(compute)
                    first = self._waiting[compute][0] == job
                    if first and (limit is None or len(self._running[compute]) < limit):
                        self._running[compute].add(job)
                        return True
                    self._changed.wait(_POLL_SECONDS)
                return False
            finally:
                self._waiting[compute].remove(job)
                self._changed.notify_all()

    def release(self, compute: str, job: str) -> None:
        """Give the node back."""
        with self._changed:
            self._running[compute.lower()].discard(job)
            self._changed.notify_all()

    def wake(self) -> None:
        """Have the waiting look again, for one of them was canceled."""
        with self._changed:
            self._changed.notify_all()
