from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone

import pytest

from aml_emulator.studio import format as text

NOW = datetime(2026, 11, 23, 18, 12, 3, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (None, "–"),
        (0, "0 ms"),
        (0.42, "420 ms"),
        (4.21, "4.2 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 m 0 s"),
        (72, "1 m 12 s"),
        (7500, "2 h 5 m"),
        (273600, "3 d 4 h"),
        (-3, "0 ms"),
    ],
)
def test_a_duration_is_written_for_people(seconds: float | None, written: str) -> None:
    assert text.duration(seconds) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0"),
        (38.0, "38"),
        (0.9736842105263158, "0.9737"),
        (-0.5, "−0.5"),
        (1.25e-05, "1.25e-05"),
        (12345.0, "12\u202f345"),
        (12345.6, "12\u202f346"),
        (9999.7, "10\u202f000"),
        (1.5e12, "1\u202f500\u202f000\u202f000\u202f000"),
        (3.14159e9 + 0.5, "3.142e+09"),
        (1e300, "1e+300"),
        (math.nan, "NaN"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
    ],
)
def test_a_number_has_four_significant_digits_and_a_count_all_of_its_digits(value: float, written: str) -> None:
    assert text.number(value) == written


@pytest.mark.parametrize(
    ("count", "written"), [(0, "0 B"), (999, "999 B"), (12_300, "12.3 kB"), (999_960, "1.0 MB"), (5 * 10**12, "5.0 TB")]
)
def test_a_size_has_a_unit(count: int, written: str) -> None:
    assert text.size(count) == written


@pytest.mark.parametrize(
    ("ago", "written"),
    [(3, "just now"), (42, "42 s ago"), (180, "3 min ago"), (7200, "2 h ago"), (432000, "5 d ago"), (-180, "in 3 min")],
)
def test_a_time_says_how_long_ago_it_was(ago: float, written: str) -> None:
    assert text.relative(NOW - timedelta(seconds=ago), NOW) == written


def test_a_time_is_written_in_utc() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert text.timestamp(there) == "2026-11-23 18:12:03 UTC"


@pytest.mark.parametrize(
    "written",
    ["2026-11-23T18:12:03Z", "2026-11-23T18:12:03.0000000Z", "2026-11-23T18:12:03+00:00", "2026-11-23T18:12:03"],
)
def test_a_time_of_arm_is_read_however_many_decimals_it_has(written: str) -> None:
    assert text.parse_time(written) == NOW


@pytest.mark.parametrize("written", [None, "", "soon", 5])
def test_what_is_no_time_is_not_read_as_one(written: object) -> None:
    assert text.parse_time(written) is None
