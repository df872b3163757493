"""Events on their way into a function."""

from __future__ import annotations

import threading
import time

import pytest
from emulator.functions.conftest import event


def taken(app, *identities: str) -> list[dict]:
    return [note for note in app.notes if note["id"] in identities]


def test_an_event_reaches_its_function(published) -> None:
    answer = published.deliver(event("e-1"))
    assert (answer.status, answer.body) == (202, b"")
    (note,) = taken(published, "e-1")
    assert note["kind"] == "Microsoft.MachineLearningServices.RunCompleted"
    assert note["greeting"] == "hello"
    assert "took e-1" in published.log()


def test_each_event_of_a_batch_is_an_invocation_and_they_run_at_the_same_time(published) -> None:
    published.deliver()  # the host is up
    answer = published.deliver(*(event(f"b-{number}", sleep=0.5) for number in range(8)))
    assert answer.status == 202
    notes = taken(published, *(f"b-{number}" for number in range(8)))
    assert len(notes) == 8
    assert max(note["began"] for note in notes) < min(note["ended"] for note in notes)


def test_one_failure_fails_the_batch_and_the_others_have_run(published) -> None:
    answer = published.deliver(event("f-1"), event("f-2", fail=True), event("f-3"))
    assert answer.status == 500
    assert answer.body == b"Result: Failure\nException: ValueError: no room"
    assert len(taken(published, "f-1", "f-2", "f-3")) == 3


def test_a_cloud_event(published) -> None:
    cloud = {"specversion": "1.0", "id": "c-1", "type": "Contoso.Done", "source": "/s", "data": {}}
    assert published.deliver(cloud).status == 202
    (note,) = taken(published, "c-1")
    assert note["kind"] == "Contoso.Done"


def test_a_slow_function_runs_into_the_time_limit_and_goes_on(published) -> None:
    published.deliver()
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        published.deliver(event("s-1", sleep=1.5), timeout=0.3)
    assert time.monotonic() - began < 1.4
    deadline = time.monotonic() + 10
    while not taken(published, "s-1"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("name", ["nothing", "hello"])
def test_a_function_that_is_not_there_or_has_another_trigger(published, name: str) -> None:
    answer = published.deliver(function=name)
    assert (answer.status, answer.body) == (404, f"cannot find function: '{name}'".encode())


def test_an_app_that_is_not_there_or_has_no_code(cloud, published) -> None:
    gone = f"{published.id}-gone/functions/take"
    assert cloud.parts.functions.deliver(gone, [event()], {"aeg-event-type": "Notification"}, 5).status == 404
    assert cloud.new().deliver().status == 404


def test_the_webhook_of_event_grid_triggers(published) -> None:
    key = published.keys["systemKeys"]["eventgrid_extension"]
    path, query = "/runtime/webhooks/EventGrid", f"functionName=take&code={key}"

    def post(body: bytes, kind: str, query: str = query):
        return published.ask("POST", path, body, query, aeg_event_type=kind)

    handshake = b'[{"id": "v", "data": {"validationCode": "code-7"}, "eventType": "x"}]'
    answer = post(handshake, "SubscriptionValidation")
    assert (answer.status, answer.encoded()) == (200, b'{"validationResponse": "code-7"}')
    assert post(b'{"id": "w-1", "data": {}}', "Notification").status == 202
    assert taken(published, "w-1")
    assert post(b"[]", "Unsubscribe").status == 202
    assert post(b"[]", "").status == 400
    assert post(b"no json", "Notification").status == 400
    assert post(b"[]", "Notification", "functionName=take").status == 401
    assert (
        post(b"[]", "Notification", f"functionName=take&code={published.keys['functionKeys']['default']}").status == 401
    )
    assert post(b"[]", "Notification", f"functionName=take&code={published.keys['masterKey']}").status == 202


def test_a_host_that_dies_is_started_again(published) -> None:
    assert published.deliver(event("d-1", die=True)).status == 502
    assert published.deliver(event("d-2")).status == 202
    (first,), (second,) = taken(published, "d-1"), taken(published, "d-2")
    assert first["process"] != second["process"]


def test_many_deliveries_at_the_same_time_find_one_host(cloud) -> None:
    app = cloud.new()
    app.publish()
    app.set(GREETING="new")  # the host has to start again
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda i=i: statuses.append(app.deliver(event(f"m-{i}")).status)) for i in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [202] * 20
    assert len({note["process"] for note in app.notes}) == 1
