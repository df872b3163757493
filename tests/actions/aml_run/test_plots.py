"""Curves of metrics as charts that GitHub draws."""

import re
from itertools import pairwise

import pytest

from aml_actions.tracking import Point
from aml_run.plots import MOST_PLOTS, MOST_POINTS, Series, chart_of, label, of

NUMBER = r"-?\d+(?:\.\d+)?"
CHART = re.compile(
    rf"""```mermaid
xychart-beta
    title "(?P<title>[^"\n]*)"
    x-axis "(?P<axis>step|value number)" (?P<first>{NUMBER}) --> (?P<last>{NUMBER})
    y-axis "(?P<name>[^"\n]*)"(?P<range> {NUMBER} --> {NUMBER})?
    line \[(?P<values>{NUMBER}(?:, {NUMBER})*)\]
```
"""
)
"""What Mermaid's grammar of this chart takes: quoted texts without quotes, numbers without exponents."""


def drawn(values: list[float], *, steps: list[int] | None = None, metric: str = "loss") -> re.Match[str]:
    places = zip(steps or range(len(values)), values, strict=True)
    points = [Point(step, number, value) for number, (step, value) in enumerate(places)]
    found = CHART.fullmatch(chart_of(Series(metric, "", points)))
    assert found is not None, chart_of(Series(metric, "", points))
    return found


def numbers(chart: re.Match[str]) -> list[float]:
    return [float(text) for text in chart["values"].split(", ")]


def test_a_short_curve_is_drawn_as_it_was_logged() -> None:
    chart = drawn([1.0, 0.5, 0.25], steps=[10, 20, 30])
    assert (chart["title"], chart["axis"], chart["first"], chart["last"]) == ("loss", "step", "10", "30")
    assert numbers(chart) == [1.0, 0.5, 0.25]


def test_a_long_curve_is_thinned_and_keeps_its_ends_and_its_spike() -> None:
    values = [1 / (number + 1) for number in range(10_000)]
    values[5_000] = 7.0
    found = numbers(drawn(values))
    assert len(found) == MOST_POINTS
    assert (found[0], found[-1]) == (1.0, 0.0001)
    assert max(found) == 7.0


def test_steps_at_uneven_distances_keep_their_places() -> None:
    # A straight line stays one, although most of its values lie at its beginning.
    steps = [0, 1, 2, 3, 100]
    found = numbers(drawn([float(step) for step in steps], steps=steps))
    assert len(found) == MOST_POINTS
    gaps = [after - before for before, after in pairwise(found[5:])]
    assert max(gaps) - min(gaps) < 0.01


def test_values_without_steps_are_drawn_in_their_order() -> None:
    chart = drawn([0.5, 0.75, 0.25], steps=[0, 0, 0])
    assert (chart["axis"], chart["first"], chart["last"]) == ("value number", "1", "3")
    assert numbers(chart) == [0.5, 0.75, 0.25]


def test_a_step_that_was_logged_again_counts_once_with_its_last_value() -> None:
    assert numbers(drawn([1.0, 2.0, 3.0], steps=[0, 1, 1])) == [1.0, 3.0]


@pytest.mark.parametrize(
    ("values", "shown", "power"),
    [
        ([1e-7, 2e-7], [0.5, 1.0], None),
        ([2e300, -1e300], [2.0, -1.0], "300"),
        ([3e-320, 1e-320], None, "-320"),
        ([12345678.0, 2e7], [1.23457, 2.0], "7"),
    ],
)
def test_values_of_any_size_are_written_without_exponents(
    values: list[float], shown: list[float] | None, power: str | None
) -> None:
    chart = drawn(values)
    if shown and power:
        assert numbers(chart) == shown
        assert chart["name"] == f"loss (x 10^{power})"
    else:
        assert "x 10^-" in chart["name"]
        assert all(0 < abs(one) < 10 for one in numbers(chart))


def test_a_constant_has_an_axis() -> None:
    assert drawn([0.5, 0.5])["range"] == " -0.5 --> 1.5"


@pytest.mark.parametrize("values", [[], [1.0]])
def test_fewer_than_two_values_are_no_curve(values: list[float]) -> None:
    assert chart_of(Series("m", "", [Point(0, 0, value) for value in values])) == ""


@pytest.mark.parametrize(
    "name",
    [
        'a"] line [1]',
        "a\n```\n# out",
        "```",
        "%%{init: {'securityLevel': 'loose'}}%%",
        "<img src=x onerror=alert(1)>",
        "#quot;click a href",
        "a|b\\",
        "x" * 5000,
        "\u202eevil\u2028end",
        "",
        '"',
    ],
)
def test_no_name_leaves_its_label(name: str) -> None:
    chart = drawn([1.0, 2.0], metric=name)
    assert len(chart["title"]) <= 60
    assert not set('"`%{}<>#;|\\\n') & set(chart["title"] + chart["name"])


def test_names_of_other_languages_stay() -> None:
    assert label("Genauigkeit (Prüfung) 精度") == "Genauigkeit (Prüfung) 精度"


def test_there_are_never_more_than_four_charts() -> None:
    points = [Point(0, 0, 1.0), Point(1, 1, 2.0)]
    text = of([Series("single", "", points[:1]), *(Series(f"m{number}", "job", points) for number in range(9))])
    assert text.count("```mermaid") == MOST_PLOTS == 4
    assert 'title "m0 of job"' in text
