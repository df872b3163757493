"""Which events a subscription gets."""

from __future__ import annotations

from typing import Any

import pytest

from aml_emulator.eventgrid.events import Event
from aml_emulator.eventgrid.filters import OPERATORS, check_advanced, matches
from aml_emulator.http import ServiceError

WORKSPACE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
DATA = {
    "ModelName": "iris",
    "ModelVersion": 20,
    "ModelTags": {"stage": "Candidate", "gone": None},
    "ratio": 0.5,
    "final": True,
    "words": ["alpha", "Beta"],
    "numbers": [1, 7],
}
EVENT = Event("id-1", WORKSPACE, "Microsoft.MachineLearningServices.ModelRegistered", "models/iris:20", DATA, "now")


def one(operator: str, key: str, *values: Any, on_arrays: bool = False) -> bool:
    single = operator in ("BoolEquals",) or "Than" in operator
    condition: dict[str, Any] = {"operatorType": operator, "key": key}
    if single:
        condition["value"] = values[0]
    elif values:
        condition["values"] = list(values)
    settings = {"advancedFilters": check_advanced([condition]), "enableAdvancedFilteringOnArrays": on_arrays}
    return matches({**settings, "includedEventTypes": ["All"]}, EVENT)


@pytest.mark.parametrize(
    ("operator", "key", "values", "expected"),
    [
        ("NumberIn", "data.ModelVersion", (3, 20), True),
        ("NumberIn", "data.ModelVersion", (3, 21), False),
        ("NumberIn", "data.ModelName", (20,), False),
        ("NumberIn", "data.final", (1,), False),
        ("NumberIn", "data.nothing", (20,), False),
        ("NumberNotIn", "data.ModelVersion", (3, 21), True),
        ("NumberNotIn", "data.ModelVersion", (20,), False),
        ("NumberNotIn", "data.nothing", (20,), True),
        ("NumberLessThan", "data.ratio", (0.6,), True),
        ("NumberLessThan", "data.ratio", (0.5,), False),
        ("NumberLessThanOrEquals", "data.ratio", (0.5,), True),
        ("NumberLessThanOrEquals", "data.ratio", (0.4,), False),
        ("NumberGreaterThan", "data.ModelVersion", (19,), True),
        ("NumberGreaterThan", "data.ModelVersion", (20,), False),
        ("NumberGreaterThanOrEquals", "data.ModelVersion", (20,), True),
        ("NumberGreaterThanOrEquals", "data.nothing", (0,), False),
        ("NumberInRange", "data.ratio", ([0.5, 0.9], [3, 4]), True),
        ("NumberInRange", "data.ratio", ([0.6, 0.9],), False),
        ("NumberNotInRange", "data.ratio", ([0.6, 0.9],), True),
        ("NumberNotInRange", "data.ratio", ([0.6, 0.9], [0, 0.5]), False),
        ("BoolEquals", "data.final", (True,), True),
        ("BoolEquals", "data.final", (False,), False),
        ("BoolEquals", "data.ModelVersion", (True,), False),
        ("StringIn", "data.ModelTags.stage", ("candidate", "final"), True),
        ("StringIn", "Data.modeltags.STAGE", ("CANDIDATE",), True),
        ("StringIn", "data.ModelTags.stage", ("final",), False),
        ("StringIn", "data.ModelVersion", ("20",), False),
        ("StringNotIn", "data.ModelTags.stage", ("candidate",), False),
        ("StringNotIn", "data.ModelTags.nothing", ("candidate",), True),
        ("StringNotIn", "data.ModelTags.gone", ("candidate",), True),
        ("StringBeginsWith", "subject", ("Models/",), True),
        ("StringBeginsWith", "subject", ("iris",), False),
        ("StringNotBeginsWith", "subject", ("models/",), False),
        ("StringNotBeginsWith", "subject", ("iris",), True),
        ("StringEndsWith", "eventType", ("registered",), True),
        ("StringEndsWith", "type", ("deployed",), False),
        ("StringNotEndsWith", "type", ("deployed",), True),
        ("StringNotEndsWith", "type", ("registered",), False),
        ("StringContains", "topic", ("/WORKSPACES/",), True),
        ("StringContains", "source", ("/storage/",), False),
        ("StringNotContains", "source", ("/storage/",), True),
        ("StringNotContains", "source", ("/workspaces/",), False),
        ("StringIn", "id", ("id-1",), True),
        ("StringIn", "dataVersion", ("",), True),
        ("IsNullOrUndefined", "data.nothing", (), True),
        ("IsNullOrUndefined", "data.ModelTags.gone", (), True),
        ("IsNullOrUndefined", "data.ModelName", (), False),
        ("IsNotNull", "data.ModelName", (), True),
        ("IsNotNull", "data.nothing.below", (), False),
    ],
)
def test_an_advanced_filter_decides(operator: str, key: str, values: tuple[Any, ...], expected: bool) -> None:
    assert one(operator, key, *values) is expected


