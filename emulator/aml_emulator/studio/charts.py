"""Curves as geometry: from values to the coordinates that the template `chart.svg` draws.

Everything here is in the units of the SVG's view box. Nothing is drawn that was not logged: the lines are straight
between values, a value that is not finite leaves a gap, and only what falls on the same pixels is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from aml_emulator.studio import format as text

WIDTH, HEIGHT = 420, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 54, 12, 10, 38
_LIMIT = 1e300  # beyond it the arithmetic of axes overflows; such a value counts as not finite
_DRAW_ALL = 2000  # up to so many points of a series are drawn one by one: more than a chart has pixel columns
_MARKERS = 40  # up to so many points of a series get a visible dot
_BANDS = 150  # places along the x axis that answer to the pointer


@dataclass(frozen=True)
class Point:
    """One value. `x` is the step, or the position in the order of logging."""

    x: float
    y: float


@dataclass(frozen=True)
class Series:
    """The values of one metric, by `x`."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    at: float
    label: str


@dataclass(frozen=True)
class Line:
    """One drawn series: `paths` are the unbroken stretches as `x,y x,y ...`; `dots` the marks that are always visible.

    `summary` gives its last, lowest and highest value.
    """

    name: str
    slot: int
    summary: str
    paths: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Band:
    """An upright strip that, under the pointer, shows the values at one step: `label` in words, `dots` as (x, y, slot)."""

    left: float
    width: float
    label: str
    dots: tuple[tuple[float, float, int], ...]


@dataclass(frozen=True)
class Chart:
    """What `chart.svg` draws. `description` says the same in a sentence, for those who do not see it."""

    title: str
    description: str
    x_label: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    bands: tuple[Band, ...]
    notes: tuple[str, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM


_Place = Callable[[Point], tuple[float, float]]


def chart(title: str, series: Sequence[Series], x_label: str) -> Chart | None:
    """The curves of one figure; None when there is no finite value to draw."""
    drawable = [Series(one.name, [point for point in one.points if _finite(point)]) for one in series]
    xs = [point.x for one in drawable for point in one.points]
    ys = [point.y for one in drawable for point in one.points]
    if not ys:
        return None
    x_ticks = nice_ticks(min(xs), max(xs), 6, whole=True)
    y_ticks = nice_ticks(min(ys), max(ys), 5)
    x_low, x_high = min(xs), max(xs)
    if x_low == x_high:
        x_low, x_high = x_low - 0.5, x_high + 0.5
    y_low, y_high = y_ticks[0], y_ticks[-1]

    def place(point: Point) -> tuple[float, float]:
        x = _LEFT + (point.x - x_low) / (x_high - x_low) * (WIDTH - _LEFT - _RIGHT)
        y = HEIGHT - _BOTTOM - (point.y - y_low) / (y_high - y_low) * (HEIGHT - _TOP - _BOTTOM)
        return round(x, 1), round(y, 1)

    lines = tuple(_line(slot, one, place) for slot, one in enumerate(series))
    return Chart(
        title=title,
        description=_describe(title, x_label, drawable),
        x_label=x_label,
        x_ticks=tuple(
            Tick(place(Point(value, y_low))[0], label)
            for value, label in zip(x_ticks, tick_labels(x_ticks), strict=True)
            if x_low <= value <= x_high
        ),
        y_ticks=tuple(
            Tick(place(Point(x_low, value))[1], label)
            for value, label in zip(y_ticks, tick_labels(y_ticks), strict=True)
        ),
        lines=lines,
        bands=tuple(_bands(drawable, place, x_label)),
        notes=tuple(_notes(series, drawable)),
    )


def nice_ticks(low: float, high: float, count: int, *, whole: bool = False) -> list[float]:
    """About `count` round values (1, 2, 2.5 or 5 times a power of ten apart) that enclose `low` to `high`."""
    if high - low <= max(abs(low), abs(high)) * 1e-12:  # the same, or apart by no more than rounding
        margin = abs(low) * 0.05 or 0.5
        low, high = (low - 0.5, high + 0.5) if whole else (low - margin, high + margin)
    raw = (high - low) / (count - 1)
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * magnitude for factor in (1, 2, 2.5, 5, 10) if factor * magnitude >= raw * 0.999)
    if whole:
        step = max(1.0, math.ceil(step))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [index * step for index in range(first, last + 1)]


