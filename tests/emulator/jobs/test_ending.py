"""Jobs that are ended: by their user, by their time limit, by the emulator's stop, by its sudden end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.workbench import Workbench, workbench

from aml_emulator import ids


def alive(process: int) -> bool:
    """Whether a process runs (one that nobody has reaped does not)."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(process: int, seconds: float = 5) -> bool:
    """Whether a process ends within some seconds."""
    deadline = time.monotonic() + seconds
    while alive(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def first_line(bench: Workbench, job: str) -> str:
    """What a job prints first."""
    deadline = time.monotonic() + 20
    while "\n" not in bench.log(job):
        assert time.monotonic() < deadline, bench.status(job)
        time.sleep(0.02)
    return bench.log(job).splitlines()[0]


def test_a_canceled_job_ends_with_everything_it_started(bench: Workbench) -> None:
    job = bench.submit("sleep 300 & echo $!; wait")
    process = int(first_line(bench, job))
    assert alive(process)
    bench.emulator.jobs.cancel(job)
    assert bench.wait(job) == "Canceled"
    assert gone(process)
    assert bench.error(job) == {}
    states = [state.status for state in bench.emulator.tracking.states(ids.name_of(job))]
    assert states[-2:] == ["CancelRequested", "Canceled"]


def test_a_script_may_save_its_work_when_it_is_canceled(bench: Workbench) -> None:
    job = bench.submit("trap 'sleep 0.3; echo saved > outputs/checkpoint; exit 0' TERM; echo ready; sleep 300 & wait")
    first_line(bench, job)
    bench.emulator.jobs.cancel(job)
    assert bench.wait(job) == "Canceled"
    assert bench.artifacts(job)["outputs/checkpoint"] == b"saved\n"


def test_a_script_that_ignores_the_signal_is_killed_after_the_grace(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aml_emulator.jobs.execution._GRACE_SECONDS", 0.5)
    job = bench.submit("trap '' TERM; echo $$; while true; do sleep 0.1; done")
    process = int(first_line(bench, job))
    bench.emulator.jobs.cancel(job)
    assert bench.wait(job, seconds=10) == "Canceled"
    assert gone(process)


def test_a_queued_job_is_canceled_at_once_and_never_runs(bench: Workbench) -> None:
    cluster = bench.cluster(0)
    job = bench.submit("echo ran", computeId=cluster)
    bench.wait(job, "Queued")
    bench.emulator.jobs.cancel(job)
    assert bench.wait(job, seconds=5) == "Canceled"
    assert bench.artifacts(job) == {}


def test_a_job_over_its_time_limit_is_canceled_and_says_so(bench: Workbench) -> None:
    job = bench.run("sleep 300", limits={"jobLimitsType": "Command", "timeout": "PT0.5S"})
    assert bench.status(job) == "Canceled"
    assert "longer than its limit of 0.5 s" in bench.error(job)["message"]


def test_canceling_what_is_over_changes_nothing(bench: Workbench) -> None:
    job = bench.run("exit 3")
    bench.emulator.jobs.cancel(job)
    assert bench.status(job) == "Failed"


def test_stopping_the_emulator_ends_its_jobs_and_says_why(tmp_path: Path) -> None:
    with workbench(tmp_path) as bench:
        running = bench.submit("echo $$; sleep 300")
        queued = bench.submit("true", computeId=bench.cluster(0))
        process = int(first_line(bench, running))
        bench.wait(queued, "Queued")
    assert gone(process)
    with workbench(tmp_path) as bench:
        for job in (running, queued):
            assert bench.status(job) == "Canceled"
            assert "emulator was stopped" in bench.error(job)["message"]


def test_an_emulator_that_is_killed_takes_its_jobs_with_it_and_settles_them_at_its_next_start(tmp_path: Path) -> None:
    program = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from pathlib import Path
from support.workbench import workbench
with workbench(Path({str(tmp_path)!r})) as bench:
    job = bench.submit("echo $$; sleep 300")
    while "\\n" not in bench.log(job):
        time.sleep(0.02)
    print(job, bench.log(job).strip(), flush=True)
    time.sleep(60)
"""
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        job, process = child.stdout.readline().split()
        assert alive(int(process))
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
    assert gone(int(process))
    with workbench(tmp_path) as bench:
        assert bench.status(job) == "Failed"
        assert "ended unexpectedly" in bench.error(job)["message"]


TREE = """
import os, signal, subprocess, sys, time
depth = int(sys.argv[1])
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if depth:
    # Every generation in a session of its own, so that no signal to a process group reaches it.
    subprocess.Popen([sys.executable, __file__, str(depth - 1)], start_new_session=True)
print(os.getpid(), flush=True)
time.sleep(300)
"""


def test_a_cancel_ends_children_of_children_that_ignore_the_signal_and_left_the_group(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aml_emulator.jobs.execution._GRACE_SECONDS", 0.5)
    job = bench.submit("python tree.py 3", {"tree.py": TREE})
    deadline = time.monotonic() + 30
    while len(bench.log(job).split()) < 4:
        assert time.monotonic() < deadline, bench.log(job)
        time.sleep(0.02)
    processes = [int(text) for text in bench.log(job).split()]
    bench.emulator.jobs.cancel(job)
    assert bench.status(job) == "CancelRequested"
    assert bench.wait(job, seconds=10) == "Canceled"
    assert [process for process in processes if alive(process)] == []


def test_a_job_that_ends_well_leaves_no_process_that_left_its_group(bench: Workbench) -> None:
    job = bench.run("setsid sleep 300 & echo $!")
    sleeping = int(bench.log(job))
    assert bench.status(job) == "Completed"
    assert gone(sleeping)
