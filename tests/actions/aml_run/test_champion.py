"""What is better, and what the parameters file of aml-registermodel says about it."""

from pathlib import Path

import pytest

from aml_run.champion import Row, Rules, numbers, rules


@pytest.mark.parametrize(
    ("new", "old", "direction", "better"),
    [
        (0.9, 0.8, "max", True),
        (0.7, 0.8, "max", False),
        (0.7, 0.8, "min", True),
        (0.9, 0.8, "min", False),
        (0.8, 0.8, "max", None),
        (0.9, 0.8, "", None),
        (None, 0.8, "max", None),
        (0.9, None, "max", None),
    ],
)
def test_what_is_better(new: float | None, old: float | None, direction: str, better: bool | None) -> None:
    assert Row("m", new, old, direction).better is better


def test_only_numbers_are_compared() -> None:
    found = numbers({"a": 1, "b": 0.5, "c": True, "d": "NaN", "e": "linear", "f": [1, 2], "g": {"x": 1}})
    assert found == {"a": 1.0, "b": 0.5}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("registermodel.json", '{"model_name": " m ", "metrics_max": ["a"], "metrics_min": ["b", 3]} // comment'),
        ("registermodel.yml", "model_name: m\nmetrics_max: [a]\nmetrics_min: [b]\n"),
    ],
)
def test_the_parameters_file_of_aml_registermodel(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / ".cloud/.azure").mkdir(parents=True)
    (tmp_path / ".cloud/.azure" / name).write_text(text)
    assert rules(tmp_path, print) == Rules("m", {"a": "max", "b": "min"})


@pytest.mark.parametrize(
    "text", ["[1]", '"text"', '{"model_name": 7, "metrics_max": "a", "metrics_min": {"b": 1}}', "{}"]
)
def test_a_file_that_says_nothing_of_use(tmp_path: Path, text: str) -> None:
    (tmp_path / ".cloud/.azure").mkdir(parents=True)
    (tmp_path / ".cloud/.azure/registermodel.json").write_text(text)
    assert rules(tmp_path, print) == Rules()


def test_a_broken_file_is_told_and_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / ".cloud/.azure").mkdir(parents=True)
    (tmp_path / ".cloud/.azure/registermodel.json").write_text("{")
    said: list[str] = []
    assert rules(tmp_path, said.append) == Rules()
    assert said[0].startswith("registermodel.json could not be read for the comparison")
    assert rules(tmp_path / "elsewhere", said.append) == Rules()
    assert len(said) == 1
