"""Steps of aml-run that are cancelled at random moments, as the runner does it, and what became of them and of their jobs."""

from __future__ import annotations

import itertools
import json
import random
import signal
import statistics
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from support.cancelled_step import INT_TO_TERM, TERM_TO_KILL, RunningStep, start
from support.fault_matrix import ENDS, Bench, Cloud
from support.steps import Outcome, write_parameters
from support.training import TrainingRepository

GRACE = INT_TO_TERM + TERM_TO_KILL
"""Seconds from the first signal until the runner kills."""
SHORT = 6
"""Seconds of a job that ends by itself, so that some cancels meet its end."""
_TRAINS = "echo training; sleep {seconds}; echo trained"
_SHELL_STARTS = 0.1
"""Seconds in which bash itself starts and may forget a SIGINT, before the first line of ours; the SIGTERM then cancels the step."""
_EARLIER_JOB = "job {job} had ended before: Completed"


@dataclass(frozen=True)
class Cancel:
    """One step that was cancelled, or had ended before it could be.

    Attributes:
        moment: seconds from its start to the signal.
        job: name of its job.
        status: of the job afterwards; empty: there is none.
        exit_seconds: from the signal to the end of the step; None: it had ended before.
        job_seconds: from the signal to the end of the job; negative: the job had ended before; None: there is none.
        outcome: what the step left.

    """

    moment: float
    job: str
    status: str
    exit_seconds: float | None
    job_seconds: float | None
    outcome: Outcome

    @property
    def what(self) -> str:
        """In words, for a table."""
        if self.exit_seconds is None:
            return f"the step had ended before (exit code {self.outcome.code}), the job is {self.status or 'none'}"
        when = (
            "" if self.job_seconds is None else " before the signal" if self.job_seconds <= 0 else " after the signal"
        )
        return f"job {self.status}{when}" if self.status else "no job was made"

    def _was_told_before(self) -> bool:
        """Whether the job had completed and the summary said so when the signal came."""
        return (
            self.status == "Completed"
            and self.outcome.summary.startswith("### ✅")
            and self.job in self.outcome.summary
        )

    def problems(self) -> list[str]:
        """What is not as it must be; empty: nothing."""
        found: list[str] = []
        outcome = self.outcome
        told = " ".join(outcome.annotations)
        # Before its first line of ours the interpreter starts, some 10 ms, in which a SIGINT ends it in its own words.
        has_begun = "::add-mask::" in outcome.log
        if "Traceback" in outcome.log and has_begun:
            found.append("a traceback")
        if self.exit_seconds is None:
            # It ended by itself, in the very moment before the signal.
            return [*found, *([] if (outcome.code, self.status) == (0, "Completed") else ["it failed by itself"])]
        shell_starts = self.moment < _SHELL_STARTS
        if self.exit_seconds >= INT_TO_TERM and not shell_starts:
            found.append(f"it needed a second signal: {self.exit_seconds:.1f} s")
        if outcome.code == 0 and self.status == "Completed":
            return found  # the signal came when everything was told already
        if has_begun and outcome.code not in (130, -signal.SIGINT, *([128 + signal.SIGTERM] if shell_starts else [])):
            found.append(f"exit code {outcome.code}")
        if not self.status:
            # A step that had not begun yet cannot tell anything; the others say that there is no job.
            if has_begun and "The step was cancelled" not in told:
                found.append("the cancel is not told")
            return found
        if self.status not in ("Canceled", "Completed"):
            found.append(f"the job is {self.status}")
        if self.status == "Completed" and self.job_seconds is not None and self.job_seconds > 1.0:
            found.append(f"the job went on for {self.job_seconds:.1f} s and completed")
        for place, text in (("annotation", told), ("summary", outcome.summary)):
            said = f"job {self.job} is Canceled" if self.status == "Canceled" else _EARLIER_JOB.format(job=self.job)
            if said not in text and not self._was_told_before():
                found.append(f"the {place} does not say {said!r}")
        return found


