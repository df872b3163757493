"""Every request of a step of aml-run meets every fault of the emulator's switchboard: the end has the right colour and words.

A cell is an operation and a kind of fault. Where nothing is said of a cell, the step is to go on as if nothing had happened: all such
cells of a kind are one step, in which every operation meets the fault once. `ENDS` names the cells in which the step ends otherwise;
each of them has a step of its own. Afterwards no job goes on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.benches import Benches, Case, benches
from support.fault_matrix import WAITS, Bench, check, operations_of
from support.training import COMPUTE

from aml_emulator.faults.fault import LONG_RUNNING
from aml_emulator.faults.names import OPERATIONS

pytestmark = pytest.mark.xdist_group("aml-run: requests under faults")  # one worker has the emulators of this module
AT_ONCE = 5
"""Steps at the same time: each of them mostly waits."""
MODEL = "a-model"
PARAMETERS: Mapping[str, Any] = {"download_artifacts": True, "compare_with": f"{MODEL}:1"}


@dataclass(frozen=True)
class Asked:
    """A kind of request of a step.

    Attributes:
        stage: of the step.
        match: text in its path, where other operations are the same kind of request.
        of: the name of the operation in the switchboard, where several rows share one.

    """

    stage: str
    match: str = ""
    of: str = ""


METADATA, KEYS, UPLOAD, PLACES = (
    "GET /metadata/endpoints",
    "GET /openid-configuration",
    "POST /startPendingUpload$",
    "POST /dataversion/batchGetResolvedUris$",
)
METRIC_SERVICE, ARTIFACT_SERVICE = "POST /metric/v2.0/.*/list$", "GET /artifact/v2.0/.*/artifacts/ExperimentRun/[^/]+$"
ROWS: Mapping[str, Asked] = {
    METADATA: Asked("sign-in"),
    KEYS: Asked("sign-in"),
    "token": Asked("sign-in"),
    "jobs.get": Asked("submit, verdict"),
    "codes.list": Asked("submit"),
    "codes.get": Asked("submit"),
    UPLOAD: Asked("submit"),
    "codes.create": Asked("submit"),
    "environments.create": Asked("submit"),
    "jobs.create": Asked("submit"),
    "workspaces.get": Asked("wait"),
    "discovery": Asked("wait"),
    "runs.details": Asked("wait"),
    "logs.read": Asked("logs"),
    "runs.children": Asked("children"),
    METRIC_SERVICE: Asked("metrics", of="metrics.read"),
    "metrics.read": Asked("metrics"),
    ARTIFACT_SERVICE: Asked("download", of="artifacts.list"),
    "blobs.list": Asked("download"),
    "artifacts.list": Asked("artifacts"),
    "runs.get": Asked("summary"),
    "models.get": Asked("summary"),
    "runs.data": Asked("download"),
    "artifacts.address": Asked("download"),
    "artifacts.read": Asked("download", "model.txt"),
    PLACES: Asked("download"),
    "datastores.get": Asked("download"),
    "datastores.secrets": Asked("download"),
    "blobs.read": Asked("download", "weights.txt"),
    "blobs.write": Asked("submit", "train.py"),
}
"""Every request of a step that submits a job, waits for it, compares it and downloads its files; a request meets the first that fits."""

LAST = {"status": 503, "count": 0}
KINDS: Mapping[str, Mapping[str, Any]] = {
    "429": {"status": 429, "headers": {"Retry-After": "1"}},
    "503 twice": {"status": 503, "count": 2},
    "502": {"status": 502},
    "409": {"status": 409},
    "401": {"status": 401},
    "dropped before": {"drop": "before"},
    "dropped answer": {"drop": "answer"},
    "cut body": {"drop": "body"},
    "slow": {"delay": 0.3, "slow": 20_000},
    "not seen yet": {"stale": "missing", "reads": 1},
    "seen as it was": {"stale": "older", "reads": 1},
}
"""What goes wrong for a moment."""
FOR_EVER = "503 for ever"

STORAGE = ("blobs.write", "blobs.list", "blobs.read")
"""Asked by azure-storage-blob, which waits a quarter of a minute before it asks again: they have steps of their own."""


@dataclass(frozen=True)
class End:
    """How a step ends otherwise than as if nothing had happened.

    Attributes:
        words: that its annotation (green: its log or summary) must hold.
        code: exit code.
        jobs: states of the jobs afterwards.
        may_be_cancelled: whether the job is cancelled, or ends before, depends on the moment.

    """

    words: Sequence[str]
    code: int = 1
    jobs: Sequence[str] = ()
    may_be_cancelled: bool = False


_NO_CLOUD = End(["does not describe a cloud"])
_NOT_SUBMITTED = End(["while submitting", "docs/troubleshooting.md"])
_NOT_LOOKED_FOR = End(["while looking for a job"])
_UNWAITED = End(["while reading workspace", "had ended before: Completed"], jobs=["Completed"])
_UNREAD = End(["while reading metrics and files of job"], jobs=["Completed"])
_NOT_DOWNLOADED = End(["while downloading the files of job"], jobs=["Completed"])
_SUBMITS = ("codes.list", "codes.get", UPLOAD, "codes.create", "environments.create", "jobs.create")

CELLS: Mapping[tuple[str, str], End] = {
    # A refusal that is none of the moment: told at once, and nothing was submitted.
    (METADATA, "409"): _NO_CLOUD,
    (KEYS, "409"): End(["Azure refused the sign-in"]),
    ("token", "409"): End(["Azure refused the sign-in"]),
    ("jobs.get", "409"): _NOT_LOOKED_FOR,
    **{(name, "409"): End(["while submitting", "409 Conflict"]) for name in _SUBMITS},
    # Of one download, more refusals at once than it is asked again: they have steps of their own.
    **{(name, "409"): End([], code=0, jobs=["Completed"]) for name in (PLACES, "runs.data")},
    # Without the keys the datastore is asked for as it is.
    **{("datastores.get", kind): End([], code=0, jobs=["Completed"]) for kind in ("401", "409")},
    # A new sign-in does not help in the first minute of a step: the service does not take its own token.
    (METADATA, "401"): _NO_CLOUD,
    (KEYS, "401"): End(["Azure refused the sign-in"]),
    ("token", "401"): End(["Azure refused the sign-in", "AADSTS7000215"]),
    ("jobs.get", "401"): End(["while looking for a job", "401 ExpiredAuthenticationToken"]),
    **{(name, "401"): End(["while submitting", "401 ExpiredAuthenticationToken"]) for name in _SUBMITS},
    # At once: the job may have ended by then, or is cancelled.
    ("workspaces.get", "401"): End(
        ["while reading workspace", "401 ExpiredAuthenticationToken", "Job cell-workspaces-get-401"],
        jobs=["Completed"],
        may_be_cancelled=True,
    ),
    # The service does not recover.
    (METADATA, FOR_EVER): End(["does not describe a cloud", "503 Server Error"]),
    **{
        (name, FOR_EVER): End(["The sign-in to Azure failed while looking", "answers with 503"])
        for name in (KEYS, "token")
    },
    ("jobs.get", FOR_EVER): End(["while looking for a job", "503 ServiceUnavailable"]),
    **{(name, FOR_EVER): End(["while submitting", "503 ServiceUnavailable"]) for name in _SUBMITS},
    **{(name, FOR_EVER): _UNWAITED for name in ("workspaces.get", "discovery")},
    ("runs.details", FOR_EVER): End(
        ["has not begun to run within", "run history does not answer", "had ended before: Completed"],
        jobs=["Completed"],
    ),
    **{(name, FOR_EVER): _UNREAD for name in ("runs.children", "metrics.read", "artifacts.list")},
    **{
        (name, FOR_EVER): _NOT_DOWNLOADED
        for name in (ARTIFACT_SERVICE, "runs.data", "artifacts.address", PLACES, "datastores.get")
    },
    ("logs.read", FOR_EVER): End(
        ["The log of job", "could not be read", "cannot be listed", "HTTP 503 ServerBusy"], jobs=["Completed"]
    ),
    ("artifacts.read", FOR_EVER): End(["cannot be listed", "HTTP 503 ServerBusy"], jobs=["Completed"]),
    # What only the summary would have said is left out, and the log says so.
    ("runs.get", FOR_EVER): End(["What the summary says lacks times and tags"], code=0, jobs=["Completed"]),
    (METRIC_SERVICE, FOR_EVER): End(["Metrics that are no numbers could not be read"], code=0, jobs=["Completed"]),
}
"""The cells in which a step ends otherwise."""

AFTER_A_WRITE = ("jobs.get", "runs.details", "runs.children", "runs.get", "artifacts.list")
"""What is read of a job that was written a moment ago; the others read nothing that a step has written."""

OTHERS = frozenset(
    {
        *("token.identity", "score", "operations.status", "templates.create", "templates.get"),
        *(f"groups.{one}" for one in ("list", "get", "create", "update", "delete")),
        *(f"workspaces.{one}" for one in ("list", "create", "update", "delete")),
        *("jobs.list", "jobs.update", "jobs.cancel_result", "runs.update", "metrics.write"),
        *("blobs.delete", "codes.delete", "models.list", "models.create", "models.delete"),
        *(f"computes.{one}" for one in ("list", "create", "update", "delete")),
        *(f"datastores.{one}" for one in ("list", "create", "delete")),
        *("environments.list", "environments.get", "environments.delete"),
        *(f"{of}.{one}" for of in ("components", "data") for one in ("list", "get", "create", "delete")),
        *(f"endpoints.{one}" for one in ("list", "get", "create", "update", "delete", "keys")),
        *(f"deployments.{one}" for one in ("list", "get", "create", "update", "delete", "logs")),
    }
)
"""Operations that no step of this module asks for; a test sees to it that this is so."""
ELSEWHERE = frozenset({"jobs.cancel", "computes.get", "any", "any.read", "any.write"})
"""Operations with tests of their own below."""


def is_quiet(name: str, kind: str) -> bool:
    """Whether the step goes on in a cell as if nothing had happened, in one step with the others of the kind."""
    stale = "stale" in KINDS[kind]
    return name not in STORAGE and (name, kind) not in CELLS and (not stale or name in AFTER_A_WRITE)


def faulty(name: str, kind: str) -> dict[str, Any]:
    """The fault of a cell."""
    row = ROWS[name]
    return {"operation": name, **({"match": row.match} if row.match else {}), **(KINDS | {FOR_EVER: LAST})[kind]}


def _unfair(used: Sequence[Mapping[str, Any]]) -> list[str]:
    return [f"{one['operation']} was not met" for one in used if not one["used"]]


def prepare(bench: Bench) -> None:
    """Give Azure the code of the jobs that do not upload theirs."""
    outcome, _ = bench.step({"job_file": bench.plain_job("shared-0", "python log.py", COMPUTE, 0)}, [])
    assert outcome.code == 0, outcome.log


def _name(*parts: str) -> str:
    return "-".join("".join(char if char.isalnum() else "-" for char in part) for part in parts).strip("-").lower()[:60]


def moment(bench: Bench, kind: str) -> None:
    """Check a step in which every operation meets a fault once."""
    job, second = _name("moment", kind), _name("shared", kind)
    sets = [
        {"job_file": bench.job(job), **PARAMETERS},
        {"job_file": bench.plain_job(second, "python log.py", COMPUTE, 0)},
    ]
    outcome, used = bench.step(sets, [faulty(name, kind) for name in ROWS if is_quiet(name, kind)])
    check(outcome, bench.cloud.emulator)
    assert outcome.code == 0, outcome.log
    assert _unfair(used) == []
    states = bench.cloud.jobs()
    assert {states[job], states[second]} == {"Completed"}
    assert bench.cloud.going_on() == {}
    assert {one["status"] for one in _runs(outcome)} == {"Completed"}


def _runs(outcome) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(outcome.outputs["runs"])
    return found


def cell(bench: Bench, name: str, kind: str) -> None:
    """Check a step that ends otherwise."""
    job, end = _name("cell", name, kind), CELLS[name, kind]
    limits = {"queue_timeout": "4s"} if name == "runs.details" else {}
    # Only code that Azure has is asked for.
    file = bench.plain_job(job, "python log.py", COMPUTE, 0) if name == "codes.get" else bench.job(job)
    outcome, used = bench.step({"job_file": file, **PARAMETERS, **limits}, [faulty(name, kind)])
    check(outcome, bench.cloud.emulator)
    assert outcome.code == end.code, outcome.log
    assert _unfair(used) == []
    told = "\n".join([*outcome.annotations, outcome.log] if end.code == 0 or "logs" in name else outcome.annotations)
    for words in end.words:
        assert words in told, told
    assert bench.cloud.going_on() == {}
    states = [state for one, state in bench.cloud.jobs().items() if one == job]
    assert states == list(end.jobs) or (end.may_be_cancelled and states == ["Canceled"])


STORAGE_KINDS = ("503 twice", "502", "dropped before", "dropped answer", "cut body", "slow")


def storage(bench: Bench) -> None:
    """Check a step whose storage is busy: every kind meets an output of its own; the upload of code and the listing meet one."""
    parts = {kind: f"part-{number}.txt" for number, kind in enumerate(STORAGE_KINDS)}
    faults = [
        *({"operation": "blobs.read", "match": parts[kind], **{**KINDS[kind], "count": 1}} for kind in STORAGE_KINDS),
        # azure-ai-ml uploads one file after the other, and waits a quarter of a minute after each failure.
        {"operation": "blobs.write", "match": parts[STORAGE_KINDS[0]], "status": 503},
    ]
    file = bench.job("storage", code={part: f"{kind} {'x' * 2000}" for kind, part in parts.items()})
    outcome, used = bench.step({"job_file": file, **PARAMETERS}, [*faults, {"operation": "blobs.list", "status": 503}])
    check(outcome, bench.cloud.emulator)
    assert outcome.code == 0, outcome.log
    assert _unfair(used) == []
    folder = Path(outcome.outputs["artifact_path"]) / "parent/named-outputs/model"
    assert {file.name: file.read_text()[:3] for file in folder.glob("part-*.txt")} == {
        part: kind[:3] for kind, part in parts.items()
    }


def compute(bench: Bench) -> None:
    """Check a step that gives up while the compute cannot be asked why."""
    faults = [{"operation": "computes.get", **LAST}, {"operation": "jobs.stuck"}]
    outcome, used = bench.step({"job_file": bench.job("compute"), "queue_timeout": "3s"}, faults)
    check(outcome, bench.cloud.emulator)
    assert outcome.code == 1
    assert _unfair(used) == []
    (error,) = outcome.annotations
    assert "has not begun to run within" in error
    assert bench.cloud.jobs()["compute"] == "Canceled"


def cancel(bench: Bench, kind: str) -> None:
    """Check a step that gives up while a cancel does not arrive."""
    job = _name("cancel", kind)
    faults = [{"operation": "jobs.cancel", **KINDS[kind]}]
    outcome, used = bench.step({"job_file": bench.job(job, WAITS), "timeout": "1s"}, faults)
    check(outcome, bench.cloud.emulator)
    assert outcome.code == 1
    assert _unfair(used) == []
    assert "is Canceled" in outcome.annotations[0]
    assert bench.cloud.jobs()[job] == "Canceled"


def burst(bench: Bench, name: str) -> None:
    """Check a step in which all of Azure is down for a moment."""
    job = _name("burst", name)
    outcome, used = bench.step(
        {"job_file": bench.job(job)}, [{"operation": name, "status": 503, "count": 2, "after": 2}]
    )
    check(outcome, bench.cloud.emulator)
    assert outcome.code == 0, outcome.log
    assert _unfair(used) == []
    assert bench.cloud.going_on() == {}


def requests(bench: Bench) -> None:
    """Check that every request of a step is in a row."""
    fitting = [name for name in ROWS if " " in name]
    before = len(bench.cloud.requests())
    sets = [
        {"job_file": bench.job("complete"), **PARAMETERS},
        {"job_file": bench.plain_job("complete-2", "python log.py", COMPUTE, 0)},
    ]
    outcome, _ = bench.step(sets, [])
    assert outcome.code == 0, outcome.log
    asked: set[str] = set()
    for request in bench.cloud.requests()[before:]:
        path = str(request["path"])
        if path.startswith("/emulator/"):
            continue
        written = {
            name
            for name in fitting
            if request["method"] == name.split(" ")[0] and re.search(name.split(" ", 1)[1], path, re.IGNORECASE)
        }
        found = written or operations_of(request)
        assert found & set(ROWS) or _is_of_the_job(request), f"no row for {request['method']} {path}"
        asked |= found
    assert set(ROWS) - asked == set()
    assert asked & OTHERS <= {"metrics.write"}  # of the job's script


def _is_of_the_job(request: Mapping[str, Any]) -> bool:
    return "metrics.write" in operations_of(request) or (request["method"] == "PUT" and "restype" in request["query"])


CANCELS = ("429", "503 twice", "502", "dropped before", "dropped answer")
BURSTS = ("any", "any.read", "any.write")
BODIES: Mapping[str, Sequence[Case]] = {
    # The longest first: one that begins last would be waited for alone.
    "test_storage_that_is_busy_for_a_moment_changes_nothing": [(storage, ())],
    "test_a_burst_of_failures_everywhere_is_ridden_out": [(burst, (name,)) for name in reversed(BURSTS)],
    "test_what_goes_wrong_for_a_moment_changes_nothing": [(moment, (kind,)) for kind in KINDS],
    "test_what_does_not_pass_is_told_in_the_right_words": [(cell, place) for place in CELLS],
    "test_a_compute_that_cannot_be_asked_does_not_hide_the_limit": [(compute, ())],
    "test_a_cancel_that_does_not_arrive_is_sent_again": [(cancel, (kind,)) for kind in CANCELS],
    "test_every_request_of_a_step_has_a_row": [(requests, ())],
}
"""What the tests below wait for."""


@pytest.fixture(scope="module")
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Benches]:
    """Run the bodies of the tests that were asked for."""
    asked = {
        (item.originalname, tuple(item.callspec.params.values()) if hasattr(item, "callspec") else ())
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.module is request.module
    }
    cases = [case for test, some in BODIES.items() for case in some if (test, case[1]) in asked]
    with benches(tmp_path_factory.mktemp("requests"), min(AT_ONCE, len(cases)), prepare, cases) as found:
        yield found


@pytest.mark.parametrize("kind", KINDS)
def test_what_goes_wrong_for_a_moment_changes_nothing(ran: Benches, kind: str) -> None:
    ran.result(moment, kind)


@pytest.mark.parametrize(("name", "kind"), CELLS, ids=lambda text: text)
def test_what_does_not_pass_is_told_in_the_right_words(ran: Benches, name: str, kind: str) -> None:
    ran.result(cell, name, kind)


def test_storage_that_is_busy_for_a_moment_changes_nothing(ran: Benches) -> None:
    ran.result(storage)


def test_a_compute_that_cannot_be_asked_does_not_hide_the_limit(ran: Benches) -> None:
    ran.result(compute)


@pytest.mark.parametrize("kind", CANCELS)
def test_a_cancel_that_does_not_arrive_is_sent_again(ran: Benches, kind: str) -> None:
    ran.result(cancel, kind)


@pytest.mark.parametrize("name", BURSTS)
def test_a_burst_of_failures_everywhere_is_ridden_out(ran: Benches, name: str) -> None:
    ran.result(burst, name)


def test_every_request_of_a_step_has_a_row(ran: Benches) -> None:
    ran.result(requests)


def test_every_operation_of_the_switchboard_has_a_row_or_is_not_asked_for() -> None:
    rows = {row.of or name for name, row in ROWS.items()}
    named = {name for name in rows if " " not in name}
    assert named <= set(OPERATIONS)
    assert named | OTHERS | ELSEWHERE == set(OPERATIONS)
    assert not (named | ELSEWHERE) & OTHERS
    assert all(name.startswith("lro.") for name in LONG_RUNNING), "a step of aml-run makes no resource but jobs"
    assert {name for name, _ in CELLS} <= set(ROWS)
    assert {kind for _, kind in CELLS} <= {*KINDS, FOR_EVER}


def test_every_cell_is_counted() -> None:
    quiet = sum(is_quiet(name, kind) for name in ROWS for kind in KINDS)
    assert (quiet, len(CELLS), len(STORAGE_KINDS) + 2) == (QUIET, TOLD, 8)


QUIET, TOLD = 228, 50
"""How many cells there are of each sort: a table that shrinks unnoticed shows nothing."""
