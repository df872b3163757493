"""A person looks whether an event arrived, and why not."""

from aml_emulator.eventgrid.publishing import EXTENSION
from aml_emulator.eventgrid.records import Attempt

RUN_COMPLETED = "Microsoft.MachineLearningServices.RunCompleted"


def subscribe(studio, name: str = "to-github") -> None:
    address = f"{studio.workspace}/providers/{EXTENSION}/{name}"
    destination = {"endpointType": "WebHook", "properties": {"endpointBaseUrl": "https://127.0.0.1/hook"}}
    properties = {"provisioningState": "Succeeded", "destination": destination, "filter": {}}
    studio.emulator.resources.put(address, {"properties": properties})


def publish(studio, **data: object) -> str:
    return studio.emulator.events.publish(studio.workspace, RUN_COMPLETED, "experiments/e/runs/r1", data)


def attempt(studio, event_id: str, status: int, outcome: str, message: str = "") -> None:
    records = studio.emulator.events.records
    deliveries = records.find(event_id).deliveries
    records.attempted(deliveries, Attempt(1, 1_800_000_000.0, status, outcome, 12.0, message))


def test_without_events_the_page_says_what_is_missing(studio) -> None:
    page = studio.page("/events")
    assert "No event has been published yet" in page.text
    assert "/events" in studio.page("/").links


def test_the_list_shows_what_became_of_each_event(studio) -> None:
    subscribe(studio)
    waits, done = publish(studio), publish(studio)
    attempt(studio, done, 202, "Delivered")
    studio.emulator.events.records.delivered(studio.emulator.events.records.find(done).deliveries)
    page = studio.page("/events")
    assert {f"/events/{waits}", f"/events/{done}"} <= page.links
    assert "RunCompleted experiments/e/runs/r1" in page.text
    assert "to-github Delivered" in page.text
    assert "to-github Waits" in page.text


def test_an_event_shows_its_data_and_every_attempt(studio) -> None:
    subscribe(studio)
    event_id = publish(studio, runId="r1", note="<script>alert(1)</script>")
    attempt(studio, event_id, 503, "Busy", "come <b>later</b>")
    records = studio.emulator.events.records
    records.retry(records.find(event_id).deliveries, 4_000_000_000.0)
    page = studio.page(f"/events/{event_id}")
    assert "Waits for the next attempt" in page.text
    assert "503" in page.text
    assert "come <b>later</b>" in page.text
    assert "<script>alert(1)</script>" in page.text
    assert "/runs/r1" in page.links
    assert page.all("b") == []


def test_a_dead_letter_is_named_with_its_reason(studio) -> None:
    subscribe(studio)
    event_id = publish(studio)
    records = studio.emulator.events.records
    attempt(studio, event_id, 400, "BadRequest")
    records.give_up(records.find(event_id).deliveries, "UndeliverableDueToHttpBadRequest", 0.0)
    records.dead_lettered(records.find(event_id).deliveries, "deadletters/TO-GITHUB/2027/1/15/8/x.json")
    page = studio.page(f"/events/{event_id}")
    assert "Dead-lettered" in page.text
    assert "UndeliverableDueToHttpBadRequest" in page.text
    assert "deadletters/TO-GITHUB/2027/1/15/8/x.json" in page.text


def test_an_event_nobody_wanted_says_so(studio) -> None:
    subscribe(studio)
    studio.emulator.resources.change(
        f"{studio.workspace}/providers/{EXTENSION}/to-github",
        lambda body: body["properties"].update(filter={"subjectBeginsWith": "models/"}),
    )
    event_id = publish(studio)
    assert "no subscription wants it" in studio.page("/events").text
    assert "wanted this event" in studio.page(f"/events/{event_id}").text


def test_an_event_that_is_not_there_is_said_to_be_missing(studio) -> None:
    assert "There is no event “nope”" in studio.page("/events/nope", 404).text
