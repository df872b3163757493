"""Events on their way to a function: a real one, in a host of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from emulator.functions.conftest import Cloud, FunctionApp, opened

from aml_emulator.eventgrid.delivery import DeliveryService
from aml_emulator.eventgrid.options import EventOptions
from aml_emulator.eventgrid.publishing import Events
from aml_emulator.http import Reply, ServiceError

from .conftest import Clock

STORAGE = "Microsoft.Storage"
CREATED = f"{STORAGE}.BlobCreated"


@dataclass
class Route:
    """A topic, an app, and what lies between them."""

    cloud: Cloud
    clock: Clock
    app: FunctionApp
    topic: str

    def subscribe(self, function: str = "take", target: str = "", **properties: Any) -> Reply:
        destination = {"endpointType": "AzureFunction"}
        resource = target or f"{self.app.id}/functions/{function}"
        body = {"properties": {"destination": {**destination, "properties": {"resourceId": resource}}, **properties}}
        return self.cloud.call("PUT", f"{self.topic}/eventSubscriptions/to-function", body)

    def refused(self, function: str = "take", target: str = "") -> ServiceError:
        return self.cloud.refused(lambda: self.subscribe(function, target))

    def publish(self, **data: Any) -> str:
        return self.cloud.parts.events.publish(
            self.account, CREATED, "/blobServices/default/containers/c/blobs/b", data
        )

    @property
    def account(self) -> str:
        return str(self.cloud.call("GET", self.topic).body["properties"]["source"])

    @property
    def service(self) -> DeliveryService:
        return self.cloud.parts.events.delivery

    def deliver(self) -> None:
        """Deliver what is due now, also of the other routes of this cloud."""
        for batch in self.service.claim():
            self.service.deliver(batch)

    def attempts(self, event_id: str) -> list[tuple[int | None, str]]:
        """Status and outcome of every attempt."""
        (delivery,) = self.found(event_id)
        return [(attempt.status, attempt.outcome) for attempt in delivery.history]

    def found(self, event_id: str) -> Any:
        record = self.cloud.parts.events.records.find(event_id)
        assert record is not None
        return record.deliveries

    def taken(self, event_id: str) -> list[str]:
        """The type of each event with this id that the function has seen."""
        return [note["kind"] for note in self.app.notes if note["id"] == event_id]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with opened(tmp_path_factory.mktemp("to-functions")) as found:
        yield found


@pytest.fixture(scope="module")
def clock(cloud: Cloud) -> Clock:
    """Event Grid's clock, in Azure's time."""
    made = Clock()
    cloud.parts.events = Events(cloud.parts, EventOptions(time_scale=1.0), clock=made, jitter=lambda: 0.0)
    return made


def routed(cloud: Cloud, clock: Clock) -> Route:
    app = cloud.new()
    account = f"{cloud.group}/providers/{STORAGE}/storageAccounts/st{app.name.replace('-', '')}"
    topic = f"Microsoft.EventGrid/systemTopics/topic-{app.name}"
    body = {"location": "westeurope", "properties": {"source": account, "topicType": f"{STORAGE}.StorageAccounts"}}
    return Route(cloud, clock, app, cloud.put(topic, body)["id"])


@pytest.fixture(scope="module")
def route(cloud: Cloud, clock: Clock) -> Route:
    """With code published and a subscription made."""
    made = routed(cloud, clock)
    made.app.publish()
    assert made.subscribe().status == 201
    return made


def test_a_subscription_needs_the_functions_code(cloud: Cloud, clock: Clock) -> None:
    route = routed(cloud, clock)
    early = route.refused()
    assert (early.status, early.code) == (400, "Endpoint validation")
    assert early.message == "Destination endpoint not found."
    route.app.publish()
    assert route.subscribe().status == 201
    event_id = route.publish()
    route.deliver()
    assert route.attempts(event_id) == [(202, "Delivered")]
    assert route.taken(event_id) == [CREATED]


def test_a_function_must_be_there_and_wait_for_events(route: Route) -> None:
    assert route.refused("nothing").code == "Endpoint validation"
    http = route.refused("hello")
    assert (http.status, http.code) == (400, "Unsupported Azure Function Trigger")
    assert http.message == "Can't add resource; Azure Event Grid supports EventGrid Trigger type only."
    assert route.refused(target=route.account).code == "Endpoint validation"


def test_an_event_arrives_in_the_schema_of_its_subscription(cloud: Cloud, clock: Clock) -> None:
    route = routed(cloud, clock)
    route.app.publish()
    route.subscribe(eventDeliverySchema="CloudEventSchemaV1_0")
    event_id = route.publish()
    route.deliver()
    assert route.taken(event_id) == [CREATED]
    assert f"took {event_id}" in route.app.log()


def test_an_event_that_a_function_could_not_handle_comes_again(route: Route) -> None:
    event_id = route.publish(fail=True)
    route.deliver()
    route.clock.seconds += 9
    route.deliver()
    assert route.attempts(event_id) == [(500, "Aborted")]
    route.clock.seconds += 1
    route.deliver()
    assert route.attempts(event_id) == [(500, "Aborted")] * 2
    assert len(route.taken(event_id)) == 2
    assert "no room" in route.found(event_id)[0].history[0].message


def test_an_event_that_ends_its_host_comes_again_to_a_new_one(route: Route) -> None:
    event_id = route.publish(die=True)
    route.deliver()
    assert route.attempts(event_id) == [(502, "Aborted")]
    route.clock.seconds += 10
    route.deliver()
    assert len({note["process"] for note in route.app.notes if note["id"] == event_id}) == 2
    after = route.publish()
    route.deliver()
    assert route.attempts(after) == [(202, "Delivered")]


def test_an_app_that_is_gone_is_looked_for_again_later(cloud: Cloud, clock: Clock) -> None:
    route = routed(cloud, clock)
    route.app.publish()
    route.subscribe()
    cloud.call("DELETE", route.app.id)
    event_id = route.publish()
    route.deliver()
    assert route.attempts(event_id) == [(404, "NotFound")]
    route.clock.seconds += 299
    route.deliver()
    assert len(route.attempts(event_id)) == 1
    route.clock.seconds += 1
    route.deliver()
    assert route.attempts(event_id) == [(404, "NotFound")] * 2
