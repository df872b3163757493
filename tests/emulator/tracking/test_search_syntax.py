"""MLflow's search syntax, as its users write it."""

from __future__ import annotations

import math

import pytest

from aml_emulator.tracking.messages import MlflowError
from aml_emulator.tracking.search import Value, parse_filter, sort

RUN: dict[tuple[str, str], Value] = {
    ("metric", "accuracy"): 0.9,
    ("metric", "val/loss"): 0.1,
    ("metric", "broken"): math.nan,
    ("param", "kernel"): "linear",
    ("param", "batch size"): "32",
    ("tag", "mlflow.parentRunId"): "parent_1",
    ("attribute", "status"): "FINISHED",
    ("attribute", "start_time"): 1700000000000.0,
}


def matches(text: str) -> bool:
    return parse_filter(text)(lambda kind, name: RUN.get((kind, name)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "metrics.accuracy > 0.8",
        "metrics.accuracy >= 0.9 and metrics.accuracy < 1",
        "metric.val/loss <= 1e-1",
        "params.kernel = 'linear'",
        'params.kernel = "linear"',
        "parameters.`batch size` != '64'",
        "params.\"batch size\" LIKE '3%'",
        "params.kernel ILIKE 'LIN%' AND status = 'FINISHED'",
        "tags.mlflow.parentRunId = 'parent_1'",
        "tags.team IS NULL",
        "tags.mlflow.parentRunId IS NOT NULL AND params.kernel IN ('rbf', 'linear')",
        "attributes.start_time > 1600000000000 and params.kernel NOT IN ('rbf')",
    ],
)
def test_a_filter_that_fits_finds_the_run(text: str) -> None:
    assert matches(text)


@pytest.mark.parametrize(
    "text",
    [
        "metrics.accuracy > 0.9",
        "metrics.unknown > 0",
        "metrics.broken > 0",
        "params.kernel = 'LINEAR'",
        "params.kernel = 'linear' and metrics.accuracy < 0.5",
        "tags.team IS NOT NULL",
        "params.kernel LIKE 'in%'",
        "params.kernel IN ('rbf')",
    ],
)
def test_a_filter_that_does_not_fit_finds_nothing(text: str) -> None:
    assert not matches(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("accuracy", "operator"),
        ("metrics.accuracy > ", "operator"),
        ("metrics.accuracy >> 1", "Expected a quoted string or a number|operator"),
        ("metrics.accuracy = 0.9 or status = 'FAILED'", "AND only"),
        ("model.accuracy > 1", "Invalid entity type 'model'"),
        ("params.kernel = linear", "Expected a quoted string"),
        ("params.kernel = 3", "cannot be compared"),
        ("metrics.accuracy = 'high'", "cannot be compared"),
        ("params.kernel IN linear", "list of quoted values"),
        ("params.kernel IN (linear)", "list of quoted values"),
        ("params.kernel = 'linear' ;", "not understood"),
    ],
)
def test_a_filter_that_is_wrong_is_refused_and_not_read_as_something_else(text: str, words: str) -> None:
    with pytest.raises(MlflowError, match=words) as caught:
        matches(text)
    assert caught.value.code == "INVALID_PARAMETER_VALUE"


def test_an_order_sorts_by_each_clause_and_puts_what_has_no_value_last() -> None:
    runs = [
        {"a": 1.0, "n": "x"},
        {"a": 2.0, "n": "y"},
        {"a": 1.0, "n": "z"},
        {"n": "none"},
        {"a": math.nan, "n": "nan"},
    ]

    def lookup(run: dict[str, Value]):
        return lambda kind, name: run.get({"metric": "a", "attribute": "n"}[kind])

    def names(*clauses: str) -> list[Value]:
        return [run["n"] for run in sort(runs, clauses, lookup)]

    assert names("metrics.a DESC", "run_name ASC") == ["y", "x", "z", "nan", "none"]
    assert names("metrics.a", "run_name desc") == ["z", "x", "y", "none", "nan"]
    with pytest.raises(MlflowError, match="Invalid order_by"):
        names("metrics.a SIDEWAYS")
