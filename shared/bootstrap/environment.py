"""Find or make the Python environment of a lock file, and print the path of its interpreter.

    python3 environment.py --lock requirements/actions.txt --home ~/.cache/aml-actions [--python python3.12]

The interpreter's path is the only line on standard output; progress goes to standard error. An environment is made once for a key -
the lock, the interpreter, the platform, the installer - as ``HOME/envs/<key>`` and reused by every later call: by the next step, and
by the next job of a machine that keeps HOME. Only wheels are installed, each with a hash of the lock.

Only the standard library, and syntax of Python 3.8, so that an interpreter that is too old can still say so. No pathlib and no
argparse: together they would double the time of a call that finds its environment, and every step makes one.

Exit code 64: this interpreter cannot be used (another one may be); 1: the environment could not be made.

Environment: AML_ACTIONS_UV (path of an installed uv to use instead of the pinned one); package mirrors as uv knows them
(UV_DEFAULT_INDEX, UV_INDEX, UV_INDEX_URL, UV_EXTRA_INDEX_URL, UV_FIND_LINKS, UV_CONFIG_FILE, ...) or pip (PIP_INDEX_URL,
PIP_EXTRA_INDEX_URL, pip's own configuration file); UV_CACHE_DIR; HTTPS_PROXY; SSL_CERT_FILE.
"""
# ruff: noqa: PTH100, PTH113, PTH118, PTH119, PTH120, PTH123

from __future__ import annotations

import hashlib
import os
import sys

OLDEST = (3, 10)
UNSUITABLE = 64
MARKER = "aml-actions-environment"
LAYOUT = "1"
"""Part of the key: raised when environments of the same lock are made in another way."""


def main(arguments: list[str]) -> int:
    """Print the interpreter of the environment for ``--lock``; return the exit code."""
    lock, home, python = options(arguments)
    if python:
        # The other interpreter looks for its own environment: it is part of the key.
        command = [python, "-I", "-S", os.path.abspath(__file__), "--lock", lock, "--home", home]
        os.execvp(python, command)  # noqa: S606 - a program with arguments; no shell is wanted
    if sys.version_info[:2] < OLDEST:
        found, needed = (".".join(map(str, version)) for version in (sys.version_info[:3], OLDEST))
        print(f"aml-actions: {sys.executable} is Python {found}; {needed} or newer is needed", file=sys.stderr)
        return UNSUITABLE
    uv_lock = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "requirements", "uv.txt")
    folder = os.path.join(home, "envs", key(lock, uv_lock))
    interpreter = interpreter_of(folder)
    if not is_ready(folder):
        make(folder, lock, uv_lock, home)
    print(interpreter)
    return 0


def options(arguments: list[str]) -> tuple[str, str, str]:
    """Return (lock, home, python); python is empty when it is not given."""
    values = dict(zip(arguments[::2], arguments[1::2]))  # noqa: B905 - `strict` came with Python 3.10
    if len(arguments) % 2 or not {"--lock", "--home"} <= set(values) <= {"--lock", "--home", "--python"}:
        sys.exit("usage: environment.py --lock FILE --home DIR [--python INTERPRETER]")
    lock, home = os.path.abspath(values["--lock"]), os.path.abspath(values["--home"])
    if not os.path.isfile(lock):
        sys.exit(f"environment.py: there is no lock file {lock}")
    return lock, home, values.get("--python", "")


def base_interpreter() -> str:
    """Return the interpreter that an environment links to: not the one of a virtual environment that the job has activated."""
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


def key(lock: str, uv_lock: str) -> str:
    """Return the name of the environment: a hash of everything that decides what is in it."""
    digest = hashlib.sha256()
    for path in (lock, uv_lock):
        with open(path, "rb") as file:
            digest.update(hashlib.sha256(file.read()).digest())
    # The machine and its C library (x86_64-linux-gnu), and the very interpreter: two installations of one version must not
    # share an environment, since one of them may disappear, or lie in a container that sees the same folder.
    machine = os.uname().machine if hasattr(os, "uname") else os.environ.get("PROCESSOR_ARCHITECTURE", "")
    libc = getattr(sys.implementation, "_multiarch", "")
    for part in (LAYOUT, sys.platform, machine, libc, sys.implementation.cache_tag, base_interpreter()):
        digest.update(b"\0" + str(part).encode())
    return digest.hexdigest()[:32]


def interpreter_of(folder: str) -> str:
    """Return the path of the interpreter in an environment."""
    return os.path.join(folder, *(("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")))


def is_ready(folder: str) -> bool:
    """Tell whether an environment is whole: its marker is written last, and its interpreter still exists."""
    try:
        with open(os.path.join(folder, MARKER), encoding="ascii") as file:
            whole = file.read() == os.path.basename(folder)
    except OSError:
        return False
    return whole and os.access(interpreter_of(folder), os.X_OK)


def make(folder: str, lock: str, uv_lock: str, home: str) -> None:
    """Make an environment; the code is apart, so that finding one does not pay for it."""
    sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
    sys.dont_write_bytecode = True  # this folder may lie in the user's repository
    import making

    making.make(folder, lock, uv_lock, home)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
