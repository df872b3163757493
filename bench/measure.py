"""Repeat, take the median, print a table: machines are noisy, single readings mean nothing."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Reading:
    """One measured figure: the median and range of several runs."""

    name: str
    unit: str
    values: tuple[float, ...]

    def row(self) -> str:
        """The figure as a line of a table."""
        low, high = min(self.values), max(self.values)
        median = statistics.median(self.values)
        return f"{self.name:<52} {median:>9.2f} {self.unit:<4} ({low:.2f} - {high:.2f}, n={len(self.values)})"


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock seconds that a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def repeat(name: str, work: Callable[[], float], times: int, unit: str = "s") -> Reading:
    """Take the same reading several times."""
    return Reading(name, unit, tuple(work() for _ in range(times)))


def show(title: str, readings: Sequence[Reading]) -> None:
    """Print readings as they are: median, then range and number of runs."""
    print(f"\n{title}", flush=True)
    for reading in readings:
        print("  " + reading.row(), flush=True)
