"""The function app as the host sees it: its triggers, what the worker hands over, what a web hook is answered."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bridge.errors import SettingsError, TryLater
from bridge.handler import Bridge
from infra.function.conftest import ROOT, SAMPLES, Lines, completed
from infra.function.github_server import TOKEN, Fault, GitHub

from infra.function import harness

GRID = sorted(path.relative_to(SAMPLES) for path in SAMPLES.rglob("examples/*/*.json"))
if not GRID:
    GRID = [pytest.param(Path("none"), marks=pytest.mark.skip(reason=f"there are no event samples at {SAMPLES}"))]

VALIDATION = {
    "id": "2d1781af-3a4c-4d7c-bd0c-e34b19da4e66",
    "topic": "/subscriptions/s",
    "subject": "",
    "data": {"validationCode": "512d38b6", "validationUrl": "https://rp-westeurope.eventgrid.azure.net/validate"},
    "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
    "eventTime": "2026-01-25T22:12:19.4556811Z",
    "metadataVersion": "1",
    "dataVersion": "1",
}


@pytest.fixture(autouse=True)
def used(bridge: Bridge) -> Iterator[None]:
    harness.use(bridge)
    yield
    harness.use(None)


def cloud(document: dict) -> dict:
    """The same event in the other schema."""
    return {
        "specversion": "1.0",
        "id": document["id"],
        "source": document["topic"],
        "type": document["eventType"],
        "subject": document["subject"],
        "time": document["eventTime"],
        "data": document["data"],
    }


def test_the_host_finds_both_functions_with_their_triggers() -> None:
    assert harness.bindings("aml_event_to_github") == [{"direction": "IN", "type": "eventGridTrigger", "name": "event"}]
    http, answer = harness.bindings("aml_events")
    assert (http["type"], http["methods"], http["authLevel"]) == ("httpTrigger", ["POST", "OPTIONS"], "FUNCTION")
    assert answer["type"] == "http"


@pytest.mark.parametrize("sample", GRID, ids=str)
def test_every_official_sample_becomes_a_dispatch_by_both_triggers(
    sample: Path, build: Callable[..., Bridge], github: GitHub
) -> None:
    harness.use(build(ROUTING='{"child_runs": true, "allowed_repositories": ["contoso/churn"]}'))
    found = json.loads((SAMPLES / sample).read_text(encoding="utf-8-sig"))
    document = found[0] if isinstance(found, list) else found
    harness.trigger(document)
    assert harness.request([document]).status_code == 200  # the second delivery of the same event
    ((repository, body),) = github.dispatches
    kind = document.get("eventType") or document["type"]
    assert repository == "contoso/churn"
    assert body["event_type"] == kind.removeprefix("Microsoft.").lower().replace(".", "-")
    payload = body["client_payload"]
    assert payload["data"] == document["data"]
    assert (payload["id"], payload["subject"]) == (document["id"], document["subject"])
    assert payload["topic"] == document.get("topic", document.get("source"))
    assert payload["time"][:19] == (document.get("eventTime") or document["time"])[:19]
    assert (payload["integration"], payload["event_source"]) == (True, kind.split(".")[1])
    assert len(payload) <= 10


def test_the_same_event_in_both_schemas_by_both_doors_is_one_dispatch(github: GitHub, log: Lines) -> None:
    document = completed()
    harness.trigger(cloud(document))
    harness.trigger(document)
    assert harness.request(cloud(document)).status_code == 200
    assert harness.request([document]).status_code == 200
    assert len(github.dispatches) == 1
    assert log.steps() == ["received", "dispatched", *["received", "duplicate"] * 3]
    assert {line["correlation_id"] for line in log.parsed} == {
        github.dispatches[0][1]["client_payload"]["correlation_id"]
    }


def test_what_cannot_be_handled_now_raises_for_the_host_and_never_shows_githubs_status(github: GitHub) -> None:
    for status in (401, 403, 404):
        github.always = Fault(status, "no")
        with pytest.raises(TryLater):
            harness.trigger(completed())
        assert harness.request([completed()]).status_code == 503


def test_wrong_settings_leave_events_with_event_grid_and_are_read_again(
    github: GitHub, monkeypatch: pytest.MonkeyPatch, log: Lines
) -> None:
    harness.use(None)
    for name in ("GITHUB_TOKEN", "GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY", "ROUTING", "AzureWebJobsStorage"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_API_URL", github.url)
    monkeypatch.setenv("ALLOWED_REPOSITORIES", "contoso/churn")
    monkeypatch.setenv("DEDUPLICATION_STORE", "memory")
    monkeypatch.setenv("GITHUB_TOKEN", "@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/t/)")
    document = completed()
    with pytest.raises(SettingsError, match="GITHUB_TOKEN is a Key Vault reference that was not resolved"):
        harness.trigger(document)
    answer = harness.request([document])
    assert (answer.status_code, "log" in answer.get_body().decode()) == (503, True)
    assert [line["reason"] for line in log.parsed] == ["settings", "settings"]
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    harness.trigger(document)
    assert github.events == {document["id"]: 1}


def test_an_unreadable_event_is_logged_and_done(github: GitHub, log: Lines) -> None:
    harness.trigger({**completed(), "eventType": ""})
    assert [(line["step"], line["reason"]) for line in log.parsed] == [("failed", "unreadable")]
    assert github.requests == []


def test_event_grids_handshake_is_answered_with_its_code() -> None:
    answer = harness.request([VALIDATION], headers={"aeg-event-type": "SubscriptionValidation"})
    assert (answer.status_code, json.loads(answer.get_body())) == (200, {"validationResponse": "512d38b6"})
    assert answer.mimetype == "application/json"


def test_the_handshake_refuses_a_repository_that_is_not_allowed_so_the_subscription_is_never_made(
    github: GitHub,
) -> None:
    headers = {"aeg-event-type": "SubscriptionValidation"}
    assert harness.request([VALIDATION], headers=headers, query={"repoName": "contoso/churn"}).status_code == 200
    refused = harness.request([VALIDATION], headers=headers, query={"repoName": "evil/repo"})
    assert refused.status_code == 400
    assert "'evil/repo' is not among the allowed repositories" in refused.get_body().decode()
    assert harness.request([completed()], query={"repoName": "evil/repo"}).status_code == 400
    assert github.requests == []


def test_the_cloudevents_handshake_grants_the_origin_that_asks() -> None:
    answer = harness.request(b"", method="OPTIONS", headers={"webhook-request-origin": "eventgrid.azure.net"})
    assert answer.status_code == 200
    assert answer.headers["WebHook-Allowed-Origin"] == "eventgrid.azure.net"
    assert answer.headers["WebHook-Allowed-Rate"] == "120"
    assert harness.request(b"", method="OPTIONS").status_code == 400


@pytest.mark.parametrize("kind", ["SubscriptionDeletion", "Unsubscribe"])
def test_the_end_of_a_subscription_is_acknowledged(kind: str, github: GitHub) -> None:
    assert harness.request([completed()], headers={"aeg-event-type": kind}).status_code == 200
    assert github.requests == []


def test_the_old_query_names_the_repository(build: Callable[..., Bridge], github: GitHub) -> None:
    harness.use(build(ALLOWED_REPOSITORIES="contoso/churn,contoso/fraud"))
    document = completed()
    assert harness.request([document], query={"repoName": "contoso/fraud"}).status_code == 200
    assert harness.request([document], query={"repoName": "contoso/churn"}).status_code == 200
    assert [repository for repository, _ in github.dispatches] == ["contoso/fraud", "contoso/churn"]


@pytest.mark.parametrize(
    ("body", "status"), [(b"no json", 400), (b'"text"', 400), (b"[]", 200), (b'[{"id": "1"}]', 400)]
)
def test_what_is_no_event_is_refused_for_good(body: bytes, status: int, github: GitHub) -> None:
    assert harness.request(body).status_code == status
    assert github.requests == []


def test_a_batch_is_handled_whole_and_only_what_failed_is_made_again(github: GitHub, log: Lines) -> None:
    documents = [completed(f"run-{number}") for number in range(40)]
    github.faults.extend([None] * 20 + [Fault(404, "Not Found")] * 3)
    batch = [*documents, {"not": "an event"}]
    answer = harness.request(batch)
    assert (answer.status_code, json.loads(answer.get_body())["error"]) == (
        503,
        "3 of 41 events are not done; deliver them again.",
    )
    assert len(github.dispatches) == 37
    assert harness.request(batch).status_code == 200
    assert github.events == {document["id"]: 1 for document in documents}
    assert log.steps().count("duplicate") == 37


def test_the_folder_holds_what_azure_needs_and_a_lock_that_names_no_index() -> None:
    folder = ROOT / "infra" / "function"
    host = json.loads((folder / "host.json").read_text())
    assert host["version"] == "2.0"
    assert host["extensionBundle"]["id"] == "Microsoft.Azure.Functions.ExtensionBundle"
    assert (
        json.loads((folder / "local.settings.json.example").read_text())["Values"]["FUNCTIONS_WORKER_RUNTIME"]
        == "python"
    )
    lock = (folder / "requirements.txt").read_text()
    assert "://" not in lock
    locked = {line.split("==")[0].lower() for line in lock.splitlines() if line[:1].isalpha()}
    wanted = {line.lower() for line in (folder / "requirements.in").read_text().splitlines() if line[:1].isalpha()}
    assert wanted <= locked
    assert lock.count("--hash=sha256:") >= len(locked)
    assert "local.settings.json" in (folder / ".funcignore").read_text().splitlines()
