"""Makes a Python environment from a lock file. The interface is environment.py."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import environment
import installer
from progress import failed, say

_TRASH = ".unfinished-"


def make(folder: str, lock: str, uv_lock: str, home: str) -> None:
    """Make the environment `folder` below `home` from `lock`, or find that another process has made it meanwhile.

    Raises:
        SystemExit: it cannot be made; the reason is printed.
    """
    target = Path(folder)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _lock(target.with_name(f".{target.name}.lock")):
            if not environment.is_ready(folder):
                _make(target, Path(lock), Path(uv_lock), Path(home))
    except OSError as error:
        raise failed(
            f"The Python environment cannot be made in {home}: {error}",
            "Set AML_ACTIONS_HOME to a folder that can be written and has 500 MB left.",
        ) from error


def _make(target: Path, lock: Path, uv_lock: Path, home: Path) -> None:
    _remove_leftovers(target)
    started = time.monotonic()
    uv = installer.find(uv_lock, home)
    made = target.with_name(f"{_TRASH}{target.name}-{os.getpid()}")
    try:
        _install(uv, made, lock, home)
        (made / environment.MARKER).write_text(target.name, encoding="ascii")
        made.rename(target)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    say(f"environment ready in {time.monotonic() - started:.1f} s: {target}")


def _install(uv: Path, made: Path, lock: Path, home: Path) -> None:
    settings = installer.uv_settings(home)
    # The folder in which uv runs is where it begins to look for a configuration file: not in the user's repository.
    with tempfile.TemporaryDirectory(prefix="aml-actions-") as elsewhere:

        def run(*arguments: str) -> None:
            done = subprocess.run(
                [str(uv), *arguments],
                cwd=elsewhere,
                env=settings,
                stdout=sys.stderr,
                stdin=subprocess.DEVNULL,
                check=False,
            )
            if done.returncode:
                raise failed(
                    f"uv {arguments[0]} failed with exit code {done.returncode}; its reason is above.",
                    "Does this machine reach its package index? A mirror is set with UV_DEFAULT_INDEX or PIP_INDEX_URL, a "
                    "proxy with HTTPS_PROXY, a private certificate authority with SSL_CERT_FILE.",
                )

        say(f"creating a Python {sys.version_info[0]}.{sys.version_info[1]} environment")
        base = environment.base_interpreter()
        # Relocatable: it is made under another name than the one under which it is used.
        run("venv", "--quiet", "--no-project", "--no-python-downloads", "--relocatable", "--python", base, str(made))
        packages = sum(1 for line in lock.read_text(encoding="utf-8").splitlines() if line[:1].isalnum())
        started = time.monotonic()
        say(f"installing {packages} packages of {lock.name}")
        python = environment.interpreter_of(str(made))
        run(
            *(
                "pip",
                "sync",
                "--quiet",
                "--python",
                python,
                "--require-hashes",
                "--only-binary",
                ":all:",
                "--compile-bytecode",
            ),
            str(lock),
        )
        say(f"installed in {time.monotonic() - started:.1f} s")


def _remove_leftovers(target: Path) -> None:
    """Remove what killed processes left of this environment, and a damaged one; the lock is ours, so nobody works there."""
    for leftover in target.parent.glob(f"{_TRASH}{target.name}-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    if target.exists():
        say(f"the environment {target} is damaged; making it anew")
        shutil.rmtree(target)


@contextlib.contextmanager
def _lock(file: Path) -> Iterator[None]:
    """Hold a lock between processes; the system releases it when a process dies."""
    with file.open("a+b") as handle:
        if os.name == "nt":
            import msvcrt

            while True:
                try:
                    msvcrt.locking(handle.fileno(), msvcrt.LK_LOCK, 1)  # type: ignore[attr-defined,unused-ignore]
                    break
                except OSError:  # gives up after 10 s
                    say("waiting for another process that makes the same environment")
        else:
            import fcntl

            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("waiting for another process that makes the same environment")
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield
