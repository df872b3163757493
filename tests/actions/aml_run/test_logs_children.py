"""The logs of child jobs: found while the parent runs, grouped by step, each read once."""

import io
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from azure.core.exceptions import HttpResponseError
from support.training import COMPUTE, IMAGE, PLAIN, TrainingRepository

from aml_actions.run_history import ChildRun, RunDetails
from aml_actions.workflow import Workflow
from aml_run import child_logs
from aml_run.child_logs import ChildLogs, JobLogs

ENVIRONMENT = f"environment: {{image: {IMAGE}, conda_file: environment.yml}}"
LOG = "user_logs/std_log.txt"


@dataclass
class Cloud:
    """Jobs and their logs, which a test changes as it goes."""

    children_of: dict[str, list[ChildRun]] = field(default_factory=dict)
    status: dict[str, str] = field(default_factory=dict)
    logs: dict[str, bytes] = field(default_factory=dict)
    broken: bool = False
    asked: Counter[str] = field(default_factory=Counter)
    now: float = 0.0

    def child(self, parent: str, name: str, display: str = "", **more: object) -> None:
        run = ChildRun(name, display or name, "Running", **more)  # type: ignore[arg-type]
        self.children_of.setdefault(parent, []).append(run)
        self.status[name] = "Running"

    def children(self, job: str) -> list[ChildRun]:
        self.asked[f"children {job}"] += 1
        if self.broken:
            raise HttpResponseError("the gateway is down")
        return self.children_of.get(job, [])

    def details(self, job: str) -> RunDetails:
        self.asked[f"details {job}"] += 1
        return RunDetails(self.status[job], {LOG: job} if job in self.logs else {})

    def fetch(self, url: str, offset: int) -> bytes:
        self.asked[f"bytes {url}"] += len(self.logs[url][offset:])
        return self.logs[url][offset:]


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def logs(cloud: Cloud, stream: io.StringIO) -> ChildLogs:
    return ChildLogs(cloud, Workflow(stream), fetch=cloud.fetch, clock=lambda: cloud.now)  # type: ignore[arg-type]


def grouped(text: str) -> list[tuple[str, str]]:
    """Each line of a log with the title of its group."""
    found, title = [], ""
    for line in text.splitlines():
        if line.startswith("::group::"):
            assert not title, "groups do not nest"
            title = line.removeprefix("::group::")
        elif line == "::endgroup::":
            title = ""
        elif not line.startswith("::"):
            found.append((title, line))
    return found


def test_children_that_begin_later_are_found_and_each_has_its_own_groups(
    cloud: Cloud, logs: ChildLogs, stream: io.StringIO
) -> None:
    cloud.child("p", "one", "prepare")
    cloud.logs["one"] = b"reading\n"
    assert logs.poll("p")
    cloud.now += 10
    cloud.status["one"] = "Completed"
    cloud.logs["one"] += b"read"
    cloud.child("p", "two", "train")
    cloud.logs["two"] = b"epoch 1\n"
    assert logs.poll("p")
    cloud.now += 10
    cloud.logs["two"] += b"epoch 2"
    assert not logs.poll("p")
    assert logs.poll("p", final=True)
    assert grouped(stream.getvalue()) == [
        (f"prepare · Output: {LOG}", "reading"),
        (f"prepare · Output: {LOG}", "read"),
        (f"train · Output: {LOG}", "epoch 1"),
        (f"train · Output: {LOG}", "epoch 2"),
    ]
    assert logs.tails == {"one": {LOG: ["reading", "read"]}, "two": {LOG: ["epoch 1", "epoch 2"]}}
    # What was read is not read again, and who has ended is not asked again.
    assert cloud.asked["bytes one"] == len(b"reading\nread")
    assert cloud.asked["bytes two"] == len(b"epoch 1\nepoch 2")
    assert cloud.asked["details one"] == 2


def test_children_of_children_are_shown(cloud: Cloud, logs: ChildLogs, stream: io.StringIO) -> None:
    cloud.child("p", "search")
    cloud.child("search", "trial_0")
    cloud.logs["trial_0"] = b"loss 1\n"
    logs.poll("p")
    assert grouped(stream.getvalue()) == [(f"trial_0 · Output: {LOG}", "loss 1")]


def test_a_job_without_children_is_hardly_asked_for_any(cloud: Cloud, logs: ChildLogs) -> None:
    for _ in range(60):
        logs.poll("p")
        cloud.now += 1
    assert cloud.asked["children p"] == 2


