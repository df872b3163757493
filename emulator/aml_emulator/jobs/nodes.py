"""The nodes of computes: jobs wait in order for theirs, as many run at a time as the compute may have nodes."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

_POLL_SECONDS = 0.2


class TooFewNodes(Exception):
    """A job asks for more nodes than its compute may ever have."""


@dataclass(frozen=True)
class Scale:
    """How a compute scales: the fewest nodes, the most, and seconds for which a node without work is kept."""

    least: int
    most: int
    idle_seconds: float


@dataclass(frozen=True)
class Counts:
    """Nodes of a compute at a moment, and those that its queue waits for."""

    preparing: int
    running: int
    idle: int
    wanted: int


@dataclass
class _Pool:
    """The nodes of one compute. `idle` holds, of each node without work, the moment at which it is given back."""

    waiting: list[str] = field(default_factory=list)
    asked: dict[str, int] = field(default_factory=dict)
    running: dict[str, int] = field(default_factory=dict)
    preparing: dict[str, int] = field(default_factory=dict)
    idle: list[float] = field(default_factory=list)

    def warm(self, scale: Scale) -> int:
        """Nodes without work: those that are still kept, and those that the compute always has."""
        self.idle = [until for until in self.idle if until > time.monotonic()]
        return max(len(self.idle), scale.least - sum(self.running.values()))


class Nodes:
    """Queues of jobs by compute. A node starts at once, unless a job is told that it does not; one that has worked stays a while."""

    def __init__(self, scale: Callable[[str], Scale | None]) -> None:
        """`scale` gives how a compute scales now; None for no limit."""
        self._scale = scale
        self._changed = threading.Condition()
        self._pools: dict[str, _Pool] = defaultdict(_Pool)

    def acquire(
        self,
        compute: str,
        job: str,
        canceled: threading.Event,
        count: int = 1,
        cold_start: Callable[[], float] = lambda: 0.0,
    ) -> bool:
        """Wait for nodes; False when the job was canceled meanwhile. A cluster that is resized is seen in a moment.

        Args:
            compute: id of the compute.
            job: name of the job.
            canceled: ends the wait when set.
            count: how many nodes the job needs.
            cold_start: asked when nodes must be started, for how many seconds that takes.

        Raises:
            TooFewNodes: the job asks for more than the compute may have.

        """
        with self._changed:
            pool = self._pools[compute.lower()]
            pool.waiting.append(job)
            pool.asked[job] = count
            try:
                while not canceled.is_set():
                    scale = self._scale(compute.lower())
                    if scale is not None and count > max(scale.most, 1):
                        raise TooFewNodes(
                            f"Requested {count} nodes but AzureMLCompute cluster only has {scale.most} maximum nodes."
                        )
                    first = pool.waiting[0] == job
                    if first and (scale is None or sum(pool.running.values()) + count <= scale.most):
                        cold = count if scale is None else max(0, count - pool.warm(scale))
                        pool.running[job] = count
                        pool.idle = pool.idle[count - cold :]
                        break
                    self._changed.wait(_POLL_SECONDS)
                else:
                    return False
            finally:
                pool.waiting.remove(job)
                pool.asked.pop(job, None)
                self._changed.notify_all()
        return self._started(compute, pool, job, cold, canceled, cold_start() if cold else 0.0)

    def _started(
        self, compute: str, pool: _Pool, job: str, cold: int, canceled: threading.Event, seconds: float
    ) -> bool:
        """Wait until the nodes of a job have started; False when it was canceled meanwhile: they are given back then."""
        if seconds:
            with self._changed:
                pool.preparing[job] = cold
            try:
                canceled.wait(seconds)
            finally:
                with self._changed:
                    pool.preparing.pop(job, None)
        if canceled.is_set():
            self.release(compute, job)
            return False
        return True

    def release(self, compute: str, job: str) -> None:
        """Give the nodes back; they stay for as long as the compute keeps those without work."""
        with self._changed:
            pool = self._pools[compute.lower()]
            count, scale = pool.running.pop(job, 0), self._scale(compute.lower())
            if scale is not None and scale.idle_seconds > 0:
                pool.idle += [time.monotonic() + scale.idle_seconds] * count
                pool.idle = pool.idle[: max(0, scale.most - sum(pool.running.values()))]
            self._changed.notify_all()

    def counts(self, compute: str) -> Counts:
        """The nodes of a compute now."""
        with self._changed:
            pool, scale = self._pools[compute.lower()], self._scale(compute.lower())
            preparing, running = sum(pool.preparing.values()), sum(pool.running.values())
            idle = 0 if scale is None else max(0, min(pool.warm(scale), scale.most - running))
            return Counts(preparing, running - preparing, idle, running + sum(pool.asked.values()))

    def wake(self) -> None:
        """Have the waiting look again, for one of them was canceled."""
        with self._changed:
            self._changed.notify_all()
