"""The emulator of the demonstration: started and set up by its command line as a user does, read while it works."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aml_emulator.demo.console import DemoFailed, run, say, telling
from aml_emulator.demo.facts import Facts, FunctionLine, JobFact, RunFact, seconds
from aml_emulator.functions.logs import AppLog, Line
from aml_emulator.own_client import Failed, ask
from aml_emulator.state import StateDirectory

_EVENTS, _RUNS = "/emulator/events", "/emulator/github/runs"
_LINES = 10_000


class Emulator:
    """The emulator on a state folder. State is kept from one demonstration to the next."""

    def __init__(self, state: Path) -> None:
        self._state = StateDirectory(state)
        self._variables: Mapping[str, str] = {}

    @property
    def state(self) -> Path:
        """The folder of its state."""
        return self._state.root

    def command(self, *arguments: str, text: str | None = None) -> str:
        """Run `aml-emulator ARGUMENTS`; what it printed. Raises DemoFailed when it fails."""
        return run([sys.executable, "-m", "aml_emulator", *arguments, "--state", str(self.state)], text=text)

    def up(self) -> None:
        """Start it on a free port, so that it is in nobody's way; it may be up from `--keep`."""
        self.state.parent.mkdir(parents=True, exist_ok=True)
        self.command("up", "--port", "0")

    def down(self) -> None:
        """Stop it with everything it runs; nothing happens when it is not up."""
        if self.state.exists():
            with telling("\nStopping the emulator"):
                self.command("down")

    def variables(self) -> Mapping[str, str]:
        """Give the variables that bring an Azure SDK to it."""
        if not self._variables:
            self._variables = json.loads(self.command("env", "--format", "json"))
        return self._variables

    def credentials(self) -> str:
        """Give the text for the secret AZURE_CREDENTIALS."""
        return self.command("credentials")

    def url(self) -> str:
        """Give its address."""
        return str(json.loads(self.command("status", "--json"))["url"])

    def started_runs(self, *arguments: str) -> list[int]:
        """Have something happen in a repository (`aml-emulator github ARGUMENTS`); the runs that it started."""
        before = {run["id"] for run in self._ask(_RUNS)["value"]}
        self.command("github", *arguments)
        return sorted(run["id"] for run in self._ask(_RUNS)["value"] if run["id"] not in before)

    def log(self, run_id: int, since: int) -> tuple[list[str], bool]:
        """Give the lines of a run from a position on, and whether it has ended."""
        said = self._ask(f"{_RUNS}/{run_id}/log?from={since}")
        return said["lines"], said["status"] == "completed"

    def failures(self, run_id: int) -> str:
        """Say why a run failed: its errors for people, and its problems."""
        found = self._ask(f"{_RUNS}/{run_id}")
        errors = [note["message"] for note in found["annotations"] if note["level"] == "error"]
        return "\n".join([*errors, *found["problems"]]) or f"The run {run_id} ended with {found['conclusion']}."

    def facts(self, since: float) -> Facts:
        """Give what is on record from a moment on (seconds since 1970)."""
        listed = [one for one in self._ask(f"{_EVENTS}?last=1000")["value"] if seconds(one["published"]) >= since]
        events = [self._ask(f"{_EVENTS}/{one['id']}") for one in listed]  # with every attempt to deliver it
        runs = [_run_fact(one) for one in self._ask(_RUNS)["value"] if one["created"] >= since]
        return Facts(events[::-1], [line for line in self._lines() if line.time >= since], runs[::-1])

    def _lines(self) -> list[FunctionLine]:
        folders = self._state.functions.glob("*/app.log")
        return [fact for file in folders for line in AppLog(file).last(_LINES) if (fact := _line_fact(line))]

    def _ask(self, path: str) -> dict[str, Any]:
        try:
            return ask(self._state, "GET", path)
        except Failed as error:
            raise DemoFailed(f"The emulator does not answer: {error}") from error

    def explain(self) -> None:
        """Say how to look around, and how to stop it."""
        program = Path(sys.executable).parent / "aml-emulator"
        say("\nThe emulator stays up:")
        say(f"  Studio      {self.url()}/")
        say(f'  In a shell  eval "$({program} env --state {self.state})", then use azure-ai-ml as against Azure')
        say(f"  Stop it     {program} down --state {self.state}")


def _run_fact(one: Mapping[str, Any]) -> RunFact:
    return RunFact(
        id=one["id"],
        name=one["name"],
        file=one["file"],
        event=one["event"],
        payload=one["payload"],
        sha=one["sha"],
        conclusion=one["conclusion"],
        created=one["created"],
        started=one["started"],
        completed=one["completed"],
        jobs=tuple(JobFact(job["name"], job["result"], job["started"], job["completed"]) for job in one["jobs"]),
    )


def _line_fact(line: Line) -> FunctionLine | None:
    """What the function itself logged; None for the host's words."""
    try:
        said = json.loads(line.message)
    except ValueError:
        return None
    if not isinstance(said, dict) or "step" not in said or "correlation_id" not in said:
        return None
    return FunctionLine(
        seconds(line.time), str(said["step"]), str(said["correlation_id"]), str(said.get("event_id", "")), said
    )
