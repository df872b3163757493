"""Events that cannot be delivered end as a blob that says why."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from aml_emulator.eventgrid.settings import CLOUD_SCHEMA

if TYPE_CHECKING:
    from .conftest import Clock, Grid, Receiver


def dead_letter(grid: Grid, container: str = "deadletters") -> dict[str, Any]:
    properties = {"resourceId": grid.account, "blobContainerName": container}
    return {"endpointType": "StorageBlob", "properties": properties}


def test_an_event_that_was_tried_often_enough_becomes_a_dead_letter(
    grid: Grid, clock: Clock, receiver: Receiver
) -> None:
    grid.subscribe(grid.topic(), deadLetterDestination=dead_letter(grid), retryPolicy={"maxDeliveryAttempts": 2})
    receiver.answer = lambda request: (404, b"")
    event_id = grid.publish(runId="r")
    grid.deliver()
    clock.seconds += 10
    grid.deliver()
    assert grid.state_of(event_id) == ["DeadLettering"]
    clock.seconds += 299
    grid.deliver()
    assert grid.blobs("deadletters") == {}
    clock.seconds += 1
    grid.deliver()
    assert grid.state_of(event_id) == ["DeadLettered"]
    ((name, content),) = grid.blobs("deadletters").items()
    assert re.fullmatch(r"TO-HOOK/2027/1/15/8/[0-9a-f-]{36}\.json", name)
    (letter,) = content
    assert letter == {
        "id": event_id,
        "topic": grid.workspace,
        "subject": "experiments/e/runs/r",
        "eventType": "Microsoft.MachineLearningServices.RunCompleted",
        "eventTime": "2027-01-15T08:00:00.0000000Z",
        "data": {"runId": "r"},
        "dataVersion": "",
        "metadataVersion": "1",
        "deadLetterReason": "MaxDeliveryAttemptsExceeded",
        "deliveryAttempts": 2,
        "lastDeliveryOutcome": "NotFound",
        "publishTime": "2027-01-15T08:00:00.0000000Z",
        "lastDeliveryAttemptTime": "2027-01-15T08:00:10.0000000Z",
    }
    found = grid.emulator.events.records.find(event_id)
    assert found is not None
    assert found.deliveries[0].blob == f"deadletters/{name}"


@pytest.mark.parametrize(
    ("status", "reason", "outcome"),
    [
        (400, "UndeliverableDueToHttpBadRequest", "BadRequest"),
        (403, "UndeliverableDueToHttpForbidden", "Forbidden"),
        (413, "UndeliverableDueToHttpPayloadTooLarge", "PayloadTooLarge"),
    ],
)
def test_what_is_never_retried_becomes_one_at_once(
    grid: Grid, clock: Clock, receiver: Receiver, status: int, reason: str, outcome: str
) -> None:
    grid.subscribe(grid.topic(), deadLetterDestination=dead_letter(grid))
    receiver.answer = lambda request: (status, b"")
    grid.publish()
    grid.deliver()
    clock.seconds += 300
    grid.deliver()
    ((letter,),) = grid.blobs("deadletters").values()
    told = letter["deadLetterReason"], letter["lastDeliveryOutcome"], letter["deliveryAttempts"]
    assert told == (reason, outcome, 1)


def test_an_expired_cloud_event_has_extension_attributes(grid: Grid, clock: Clock, receiver: Receiver) -> None:
    grid.subscribe(
        grid.topic(),
        deadLetterDestination=dead_letter(grid),
        retryPolicy={"eventTimeToLiveInMinutes": 1},
        eventDeliverySchema=CLOUD_SCHEMA,
    )
    receiver.answer = lambda request: (500, b"")
    grid.publish()
    for seconds in (0, 10, 51, 300):
        clock.seconds += seconds
        grid.deliver()
    ((letter,),) = grid.blobs("deadletters").values()
    assert letter["specversion"] == "1.0"
    assert letter["deadletterreason"] == "TimeToLiveExceeded"
    assert letter["deliveryattempts"] == 2
    assert letter["lastdeliveryoutcome"] == "Aborted"
    assert letter["publishtime"] == "2027-01-15T08:00:00.0000000Z"


def test_events_that_are_given_up_together_are_one_blob(grid: Grid, clock: Clock, receiver: Receiver) -> None:
    grid.subscribe(grid.topic(), deadLetterDestination=dead_letter(grid))
    receiver.answer = lambda request: (400, b"")
    events = {grid.publish() for _ in range(20)}
    while grid.deliver():
        pass
    clock.seconds += 300
    grid.deliver()
    (letters,) = grid.blobs("deadletters").values()
    assert {letter["id"] for letter in letters} == events


def test_dead_letters_wait_four_hours_for_their_container(grid: Grid, clock: Clock, receiver: Receiver) -> None:
    grid.subscribe(grid.topic(), deadLetterDestination=dead_letter(grid))
    receiver.answer = lambda request: (400, b"")
    waits, lost = grid.publish(), ""
    grid.deliver()
    grid.emulator.blobs.delete_container("deadletters")
    for _ in range(12):
        clock.seconds += 300
        grid.deliver()
    assert grid.state_of(waits) == ["DeadLettering"]
    grid.container("deadletters")
    clock.seconds += 300
    grid.deliver()
    assert grid.state_of(waits) == ["DeadLettered"]
    lost = grid.publish()
    grid.deliver()
    grid.emulator.blobs.delete_container("deadletters")
    for _ in range(51):
        clock.seconds += 300
        grid.deliver()
    assert grid.state_of(lost) == ["Dropped"]


def test_without_a_place_for_them_events_are_dropped(grid: Grid, receiver: Receiver) -> None:
    grid.subscribe(grid.topic())
    receiver.answer = lambda request: (400, b"")
    event_id = grid.publish()
    grid.deliver()
    assert grid.state_of(event_id) == ["Dropped"]
