"""The fault table: whatever GitHub does, no event is lost and, as far as anybody can know, none is repeated."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from bridge.deduplication import BlobStore, MemoryStore, SqliteStore, key_of
from bridge.errors import TryLater
from bridge.github_client import Patience
from bridge.handler import Bridge
from infra.function.conftest import Lines, completed, event
from infra.function.github_server import Fault, GitHub
from infra.function.harness import EventGrid

from infra.function import harness

SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


@pytest.fixture(autouse=True)
def used(bridge: Bridge) -> Iterator[None]:
    harness.use(bridge)
    yield
    harness.use(None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_github_is_down_and_comes_back(build: Callable[..., Bridge], github: GitHub, log: Lines) -> None:
    documents = [completed(f"run-{number}") for number in range(5)]
    grid = EventGrid(attempts=2)
    harness.use(build(Patience(budget=0.2, first_wait=0.02), GITHUB_API_URL=f"http://127.0.0.1:{free_port()}"))
    assert sorted(grid.deliver(documents)) == sorted(document["id"] for document in documents)
    assert {line["reason"] for line in log.parsed if line["step"] == "failed"} == {"github_unreachable"}
    assert log.steps().count("retry") >= len(documents)
    harness.use(build())
    assert grid.deliver(documents) == []
    assert github.events == {document["id"]: 1 for document in documents}


def test_a_short_outage_is_passed_within_one_delivery(github: GitHub, log: Lines) -> None:
    github.faults.extend(
        [Fault(500), Fault(502), Fault(503, headers={"Retry-After": "0"}), Fault(429, headers={"Retry-After": "0"})]
    )
    document = completed()
    harness.trigger(document)
    assert github.events == {document["id"]: 1}
    assert log.steps() == ["received", "retry", "retry", "retry", "retry", "dispatched"]
    assert [line["status"] for line in log.parsed if line["step"] == "retry"] == [500, 502, 503, 429]
    assert log.parsed[-1]["attempts"] == 5


def test_a_long_outage_ends_the_delivery_within_its_budget_and_gives_the_claim_back(github: GitHub) -> None:
    github.always = Fault(503)
    document = completed()
    began = time.monotonic()
    with pytest.raises(TryLater, match="GitHub answered 503"):
        harness.trigger(document)
    assert time.monotonic() - began < 10
    assert github.attempts() > 3
    github.always = None
    harness.trigger(document)
    assert github.events == {document["id"]: 1}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(401, "Bad credentials"), "unauthorized"),
        (Fault(403, "Resource not accessible by personal access token"), "forbidden"),
        (Fault(404, "Not Found"), "not_found"),
        (Fault(307, "Temporary Redirect", {"Location": "http://127.0.0.1:1/repositories/1/dispatches"}), "moved"),
    ],
    ids=lambda value: str(getattr(value, "status", value)),
)
def test_what_somebody_can_mend_is_asked_once_and_waits_for_the_redelivery(
    fault: Fault, reason: str, github: GitHub, log: Lines
) -> None:
    github.always = fault
    document = completed()
    grid = EventGrid(attempts=3)
    assert grid.deliver([document]) == [document["id"]]
    assert github.attempts() == 3
    last = log.parsed[-1]
    assert (last["step"], last["reason"], last["status"], last["redelivery"]) == (
        "failed",
        reason,
        fault.status,
        "expected",
    )
    github.always = None
    assert grid.deliver([document]) == []
    assert github.events == {document["id"]: 1}


def test_what_github_will_never_take_is_an_error_in_the_log_and_done(github: GitHub, log: Lines) -> None:
    github.always = Fault(422, "Validation Failed")
    document = completed()
    assert EventGrid().deliver([document, document]) == []
    assert github.attempts() == 1
    failed = next(line for line in log.parsed if line["step"] == "failed")
    assert (failed["status"], failed["redelivery"]) == (422, "useless")
    assert failed["detail"] == "GitHub answered 422: Validation Failed"


def test_a_secondary_limit_keeps_everybody_quiet_until_github_wants_more(github: GitHub, log: Lines) -> None:
    github.faults.append(Fault(403, SECONDARY, {"Retry-After": "1"}))
    first = completed()
    with pytest.raises(TryLater, match="secondary rate limit"):
        harness.trigger(first)
    others = [completed(f"run-{number}") for number in range(20)]
    grid = EventGrid(attempts=40, wait=0.1)
    assert grid.deliver([first, *others]) == []
    assert github.events == {document["id"]: 1 for document in [first, *others]}
    assert github.attempts() == 22
    assert any("GitHub asked for no requests" in text for text in grid.failures) or log.steps().count("failed") == 1


def test_a_short_limit_is_waited_for_within_the_delivery(build: Callable[..., Bridge], github: GitHub) -> None:
    harness.use(build(Patience(budget=5.0, first_wait=0.01)))
    github.faults.append(Fault(403, SECONDARY, {"Retry-After": "1"}))
    document = completed()
    harness.trigger(document)
    assert (github.events, github.attempts()) == ({document["id"]: 1}, 2)


def test_a_slow_answer_is_waited_for_beyond_the_budget_so_the_dispatch_is_not_repeated(
    build: Callable[..., Bridge], github: GitHub
) -> None:
    harness.use(build(Patience(budget=0.3, first_wait=0.01, answer=10.0)))
    github.faults.append(Fault(seconds=1.5, takes=True))
    document = completed()
    grid = EventGrid(at_once=4, wait=0.2)
    assert grid.deliver([document] * 4) == []
    assert github.events == {document["id"]: 1}
    assert "Another invocation still works on this event." in grid.failures


def test_an_answer_that_never_comes_leaves_nobody_knowing_so_the_event_is_sent_again(
    build: Callable[..., Bridge], github: GitHub, log: Lines
) -> None:
    """The one case in which an event may be repeated: once for each answer that got lost."""
    harness.use(build(Patience(budget=0.3, first_wait=0.01, answer=0.2)))
    github.faults.append(Fault(seconds=1.0, takes=True))
    document = completed()
    assert EventGrid().deliver([document]) == []
    assert github.events == {document["id"]: 2}
    assert {line.get("reason") for line in log.parsed if line["step"] in ("retry", "failed")} == {"outcome_unknown"}
    assert len({body["client_payload"]["correlation_id"] for _, body in github.dispatches}) == 1


def test_a_connection_that_breaks_before_github_took_anything_loses_nothing(github: GitHub) -> None:
    github.faults.extend([Fault(silent=True), Fault(silent=True)])
    document = completed()
    harness.trigger(document)
    assert github.events == {document["id"]: 1}


def test_the_same_event_ten_times_one_after_the_other_is_one_dispatch(github: GitHub, log: Lines) -> None:
    document = completed()
    for _ in range(10):
        harness.trigger(document)
    assert github.events == {document["id"]: 1}
    assert log.steps().count("duplicate") == 9


@pytest.mark.parametrize("kind", ["memory", "sqlite", "blob"])
def test_the_same_event_ten_times_at_once_is_one_dispatch(
    kind: str, bridge: Bridge, github: GitHub, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    stores = {
        "memory": MemoryStore,
        "sqlite": lambda: SqliteStore(tmp_path / "events.db"),
        "blob": lambda: BlobStore(request.getfixturevalue("container")()),
    }
    harness.use(replace(bridge, store=stores[kind](), patience=replace(bridge.patience, budget=10.0)))
    github.faults.append(Fault(seconds=0.3))
    document = completed()
    grid = EventGrid(at_once=10)
    assert grid.deliver([document] * 10) == []
    assert github.events == {document["id"]: 1}
    assert (grid.deliveries, grid.failures) == (10, [])


def test_the_same_event_at_once_while_the_first_attempt_fails_is_taken_over_by_another_delivery(github: GitHub) -> None:
    github.faults.append(Fault(404, "Not Found", seconds=0.2))
    document = completed()
    grid = EventGrid(at_once=10)
    assert grid.deliver([document] * 10) == []
    assert github.events == {document["id"]: 1}
    assert len(grid.failures) == 1


def test_a_process_that_dies_between_its_claim_and_the_dispatch_loses_nothing(
    build: Callable[..., Bridge], github: GitHub, tmp_path: Path
) -> None:
    settings = {"DEDUPLICATION_STORE": f"sqlite:{tmp_path}/events.db"}
    patience = Patience(budget=0.2, first_wait=0.01, claim=1.0)
    dying = build(patience, **settings)
    found = event()
    dying.store.claim(key_of(found, "contoso/churn"), patience.claim)  # and nothing more: it is dead
    alive = build(patience, **settings)
    with pytest.raises(TryLater, match="Another invocation still works on this event"):
        alive.handle(found)
    time.sleep(1.0)
    assert alive.handle(found).name == "dispatched"
    assert github.events == {found.id: 1}


def test_without_its_store_the_function_sends_nothing(build: Callable[..., Bridge], github: GitHub, log: Lines) -> None:
    unreachable = f"https://127.0.0.1:{free_port()}/account"
    connection = f"BlobEndpoint={unreachable};AccountName=account;AccountKey=a2V5"
    bridge = build(DEDUPLICATION_STORE="blob", AzureWebJobsStorage=connection)
    with pytest.raises(TryLater, match="Without a claim nothing is sent"):
        bridge.handle(event())
    assert log.parsed[-1]["reason"] == "store_unavailable"
    assert github.requests == []


def test_events_that_nobody_wants_are_logged_and_done(build: Callable[..., Bridge], github: GitHub, log: Lines) -> None:
    harness.use(build(ROUTING=json.dumps({"rules": [{"experiment": "fraud", "repository": "contoso/churn"}]})))
    harness.trigger(completed(runProperties={"runTemplate": "automl_child"}))
    harness.trigger(completed())
    assert [(line["step"], line.get("reason")) for line in log.parsed] == [
        ("received", None),
        ("ignored", "child_run"),
        ("received", None),
        ("ignored", "no_rule"),
    ]
    assert github.requests == []


def test_data_of_an_event_is_never_logged(github: GitHub, log: Lines) -> None:
    github.faults.extend([Fault(500), Fault(404, "Not Found")])
    document = completed(runTags={"password": "hunter2-secret"}, runProperties={"spec": "top-secret" * 8000})
    with pytest.raises(TryLater):
        harness.trigger(document)
    harness.trigger(document)
    assert "secret" not in "".join(log.raw)
    assert log.parsed[-1]["trimmed"] == "runProperties.spec"


def test_a_storm_of_events_with_a_github_that_fails_often_loses_and_repeats_none(github: GitHub) -> None:
    documents = [completed(f"run-{number}") for number in range(300)]
    cycle = [None, None, Fault(500), None, Fault(404, "Not Found"), None, Fault(silent=True), None, None, Fault(502)]
    github.faults.extend(cycle * 30)
    shuffled = [*documents, *documents[:150], *documents[::3]]
    grid = EventGrid(at_once=16)
    assert grid.deliver(shuffled) == []
    assert github.events == {document["id"]: 1 for document in documents}


def test_threads_do_not_mix_up_repositories_and_payloads(build: Callable[..., Bridge], github: GitHub) -> None:
    routing = {"rules": [{"repository_from_tag": True}], "allowed_repositories": ["contoso/*"]}
    environ = {"ALLOWED_REPOSITORIES": "", "ROUTING": json.dumps(routing)}
    bridge = build(**environ)
    found = [event(f"run-{n}", runTags={"GITHUB_REPOSITORY": f"contoso/r{n % 7}"}) for n in range(140)]
    with ThreadPoolExecutor(16) as pool:
        assert {outcome.name for outcome in pool.map(bridge.handle, found)} == {"dispatched"}
    for repository, body in github.dispatches:
        assert repository == body["client_payload"]["data"]["runTags"]["GITHUB_REPOSITORY"]
    assert len(github.dispatches) == 140
