"""Read act's log (`--json`, one object a line): progress for people as it comes, results when it is over.

act masks secrets in its text only: the objects hold them. Nothing leaves this module unscrubbed.
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aml_emulator.github.definition import Workflow
from aml_emulator.github.expressions import step_outputs
from aml_emulator.github.masking import Scrubber
from aml_emulator.github.results import Annotation, JobResult, StepResult

Progress = Callable[[str], None]
"""Gets one line for people at a time, without a line end and without secrets."""

ANNOTATIONS = ("error", "warning", "notice")
# What the runner of GitHub acts on without showing it.
_QUIET_COMMANDS = {"debug", "endgroup", "set-output", "summary", "set-env", "add-path", "save-state", "echo"}
_QUIET_COMMANDS |= {"add-matcher", "remove-matcher"}
_TERMINAL_SEQUENCE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)|[\x00-\x08\x0b-\x1f\x7f]"
)


def plain(text: str) -> str:
    """Take out what a terminal would interpret: a log is text, wherever it comes from."""
    return _TERMINAL_SEQUENCE.sub("", text)


@dataclass
class _StepLog:
    key: str
    name: str
    began: float
    outcome: str = ""
    tolerated: bool = False
    seconds: float = 0.0
    raw_outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    lines: list[str] = field(default_factory=list)
    resume_token: str | None = None
    composite: bool = False


@dataclass
class _JobLog:
    id: str
    name: str
    matrix: Mapping[str, object]
    began: float = field(default_factory=time.time)
    ended: float | None = None
    result: str = ""
    has_problem: bool = False
    steps: dict[str, _StepLog] = field(default_factory=dict)


class LogReader:
    """Takes act's log line by line. `running()` tells what goes on now; the rest is for when act has ended.

    `declared` has the outputs of the steps that use an action, by (job id, step key), in lower case: act also lets
    outputs through that the action does not declare.
    """

    def __init__(
        self,
        workflow: Workflow,
        scrubber: Scrubber,
        progress: Progress,
        declared: Mapping[tuple[str, str], frozenset[str]],
    ) -> None:
        self._workflow = workflow
        self._steps = {(job.id, step.key): step for job in workflow.jobs for step in job.steps}
        self._declared = declared
        self._scrubber = scrubber
        self._progress = progress
        self._jobs: dict[tuple[str, str], _JobLog] = {}
        self._annotations: list[Annotation] = []
        self._problems: list[str] = []
        self.cancelled = False
        """Set when the run is ended before it is over: what has not ended by itself counts as cancelled."""

    def feed(self, line: str) -> None:
        """Take one line of act's standard output."""
        try:
            entry = json.loads(line)
        except ValueError:
            return  # act's own words outside the log; its exit code and standard error tell what they mean
        if not isinstance(entry, dict):
            return
        if "jobID" not in entry:
            if entry.get("level") in ("error", "fatal", "panic"):
                self.problem(str(entry.get("msg", "")))
            return
        job = self._job(entry)
        if "jobResult" in entry:
            job.result, job.ended = "success" if entry["jobResult"] == "success" else "failure", time.time()
        elif "Skipping unsupported platform" in str(entry.get("msg", "")) and not entry.get("raw_output"):
            self.problem(f"The job {job.name!r} did not run: no machine here has the label of its `runs-on`.")
        elif entry.get("stage") == "Main" and entry.get("stepID"):
            self._step_entry(job, [str(part) for part in entry["stepID"]], entry)
        elif entry.get("stepResult") == "failure" or entry.get("level") in ("error", "fatal"):
            job.has_problem = True
            self.problem(f"{job.name}: {entry.get('msg', '')}")  # before the first step, or after the last

    def problem(self, text: str) -> None:
        """Note a reason why the run fails that is not a step's own."""
        self._problems.append(self._clean(text).strip())

    def problems(self) -> tuple[str, ...]:
        """Give the noted problems, and the job outputs that GitHub would drop."""
        return (*self._problems, *self._secret_job_outputs())

    def failed(self) -> bool:
        """Tell whether a job failed or a problem was noted."""
        return bool(self._problems) or any(job.result == "failure" for job in self._jobs.values())

    def running(self) -> list[tuple[str, float]]:
        """Give the names of the steps that run now, each with the seconds since it began."""
        now = time.monotonic()
        steps = [step for job in self._jobs.values() for step in job.steps.values() if not step.outcome]
        return [(step.name, now - step.began) for step in steps]

    def annotations(self) -> tuple[Annotation, ...]:
        """Give the annotations in the order they were made."""
        return tuple(self._annotations)

    def jobs(self) -> tuple[JobResult, ...]:
        """Give what became of every job and step of the workflow, those included that never ran."""
        results: list[JobResult] = []
        for job in self._workflow.jobs:
            legs = [leg for leg in self._jobs.values() if leg.id == job.id]
            if not legs:
                skipped = tuple(StepResult(step.key, step.name, "skipped", 0.0, "skipped") for step in job.steps)
                results.append(JobResult(job.id, job.name, "skipped", skipped))
            for leg in legs:
                keys = [(step.key, step.name) for step in job.steps]
                results.append(self._job_result(leg, keys))
        known = {job.id for job in self._workflow.jobs}
        called = [leg for leg in self._jobs.values() if leg.id not in known]  # jobs of reusable workflows
        results += [self._job_result(leg, [(step.key, step.name) for step in leg.steps.values()]) for leg in called]
        return tuple(results)

    def _secret_job_outputs(self) -> list[str]:
        """Name the job outputs that GitHub would drop, because their value holds a secret; act passes them on."""
        found = []
        for job in self._workflow.jobs:
            for leg in (leg for leg in self._jobs.values() if leg.id == job.id):
                for name, expression in job.outputs.items():
                    for step, output in step_outputs(expression):
                        value = leg.steps[step].raw_outputs.get(output, "") if step in leg.steps else ""
                        if self._scrubber.holds_secret(value):
                            found.append(
                                f"The output {name!r} of the job {job.id!r} holds a secret. GitHub would not pass it on "
                                "to other jobs: hand over a name or an id instead, and read the secret where it is used."
                            )
        return found

    def _job_result(self, leg: _JobLog, keys: list[tuple[str, str]]) -> JobResult:
        steps = tuple(self._step_result(leg, key, name) for key, name in keys)
        unfinished = "cancelled" if self.cancelled else "failure"
        ended = leg.ended or time.time()
        result = leg.result
        if leg.matrix and result == "failure" and not leg.has_problem and steps:
            # act has one result for all legs: after one that failed, each one that ends has failed.
            result = "failure" if any(step.conclusion not in ("success", "skipped") for step in steps) else "success"
        return JobResult(leg.id, leg.name, result or unfinished, steps, leg.matrix, leg.began, ended)

    def _step_result(self, leg: _JobLog, key: str, name: str) -> StepResult:
        log = leg.steps.get(key)
        if log is None:
            return StepResult(key, name, "skipped", 0.0, "skipped")
        scrub = self._scrubber.scrub  # again: a mask may have come after the line
        outputs = {output: scrub(value) for output, value in log.raw_outputs.items()}
        lines = tuple(map(scrub, log.lines))
        outcome = log.outcome or ("cancelled" if self.cancelled else "failure")
        conclusion = "success" if log.tolerated else outcome
        return StepResult(key, log.name, outcome, log.seconds, conclusion, outputs, scrub(log.summary), lines)

    def _job(self, entry: Mapping[str, Any]) -> _JobLog:
        job, label = (
            str(entry["jobID"]),
            str(entry.get("job", "")).strip(),
        )  # the label tells the legs of a matrix apart
        if (job, label) not in self._jobs:
            name = label.removeprefix(f"{self._workflow.name}/")
            matrix = entry.get("matrix")
            self._jobs[job, label] = _JobLog(job, name, matrix if isinstance(matrix, dict) else {})
        return self._jobs[job, label]

    def _step_entry(self, job: _JobLog, path: list[str], entry: Mapping[str, Any]) -> None:
        top = len(path) == 1
        message = str(entry.get("msg", ""))
        step = job.steps.get(path[0])
        if step is None:
            step = job.steps[path[0]] = _StepLog(path[0], self._step_name(job, path[0], entry), time.monotonic())
            self._say(job, f"▶ {step.name}")
        step.composite = step.composite or not top
        if entry.get("raw_output"):
            self._line(job, step, message)
        elif "command" in entry:
            self._command(job, step, entry, top)
        elif message == "Failed but continue next step":
            step.tolerated = top or step.tolerated
        elif "stepResult" in entry:
            if top:
                step.outcome = "success" if entry["stepResult"] == "success" else "failure"
                step.seconds = float(entry.get("executionTime", 0)) / 1e9
                self._say(job, f"{'✔' if step.outcome == 'success' else '✖'} {step.name} ({step.seconds:.1f} s)")
        elif entry.get("level") in ("error", "fatal"):
            # After a success this is a malformed GITHUB_OUTPUT or its like: GitHub fails the step, act only the job.
            ended = re.fullmatch(r"exit status (\d+)", message.strip())
            text = f"Process completed with exit code {ended[1]}." if ended else message
            if step.lines[-1:] != [text]:  # a composite action's failure is told twice: by its step, and by itself
                self._line(job, step, text)
            step.outcome = "failure" if top and step.outcome else step.outcome

    def _step_name(self, job: _JobLog, key: str, entry: Mapping[str, Any]) -> str:
        defined = self._steps.get((job.id, key))
        evaluated = str(entry.get("step", key))  # for a step without a name, its whole script
        return self._clean(evaluated if defined is None or "name" in defined.raw else defined.name)

    def _command(self, job: _JobLog, step: _StepLog, entry: Mapping[str, Any], top: bool) -> None:
        command, argument = str(entry["command"]), str(entry.get("arg", ""))
        if command == "add-mask":
            self._scrubber.add(argument)
        elif command in ANNOTATIONS:
            self._annotate(job, step, command, argument, entry.get("kvPairs") or {})
        elif command == "set-output" and top:
            name, declared = str(entry.get("name", "")), self._declared.get((job.id, step.key))
            if declared is None or name.lower() in declared:
                step.raw_outputs[name] = argument
        elif command == "summary" and not (top and step.composite):  # act reads the last inner step's once more
            step.summary += str(entry.get("content", ""))
        elif command == "stop-commands":
            step.resume_token = argument
        elif command == "group":
            self._line(job, step, f"▸ {argument}")
        elif command == step.resume_token:
            step.resume_token = None
        elif command not in _QUIET_COMMANDS:
            self._line(job, step, str(entry.get("raw", "")))  # no command of the runner's: text like any other

    def _annotate(self, job: _JobLog, step: _StepLog, level: str, text: str, properties: Mapping[str, str]) -> None:
        title, line = self._clean(properties.get("title", "")), properties.get("line", "")
        self._annotations.append(
            Annotation(
                level=level,
                message=self._clean(text),
                job=job.name,
                step=step.key,
                title=title,
                file=self._clean(properties.get("file", "")),
                line=int(line) if line.isdigit() else 0,
            )
        )
        self._line(job, step, f"{level}: {title}: {text}" if title else f"{level}: {text}")

    def _line(self, job: _JobLog, step: _StepLog, text: str) -> None:
        for line in text.rstrip("\r\n").split("\n"):
            cleaned = self._clean(line)
            step.lines.append(cleaned)
            self._say(job, f"    {cleaned}")

    def _say(self, job: _JobLog, text: str) -> None:
        several = len(self._workflow.jobs) > 1 or bool(job.matrix)
        self._progress(f"[{job.name}] {text}" if several else text)

    def _clean(self, text: str) -> str:
        return plain(self._scrubber.scrub(text))
