"""System topics and event subscriptions, as a deployment makes them and a client reads them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from support.azure_resources import smallest_body

if TYPE_CHECKING:
    from .conftest import Grid, Receiver

TOPICS = "Microsoft.EventGrid/systemTopics"


def topic_body(source: str, kind: str = "Microsoft.MachineLearningServices.Workspaces", **more: Any) -> dict[str, Any]:
    return {"location": "westeurope", "properties": {"source": source, "topicType": kind}, **more}


# ---------------------------------------------------------------- topics


def test_a_topic_has_an_identity_that_stays(grid: Grid) -> None:
    address = f"{grid.group}/providers/{TOPICS}/evgt-mlw"
    made = grid.ask("PUT", address, topic_body(grid.workspace, identity={"type": "SystemAssigned"}))
    assert made.status == 201
    assert made.body["properties"] | {"metricResourceId": ""} == {
        "source": grid.workspace,
        "topicType": "Microsoft.MachineLearningServices.Workspaces",
        "provisioningState": "Succeeded",
        "metricResourceId": "",
    }
    identity = made.body["identity"]
    assert identity["principalId"]
    again = grid.ask("PUT", address, topic_body(grid.workspace, identity={"type": "SystemAssigned"}))
    assert (again.status, again.body["identity"]) == (200, identity)
    assert grid.ask("GET", address).body["id"] == address
    listed = grid.ask("GET", f"{grid.group}/providers/{TOPICS}").body["value"]
    assert [one["name"] for one in listed] == ["evgt-mlw"]


def test_the_words_of_a_topic_may_have_any_case(grid: Grid) -> None:
    address = f"{grid.group}/providers/{TOPICS}/evgt-mlw"
    body = topic_body(
        grid.workspace.upper().replace("/SUBSCRIPTIONS/", "/subscriptions/"),
        "microsoft.machinelearningservices.WORKSPACES",
    )
    made = grid.ask("PUT", address, body)
    assert made.body["properties"]["topicType"] == "Microsoft.MachineLearningServices.Workspaces"
    assert made.body["properties"]["source"] == grid.workspace


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        ({"topicType": "Microsoft.Storage.StorageAccounts"}, 400, "which the topic type"),
        ({"topicType": "Made.Up"}, 400, "The topic type 'Made.Up' is unknown"),
        ({"topicType": "Microsoft.Resources.ResourceGroups"}, 501, "events of Microsoft.Resources.ResourceGroups"),
        ({"topicType": None}, 400, "properties.topicType"),
        ({"source": "mlw"}, 400, "Property id 'mlw'"),
    ],
)
def test_a_topic_of_nothing_is_refused(grid: Grid, change: dict[str, Any], status: int, told: str) -> None:
    body = topic_body(grid.workspace)
    body["properties"] |= change
    refusal = grid.refused("PUT", f"{grid.group}/providers/{TOPICS}/evgt-mlw", body)
    assert refusal.status == status
    assert told in refusal.message


def test_a_source_must_be_there_and_has_one_topic_in_its_own_region(grid: Grid) -> None:
    address = f"{grid.group}/providers/{TOPICS}"
    missing = grid.refused("PUT", f"{address}/first", topic_body(grid.workspace + "-2"))
    assert (missing.status, missing.code) == (404, "ResourceNotFound")
    elsewhere = grid.refused("PUT", f"{address}/first", topic_body(grid.workspace) | {"location": "eastus"})
    assert "must be that of its source, which is 'westeurope'" in elsewhere.message
    grid.ask("PUT", f"{address}/first", topic_body(grid.workspace))
    second = grid.refused("PUT", f"{address}/second", topic_body(grid.workspace))
    assert "Only one system topic is allowed per source" in second.message
    storage = topic_body(grid.account, "Microsoft.Storage.StorageAccounts")
    moved = grid.refused("PUT", f"{address}/first", storage)
    assert "source of a system topic cannot be changed" in moved.message


def test_a_topic_takes_its_subscriptions_with_it(grid: Grid) -> None:
    topic = grid.topic()
    subscription = grid.subscribe(topic)
    event_id = grid.publish()
    assert grid.ask("DELETE", topic).status == 200
    assert grid.refused("GET", subscription).status == 404
    assert grid.state_of(event_id) == ["Dropped"]


# ---------------------------------------------------------------- subscriptions


def test_a_subscription_is_shown_with_its_defaults_and_without_its_secret(grid: Grid, receiver: Receiver) -> None:
    topic = grid.topic()
    subscription = grid.subscribe(topic)
    shown = grid.ask("GET", subscription).body
    assert "secret" not in json.dumps(shown)
    assert shown["type"] == "Microsoft.EventGrid/systemTopics/eventSubscriptions"
    properties = shown["properties"]
    assert properties["topic"] == topic
    assert properties["provisioningState"] == "Succeeded"
    assert properties["eventDeliverySchema"] == "EventGridSchema"
    assert properties["retryPolicy"] == {"maxDeliveryAttempts": 30, "eventTimeToLiveInMinutes": 1440}
    assert properties["filter"] == {"subjectBeginsWith": "", "subjectEndsWith": "", "includedEventTypes": None} | {
        "includedEventTypes": [
            f"Microsoft.MachineLearningServices.{name}"
            for name in ("ModelRegistered", "ModelDeployed", "RunCompleted", "DatasetDriftDetected", "RunStatusChanged")
        ]
    }
    details = properties["destination"]["properties"]
    assert details == {"endpointBaseUrl": receiver.url, "maxEventsPerBatch": 1, "preferredBatchSizeInKilobytes": 64}
    full = grid.ask("POST", f"{subscription}/getFullUrl").body
    assert full == {"endpointUrl": f"{receiver.url}?code=secret"}
    listed = grid.ask("GET", f"{topic}/eventSubscriptions").body["value"]
    assert [one["id"] for one in listed] == [subscription]
    assert "secret" not in json.dumps(listed)


def test_deploying_it_again_changes_nothing_and_asks_the_endpoint_nothing(grid: Grid, receiver: Receiver) -> None:
    topic = grid.topic()
    subscription = grid.subscribe(topic)
    before = grid.ask("GET", subscription).body
    grid.subscribe(topic)
    after = grid.ask("GET", subscription).body
    assert after["properties"] == before["properties"]
    assert len(receiver.validations) == 1


def test_secret_delivery_attributes_are_told_to_those_who_ask_for_them(grid: Grid) -> None:
    body = grid.body()
    mappings = [
        {"name": "x-open", "type": "Static", "properties": {"value": "blue"}},
        {"name": "x-key", "type": "Static", "properties": {"value": "hush", "isSecret": True}},
    ]
    body["properties"]["destination"]["properties"]["deliveryAttributeMappings"] = mappings
    subscription = f"{grid.topic()}/eventSubscriptions/to-hook"
    shown = grid.ask("PUT", subscription, body).body
    assert "hush" not in json.dumps(shown)
    found = shown["properties"]["destination"]["properties"]["deliveryAttributeMappings"]
    assert [one["properties"]["value"] for one in found] == ["blue", "Hidden"]
    asked = grid.ask("POST", f"{subscription}/getDeliveryAttributes").body["value"]
    assert [one["properties"]["value"] for one in asked] == ["blue", "hush"]


def test_an_update_names_the_members_themselves(grid: Grid, receiver: Receiver) -> None:
    subscription = grid.subscribe(grid.topic(), labels=["one"])
    grid.ask("PATCH", subscription, {"filter": {"subjectBeginsWith": "models/"}})
    properties = grid.ask("GET", subscription).body["properties"]
    assert properties["filter"]["subjectBeginsWith"] == "models/"
    assert properties["labels"] == ["one"]
    assert grid.ask("POST", f"{subscription}/getFullUrl").body["endpointUrl"].endswith("?code=secret")
    assert "cannot be updated" in grid.refused("PATCH", subscription, {"properties": {}}).message


def test_a_subscription_put_on_its_source_is_found_there(grid: Grid) -> None:
    address = f"{grid.workspace}/providers/Microsoft.EventGrid/eventSubscriptions"
    made = grid.ask("PUT", f"{address}/direct", grid.body())
    assert made.status == 201
    assert made.body["type"] == "Microsoft.EventGrid/eventSubscriptions"
    assert made.body["properties"]["topic"] == grid.workspace
    assert [one["name"] for one in grid.ask("GET", address).body["value"]] == ["direct"]
    assert grid.ask("POST", f"{address}/direct/getFullUrl").body["endpointUrl"].endswith("?code=secret")
    other = f"{grid.group}/providers/Microsoft.KeyVault/vaults/vault"
    grid.ask("PUT", other, smallest_body(other))
    refusal = grid.refused("PUT", f"{other}/providers/Microsoft.EventGrid/eventSubscriptions/direct", grid.body())
    assert (refusal.status, "events of Microsoft.KeyVault/vaults" in refusal.message) == (501, True)


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        ({"destination": None}, 400, "needs a destination"),
        ({"destination": {"endpointType": "EventHub", "properties": {}}}, 501, "'EventHub'"),
        ({"destination": {"endpointType": "WebHook", "properties": {}}}, 400, "endpointUrl"),
        (
            {"destination": {"endpointType": "WebHook", "properties": {"endpointUrl": "http://127.0.0.1/x"}}},
            400,
            "must be an https address",
        ),
        ({"eventDeliverySchema": "CustomInputSchema"}, 400, "CustomInputSchema"),
        ({"eventDeliverySchema": "Own"}, 400, "'Own' is not allowed"),
        ({"retryPolicy": {"maxDeliveryAttempts": 31}}, 400, "31 is out of range: 1 to 30"),
        ({"retryPolicy": {"eventTimeToLiveInMinutes": 0}}, 400, "0 is out of range: 1 to 1440"),
        ({"filter": {"advancedFilters": [{"operatorType": "StringIn"}]}}, 400, "names nothing"),
        ({"expirationTimeUtc": "2030-01-01T00:00:00Z"}, 501, "expire"),
    ],
)
def test_a_subscription_that_cannot_work_is_refused(grid: Grid, change: dict[str, Any], status: int, told: str) -> None:
    refusal = grid.refused("PUT", f"{grid.topic()}/eventSubscriptions/to-hook", grid.body(**change))
    assert refusal.status == status
    assert told in refusal.message


def test_a_dead_letter_container_must_be_there(grid: Grid) -> None:
    topic = grid.topic()

    def body(container: str) -> dict[str, Any]:
        place = {"resourceId": grid.account, "blobContainerName": container}
        destination = {"endpointType": "StorageBlob", "properties": place}
        return grid.body(
            deadLetterWithResourceIdentity={
                "identity": {"type": "SystemAssigned"},
                "deadLetterDestination": destination,
            }
        )

    without = grid.refused("PUT", f"{topic}/eventSubscriptions/to-hook", body("deadletters"))
    assert "asks for an identity of type 'SystemAssigned'" in without.message
    topic = grid.topic(identity={"type": "SystemAssigned"})
    missing = grid.refused("PUT", f"{topic}/eventSubscriptions/to-hook", body("nowhere"))
    assert "The dead-letter container 'nowhere' does not exist" in missing.message
    assert grid.ask("PUT", f"{topic}/eventSubscriptions/to-hook", body("deadletters")).status == 201


# ---------------------------------------------------------------- endpoints


@pytest.mark.parametrize("schema", ["EventGridSchema", "CloudEventSchemaV1_0"])
def test_a_webhook_that_does_not_want_events_is_refused(grid: Grid, receiver: Receiver, schema: str) -> None:
    receiver.validates = "never"
    subscription = f"{grid.topic()}/eventSubscriptions/to-hook"
    refusal = grid.refused("PUT", subscription, grid.body(eventDeliverySchema=schema))
    assert (refusal.status, refusal.code) == (400, "Url validation")
    assert f"The attempt to validate the provided endpoint {receiver.url} failed" in refusal.message
    assert "secret" not in refusal.message
    assert grid.refused("GET", subscription).status == 404


def test_a_handshake_is_one_event_with_a_code_and_an_address(grid: Grid, receiver: Receiver) -> None:
    topic = grid.topic()
    grid.subscribe(topic)
    (request,) = receiver.validations
    (event,) = request.events
    assert request.headers["aeg-event-type"] == "SubscriptionValidation"
    assert event["eventType"] == "Microsoft.EventGrid.SubscriptionValidationEvent"
    assert (event["topic"], event["subject"], event["dataVersion"], event["metadataVersion"]) == (topic, "", "1", "1")
    assert event["data"].keys() == {"validationCode", "validationUrl"}


def test_an_endpoint_may_be_validated_by_hand(grid: Grid, receiver: Receiver) -> None:
    receiver.validates = "by hand"
    subscription = grid.subscribe(grid.topic())
    assert grid.ask("GET", subscription).body["properties"]["provisioningState"] == "AwaitingManualAction"
    early = grid.publish()
    assert grid.state_of(early) == []
    address = receiver.validations[0].events[0]["data"]["validationUrl"]
    assert grid.ask("GET", address.replace("id=", "id=0")).status == 400
    assert grid.ask("GET", address).status == 200
    assert grid.ask("GET", subscription).body["properties"]["provisioningState"] == "Succeeded"
    assert grid.state_of(grid.publish()) == ["Pending"]
    assert grid.ask("GET", address).status == 400


def test_an_address_that_nobody_calls_expires(
    grid: Grid, receiver: Receiver, make_grid: Callable[..., Grid], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the emulator was down meanwhile."""
    receiver.validates = "by hand"
    subscription = grid.subscribe(grid.topic())
    address = receiver.validations[0].events[0]["data"]["validationUrl"]
    monkeypatch.setattr("aml_emulator.eventgrid.validation.MANUAL_SECONDS", 0.0)
    assert grid.ask("GET", address).status == 400
    again = make_grid(None)
    again.emulator.events.start()
    deadline = time.monotonic() + 10
    while again.ask("GET", subscription).body["properties"]["provisioningState"] != "Failed":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_endpoint_that_calls_before_it_answers_is_validated(grid: Grid, receiver: Receiver) -> None:
    receiver.validates = "by hand"
    receiver.on_validation = lambda request: grid.ask("GET", request.events[0]["data"]["validationUrl"])
    subscription = grid.subscribe(grid.topic())
    assert grid.ask("GET", subscription).body["properties"]["provisioningState"] == "Succeeded"


def test_a_cloud_events_endpoint_may_call_back(grid: Grid, receiver: Receiver) -> None:
    receiver.validates = "by hand"
    subscription = grid.subscribe(grid.topic(), eventDeliverySchema="CloudEventSchemaV1_0")
    headers = receiver.validations[0].headers
    assert headers["webhook-request-origin"] == "eventgrid.azure.net"
    assert grid.ask("GET", subscription).body["properties"]["provisioningState"] == "AwaitingManualAction"
    grid.ask("POST", headers["webhook-request-callback"])
    assert grid.ask("GET", subscription).body["properties"]["provisioningState"] == "Succeeded"
