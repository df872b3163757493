"""The machine that a job sees: a clean environment, no terminal, nothing left behind.

act's host mode runs steps as plain processes of this machine. Three things make them see what a runner of GitHub shows:
`/dev/ptmx` hidden, so that act finds no terminal to give them (a step that asks a question would wait for ever); a file
that every bash of a step reads first, which takes away what only act sets; a mark in the environment of every process of
the run, by which those that a step left behind are found and ended.
"""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

TRACKING_VARIABLE = "RUNNER_TRACKING_ID"  # the runner of GitHub finds left-over processes by the same variable

_HIDE_TERMINALS = "mount --bind /dev/null /dev/ptmx"

# Read by bash before a step's script. On GitHub run steps of composite actions get no INPUT_*; and stdin is empty.
_BASH_PRELUDE = """\
exec 0</dev/null
for name in "${!INPUT_@}"; do unset "$name"; done
unset name BASH_ENV
"""


def write_bash_prelude(file: Path) -> None:
    """Write the file for BASH_ENV."""
    file.write_text(_BASH_PRELUDE, encoding="utf-8")


def without_terminal(command: list[str]) -> list[str]:
    """Give a command line that runs `command` where no terminal can be made.

    As root in a mount namespace of its own, else in a user namespace too; where the system allows neither, the command
    as it is (then `write_bash_prelude` keeps at least the standard input of bash empty).
    """
    for unshare in (["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"]):
        try:
            tried = subprocess.run(
                [*unshare, "sh", "-c", _HIDE_TERMINALS], capture_output=True, check=False, timeout=10
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if tried.returncode == 0:
            return [*unshare, "sh", "-c", f'{_HIDE_TERMINALS} && exec "$@"', "sh", *command]
    return command


def processes_of(tracking_id: str) -> list[int]:
    """Find the processes of this user that carry a mark in their environment, wherever they hang in the process tree."""
    mark = f"{TRACKING_VARIABLE}={tracking_id}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue  # ended meanwhile, or another user's
        if mark in environment.split(b"\0"):
            found.append(int(folder.name))
    return found


LEFT_BEHIND = ((signal.SIGTERM, 2.0),)
"""How a process that outlived its job is ended: signals with the seconds to wait after each; SIGKILL follows."""

CANCELLED = ((signal.SIGINT, 7.5), (signal.SIGTERM, 2.5))
"""How the runner of GitHub ends a step whose workflow was cancelled."""


def end_processes(tracking_id: str, signals: Sequence[tuple[int, float]], *, spare: int | None = None) -> int:
    """End every process that carries the mark, but the process `spare`. Gives how many there were."""

    def left() -> list[int]:
        return [process for process in processes_of(tracking_id) if process != spare]

    count = len(left())
    for number, seconds in signals:
        _signal(left(), number)
        deadline = time.monotonic() + seconds
        while left() and time.monotonic() < deadline:
            time.sleep(0.05)
    while remaining := left():
        _signal(remaining, signal.SIGKILL)
        time.sleep(0.02)
    return count


def _signal(processes: list[int], number: int) -> None:
    for process in processes:
        try:
            os.kill(process, number)
        except ProcessLookupError:
            continue
