"""What a job took: time, queue, nodes. What run history does not tell is left out, not guessed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aml_actions.polling import duration
from aml_actions.run_history import ChildRun, Usage

_NOT_RUN = frozenset({"NotStarted", "Canceled", "Queued"})
"""States of child jobs that may have used no node."""


@dataclass(frozen=True)
class Used:
    """What a job took, with its child jobs.

    Attributes:
        running: seconds from leaving the queue to the end.
        queued: seconds in the queue; of a single job only, child jobs wait one by one.
        compute: names of the computes.
        vm_sizes: of their nodes.
        nodes: that the job ran on at the same time; of a single job only.
        node_hours: nodes times hours, of all jobs that ran.
        jobs: that `node_hours` adds up.
    """

    running: float | None = None
    queued: float | None = None
    compute: Sequence[str] = ()
    vm_sizes: Sequence[str] = ()
    nodes: int | None = None
    node_hours: float | None = None
    jobs: int = 0

    def rows(self) -> list[tuple[str, str]]:
        """Return what is known, as name and text for people."""
        found = [
            ("Duration", "" if self.running is None else duration(self.running)),
            ("Waited in the queue", "" if self.queued is None else duration(self.queued)),
            ("Node size", ", ".join(self.vm_sizes)),
            ("Nodes", "" if self.nodes is None else str(self.nodes)),
            ("Node-hours", "" if self.node_hours is None else self._hours()),
        ]
        return [(name, text) for name, text in found if text]

    def as_json(self) -> dict[str, Any]:
        """Return what is known for programs; seconds and node-hours as numbers."""
        found: Mapping[str, Any] = {
            "running_seconds": None if self.running is None else round(self.running, 1),
            "queued_seconds": None if self.queued is None else round(self.queued, 1),
            "compute": list(self.compute) or None,
            "vm_sizes": list(self.vm_sizes) or None,
            "nodes": self.nodes,
            "node_hours": None if self.node_hours is None else round(self.node_hours, 6),
        }
        return {name: value for name, value in found.items() if value is not None}

    def _hours(self) -> str:
        text = f"{self.node_hours:.3g}"
        return f"{text} of {self.jobs} jobs" if self.jobs > 1 else text


def used(job: Usage, children: Sequence[ChildRun]) -> Used:
    """Return what a job took.

    Args:
        job: its times and compute.
        children: all jobs below it; a job that has some runs on no node of its own.
    """
    parents = {child.parent for child in children}
    leaves = [(child.usage, child.status) for child in children if child.name not in parents]
    ran = [usage for usage, status in leaves if not (usage.started is None and status in _NOT_RUN)]
    everything = ran if children else [job]
    return Used(
        running=job.running_seconds,
        queued=None if children else job.queued_seconds,
        compute=_each(usage.compute for usage in [job, *everything]),
        vm_sizes=_each(usage.vm_size for usage in everything),
        nodes=None if children else job.nodes,
        node_hours=_node_hours(everything),
        jobs=len(everything),
    )


def _node_hours(jobs: Sequence[Usage]) -> float | None:
    """Return nodes times hours; None if it is not known of one of the jobs, since the sum would then be too small."""
    total = 0.0
    for usage in jobs:
        if usage.nodes is None or usage.running_seconds is None:
            return None
        total += usage.nodes * usage.running_seconds / 3600
    return total if jobs else None


def _each(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))
