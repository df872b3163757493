"""Following several jobs: each to its end, whatever becomes of the others, and no log within another one's group."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field

from azure.core.exceptions import HttpResponseError

from aml_actions.run_history import RunDetails
from aml_actions.workflow import Workflow
from aml_run.logs import LogRelay
from aml_run.several import Ended, follow


@dataclass
class Cloud:
    """Jobs that end at given times and print a line at every question; time passes only by sleeping."""

    ends: Mapping[str, tuple[float, str]]
    now: float = 0.0
    logs: dict[str, bytes] = field(default_factory=dict)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def details(self, job: str) -> RunDetails:
        end, status = self.ends[job]
        if status == "refused":
            error = HttpResponseError("forbidden")
            error.status_code = 403
            raise error
        self.logs[job] = self.logs.get(job, b"") + f"{job} at {self.now:.0f}\n".encode()
        return RunDetails(status if self.now >= end else "Running", {"user_logs/std_log.txt": job})

    def fetch(self, url: str, offset: int) -> bytes:
        return self.logs[url][offset:]


def run(cloud: Cloud) -> tuple[dict[str, Ended], str]:
    stream = io.StringIO()
    workflow = Workflow(stream)
    ended = follow(
        list(cloud.ends),
        cloud,  # type: ignore[arg-type]
        workflow,
        lambda job, label: LogRelay(workflow, cloud.fetch, label),
        cloud.clock,
        cloud.sleep,
    )
    return ended, stream.getvalue()


def test_each_is_followed_to_its_own_end() -> None:
    ended, _ = run(Cloud({"a": (30, "Failed"), "b": (5, "Completed"), "c": (60, "Canceled")}))
    assert {job: one.details.status for job, one in ended.items() if one.details} == {
        "a": "Failed",
        "b": "Completed",
        "c": "Canceled",
    }
    assert ended["b"].seconds < ended["a"].seconds < ended["c"].seconds
    assert ended["c"].tails["user_logs/std_log.txt"][-1].startswith("c at 6")


def test_one_that_cannot_be_followed_ends_no_other() -> None:
    ended, _ = run(Cloud({"a": (0, "refused"), "b": (20, "Completed")}))
    assert isinstance(ended["a"].error, HttpResponseError)
    assert ended["a"].details is None
    assert ended["b"].details is not None


def test_a_group_of_the_log_belongs_to_one_job() -> None:
    _, log = run(Cloud({"a": (30, "Completed"), "b": (20, "Completed")}))
    group = ""
    lines = 0
    for line in log.splitlines():
        if line.startswith("::group::"):
            assert not group, "groups do not nest"
            group = line.removeprefix("::group::")
        elif line == "::endgroup::":
            group = ""
        elif line[:5] in ("a at ", "b at "):
            assert group == f"{line[0]} · Output: user_logs/std_log.txt"
            lines += 1
        elif line.startswith("Job "):
            assert not group
    assert not group
    assert lines > 10


def test_a_single_job_is_shown_as_it_always_was() -> None:
    _, log = run(Cloud({"a": (5, "Completed")}))
    assert "::group::Output: user_logs/std_log.txt" in log
