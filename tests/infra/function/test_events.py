"""Events of both schemas and both casings become the same thing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bridge import events
from bridge.errors import UnreadableEvent
from infra.function.conftest import SAMPLES, completed

PAIRS = sorted(
    path.relative_to(SAMPLES)
    for path in SAMPLES.rglob("event-grid-schema/*.json")
    if (path.parents[1] / "cloud-events-schema" / path.name).exists()
)
if not PAIRS:
    PAIRS = [pytest.param(Path("none"), marks=pytest.mark.skip(reason=f"there are no event samples at {SAMPLES}"))]


def read(path: Path) -> dict[str, Any]:
    found = json.loads(path.read_text(encoding="utf-8-sig"))
    return found[0] if isinstance(found, list) else found


@pytest.mark.parametrize("sample", PAIRS, ids=str)
def test_an_official_sample_reads_alike_in_both_schemas(sample: Path) -> None:
    grid = read(SAMPLES / sample)
    cloud = read(SAMPLES / sample.parents[1] / "cloud-events-schema" / sample.name)
    one, other = events.from_document(grid), events.from_document(cloud)
    assert (one.id, one.type, one.source, one.subject) == (
        grid["id"],
        grid["eventType"],
        grid["topic"],
        grid["subject"],
    )
    assert one.data == grid["data"]
    assert other.data == cloud["data"]
    assert (other.id, other.type, other.source, other.subject, other.time) == (
        cloud["id"],
        cloud["type"],
        cloud["source"],
        cloud["subject"],
        one.time if cloud["time"] == grid["eventTime"] else other.time,
    )
    if (grid["topic"], grid["id"]) == (cloud["source"], cloud["id"]):
        assert one.correlation_id == other.correlation_id


def test_the_time_is_in_utc_with_what_python_keeps_of_seven_decimals() -> None:
    assert events.from_document(completed()).time == "2026-06-26T18:41:00.958410Z"
    assert events.from_document(completed(eventTime="2026-06-26T20:41:00+02:00")).time == "2026-06-26T18:41:00Z"
    assert events.from_document(completed(eventTime="yesterday")).time == "yesterday"
    assert events.from_document(completed(eventTime=None)).time == ""


def test_keys_in_the_other_casing_come_in_the_documented_one() -> None:
    data = {"ExperimentName": "churn", "RunId": "r", "RunTags": {"Team": "x"}, "RunProperties": {"A": "b"}, "Extra": 1}
    found = events.from_document(completed(data=data))
    assert found.data == {
        "experimentName": "churn",
        "runId": "r",
        "runTags": {"Team": "x"},
        "runProperties": {"A": "b"},
        "Extra": 1,
    }
    assert (found.experiment, found.tags) == ("churn", {"Team": "x"})
    kind = "Microsoft.MachineLearningServices.ModelRegistered"
    model = events.from_document(
        completed(eventType=kind, data={"modelName": "m", "modelVersion": "3", "modelTags": {"a": 1}})
    )
    assert model.data == {"ModelName": "m", "ModelVersion": "3", "ModelTags": {"a": 1}}
    assert model.tags == {"a": "1"}


def test_two_keys_that_differ_in_casing_are_both_kept() -> None:
    data = {"runId": "a", "RunId": "b"}
    assert events.from_document(completed(data=data)).data == data


def test_data_sent_as_text_is_read_as_the_old_function_read_it() -> None:
    assert events.from_document(completed(data='{"runId": "r"}')).data == {"runId": "r"}
    assert events.from_document(completed(data="no json")).data == "no json"


@pytest.mark.parametrize(
    "document", [completed(id=""), completed(id=None), completed(eventType=None), ["event"], "x", None]
)
def test_what_is_no_event_is_refused(document: object) -> None:
    with pytest.raises(UnreadableEvent):
        events.from_document(document)


def test_the_correlation_id_is_the_same_in_every_delivery_and_differs_between_events() -> None:
    one = completed()
    again = {**one, "topic": one["topic"].upper(), "metadataVersion": "2"}
    assert events.from_document(one).correlation_id == events.from_document(again).correlation_id
    others = [
        completed(),
        {**one, "eventType": "Microsoft.MachineLearningServices.RunStatusChanged"},
        {**one, "topic": "/other"},
    ]
    assert len({events.from_document(each).correlation_id for each in [one, *others]}) == 4
