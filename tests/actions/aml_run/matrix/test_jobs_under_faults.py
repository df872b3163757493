"""Everything that can happen to a job, as many jobs of one step: each has its own end, words and colour, and none goes on.

The first step waits out what passes; the second one gives up what does not, at its limits; what an end says is told in both.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from support.emulator import RunningEmulator
from support.fault_matrix import Bench, Cloud, check
from support.steps import Outcome
from support.training import training_repository

from aml_emulator.faults.fault import OF_JOBS
from aml_run.states import TABLE, Kind

MANY, SPARE, COLD, COLDER = "many-nodes", "spare-nodes", "cold-nodes", "colder-nodes"
"""A cluster with a node for every job, one of low priority, and two that have no node yet."""
SHORT, LONG = "python log.py", "echo training; sleep 600"
PASSES = 4
"""Seconds of what passes: seen by a step that asks every second or two."""
LIMIT = "5s"
pytestmark = pytest.mark.xdist_group("aml-run: jobs under faults")  # their two steps are those of all rows


@dataclass(frozen=True)
class Row:
    """One job, what happens to it, and how that ends.

    Attributes:
        name: of the row, and in the name of its job.
        faults: that the job meets.
        end: state that the step tells of it.
        words: that must be in the log or in the annotation.
        command: of the job.
        compute: that it runs on.
        limit: seconds after which the service itself cancels it; 0: there is none.

    """

    name: str
    faults: Sequence[Mapping[str, Any]]
    end: str
    words: Sequence[str]
    command: str = SHORT
    compute: str = MANY
    limit: int = 0

    @property
    def job(self) -> str:
        """Name of the job, as azure-ai-ml writes it; no other one's name is in it."""
        return f"row-{self.name}-end".lower()


def _held(state: str, stage: str, seconds: float | None = None) -> Sequence[Mapping[str, Any]]:
    lasts = {} if seconds is None else {"seconds": seconds}
    return ({"operation": "jobs.state", "state": state, "at": stage, **lasts},)


STAGE_OF = {
    "NotStarted": "Preparing",
    "Preparing": "Preparing",
    "Provisioning": "Queued",
    "Queued": "Queued",
    "Starting": "Starting",
    "Running": "Running",
    "Finalizing": "Finalizing",
    "CancelRequested": "Running",
    "NotResponding": "Running",
    "Paused": "Queued",
    "Unknown": "Running",
    "Frozen": "Running",
}
"""Every state that is no end, one that is in no table, and the stage of a job at which it is shown."""
NEW = ("Unknown", "Frozen")

PASSING = (
    *(
        Row(
            f"passes-{state}",
            _held(state, stage, PASSES),
            "Completed",
            [f"{state} after", *(["a state that this version does not know"] if state in NEW else [])],
        )
        for state, stage in STAGE_OF.items()
    ),
    Row("completes", (), "Completed", ["Completed after"]),
    Row("fails", (), "Failed", ["exit code 3"], command="echo broken; exit 3"),
    Row("ends-at-its-limit", (), "Canceled", ["limits.timeout"], command=LONG, limit=3),
    Row("stuck-for-a-while", [{"operation": "jobs.stuck", "seconds": PASSES}], "Completed", ["Queued after"]),
    Row(
        "silent-for-a-while",
        [{"operation": "jobs.not_responding", "seconds": PASSES}],
        "Completed",
        ["NotResponding after"],
    ),
    Row(
        "waits-for-a-node",
        [{"operation": "nodes.cold", "seconds": PASSES}],
        "Completed",
        ["Queued after"],
        compute=COLD,
    ),
    Row(
        "begins-anew",
        [{"operation": "jobs.preempted", "seconds": 1}],
        "Completed",
        ["Completed after"],
        command="sleep 3; python log.py",
        compute=SPARE,
    ),
    Row(
        "is-taken-away",
        [{"operation": "jobs.preempted", "seconds": 1, "fails": True}],
        "Failed",
        ["Nodes of this job got pre-empted", "low priority"],
        command=LONG,
        compute=SPARE,
    ),
    Row("has-no-image", [{"operation": "jobs.image_build"}], "Failed", ["a-package-that-no-channel-has"]),
    Row("is-seen-late", [{"operation": "jobs.disagree", "seconds": PASSES}], "Completed", ["Completed after"]),
    Row(
        "is-seen-late-by-history",
        [{"operation": "jobs.disagree", "seconds": PASSES, "lagging": "history"}],
        "Completed",
        ["Completed after"],
    ),
)
"""What passes, or ends by itself."""


def _given_up(state: str) -> list[str]:
    begun = state in ("Running", "Finalizing")
    return ["has been going on for" if begun else "has not begun to run within", f"it is {state}", "is Canceled"]


