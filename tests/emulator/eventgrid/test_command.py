"""`aml-emulator events`, and the whole way through a running emulator: a blob is written, a webhook hears of it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from support.azure_resources import smallest_body
from support.emulator import RunningEmulator, command, sign_in, start, stop

from aml_emulator import pki

from .conftest import Receiver, serve

if TYPE_CHECKING:
    Rest = Callable[..., requests.Response]


def wait_for(receiver: Receiver, count: int, seconds: float = 30) -> list[dict[str, Any]]:
    deadline = time.monotonic() + seconds
    while len(receiver.event_ids) < count:
        assert time.monotonic() < deadline, f"{len(receiver.event_ids)} of {count} events after {seconds} s"
        time.sleep(0.05)
    return [event for request in receiver.received for event in request.events]


@pytest.fixture
def hook(emulator: RunningEmulator) -> Iterator[Receiver]:
    """A webhook with the running emulator's own certificate."""
    server, receiver = serve(pki.Certificates(emulator.state / "pki"))
    yield receiver
    server.shutdown()
    server.server_close()


@pytest.fixture
def lake(rest: Rest, group: str) -> str:
    """Id of a storage account with a container."""
    account = f"{group}/providers/Microsoft.Storage/storageAccounts/lake{uuid.uuid4().hex[:8]}"
    assert rest("PUT", account, json=smallest_body(account)).status_code in (200, 201, 202)
    return account


def subscribe(rest: Rest, source: str, hook: Receiver) -> str:
    address = f"{source}/providers/Microsoft.EventGrid/eventSubscriptions/to-hook"
    destination = {"endpointType": "WebHook", "properties": {"endpointUrl": f"{hook.url}?code=secret"}}
    made = rest("PUT", address, json={"properties": {"destination": destination}})
    assert made.status_code == 201, made.text
    return address


def test_a_blob_of_the_storage_client_is_heard_of_at_the_webhook(
    emulator: RunningEmulator, rest: Rest, lake: str, hook: Receiver, variables: dict[str, str]
) -> None:
    from azure.storage.blob import BlobServiceClient

    subscribe(rest, lake, hook)
    name = lake.rpartition("/")[2]
    key = rest("POST", f"{lake}/listKeys").json()["keys"][0]["value"]
    client = BlobServiceClient(f"{emulator.blob_url}/{name}", credential={"account_name": name, "account_key": key})
    container = client.create_container(f"data-{uuid.uuid4().hex[:8]}")
    container.upload_blob("table.csv", b"1,2,3")
    (event,) = wait_for(hook, 1)
    assert event["eventType"] == "Microsoft.Storage.BlobCreated"
    assert event["subject"].endswith("/blobs/table.csv")
    assert event["topic"] == lake


def test_an_event_is_sent_and_shown(emulator: RunningEmulator, rest: Rest, lake: str, hook: Receiver) -> None:
    address = f"{lake}/providers/Microsoft.EventGrid/eventSubscriptions/to-hook"
    key = {"name": "x-key", "type": "Static", "properties": {"value": "hush-hush", "isSecret": True}}
    details = {"endpointUrl": f"{hook.url}?code=secret", "deliveryAttributeMappings": [key]}
    destination = {"endpointType": "WebHook", "properties": details}
    filters = {"includedEventTypes": ["Microsoft.MachineLearningServices.DatasetDriftDetected"]}
    rest("PUT", address, json={"properties": {"destination": destination, "filter": filters}})
    sent = command(
        "events",
        "send",
        "--source",
        lake.rpartition("/")[2],
        "--type",
        "DatasetDriftDetected",
        "--subject",
        "datadrifts/a/runs/b",
        "--data",
        '{"DriftCoefficient": 0.83}',
        state=emulator.state,
    )
    assert (sent.returncode, sent.stderr) == (0, "")
    event_id = sent.stdout.split()[0]
    assert sent.stdout == f"{event_id} is published to 1 event subscription.\n"
    (event,) = wait_for(hook, 1)
    assert (event["id"], event["data"]) == (event_id, {"DriftCoefficient": 0.83})
    deadline = time.monotonic() + 10
    while "Delivered (1)" not in (listed := command("events", "list", "--type", "drift", state=emulator.state)).stdout:
        assert time.monotonic() < deadline, listed.stdout + listed.stderr
    assert listed.stdout.splitlines()[-1].endswith(
        f"{event_id} Microsoft.MachineLearningServices.DatasetDriftDetected datadrifts/a/runs/b -> to-hook: Delivered (1)"
    )
    whole = command("events", "list", "--json", "--last", "1", state=emulator.state)
    assert json.loads(whole.stdout)["id"] == event_id
    assert "secret" not in whole.stdout
    assert hook.received[0].headers["x-key"] == "hush-hush"
    logged = (emulator.state / "requests.jsonl").read_text()
    assert "deliveryAttributeMappings" in logged
    assert "hush-hush" not in logged
    assert "code=secret" not in logged
    assert command("events", state=emulator.state).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--source", "nowhere"), "was not found"),
        (("--source", "{lake}", "--data", "{"), "--data is not valid JSON"),
        (("--source", "{lake}", "--data", "[]"), "data of an event must be an object"),
        (("--source", "{lake}", "--data", "@nowhere.json"), "cannot read the file"),
        (("--source", "{lake}"), "has no Event Grid system topic and no event subscription"),
    ],
)
def test_an_event_that_cannot_be_sent_is_told(
    emulator: RunningEmulator, lake: str, arguments: tuple[str, ...], told: str
) -> None:
    filled = [one.replace("{lake}", lake) for one in arguments]
    sent = command("events", "send", "--type", "DatasetDriftDetected", *filled, state=emulator.state)
    assert sent.returncode == 1
    assert told in sent.stderr
    assert "Traceback" not in sent.stderr


