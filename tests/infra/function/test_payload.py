"""What GitHub is sent has the old names, and fits whatever comes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bridge import events, payload
from hypothesis import given
from hypothesis import strategies as st
from infra.function.conftest import completed, event

GITHUB_LIMIT = 65_536


@pytest.mark.parametrize(
    ("event_type", "name", "source"),
    [
        (
            "Microsoft.MachineLearningServices.RunCompleted",
            "machinelearningservices-runcompleted",
            "MachineLearningServices",
        ),
        (
            "Microsoft.MachineLearningServices.RunStatusChanged",
            "machinelearningservices-runstatuschanged",
            "MachineLearningServices",
        ),
        (
            "Microsoft.MachineLearningServices.ModelRegistered",
            "machinelearningservices-modelregistered",
            "MachineLearningServices",
        ),
        (
            "Microsoft.MachineLearningServices.ModelDeployed",
            "machinelearningservices-modeldeployed",
            "MachineLearningServices",
        ),
        (
            "Microsoft.MachineLearningServices.DatasetDriftDetected",
            "machinelearningservices-datasetdriftdetected",
            "MachineLearningServices",
        ),
        ("Microsoft.Storage.BlobCreated", "storage-blobcreated", "Storage"),
        ("Microsoft.Storage.BlobDeleted", "storage-blobdeleted", "Storage"),
        ("Microsoft.Web/sites.SlotSwapCompleted", "web/sites-slotswapcompleted", "Web/sites"),
        ("Contoso.Items.Item.Received", "items-item-received", "Items"),
        ("plain", "plain", "plain"),
        ("Contoso." + "x" * 200, "x" * 100, "x" * 200),
    ],
)
def test_a_dispatch_has_the_name_that_the_old_function_gave_it(event_type: str, name: str, source: str) -> None:
    dispatch = payload.build(event(eventType=event_type))
    assert dispatch.event_type == name
    assert dispatch.client_payload["event_source"] == source


def test_old_keys_are_as_they_were_and_new_ones_say_which_event_it_was() -> None:
    document = completed("run")
    found = events.from_document(document)
    assert payload.build(found).body == {
        "event_type": "machinelearningservices-runcompleted",
        "client_payload": {
            "data": document["data"],
            "event_source": "MachineLearningServices",
            "integration": True,
            "event_type": document["eventType"],
            "subject": document["subject"],
            "topic": document["topic"],
            "id": document["id"],
            "time": "2026-06-26T18:41:00.958410Z",
            "correlation_id": found.correlation_id,
        },
    }


def test_properties_go_before_tags_the_largest_first_and_what_is_decided_by_stays() -> None:
    properties = {
        "pipeline_spec": "p" * 60_000,
        "small": "s",
        "middle": "m" * 5_000,
        "azureml.runsource": "k" * 1_000,
    }
    tags = {"note": "n" * 3_000, "GITHUB_REPOSITORY": "contoso/churn"}
    dispatch = payload.build(event("run", runProperties=properties, runTags=tags))
    data = dispatch.client_payload["data"]
    assert data["trimmed"] == ["runProperties.pipeline_spec"]
    assert dispatch.trimmed == ("runProperties.pipeline_spec",)
    assert data["runProperties"] == {key: value for key, value in properties.items() if key != "pipeline_spec"}
    assert (data["runTags"], data["runId"], data["experimentName"]) == (tags, "run", "churn")


def test_large_tags_go_when_properties_are_not_enough() -> None:
    tags = {"note": "n" * 40_000, "other": "o" * 30_000, "GITHUB_REPOSITORY": "contoso/churn", "team": "x"}
    data = payload.build(event("run", runProperties={"p": "p"}, runTags=tags)).client_payload["data"]
    assert data["trimmed"] == ["runProperties.p", "runTags.note"]
    assert data["runTags"] == {"other": "o" * 30_000, "GITHUB_REPOSITORY": "contoso/churn", "team": "x"}


def test_the_list_of_what_was_left_out_stays_short() -> None:
    properties = {f"ключ-{number}-{'ü' * 200}": "x" * 50 for number in range(2_000)}
    data = payload.build(event("run", runProperties=properties)).client_payload["data"]
    assert len(data["trimmed"]) == 31
    assert data["trimmed"][-1].startswith("and ")
    assert data["runId"] == "run"


def test_the_event_itself_is_not_changed_by_trimming() -> None:
    found = event("run", runProperties={"spec": "x" * 70_000})
    before = json.dumps(found.data)
    payload.build(found)
    assert json.dumps(found.data) == before


def test_who_acted_on_a_resource_is_never_passed_on() -> None:
    kind = "Microsoft.Resources.ResourceWriteSuccess"
    data = {"operationName": "x/write", "claims": {"name": "A Person"}, "authorization": {"a": 1}, "httpRequest": "ip"}
    found = payload.build(event(eventType=kind, data=data)).client_payload["data"]
    assert found == {"operationName": "x/write", "trimmed": ["claims", "authorization", "httpRequest"]}


@pytest.mark.parametrize("data", ["x" * 70_000, ["x" * 70_000], {"runId": "x" * 70_000}])
def test_data_that_cannot_be_trimmed_in_parts_goes_as_a_whole(data: object) -> None:
    dispatch = payload.build(event(data=data))
    assert payload.size(dispatch.client_payload) <= payload.LIMIT
    assert dispatch.client_payload["data"]["trimmed"]
    assert dispatch.client_payload["id"]


def test_a_huge_subject_does_not_keep_an_event_from_being_sent() -> None:
    dispatch = payload.build(event(subject="s" * 100_000))
    assert payload.size(dispatch.client_payload) <= payload.LIMIT
    assert dispatch.client_payload["data"] == {"trimmed": ["data"]}


_TEXT = st.text(max_size=30)
_SIZES = st.sampled_from(["", "x", "ü", '"\\\n']).flatmap(
    lambda unit: st.sampled_from([0, 1, 100, 5_000, 70_000]).map(lambda times: unit * times)
)
_MAPS = st.dictionaries(_TEXT, _SIZES, max_size=6)


@given(
    st.dictionaries(
        st.one_of(st.sampled_from(["runId", "runTags", "runProperties", "ModelTags", "properties", "claims"]), _TEXT),
        st.one_of(_SIZES, _MAPS, st.lists(_SIZES, max_size=3), st.none(), st.integers()),
        max_size=8,
    )
)
def test_any_data_is_sent_within_the_limits(data: dict[str, Any]) -> None:
    found = event(data=data)
    dispatch = payload.build(found)
    body = json.loads(json.dumps(dispatch.body))
    assert len(json.dumps(body["client_payload"])) < GITHUB_LIMIT
    assert len(body["client_payload"]) <= 10
    assert len(body["event_type"]) <= 100
    if not dispatch.trimmed:
        assert body["client_payload"]["data"] == found.data
