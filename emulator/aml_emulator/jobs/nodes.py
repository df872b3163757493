"""The nodes of computes: jobs wait in order for theirs, as many run at a time as the compute may have nodes."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable

_POLL_SECONDS = 0.2


class TooFewNodes(Exception):
    """A job asks for more nodes than its compute may ever have."""


class Nodes:
    """Queues of jobs by compute. A cluster scales up at once, so a free node is a ready node."""

    def __init__(self, maximum: Callable[[str], int | None]) -> None:
        """`maximum` gives the number of nodes a compute may have now; None for no limit."""
        self._maximum = maximum
        self._changed = threading.Condition()
        self._waiting: dict[str, list[str]] = defaultdict(list)
        self._running: dict[str, dict[str, int]] = defaultdict(dict)

    def acquire(self, compute: str, job: str, canceled: threading.Event, count: int = 1) -> bool:
        """Wait for nodes; False when the job was canceled meanwhile. A cluster that is resized is seen in a moment.

        Raises:
            TooFewNodes: the job asks for more than the compute may have.

        """
        compute = compute.lower()
        with self._changed:
            self._waiting[compute].append(job)
            try:
                while not canceled.is_set():
                    limit = self._maximum(compute)
                    first = self._waiting[compute][0] == job
                    if limit is not None and count > max(limit, 1):
                        raise TooFewNodes(
                            f"Requested {count} nodes but AzureMLCompute cluster only has {limit} maximum nodes."
                        )
                    if first and (limit is None or sum(self._running[compute].values()) + count <= limit):
                        self._running[compute][job] = count
                        return True
                    self._changed.wait(_POLL_SECONDS)
                return False
            finally:
                self._waiting[compute].remove(job)
                self._changed.notify_all()

    def release(self, compute: str, job: str) -> None:
        """Give the nodes back."""
        with self._changed:
            self._running[compute.lower()].pop(job, None)
            self._changed.notify_all()

    def wake(self) -> None:
        """Have the waiting look again, for one of them was canceled."""
        with self._changed:
            self._changed.notify_all()