def test_a_service_that_does_not_answer_is_asked_again(cloud: Cloud, logs: ChildLogs, stream: io.StringIO) -> None:
    cloud.child("p", "one")
    cloud.logs["one"] = b"line\n"
    cloud.broken = True
    assert not logs.poll("p")
    assert logs.problem
    cloud.broken = False
    cloud.now += 60
    assert logs.poll("p")
    assert [line for _, line in grouped(stream.getvalue())] == ["line"]


def test_a_step_that_was_reused_says_whose_log_to_read(cloud: Cloud, logs: ChildLogs, stream: io.StringIO) -> None:
    cloud.child("p", "one", "prepare", properties={"azureml.isreused": "true", "azureml.reusedrunid": "older"})
    logs.poll("p")
    assert "prepare: reused from older" in stream.getvalue()
    assert cloud.asked["details one"] == 0


def test_steps_of_the_same_name_are_told_apart(cloud: Cloud, logs: ChildLogs, stream: io.StringIO) -> None:
    for name in ("a", "b"):
        cloud.child("p", name, "train")
        cloud.logs[name] = b"x\n"
    logs.poll("p")
    assert [title for title, _ in grouped(stream.getvalue())] == [f"train ({one}) · Output: {LOG}" for one in "ab"]


def test_of_thousands_of_trials_the_first_are_shown(
    cloud: Cloud, logs: ChildLogs, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_logs, "MOST", 2)
    for number in range(5):
        cloud.child("p", f"trial_{number}")
        cloud.logs[f"trial_{number}"] = b"x\n"
    logs.poll("p", final=True)
    assert len(logs.tails) == 2
    assert stream.getvalue().count("The logs of the first 2 child jobs are shown.") == 1


def test_a_job_and_its_children_are_kept_on_disk_in_folders_of_their_names(
    cloud: Cloud, stream: io.StringIO, tmp_path: Path
) -> None:
    cloud.child("p", "one")
    cloud.child("p", "../out")
    cloud.logs |= {"p": b"parent\xff\n", "one": b"child", "../out": b"no"}
    both = JobLogs("p", cloud, Workflow(stream), fetch=cloud.fetch)  # type: ignore[arg-type]
    both.save_to(tmp_path / "kept")
    with both:
        both.relay({LOG: "p"}, final=True)
    kept = {str(file.relative_to(tmp_path)): file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    assert kept == {f"kept/p/{LOG}": b"parent\xff\n", f"kept/one/{LOG}": b"child"}


PIPELINE = f"""\
type: pipeline
settings: {{default_compute: azureml:{COMPUTE}}}
jobs:
  prepare:
    type: command
    command: echo "rows prepared" && sleep 1 && echo 1 > ${{{{outputs.rows}}}}/a.csv && echo "second line"
    outputs: {{rows: {{type: uri_folder}}}}
    {ENVIRONMENT}
  train:
    type: command
    command: ls ${{{{inputs.rows}}}}
    inputs: {{rows: "${{{{parent.jobs.prepare.outputs.rows}}}}"}}
    {ENVIRONMENT}
"""
DISTRIBUTED = f"""\
type: command
command: echo "I am rank $RANK"
compute: azureml:{COMPUTE}
resources: {{instance_count: 1}}
distribution: {{type: pytorch, process_count_per_instance: 3}}
{ENVIRONMENT}
"""


def test_a_pipeline_shows_what_each_of_its_steps_prints(repository: TrainingRepository) -> None:
    repository.write({"jobs/job.yml": PIPELINE, "jobs/environment.yml": PLAIN})
    done = repository.step("aml-run", {"job_file": "jobs/job.yml"})
    assert done.code == 0, done.log
    found = grouped(done.log)
    assert [one for one in found if one[0].startswith(("prepare", "train"))] == [
        (f"prepare · Output: {LOG}", "rows prepared"),
        (f"prepare · Output: {LOG}", "second line"),
        (f"train · Output: {LOG}", "a.csv"),
    ]
    assert any(title.startswith("Pipeline: logs/azureml/executionlogs.txt") for title, _ in found)


def test_a_distributed_job_shows_every_process_in_its_order(repository: TrainingRepository) -> None:
    repository.write({"jobs/job.yml": DISTRIBUTED, "jobs/environment.yml": PLAIN})
    done = repository.step("aml-run", {"job_file": "jobs/job.yml"})
    assert done.code == 0, done.log
    found = [(title, line) for title, line in grouped(done.log) if line.startswith("I am rank")]
    assert sorted(found) == [
        (f"Output: user_logs/std_log_process_{rank:02}.txt", f"I am rank {rank}") for rank in range(3)
    ]