def test_events_need_an_emulator_that_runs(tmp_path: Path) -> None:
    listed = command("events", "list", state=tmp_path / "nothing")
    assert (listed.returncode, listed.stdout) == (1, "")
    assert "no emulator runs with the state" in listed.stderr
    assert not (tmp_path / "nothing").exists()


def test_nobody_sends_events_without_a_token(emulator: RunningEmulator) -> None:
    bundle = emulator.env["REQUESTS_CA_BUNDLE"]
    for method in ("GET", "POST"):
        answer = requests.request(method, f"{emulator.base_url}/emulator/events", verify=bundle, timeout=30)
        assert answer.status_code == 401


def test_a_time_scale_that_is_none_is_told_before_anything_starts(tmp_path: Path) -> None:
    up = command("up", "--port", "0", "--event-time-scale", "0", state=tmp_path / "state")
    assert up.returncode == 2
    assert "'0' is no time scale: allowed are numbers above 0" in up.stderr


def test_events_wait_for_an_emulator_that_is_down(tmp_path: Path) -> None:
    """Killed between publishing and delivery, on a time scale that makes a retry come soon."""
    state = tmp_path / "state"
    first = start(state)
    server, receiver = serve(pki.Certificates(state / "pki"))
    receiver.answer = lambda request: (500, b"")
    try:
        rest = _rest(first)
        group = f"/subscriptions/{first.identity['subscriptionId']}/resourceGroups/rg"
        rest("PUT", group, json={"location": "westeurope"})
        account = f"{group}/providers/Microsoft.Storage/storageAccounts/lakethatwaits"
        rest("PUT", account, json=smallest_body(account))
        subscribe(rest, account, receiver)
        for _ in range(5):
            body = {"source": account, "eventType": "Microsoft.Storage.BlobCreated", "subject": "s", "data": {}}
            assert rest("POST", "/emulator/events", json=body).status_code == 201
        wait_for(receiver, 5)
        stop(state)
        before = set(receiver.event_ids)
        receiver.received.clear()
        receiver.answer = lambda request: (200, b"")
        start(state)
        wait_for(receiver, 5)
        assert set(receiver.event_ids) == before
        deadline = time.monotonic() + 10
        while command("events", state=state).stdout.count("Delivered (2)") != 5:
            assert time.monotonic() < deadline
    finally:
        stop(state)
        server.shutdown()
        server.server_close()


def _rest(emulator: RunningEmulator) -> Rest:
    token = sign_in(emulator).json()["access_token"]

    def call(method: str, path: str, **more: Any) -> requests.Response:
        return requests.request(
            method,
            f"{emulator.base_url}{path}",
            params={"api-version": "2025-02-15"},
            headers={"Authorization": f"Bearer {token}"},
            verify=emulator.env["REQUESTS_CA_BUNDLE"],
            timeout=60,
            **more,
        )

    return call
