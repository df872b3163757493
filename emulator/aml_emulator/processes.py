"""Process groups of jobs and deployments: they end when told to, and with the emulator, however that ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_WATCHDOG = Path(__file__).with_name("watchdog.py")
_MARGIN_SECONDS = 5


class ProcessGroup:
    """A running command with everything it starts. Standard output and error go, merged, to one file."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        log: Path,
        grace_seconds: float = 10,
    ) -> None:
        """Start a command.

        Args:
            command: program and arguments; nothing is interpreted by a shell.
            folder: working directory.
            environment: the whole environment of the process.
            log: file that the output is appended to.
            grace_seconds: time between SIGTERM and SIGKILL when it is stopped.

        """
        self._grace_seconds = grace_seconds
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_WATCHDOG), str(grace_seconds), *command],
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in the emulator's terminal is the emulator's to handle
            )

    def wait(self, seconds: float | None = None) -> int | None:
        """The exit code (128 + n after signal n); None when it is still running after that time."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    @property
    def running(self) -> bool:
        """Whether the command has not ended."""
        return self._process.poll() is None

    def stop(self) -> int:
        """End the group: SIGTERM, the grace, SIGKILL. Waits for it; the exit code."""
        if self._process.stdin and not self._process.stdin.closed:
            self._process.stdin.close()
        try:
            return self._process.wait(self._grace_seconds + _MARGIN_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
