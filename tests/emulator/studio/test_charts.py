from __future__ import annotations

import math
import random

import pytest

from aml_emulator.studio.charts import Chart, Point, Series, chart, nice_ticks, tick_labels
from aml_emulator.studio.metrics import group


def draw(*values: float, name: str = "loss") -> Chart:
    made = chart(name, [Series(name, [Point(step, value) for step, value in enumerate(values)])], "step")
    assert made
    return made


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in path.split())]


def test_every_value_is_a_point_of_the_line_in_its_place() -> None:
    made = draw(3.0, 1.0, 2.0)
    (path,) = made.lines[0].paths
    (x0, y0), (x1, y1), (x2, y2) = points(path)
    assert (x0, x2) == (made.left, made.right)
    assert x1 == pytest.approx((made.left + made.right) / 2, abs=0.1)
    assert (y0, y1) == (made.top, made.bottom)  # 3 and 1 are round, so they are the ends of the axis
    assert y2 == pytest.approx((made.top + made.bottom) / 2, abs=0.1)
    assert len(made.lines[0].dots) == 3


def test_a_thousand_values_are_a_thousand_points_with_a_manageable_number_of_places_to_point_at() -> None:
    made = draw(*(math.exp(-step / 200) for step in range(1000)))
    assert len(points(made.lines[0].paths[0])) == 1000
    assert len(made.bands) == 150
    assert made.bands[0].label == "step 0: 1"
    assert made.bands[-1].label.startswith("step 999: ")


def test_of_very_many_values_the_extremes_are_kept() -> None:
    noise = random.Random(0)
    values = [noise.random() for _ in range(50_000)]
    values[12_345], values[23_456] = 7.0, -7.0
    made = draw(*values)
    drawn = points(made.lines[0].paths[0])
    assert len(drawn) < 6000
    assert [made.y_ticks[0].label, made.y_ticks[-1].label] == ["−10", "10"]
    height = made.bottom - made.top
    assert min(y for _, y in drawn) == pytest.approx(made.top + 3 / 20 * height, abs=0.1)
    assert max(y for _, y in drawn) == pytest.approx(made.bottom - 3 / 20 * height, abs=0.1)


def test_values_that_are_not_finite_leave_a_gap_and_are_counted() -> None:
    made = draw(1.0, 2.0, math.nan, math.inf, 3.0, 4.0)
    assert [len(points(path)) for path in made.lines[0].paths] == [2, 2]
    assert made.notes == ("2 values are not finite and leave a gap",)


def test_nothing_is_drawn_of_a_metric_that_was_never_finite() -> None:
    assert chart("loss", [Series("loss", [Point(0, math.nan), Point(1, math.inf)])], "step") is None


def test_a_metric_that_never_changes_is_a_level_line_inside_the_chart() -> None:
    made = draw(0.5, 0.5, 0.5)
    heights = {y for _, y in points(made.lines[0].paths[0])}
    assert len(heights) == 1
    assert made.top < heights.pop() < made.bottom


@pytest.mark.parametrize("value", [0.0, 1e-30, 1e299, -1e299, 123456789.0])
def test_any_level_can_be_drawn(value: float) -> None:
    made = draw(value, value)
    assert all(made.top <= y <= made.bottom for _, y in points(made.lines[0].paths[0]))


@pytest.mark.parametrize(("low", "high"), [(-1e299, 1e299), (0.0, 1e-300), (1.0, 1.0 + 2e-16), (1e15, 1e15 + 1)])
def test_any_range_has_axes(low: float, high: float) -> None:
    made = draw(low, high)
    assert 1 <= len(made.y_ticks) <= 12
    assert len({tick.at for tick in made.y_ticks}) == len(made.y_ticks)


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.66, 1.0, ["0.6", "0.7", "0.8", "0.9", "1.0"]),
        (0.0002, 0.001, ["0.0002", "0.0004", "0.0006", "0.0008", "0.0010"]),
        (10000.3, 10004.9, ["10000", "10002", "10004", "10006"]),
        (-2.0, 2.0, ["−2", "−1", "0", "1", "2"]),
        (0.0, 4e9, ["0", "1e+09", "2e+09", "3e+09", "4e+09"]),
    ],
)
def test_an_axis_has_round_marks_that_can_be_told_apart(low: float, high: float, labels: list[str]) -> None:
    assert tick_labels(nice_ticks(low, high, 5)) == labels


def test_steps_are_whole_numbers_on_their_axis() -> None:
    assert [tick.label for tick in draw(1.0, 2.0, 3.0).x_ticks] == ["0", "1", "2"]


def test_pointing_at_a_step_tells_the_values_of_every_curve() -> None:
    made = chart(
        "accuracy",
        [
            Series("train_accuracy", [Point(8, 1.0), Point(17, 0.98)]),
            Series("validation_accuracy", [Point(8, 0.66), Point(17, 0.83)]),
        ],
        "step",
    )
    assert made
    assert [band.label for band in made.bands] == [
        "step 8: train_accuracy 1, validation_accuracy 0.66",
        "step 17: train_accuracy 0.98, validation_accuracy 0.83",
    ]
    assert [slot for *_, slot in made.bands[0].dots] == [0, 1]
    assert sum(band.width for band in made.bands) == pytest.approx(made.right - made.left, abs=0.5)


def test_who_does_not_see_the_chart_is_told_what_it_shows() -> None:
    assert draw(3.0, 1.0, 2.0).description == "loss over step. loss: 3 values, last 2, from 1 to 3"


def test_metrics_of_different_splits_of_the_data_share_a_chart() -> None:
    names = ["loss", "train_accuracy", "validation_accuracy", "train/f1", "f1-test", "training", "val_loss_2"]
    assert group(names) == {
        "loss": ["loss"],
        "accuracy": ["train_accuracy", "validation_accuracy"],
        "f1": ["train/f1", "f1-test"],
        "training": ["training"],
        "val_loss_2": ["val_loss_2"],
    }


def test_five_metrics_of_one_name_have_a_chart_each() -> None:
    names = ["train_x", "val_x", "test_x", "eval_x", "validation_x"]
    assert group(names) == {name: [name] for name in names}
