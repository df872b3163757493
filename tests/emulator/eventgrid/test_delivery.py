"""From a published event to a webhook: what arrives, how often, and that nothing is lost."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aml_emulator.eventgrid.settings import CLOUD_SCHEMA

if TYPE_CHECKING:
    from .conftest import Clock, Grid, Received, Receiver

MakeGrid = Callable[..., "Grid"]


def test_an_event_reaches_the_webhook(grid: Grid, receiver: Receiver) -> None:
    grid.subscribe(grid.topic())
    event_id = grid.publish(runId="r")
    assert grid.state_of(event_id) == ["Pending"]
    assert grid.deliver() == 1
    assert grid.state_of(event_id) == ["Delivered"]
    (request,) = receiver.received
    (event,) = request.events
    assert (event["id"], event["topic"], event["data"]) == (event_id, grid.workspace, {"runId": "r"})
    assert request.path == "/hook?code=secret"
    assert request.headers["aeg-event-type"] == "Notification"
    assert request.headers["aeg-subscription-name"] == "TO-HOOK"
    assert request.headers["aeg-delivery-count"] == "0"
    assert request.headers["aeg-output-event-id"] == event_id
    assert grid.deliver() == 0


def test_each_subscription_gets_what_its_filter_lets_through(grid: Grid, receiver: Receiver) -> None:
    topic = grid.topic()
    grid.subscribe(topic, "runs", filter={"includedEventTypes": ["Microsoft.MachineLearningServices.RunCompleted"]})
    grid.subscribe(topic, "models", filter={"subjectBeginsWith": "models/"})
    grid.ask("PUT", f"{grid.workspace}/providers/Microsoft.EventGrid/eventSubscriptions/direct", grid.body())
    run, model = grid.publish(), grid.publish("ModelRegistered", "models/iris:1")
    while grid.deliver():
        pass
    got = Counter(
        (request.headers["aeg-subscription-name"], event["id"])
        for request in receiver.received
        for event in request.events
    )
    assert got == Counter([("RUNS", run), ("DIRECT", run), ("MODELS", model), ("DIRECT", model)])


def test_events_of_a_source_without_topic_or_subscription_are_not_kept(grid: Grid) -> None:
    event_id = grid.publish()
    assert grid.emulator.events.records.find(event_id) is None
    assert not grid.emulator.events.heard(grid.workspace)
    grid.topic()
    assert grid.state_of(grid.publish()) == []


def test_a_batch_holds_what_its_subscription_allows(grid: Grid, receiver: Receiver) -> None:
    topic = grid.topic()
    grid.subscribe(topic)

    def edit(body: dict[str, Any]) -> None:
        body["properties"]["destination"]["properties"] |= {
            "maxEventsPerBatch": 4,
            "preferredBatchSizeInKilobytes": 2,
        }

    grid.emulator.resources.change(f"{topic}/eventSubscriptions/to-hook", edit)
    small = [grid.publish() for _ in range(9)]
    grid.deliver()
    assert [len(request.events) for request in receiver.received] == [4, 4, 1]
    assert Counter(receiver.event_ids) == Counter(small)
    receiver.received.clear()
    large = [grid.publish(filler="x" * 1000) for _ in range(3)]
    huge = grid.publish(filler="x" * 10_000)
    grid.deliver()
    assert [len(request.events) for request in receiver.received] == [1, 1, 1, 1]
    assert Counter(receiver.event_ids) == Counter([*large, huge])


def test_a_batch_that_fails_comes_again_as_a_whole(grid: Grid, receiver: Receiver) -> None:
    topic = grid.topic()
    grid.subscribe(topic)
    grid.emulator.resources.change(
        f"{topic}/eventSubscriptions/to-hook",
        lambda body: body["properties"]["destination"]["properties"].update(maxEventsPerBatch=10),
    )
    events = [grid.publish() for _ in range(3)]
    receiver.answer = lambda request: (500, b"one of them failed")
    grid.deliver()
    receiver.answer = lambda request: (200, b"")
    _clock(grid).seconds += 10
    grid.deliver()
    assert receiver.event_ids == events * 2
    assert [request.headers["aeg-delivery-count"] for request in receiver.received] == ["0", "1"]
    assert all(grid.state_of(event) == ["Delivered"] for event in events)


def test_each_answer_that_azure_takes_for_delivered_is_one(grid: Grid, receiver: Receiver) -> None:
    grid.subscribe(grid.topic())
    for status in (200, 201, 202, 203, 204):
        receiver.answer = lambda request, status=status: (status, b"")
        event_id = grid.publish()
        grid.deliver()
        assert grid.state_of(event_id) == ["Delivered"]
    for status in (206, 302, 500):
        receiver.answer = lambda request, status=status: (status, b"")
        event_id = grid.publish()
        grid.deliver()
        assert grid.state_of(event_id) == ["Pending"]


def test_every_attempt_is_on_record(grid: Grid, receiver: Receiver) -> None:
    grid.subscribe(grid.topic())
    event_id = grid.publish()
    receiver.answer = lambda request: (503, b"come back later")
    grid.deliver()
    receiver.answer = lambda request: (200, b"")
    _clock(grid).seconds += 31
    grid.deliver()
    found = grid.emulator.events.records.find(event_id)
    assert found is not None
    history = found.deliveries[0].history
    assert [(one.number, one.status, one.outcome, one.message) for one in history] == [
        (1, 503, "Busy", "come back later"),
        (2, 200, "Delivered", ""),
    ]
    assert history[1].time - history[0].time == 31


def test_an_endpoint_that_is_gone_is_tried_again(grid: Grid, receiver: Receiver) -> None:
    subscription = grid.subscribe(grid.topic())
    grid.emulator.resources.change(
        subscription, lambda body: body["properties"]["secrets"].update(endpointUrl="https://127.0.0.1:1/hook")
    )
    event_id = grid.publish()
    grid.deliver()
    found = grid.emulator.events.records.find(event_id)
    assert found is not None
    assert (found.deliveries[0].state, found.deliveries[0].outcome) == ("Pending", "SocketError")


def test_a_subscription_that_is_deleted_gets_nothing_more(grid: Grid, receiver: Receiver) -> None:
    subscription = grid.subscribe(grid.topic())
    event_id = grid.publish()
    grid.ask("DELETE", subscription)
    assert grid.deliver() == 0
    assert grid.state_of(event_id) == ["Dropped"]
    assert receiver.received == []


def test_an_event_may_be_made_to_come_more_than_once(make_grid: MakeGrid, clock: Clock, receiver: Receiver) -> None:
    grid = make_grid(clock, repeats=9)
    grid.subscribe(grid.topic())
    event_id = grid.publish()
    grid.deliver()
    assert receiver.event_ids == [event_id] * 10
    assert grid.state_of(event_id) == ["Delivered"]


def test_delivery_attributes_are_headers(grid: Grid, receiver: Receiver) -> None:
    body = grid.body()
    body["properties"]["destination"]["properties"]["deliveryAttributeMappings"] = [
        {"name": "x-fixed", "type": "Static", "properties": {"value": "blue", "isSecret": False}},
        {"name": "x-key", "type": "Static", "properties": {"value": "hush", "isSecret": True}},
        {"name": "x-run", "type": "Dynamic", "properties": {"sourceField": "data.runId"}},
        {"name": "x-odd", "type": "Dynamic", "properties": {"sourceField": "data.odd"}},
        {"name": "x-none", "type": "Dynamic", "properties": {"sourceField": "data.nothing"}},
    ]
    grid.ask("PUT", f"{grid.topic()}/eventSubscriptions/to-hook", body)
    grid.publish(runId="r1", odd="two\r\nx-injected: 1")
    grid.deliver()
    headers = receiver.received[0].headers
    assert (headers["x-fixed"], headers["x-key"], headers["x-run"]) == ("blue", "hush", "r1")
    assert headers.keys().isdisjoint({"x-odd", "x-none", "x-injected"})


def test_a_restart_in_the_middle_loses_nothing(make_grid: MakeGrid, receiver: Receiver) -> None:
    first = make_grid(None, time_scale=0.001)
    first.subscribe(first.topic())
    let_go = threading.Event()

    def slow(request: Received) -> tuple[int, bytes]:
        let_go.wait(20)
        return 500, b""

    receiver.answer = slow
    events = [first.publish() for _ in range(40)]
    first.emulator.events.start()
    _wait(lambda: len(receiver.received) >= 8)
    first.emulator.events.delivery._stopped.set()  # as a process that ends: what is under way is told nobody
    first.close()
    let_go.set()
    receiver.answer = lambda request: (200, b"")
    taken_before = len(receiver.received)
    second = make_grid(None, time_scale=0.001)
    second.emulator.events.start()
    _wait(lambda: second.emulator.events.records.counts() == {"Delivered": 40})
    assert set(receiver.event_ids) == set(events)
    assert Counter(receiver.event_ids[taken_before:]).keys() == set(events)


def test_a_thousand_events_and_a_flaky_receiver_lose_none(make_grid: MakeGrid, receiver: Receiver) -> None:
    grid = make_grid(None, time_scale=0.001)
    grid.subscribe(grid.topic())
    dice = random.Random(4)
    taken: Counter[str] = Counter()
    lock = threading.Lock()

    def flaky(request: Received) -> tuple[int, bytes]:
        with lock:
            often = (
                int(request.headers["aeg-delivery-count"]) >= 4
            )  # else the last of a thousand would take Azure's days
            status = 200 if often else dice.choice((200, 200, 500, 503, 429, 408))
            if status == 200:
                taken.update(event["id"] for event in request.events)
        return status, b""

    receiver.answer = flaky
    grid.emulator.events.start()
    events = [grid.publish(number=number) for number in range(1000)]
    _wait(lambda: grid.emulator.events.records.counts() == {"Delivered": 1000}, 120)
    assert taken == Counter(events)
    assert len(receiver.received) > 1000


def test_one_slow_destination_does_not_hold_up_another(make_grid: MakeGrid, receiver: Receiver) -> None:
    grid = make_grid(None, time_scale=0.001)
    topic = grid.topic()
    grid.subscribe(topic, "slow")
    grid.subscribe(topic, "quick")
    let_go = threading.Event()

    def answer(request: Received) -> tuple[int, bytes]:
        if request.headers["aeg-subscription-name"] == "SLOW":
            let_go.wait(20)
        return 200, b""

    receiver.answer = answer
    grid.emulator.events.start()
    for _ in range(50):
        grid.publish()
    quick = lambda: sum(one.headers["aeg-subscription-name"] == "QUICK" for one in list(receiver.received))  # noqa: E731
    _wait(lambda: quick() == 50)
    let_go.set()
    _wait(lambda: grid.emulator.events.records.counts() == {"Delivered": 100})


def test_cloud_events_come_one_by_one_or_in_an_array(grid: Grid, receiver: Receiver) -> None:
    subscription = grid.subscribe(grid.topic(), eventDeliverySchema=CLOUD_SCHEMA)
    assert [one.method for one in receiver.validations] == ["OPTIONS"]
    grid.publish()
    grid.deliver()
    assert receiver.received[0].body.startswith(b"{")
    assert receiver.received[0].headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    grid.emulator.resources.change(
        subscription, lambda body: body["properties"]["destination"]["properties"].update(maxEventsPerBatch=2)
    )
    grid.publish()
    grid.deliver()
    assert receiver.received[1].body.startswith(b"[")
    assert receiver.received[1].headers["content-type"] == "application/cloudevents-batch+json; charset=utf-8"


def test_what_is_kept_does_not_grow_for_ever(grid: Grid, monkeypatch: Any) -> None:
    grid.subscribe(grid.topic())
    events = [grid.publish() for _ in range(5)]
    grid.deliver()
    waiting = grid.publish()
    monkeypatch.setattr("aml_emulator.eventgrid.records._KEPT_EVENTS", 0)
    grid.emulator.events.records.resume()
    assert [grid.emulator.events.records.find(one) for one in events] == [None] * 5
    assert grid.state_of(waiting) == ["Pending"]


def _clock(grid: Grid) -> Clock:
    assert grid.clock is not None
    return grid.clock


def _wait(holds: Callable[[], bool], seconds: float = 30) -> None:
    import time

    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(0.02)