LASTING = (
    *(
        Row(
            f"lasts-{state}",
            # Under `Running` and `Finalizing` the job has begun to run, as it would have in truth.
            () if state == "Running" else _held(state, stage),
            "Canceled",
            _given_up(state),
            command=LONG if state == "Running" else "sleep 3" if state == "Finalizing" else SHORT,
        )
        for state, stage in STAGE_OF.items()
    ),
    Row(
        "stuck",
        [{"operation": "jobs.stuck", "code": "ClusterCoreQuotaReached", "message": "Maximum allowed: 100"}],
        "Canceled",
        ["has not begun to run within", "it is Queued", "Maximum allowed: 100", "is Canceled"],
    ),
    Row(
        "silent",
        [{"operation": "jobs.not_responding"}],
        "Canceled",
        ["it is NotResponding", "is Canceled"],
        command=LONG,
    ),
    Row(
        "without-a-node", [{"operation": "nodes.cold", "seconds": 600}], "Canceled", _given_up("Queued"), compute=COLDER
    ),
    Row(
        "ends-slowly",
        [{"operation": "jobs.cancel_slow", "seconds": PASSES}],
        "Canceled",
        ["has been going on for", "is Canceled, after"],
        command=LONG,
    ),
    Row(
        "is-done-but-history-is-late",
        [{"operation": "jobs.disagree", "seconds": 600, "lagging": "history"}],
        "Completed",
        ["had ended before: Completed"],
    ),
)
"""What does not pass: the step gives the job up, and cancels it."""


@dataclass
class Ran:
    """A step with the jobs of a table."""

    outcome: Outcome
    used: Sequence[Mapping[str, Any]]
    states: Mapping[str, str]
    going_on: Mapping[str, str]
    results: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def text_of(self, row: Row) -> str:
        """What the step says of a job: lines of the log with its name, and its error."""
        lines = [line for line in self.outcome.log.splitlines() if row.job in line]
        return "\n".join([*lines, str(self.results[row.job]["error"] or "")])


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, emulator: RunningEmulator) -> Iterator[Bench]:
    repository = training_repository(tmp_path_factory.mktemp("jobs"), emulator, "ws-jobs-under-faults")
    for name, more in (
        (MANY, {"max_nodes": 40}),
        (SPARE, {"max_nodes": 4, "vm_priority": "lowpriority"}),
        (COLD, {"max_nodes": 1}),
        (COLDER, {"max_nodes": 1}),
    ):
        made = repository.step("aml-compute", {"name": name, "compute_type": "amlcluster", **more})
        assert made.code == 0, made.log
    yield Bench(repository, Cloud(emulator, repository.workspace))


def run(bench: Bench, rows: Sequence[Row], **parameters: object) -> Ran:
    sets = [{"job_file": bench.plain_job(row.job, row.command, row.compute, row.limit), **parameters} for row in rows]
    faults = [{**fault, "match": row.job} for row in rows for fault in row.faults]
    outcome, used = bench.step(sets, faults)
    results = {one["run_id"]: one for one in json.loads(outcome.outputs.get("runs", "[]"))}
    return Ran(outcome, used, bench.cloud.jobs(), bench.cloud.going_on(), results)


@pytest.fixture(scope="module")
def passing(bench: Bench) -> Ran:
    return run(bench, PASSING)


@pytest.fixture(scope="module")
def lasting(bench: Bench) -> Ran:
    return run(bench, LASTING, queue_timeout=LIMIT, timeout=LIMIT)


def _check(ran: Ran, row: Row, emulator: RunningEmulator) -> None:
    check(ran.outcome, emulator)
    assert ran.results[row.job]["status"] == row.end, ran.text_of(row)
    assert ran.states[row.job] == row.end
    assert row.job not in ran.going_on
    text = ran.text_of(row)
    for words in row.words:
        assert words in text, text
    met = [one for one in ran.used if one.get("match") == row.job]
    assert len(met) == len(row.faults)
    assert all(one["used"] for one in met), met


@pytest.mark.parametrize("row", PASSING, ids=lambda row: row.name)
def test_what_passes_is_waited_out_and_only_completed_is_green(
    passing: Ran, row: Row, emulator: RunningEmulator
) -> None:
    _check(passing, row, emulator)
    assert bool(passing.results[row.job]["error"]) == (row.end != "Completed")


@pytest.mark.parametrize("row", LASTING, ids=lambda row: row.name)
def test_what_does_not_pass_is_given_up_and_cancelled(lasting: Ran, row: Row, emulator: RunningEmulator) -> None:
    _check(lasting, row, emulator)
    assert lasting.results[row.job]["error"]


def test_the_colours_are_those_of_the_worst_job(passing: Ran, lasting: Ran) -> None:
    red = sum(row.end != "Completed" for row in PASSING)
    assert passing.outcome.code == 1
    assert f"{red} of {len(PASSING)} jobs did not complete" in passing.outcome.log
    assert lasting.outcome.code == 1
    assert f"{len(LASTING)} of {len(LASTING)} jobs did not complete" in lasting.outcome.log


def test_every_state_and_every_fault_of_jobs_has_a_row() -> None:
    lasting_states = {state for state, known in TABLE.items() if known.kind is not Kind.END}
    assert set(STAGE_OF) == lasting_states | {"Frozen"}
    assert "Frozen" not in TABLE
    assert {row.end for row in PASSING} == {state for state, known in TABLE.items() if known.kind is Kind.END}
    met = {fault["operation"] for row in (*PASSING, *LASTING) for fault in row.faults}
    assert met == set(OF_JOBS)