def tick_labels(values: Sequence[float]) -> list[str]:
    """The values with as many digits as tell them apart."""
    step = values[1] - values[0] if len(values) > 1 else 1.0
    kind = "e" if max(abs(value) for value in values) >= 1e6 or step < 1e-5 else "f"
    for digits in range(8):
        labels = [f"{value + 0.0:.{digits}{kind}}" for value in values]
        if all(abs(float(label) - value) < step * 1e-3 for label, value in zip(labels, values, strict=True)):
            break
    return ["0" if kind == "e" and not value else _minus(label) for label, value in zip(labels, values, strict=True)]


def _minus(label: str) -> str:
    return label.replace("-", "−", 1) if label.startswith("-") else label


def _finite(point: Point) -> bool:
    return math.isfinite(point.y) and abs(point.y) < _LIMIT


def _line(slot: int, series: Series, place: _Place) -> Line:
    paths = []
    finite: list[Point] = []
    for drawn, stretch in groupby(series.points, _finite):
        if drawn:
            points = list(stretch)
            finite += points
            paths.append(" ".join(f"{x:g},{y:g}" for x, y in _reduce([place(point) for point in points])))
    dots = finite if len(finite) <= _MARKERS else finite[-1:]
    return Line(series.name, slot, _summary(finite), tuple(paths), tuple(place(point) for point in dots))


def _summary(points: Sequence[Point]) -> str:
    if not points:
        return "no finite value"
    values = [point.y for point in points]
    return f"last {text.number(values[-1])}, from {text.number(min(values))} to {text.number(max(values))}"


def _reduce(points: list[tuple[float, float]]) -> Iterable[tuple[float, float]]:
    """All points, or of each column of a quarter unit the first, lowest, highest and last: the same picture."""
    if len(points) <= _DRAW_ALL:
        return points
    kept: list[tuple[float, float]] = []
    for _, group in groupby(points, lambda point: round(point[0] * 4)):
        column = list(group)
        marks = {0, len(column) - 1}
        marks.add(min(range(len(column)), key=lambda index: column[index][1]))
        marks.add(max(range(len(column)), key=lambda index: column[index][1]))
        kept += [column[index] for index in sorted(marks)]
    return kept


def _bands(series: Sequence[Series], place: _Place, x_label: str) -> Iterable[Band]:
    """Strips that share the width between them, each for the step nearest to its middle."""
    at: dict[float, list[tuple[str, Point, int]]] = {}
    for slot, one in enumerate(series):
        for point in one.points:
            at.setdefault(point.x, []).append((one.name, point, slot))
    steps = sorted(at)
    if len(steps) > _BANDS:
        every = (len(steps) - 1) / (_BANDS - 1)
        steps = [steps[round(index * every)] for index in range(_BANDS)]
    centres = [place(at[step][0][1])[0] for step in steps]
    edges = [_LEFT, *((one + other) / 2 for one, other in pairwise(centres)), WIDTH - _RIGHT]
    for index, step in enumerate(steps):
        values = at[step]
        named = len(series) > 1
        label = f"{x_label} {text.number(step)}: " + ", ".join(
            f"{name} {text.number(point.y)}" if named else text.number(point.y) for name, point, _ in values
        )
        yield Band(
            left=round(edges[index], 1),
            width=round(edges[index + 1] - edges[index], 1),
            label=label,
            dots=tuple((*place(point), slot) for _, point, slot in values),
        )


def _describe(title: str, x_label: str, series: Sequence[Series]) -> str:
    return f"{title} over {x_label}. " + "; ".join(
        f"{one.name}: {len(one.points)} values, {_summary(one.points)}" for one in series
    )


def _notes(series: Sequence[Series], drawable: Sequence[Series]) -> Iterable[str]:
    missing = sum(len(one.points) for one in series) - sum(len(one.points) for one in drawable)
    if missing:
        yield f"{missing} {'value is' if missing == 1 else 'values are'} not finite and leave a gap"
