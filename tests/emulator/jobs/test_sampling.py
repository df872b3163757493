"""Values that a sweep tries: what each kind of search space gives, and what none of them can."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest

from aml_emulator.http import ServiceError
from aml_emulator.jobs import sampling

RANDOM = {"samplingAlgorithmType": "Random", "seed": 7}


def drawn(dimension: list[Any], count: int = 200) -> list[Any]:
    """Values of one dimension."""
    return [sample["x"] for sample in itertools.islice(sampling.samples({"x": dimension}, RANDOM), count)]


def test_a_grid_holds_every_combination_once() -> None:
    space = {"x": ["choice", [[1, 2]]], "y": ["choice", [["a", "b"]]]}
    found = list(sampling.samples(space, {"samplingAlgorithmType": "Grid"}))
    assert found == [{"x": 1, "y": "a"}, {"x": 1, "y": "b"}, {"x": 2, "y": "a"}, {"x": 2, "y": "b"}]


def test_a_seed_gives_the_same_values_again_and_another_gives_others() -> None:
    space = {"x": ["uniform", [0, 1]]}

    def first(seed: int) -> list[Any]:
        algorithm = {"samplingAlgorithmType": "random", "seed": seed}
        return list(itertools.islice(sampling.samples(space, algorithm), 5))

    assert first(1) == first(1)
    assert first(1) != first(2)


def test_every_distribution_stays_in_its_range() -> None:
    assert set(drawn(["choice", [["a", "b"]]])) == {"a", "b"}
    assert set(drawn(["randint", [3]])) == {0, 1, 2}
    assert all(2 <= value <= 4 for value in drawn(["uniform", [2, 4]]))
    assert set(drawn(["quniform", [0, 10, 5]])) == {0, 5, 10}
    assert all(math.e**-3 <= value <= 1 for value in drawn(["loguniform", [-3, 0]]))
    assert all(value % 2 == 0 for value in drawn(["qnormal", [0, 9, 2]]))
    assert all(value > 0 for value in drawn(["lognormal", [0, 1]]))
    assert min(drawn(["normal", [100, 1]])) > 90


def test_nodes_of_pipelines_say_the_same_in_other_words() -> None:
    node = {
        "a": {"type": "choice", "values": [1, 2]},
        "b": {"type": "uniform", "min_value": 0, "max_value": 1},
        "c": {"type": "qlognormal", "mu": 0, "sigma": 1, "q": 2},
    }
    assert sampling.from_node(node) == {
        "a": ["choice", [[1, 2]]],
        "b": ["uniform", [0, 1]],
        "c": ["qlognormal", [0, 1, 2]],
    }


@pytest.mark.parametrize(
    ("space", "algorithm", "status", "words"),
    [
        ({}, "Random", 400, "needs a search space"),
        ({"x": ["uniform", [0, 1]]}, "Grid", 400, "Grid sampling takes only 'choice'"),
        (
            {"x": ["normal", [0, 1]]},
            "Bayesian",
            400,
            "Bayesian sampling takes choice, uniform, quniform; 'x' is 'normal'",
        ),
        ({"x": ["choice", [[]]]}, "Random", 400, "no values to choose from"),
        ({"x": ["gamma", [1]]}, "Random", 400, "has the distribution 'gamma'. Allowed: choice, uniform"),
        ({"x": ["uniform", [0]]}, "Random", 400, "needs the numbers min_value, max_value"),
        ({"x": "uniform"}, "Random", 400, "must be [distribution, [arguments]]"),
        ({"x": ["choice", [[1]]]}, "Genetic", 501, "the sampling algorithm 'Genetic'"),
    ],
)
def test_what_cannot_be_drawn_from_is_refused(space: Any, algorithm: str, status: int, words: str) -> None:
    with pytest.raises(ServiceError) as caught:
        sampling.check(space, {"samplingAlgorithmType": algorithm})
    assert (caught.value.status, words in caught.value.message) == (status, True), caught.value.message
