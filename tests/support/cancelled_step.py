"""A step that is cancelled as the runner does it: SIGINT to its shell, which has become the action; SIGTERM; the end of all."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from support.steps import RUN, Outcome, read_outputs, step_environment
from support.training import TrainingRepository

INT_TO_TERM = 7.5
TERM_TO_KILL = 2.5


@dataclass
class RunningStep:
    """A step that goes on; its log is read as it comes.

    Attributes:
        process: the shell of the step.
        files: the runner's files, by variable.
        lines: of the log so far.

    """

    process: subprocess.Popen[str]
    files: Mapping[str, Path]
    lines: list[str] = field(default_factory=list)

    def wait_for(self, text: str, seconds: float = 120) -> str:
        """Return the first line of the log that holds a text."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for line in list(self.lines):
                if text in line:
                    return line
            if self.process.poll() is not None and not any(text in line for line in self.lines):
                break
            time.sleep(0.02)
        raise AssertionError(f"{text!r} is not in the log:\n" + "".join(self.lines))

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process of the step alone, as the runner does."""
        self.process.send_signal(number)

    def cancel(self, first: signal.Signals = signal.SIGINT) -> float:
        """Cancel the step in the runner's order of signals, and return the seconds until it ended.

        Raises:
            AssertionError: it had to be killed.

        """
        start = time.monotonic()
        self.send(first)
        if first is signal.SIGINT:
            if self._ends_within(INT_TO_TERM):
                return time.monotonic() - start
            self.send(signal.SIGTERM)
        if self._ends_within(TERM_TO_KILL):
            return time.monotonic() - start
        self.process.kill()
        raise AssertionError("the runner had to kill the step:\n" + "".join(self.lines))

    def _ends_within(self, seconds: float) -> bool:
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def outcome(self) -> Outcome:
        """Return what the step left, once it has ended."""
        code = self.process.wait(300)
        self.reader.join(10)
        return Outcome(
            code=code,
            log="".join(self.lines),
            outputs=read_outputs(self.files["GITHUB_OUTPUT"].read_text(encoding="utf-8")),
            summary=self.files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8"),
        )

    def follow(self, ready: Callable[[], None] = lambda: None) -> None:
        """Read the log in a thread."""

        def read() -> None:
            assert self.process.stdout is not None
            for line in self.process.stdout:
                self.lines.append(line)
            ready()

        self.reader = threading.Thread(target=read, daemon=True)
        self.reader.start()


def start(
    repository: TrainingRepository, action: str, env: Mapping[str, str] | None = None, **inputs: str
) -> RunningStep:
    """Start an action as the runner does, with bash, and return at once; its parameters file is written already."""
    repository.steps += 1
    given = {"azure_credentials": repository.emulator.credentials, **inputs}
    trust = {"REQUESTS_CA_BUNDLE": repository.emulator.env["REQUESTS_CA_BUNDLE"]}
    environment = step_environment(
        repository.scratch / f"step {repository.steps}", repository.root, given, {**trust, **(env or {})}
    )
    process = subprocess.Popen(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", f'exec "{RUN}" {action}'],
        cwd=repository.root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    found = RunningStep(process, {name: Path(environment[name]) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")})
    found.follow()
    return found
