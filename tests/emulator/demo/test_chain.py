"""The chain that the demonstration ends with, link by link, out of what is on record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from aml_emulator.demo.chain import DEPLOY, TRAIN, Broken, Cause, Chain, follow
from aml_emulator.demo.facts import Facts, FunctionLine, JobFact, RunFact, seconds
from aml_emulator.demo.timeline import events_table, tallies, timeline

SHA = "1234567890abcdef"
T0 = seconds("2026-11-25T10:00:00.000000Z")
PUSH = Cause(T0, SHA)
BLOB = Cause(T0, SHA, "new.csv")

TRAINED = RunFact(
    1,
    "Train",
    TRAIN,
    "push",
    {},
    SHA,
    "success",
    T0 + 1,
    T0 + 2,
    T0 + 20,
    (JobFact("Train", "success", T0 + 2, T0 + 20),),
)
DEPLOYED = RunFact(
    2, "Deploy the model", DEPLOY, "repository_dispatch", {"client_payload": {"id": "e1"}}, SHA, "success",
    T0 + 22, T0 + 23, T0 + 60,
    (JobFact("Is it ours?", "success", T0 + 23, T0 + 24),
     JobFact("dev", "success", T0 + 24, T0 + 40), JobFact("prod", "success", T0 + 40, T0 + 60)),
)  # fmt: skip


def moment(after: float) -> str:
    return f"2026-11-25T10:00:{after:09.6f}Z"


def event(
    identity: str, kind: str, after: float, *, attempts: list[Mapping[str, Any]], state: str = "Delivered", **data: Any
) -> dict[str, Any]:
    return {
        "id": identity,
        "eventType": kind,
        "subject": data.pop("subject", ""),
        "data": data,
        "published": moment(after),
        "deliveries": [
            {"subscription": "s", "state": state, "reason": "MaxDeliveryAttemptsExceeded", "history": attempts}
        ],
    }


def attempt(after: float, status: int | None = 200, *, repeat: bool = False, message: str = "") -> dict[str, Any]:
    return {"time": moment(after), "status": status, "outcome": "Success", "message": message, "repeat": repeat}


def completed(**changes: Any) -> dict[str, Any]:
    return event(
        "e1",
        "Microsoft.MachineLearningServices.RunCompleted",
        20,
        **{"attempts": [attempt(21)], "runId": "iris_1", "runTags": {"GITHUB_SHA": SHA}, **changes},
    )


def lines(identity: str, *steps: str, **facts: Any) -> list[FunctionLine]:
    received = FunctionLine(T0 + 21, "received", f"c-{identity}", identity)
    return [received, *(FunctionLine(T0 + 21.5, step, f"c-{identity}", facts=facts) for step in steps)]


WHOLE = Facts(
    [completed()], lines("e1", "dispatched", dispatch="machinelearningservices-runcompleted"), [TRAINED, DEPLOYED]
)


def test_a_push_is_followed_to_prod() -> None:
    chain = follow(PUSH, WHOLE)
    assert chain.waits_for == ""
    assert chain.job_id == "iris_1"
    assert [line.split()[:2] for line in timeline(chain)[2:5]] == [["0.0", "s"], ["2.0", "s"], ["20.0", "s"]]
    assert [link.what for link in chain.links] == [
        "push of 1234567 to main",
        "Train (run 1) begins",
        "job iris_1 completed",
        "event RunCompleted published",
        "event RunCompleted delivered",
        "dispatch machinelearningservices-runcompleted",
        "Deploy the model (run 2) begins",
        "Is it ours?: success",
        "dev: success",
        "prod: success",
    ]


def test_a_blob_is_followed_over_two_events() -> None:
    blob = event(
        "e0", "Microsoft.Storage.BlobCreated", 0.5, attempts=[attempt(0.7)], subject="/containers/c/blobs/new.csv"
    )
    trained = replace(TRAINED, event="repository_dispatch", payload={"client_payload": {"id": "e0"}})
    sent = lines("e0", "dispatched", dispatch="storage-blobcreated")
    chain = follow(BLOB, Facts([blob, completed()], [*sent, *WHOLE.lines], [trained, DEPLOYED]))
    assert chain.waits_for == ""
    assert [link.what for link in chain.links][:5] == [
        "blob new.csv written",
        "event BlobCreated published",
        "event BlobCreated delivered",
        "dispatch storage-blobcreated",
        "Train (run 1) begins",
    ]


def broken_off(events: list[dict[str, Any]], said: list[FunctionLine], runs: list[RunFact]) -> Chain:
    return follow(PUSH, Facts(events, said, runs))


@pytest.mark.parametrize(
    ("events", "said", "runs", "waits_for"),
    [
        ([], [], [], f"a run of {TRAIN}"),
        ([], [], [replace(TRAINED, completed=None, conclusion="")], "the event RunCompleted"),
        ([completed(attempts=[], state="Pending")], [], [TRAINED], "the delivery of the event RunCompleted to the function."),
        (
            [completed(attempts=[attempt(21, 503, message="host is not running")], state="Pending")],
            [],
            [TRAINED],
            "the delivery of the event RunCompleted to the function. The last attempt: 503 host is not running.",
        ),
        ([completed()], lines("e1"), [TRAINED], "the dispatch for the event RunCompleted"),
        ([completed()], list(WHOLE.lines), [TRAINED], f"a run of {DEPLOY}"),
        ([completed()], list(WHOLE.lines), [TRAINED, replace(DEPLOYED, completed=None)], f"the end of {DEPLOY}"),
    ],
)  # fmt: skip
def test_a_chain_that_is_on_its_way_says_what_comes_next(
    events: list[dict[str, Any]], said: list[FunctionLine], runs: list[RunFact], waits_for: str
) -> None:
    assert broken_off(events, said, runs).waits_for == waits_for


@pytest.mark.parametrize(
    ("events", "said", "runs", "reason"),
    [
        ([], [], [replace(TRAINED, conclusion="failure")], "train_model.yml .run 1. ended with failure"),
        ([{**completed(), "deliveries": []}], [], [TRAINED], "Nobody has subscribed to the event RunCompleted"),
        (
            [completed(attempts=[attempt(21, 404, message="no function")], state="DeadLettered")],
            [],
            [TRAINED],
            "gave the event RunCompleted up: MaxDeliveryAttemptsExceeded. The last attempt: 404 no function.",
        ),
        (
            [completed()],
            lines("e1", "ignored", reason="repository_not_allowed", detail="a/b"),
            [TRAINED],
            "did not take the event RunCompleted to GitHub: a/b",
        ),
        ([completed()], lines("e1", "failed", redelivery="useless", detail="422"), [TRAINED], "to GitHub: 422"),
        (
            [completed()],
            list(WHOLE.lines),
            [TRAINED, replace(DEPLOYED, jobs=(JobFact("dev", "skipped", None, T0 + 30),))],
            "deployed nothing",
        ),
    ],
)  # fmt: skip
def test_a_chain_that_broke_says_where_and_why(
    events: list[dict[str, Any]], said: list[FunctionLine], runs: list[RunFact], reason: str
) -> None:
    with pytest.raises(Broken, match=reason):
        broken_off(events, said, runs)


def test_a_training_of_another_commit_is_not_taken_for_ours() -> None:
    other = completed(runTags={"GITHUB_SHA": "another"})
    assert broken_off([other], list(WHOLE.lines), [TRAINED, DEPLOYED]).waits_for == "the event RunCompleted"


def test_deliveries_and_duplicates_are_counted() -> None:
    facts = Facts(
        [completed(attempts=[attempt(21), attempt(22, repeat=True)])],
        [*lines("e1", "dispatched"), *lines("e1", "duplicate")],
        [],
    )
    assert events_table(tallies(facts)) == [
        "Event                                 published  delivered  arrived  duplicate  ignored  dispatched  lost  repeated",
        "────────────────────────────────────  ─────────  ─────────  ───────  ─────────  ───────  ──────────  ────  ────────",
        "MachineLearningServices.RunCompleted          1          1        2          1        0           1     0         0",
        "all                                           1          1        2          1        0           1     0         0",
    ]


@pytest.mark.parametrize(
    ("said", "lost", "repeated"),
    [(lines("e1"), 1, 0), (lines("e1", "ignored"), 0, 0), (lines("e1", "dispatched", "dispatched"), 0, 1)],
)
def test_what_is_lost_or_repeated_is_counted(said: list[FunctionLine], lost: int, repeated: int) -> None:
    [tally] = tallies(Facts([completed()], said, [])).values()
    assert (tally.lost, tally.repeated) == (lost, repeated)
