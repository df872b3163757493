"""Builds the Python environment of a conda file with uv, once, and keeps it by the hash of what it is made from."""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
import shlex
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from aml_emulator.environments import build_context, conda
from aml_emulator.environments.uv import PythonMissingError, UvMissingError, find_python, find_uv, uv_environment
from aml_emulator.processes import ProcessGroup

_READY = "ready"
_POLL_SECONDS = 0.05
_WORDS = 3000  # characters of a build's last words that go into an error message, as much as run history keeps


class BuildFailed(Exception):
    """An environment that cannot be built; the message is what uv, or the reader of the conda file, said."""


class BuildCanceled(Exception):
    """The job was canceled while its environment was built."""


@dataclass(frozen=True)
class PythonEnvironment:
    """A built environment."""

    folder: Path
    variables: dict[str, str]

    @property
    def bin(self) -> Path:
        """Folder of its programs."""
        return self.folder / "bin"

    def has(self, distribution: str) -> bool:
        """Whether a distribution is installed in it, by its name on PyPI."""
        wanted = re.sub(r"[-_.]+", "_", distribution).lower()
        return any(
            path.name.split("-")[0].lower() == wanted
            for path in self.folder.glob("lib/python*/site-packages/*.dist-info")
        )


@dataclass(frozen=True)
class _Plan:
    """What is needed to build an environment, and where it will be."""

    python: str
    definition: conda.CondaFile
    notes: tuple[str, ...]
    environment: PythonEnvironment

    @property
    def ready(self) -> bool:
        """Whether it has been built, and its interpreter is still there."""
        return (self.environment.folder / _READY).exists() and (self.environment.bin / "python").exists()


class EnvironmentBuilder:
    """Builds environments below one folder. Several threads and processes may build at the same time."""

    def __init__(self, folder: Path, cache_folder: Path) -> None:
        self._folder = folder.resolve()  # where an environment lies is written into its scripts
        self._cache_folder = cache_folder

    def cached(self, conda_file: str | conda.CondaFile) -> PythonEnvironment | None:
        """The environment of a conda file if it has been built; None also where it cannot be."""
        try:
            plan = self._plan(conda_file)
        except BuildFailed:
            return None
        return plan.environment if plan.ready else None

    def build(
        self, conda_file: str | conda.CondaFile, log: Path, canceled: threading.Event | None = None
    ) -> PythonEnvironment:
        """The environment of a conda file, built unless it is there.

        Args:
            conda_file: text of the conda file (YAML), or what such a file would say.
            log: file that the commands and their output are appended to as they happen.
            canceled: ends the build when set.

        Raises:
            BuildFailed: it cannot be built.
            BuildCanceled: `canceled` was set.

        """
        canceled = canceled or threading.Event()
        with log.open("ab", buffering=0) as output:
            try:
                plan = self._plan(conda_file)
            except BuildFailed as error:
                _say(output, f"{error}\n")
                raise
            target = plan.environment.folder
            target.parent.mkdir(parents=True, exist_ok=True)
            with _locked(target.with_suffix(".lock"), output, canceled):
                if not plan.ready:
                    shutil.rmtree(target, ignore_errors=True)  # what a build that was cut short left
                    self._make(plan, output, canceled)
        return plan.environment

    def _plan(self, conda_file: str | conda.CondaFile) -> _Plan:
        text = conda_file if isinstance(conda_file, str) else ""
        try:
            definition = conda.parse(conda_file) if isinstance(conda_file, str) else conda_file
        except conda.CondaFileError as error:
            raise BuildFailed(str(error)) from None
        python = definition.python or f"{sys.version_info.major}.{sys.version_info.minor}"
        identity = json.dumps([python, definition.requirements, definition.flags])
        folder = self._folder / hashlib.sha256(identity.encode()).hexdigest()[:16]
        head = (
            line.removeprefix(build_context.NOTE) for line in text.splitlines() if line.startswith(build_context.NOTE)
        )
        notes = (*(f"Dockerfile, {note}" for note in head), *definition.notes)
        return _Plan(python, definition, notes, PythonEnvironment(folder, dict(definition.variables)))

    def _make(self, plan: _Plan, log: BinaryIO, canceled: threading.Event) -> None:
        started = time.monotonic()
        target, definition = plan.environment.folder, plan.definition
        try:
            uv = find_uv()
            python = find_python(uv, plan.python, self._cache_folder)
        except (UvMissingError, PythonMissingError) as error:
            _say(log, f"{error}\n")
            raise BuildFailed(str(error)) from None
        _say(log, f"Building a Python environment with packages from PyPI, into {target}\n")
        for note in plan.notes:
            _say(log, f"note: {note}\n")
        if definition.python is None:
            _say(log, "note: the conda file names no Python version; the emulator's own is used.\n")
        requirements = target.with_suffix(".requirements.txt")
        requirements.write_text("".join(f"{line}\n" for line in definition.requirements))
        for line in definition.requirements:
            if not line.lstrip().startswith(("--hash", "#")):
                _say(log, f"  {_masked(line)}\n")
        commands = [[str(uv), "venv", "--no-project", "--python", str(python), str(target)]]
        if definition.requirements:
            # No --compile-bytecode: it takes 40 s for what the template installs, and a job imports a tenth of that.
            install = [str(uv), "pip", "install", "--python", str(target / "bin" / "python")]
            commands.append([*install, *definition.flags, "--requirement", str(requirements)])
        try:
            for command in commands:
                self._run(command, log, canceled)
        except BaseException:
            shutil.rmtree(target, ignore_errors=True)
            raise
        finally:
            requirements.unlink(missing_ok=True)
        (target / _READY).touch()
        _say(log, f"Environment ready after {time.monotonic() - started:.1f} s\n")

    def _run(self, command: list[str], log: BinaryIO, canceled: threading.Event) -> None:
        _say(log, f"$ {_masked(shlex.join(command))}\n")
        path, position = Path(log.name), log.tell()
        environment = uv_environment(self._cache_folder)
        process = ProcessGroup(command, folder=self._folder, environment=environment, log=path, grace_seconds=1)
        try:
            while (code := process.wait(_POLL_SECONDS)) is None:
                if canceled.is_set():
                    raise BuildCanceled
        finally:
            process.stop()
        if code != 0:
            _say(log, f"uv ended with exit code {code}\n")
            raise BuildFailed(_words(path, position))


def _say(log: BinaryIO, text: str) -> None:
    log.write(text.encode())


def _words(path: Path, position: int) -> str:
    """What was written to a log since a position, its end if it is long."""
    with path.open("rb") as file:
        file.seek(position)
        lines = file.read().decode(errors="replace").splitlines()
    # uv begins with where it installs; a reader who sees only the first line wants the reason.
    return _masked("\n".join(line for line in lines if not line.startswith("Using Python")).strip()[-_WORDS:])


def _masked(text: str) -> str:
    """Text without the user and password of an address."""
    return re.sub(r"(://)[^/@\s]+@", r"\1***@", text)


@contextmanager
def _locked(path: Path, log: BinaryIO, canceled: threading.Event) -> Iterator[None]:
    """Hold a file lock: it ends with the process, however that ends."""
    with path.open("w") as file:
        waiting = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not waiting:
                    _say(log, "Another job is building this environment; waiting for it.\n")
                    waiting = True
                if canceled.wait(_POLL_SECONDS):
                    raise BuildCanceled from None
        yield
