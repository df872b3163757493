"""Curves of metrics as Mermaid charts, which GitHub renders in a summary and in a comment."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice, pairwise

from aml_actions.markdown import fence
from aml_actions.tracking import Point

MOST_PLOTS = 4
"""Charts of one summary."""
MOST_POINTS = 50
"""Points of one chart."""
_LONGEST_LABEL = 60
"""Characters."""
_PLAIN = frozenset(" _-./()@:,=+")
"""What a label may hold beside letters and digits. Mermaid has no escape for a quote, and reads ``%%{`` and ``#quot;`` anywhere."""
_SMALL, _LARGE = 1e-4, 1e7
"""Values that are smaller or larger are written with a power of ten on the axis: Mermaid knows no ``1e-07``."""


@dataclass(frozen=True)
class Series:
    """The history of one metric.

    Attributes:
        metric: its name.
        job: that logged it, for people.
        points: in the order of their steps; several.
    """

    metric: str
    job: str
    points: Sequence[Point]


def of(series: Sequence[Series]) -> str:
    """Return charts of the first series that can be drawn, at most `MOST_PLOTS`; empty when none can."""
    charts = (chart for chart in map(chart_of, series) if chart)
    return "\n".join(islice(charts, MOST_PLOTS))


def chart_of(one: Series) -> str:
    """Return the chart of a metric; empty for one with fewer than two values."""
    by_step = {point.step: point.value for point in one.points}
    if len(by_step) > 1:
        axis = "step"
        places = [(float(step), value) for step, value in sorted(by_step.items())]
    else:
        # Logged without steps, as SDK v1 does: the order is the axis.
        axis = "value number"
        places = [(float(number), point.value) for number, point in enumerate(one.points, 1)]
    if len(places) < 2:
        return ""
    values, power = _scaled(_resampled(places, MOST_POINTS))
    unit = f" (x 10^{power})" if power else ""
    lines = [
        "xychart-beta",
        f'    title "{label(f"{one.metric} of {one.job}" if one.job else one.metric)}"',
        f'    x-axis "{axis}" {_number(places[0][0])} --> {_number(places[-1][0])}',
        f'    y-axis "{label(one.metric)}{unit}"{_range(values)}',
        f"    line [{', '.join(map(_number, values))}]",
    ]
    return fence("\n".join(lines), "mermaid")


def label(text: str) -> str:
    """Return a text that ends no label and is no instruction to Mermaid."""
    plain = "".join(mark if mark.isalnum() or mark in _PLAIN else " " if mark.isspace() else "_" for mark in text)
    short = " ".join(plain.split())
    return (short if len(short) <= _LONGEST_LABEL else f"{short[: _LONGEST_LABEL - 3]}...") or "_"


def _resampled(places: Sequence[tuple[float, float]], most: int) -> list[float]:
    """Return values at equal distances, from the first place to the last, since Mermaid draws a line in no other way.

    Places that have equal distances are taken as they are if they are few enough. Otherwise each part of the axis gets the
    value in it that is farthest from the mean of the part, so that a spike survives; a part without a value lies on the straight line
    between its neighbours, as it does in every line chart.
    """
    first, last = places[0][0], places[-1][0]
    gaps = [after[0] - before[0] for before, after in pairwise(places)]
    if len(places) <= most and max(gaps) - min(gaps) <= 1e-9 * (last - first):
        return [value for _, value in places]
    parts: list[list[float]] = [[] for _ in range(most)]
    for place, value in places:
        parts[round((place - first) / (last - first) * (most - 1))].append(value)
    known: list[tuple[int, float]] = []
    for number, part in enumerate(parts):
        if part:
            known.append((number, _farthest(part)))
    known[0], known[-1] = (0, places[0][1]), (most - 1, places[-1][1])
    values: list[float] = []
    for (start, low), (end, high) in pairwise(known):
        values += [low + (high - low) * (at - start) / (end - start) for at in range(start, end)]
    return [*values, known[-1][1]]


def _farthest(values: Sequence[float]) -> float:
    mean = math.fsum(value / len(values) for value in values)
    return max(values, key=lambda value: abs(value - mean))


def _scaled(values: Sequence[float]) -> tuple[list[float], int]:
    """Return values that can be written without an exponent, and the power of ten by which they were divided."""
    largest = max(map(abs, values))
    if largest == 0 or _SMALL <= largest < _LARGE:
        return list(values), 0
    power = math.floor(math.log10(largest))
    return [float(Decimal(value).scaleb(-power)) for value in values], power


def _range(values: Sequence[float]) -> str:
    """Return the range of an axis where Mermaid finds none: all values are the same."""
    low, high = min(values), max(values)
    return "" if _number(low) != _number(high) else f" {_number(low - 1)} --> {_number(high + 1)}"


def _number(value: float) -> str:
    text = format(Decimal(f"{value:.6g}"), "f")
    return "0" if text in ("-0", "0") else text