def cancel_at_random(
    repository: TrainingRepository,
    home: Path,
    number: int,
    *,
    at_once: int,
    seed: int,
    seconds: int = SHORT,
    name: str = "cancel",
) -> list[Cancel]:
    """Cancel steps at moments that are spread over the whole life of a step, from its start to just before its end.

    Args:
        repository: of a workspace that runs jobs.
        home: the folder of the actions' Python environments.
        number: how many steps.
        at_once: how many at the same time; they slow each other down, which makes the moments more random.
        seed: of the moments.
        seconds: that the jobs run when nobody cancels them; the moments lie in the life of a step with a `SHORT` one.
        name: begins the names of the jobs.

    """
    bench = Bench(repository, Cloud(repository.emulator, repository.workspace))
    lock = threading.Lock()

    def begin(job: str, lasts: int) -> tuple[RunningStep, float]:
        with lock:
            write_parameters(
                repository.root, f"{job}.json", {"job_file": bench.job(job, _TRAINS.format(seconds=lasts))}
            )
            return start(
                repository, "aml-run", {"AML_ACTIONS_HOME": str(home)}, parameters_file=f"{job}.json"
            ), time.monotonic()

    def whole(job: str) -> float:
        step, began = begin(job, SHORT)
        outcome = step.outcome()
        assert outcome.code == 0, outcome.log
        return time.monotonic() - began

    def one(job: str, moment: float) -> Cancel:
        step, began = begin(job, seconds)
        time.sleep(max(0.0, moment - (time.monotonic() - began)))
        exit_seconds = None
        at = time.time()
        if step.process.poll() is None:
            exit_seconds = step.cancel(signal.SIGINT)
        outcome = step.outcome()
        status, ended = _end_of(bench.cloud, job)
        return Cancel(
            time.monotonic() - began if exit_seconds is None else moment,
            job,
            status,
            exit_seconds,
            None if ended is None else ended - at,
            outcome,
        )

    with ThreadPoolExecutor(at_once) as pool:
        longest = statistics.median(pool.map(whole, [f"{name}-whole-{number}" for number in range(at_once)]))
        chance = random.Random(seed)
        # One in each of equal parts of the time: no stage is left out by chance.
        moments = [(part + chance.random()) / number * longest for part in range(number)]
        chance.shuffle(moments)
        return list(pool.map(one, (f"{name}-{number}" for number in itertools.count()), moments))


def _end_of(cloud: Cloud, job: str, seconds: float = 5.0) -> tuple[str, float | None]:
    """State of a job that was cancelled, and the time of its end; empty and None if there is no such job."""
    deadline = time.monotonic() + seconds
    while (status := cloud.jobs().get(job, "")) not in ("", *ENDS) and time.monotonic() < deadline:
        time.sleep(0.1)
    if not status:
        return "", None
    ended = str(cloud.run(job).get("endTimeUtc") or "")
    return status, datetime.fromisoformat(ended[:26].rstrip("Z") + "+00:00").timestamp() if ended else None


def distribution(values: Sequence[float]) -> str:
    """Least, median, 95th percentile and most, in seconds."""
    if not values:
        return "none"
    ordered = sorted(values)
    rank = max(0, -(-95 * len(ordered) // 100) - 1)
    return (
        f"n {len(ordered)}, min {ordered[0]:.2f} s, median {statistics.median(ordered):.2f} s, "
        f"p95 {ordered[rank]:.2f} s, max {ordered[-1]:.2f} s"
    )


def table(cancels: Sequence[Cancel]) -> str:
    """What became of the steps, and how long it took."""
    kinds = sorted({one.what for one in cancels})
    lines = [f"{sum(one.what == kind for one in cancels):4d}  {kind}" for kind in kinds]
    exits = [one.exit_seconds for one in cancels if one.exit_seconds is not None]
    ends = [one.job_seconds for one in cancels if one.status == "Canceled" and one.job_seconds is not None]
    lines.append(f"signal -> exit of the step:  {distribution(exits)}  (grace of the runner {GRACE} s)")
    lines.append(f"signal -> job is Canceled:   {distribution(ends)}")
    wrong = [(one, one.problems()) for one in cancels if one.problems()]
    lines += [f"WRONG at {one.moment:.1f} s, job {one.job}: {json.dumps(problems)}" for one, problems in wrong]
    return "\n".join(lines)