def test_every_operator_is_in_the_table_above() -> None:
    marks = test_an_advanced_filter_decides.pytestmark  # type: ignore[attr-defined]
    assert {row[0] for row in marks[0].args[1]} == set(OPERATORS)


@pytest.mark.parametrize(
    ("operator", "key", "values", "with_arrays", "without"),
    [
        ("StringIn", "data.words", ("beta",), True, False),
        ("StringNotIn", "data.words", ("beta",), False, True),
        ("StringNotIn", "data.words", ("gamma",), True, True),
        ("NumberIn", "data.numbers", (7,), True, False),
        ("NumberGreaterThan", "data.numbers", (7,), False, False),
    ],
)
def test_a_filter_looks_into_arrays_only_when_it_may(
    operator: str, key: str, values: tuple[Any, ...], with_arrays: bool, without: bool
) -> None:
    assert one(operator, key, *values, on_arrays=True) is with_arrays
    assert one(operator, key, *values) is without


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, True),
        ({"includedEventTypes": ["Microsoft.MachineLearningServices.ModelRegistered"]}, True),
        ({"includedEventTypes": ["microsoft.machinelearningservices.modelregistered"]}, True),
        ({"includedEventTypes": ["Microsoft.MachineLearningServices.RunCompleted"]}, False),
        ({"subjectBeginsWith": "Models/"}, True),
        ({"subjectBeginsWith": "Models/", "isSubjectCaseSensitive": True}, False),
        ({"subjectBeginsWith": "models/", "subjectEndsWith": ":20", "isSubjectCaseSensitive": True}, True),
        ({"subjectEndsWith": ":2"}, False),
    ],
)
def test_types_and_subject_decide(settings: dict[str, Any], expected: bool) -> None:
    assert matches(settings, EVENT) is expected


def test_without_named_types_only_those_of_the_source_come() -> None:
    made_up = Event("id", WORKSPACE, "Made.Up", "", {}, "now")
    assert not matches({}, made_up)
    assert matches({"includedEventTypes": ["Made.Up"]}, made_up)


def test_all_filters_must_hold() -> None:
    holds = {"operatorType": "StringIn", "key": "data.ModelName", "values": ["iris"]}
    fails = {"operatorType": "StringIn", "key": "data.ModelName", "values": ["rose"]}
    assert matches({"advancedFilters": [holds, holds]}, EVENT)
    assert not matches({"advancedFilters": [holds, fails]}, EVENT)


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ({"operatorType": "StringLike", "key": "subject", "values": ["x"]}, "'StringLike' is unknown"),
        ({"operatorType": "StringIn", "key": "colour", "values": ["x"]}, "'colour' of StringIn names nothing"),
        ({"operatorType": "StringIn", "key": "data.", "values": ["x"]}, "names nothing"),
        ({"operatorType": "StringIn", "key": "subject", "values": []}, "array 'values' that is not empty"),
        ({"operatorType": "StringIn", "key": "subject", "values": [1]}, "StringIn takes strings"),
        ({"operatorType": "StringIn", "key": "subject", "values": ["x" * 513]}, "at most 512 characters"),
        ({"operatorType": "NumberIn", "key": "data.a", "values": ["1"]}, "NumberIn takes numbers"),
        ({"operatorType": "NumberInRange", "key": "data.a", "values": [1, 2]}, "pairs of numbers"),
        ({"operatorType": "BoolEquals", "key": "data.a", "value": "yes"}, "true or false"),
        ({"operatorType": "StringIn", "key": "subject", "values": ["x"] * 26}, "at most 25 values"),
        ("StringIn", "must be an object"),
    ],
)
def test_a_filter_that_means_nothing_is_refused(condition: Any, told: str) -> None:
    with pytest.raises(ServiceError, match=told) as refusal:
        check_advanced([condition])
    assert (refusal.value.status, refusal.value.code) == (400, "InvalidRequest")


def test_a_filter_too_many_is_refused() -> None:
    with pytest.raises(ServiceError, match="at most 25 advanced filters, not 26"):
        check_advanced([{"operatorType": "IsNotNull", "key": "subject"}] * 26)
