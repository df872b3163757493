"""Starting, stopping and asking after a server, from another process."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from aml_emulator.state import ServerRecord, StateDirectory

START_SECONDS = 30.0
STOP_SECONDS = 30.0

_POLL_SECONDS = 0.02
_CACHES = ("environments", "uv-cache")
"""Folders of a state that are only there to save time: `reset` keeps them."""


def running_record(state: StateDirectory) -> ServerRecord | None:
    """Where the running server is; None when none runs, or none that answers yet."""
    from aml_emulator.locks import is_held

    return state.read_record() if is_held(state.lock) else None


def up(state: StateDirectory, port: int, *, foreground: bool, environment: Mapping[str, str]) -> int:
    """Start a server, unless one runs; the exit code."""
    record = running_record(state)
    if record is not None:
        print(f"The emulator is already up: {record.base_url} (process {record.pid}).")
        _explain(state, record)
        return 0
    try:
        sockets = listen(port)
    except OSError as error:
        return _fail(_cannot_listen(port, error))
    try:
        state.create()
    except OSError as error:
        return _fail(f"cannot use the state directory {state.root}: {error.strerror}. Choose another: --state DIR.")
    if foreground:
        return _serve_here(state, sockets, environment)
    return _serve_in_background(state, sockets, environment)


def down(state: StateDirectory) -> int:
    """Stop the server with its jobs and deployments; the exit code."""
    record = running_record(state)
    if record is None:
        print(f"No emulator runs with the state {state.root}.")
        return 0
    os.kill(record.pid, signal.SIGTERM)
    if _wait_until_stopped(state, STOP_SECONDS):
        print("The emulator is down.")
        return 0
    return _fail(f"process {record.pid} did not stop within {STOP_SECONDS:.0f} s. Its log: {state.log}")


def status(state: StateDirectory, *, as_json: bool) -> int:
    """Print where the server is; exit code 1 when none runs."""
    record = running_record(state)
    if as_json:
        body = {"running": record is not None, "state": str(state.root)}
        if record is not None:
            body |= {"url": record.base_url, "blob_url": record.blob_url, "pid": record.pid, "started": record.started}
        print(json.dumps(body, indent=2))
    elif record is None:
        print(f"down (state {state.root})")
    else:
        print(f"up: {record.base_url} (process {record.pid})")
        _explain(state, record)
    return 0 if record is not None else 1


def reset(state: StateDirectory, *, everything: bool) -> int:
    """Delete the state of a stopped server; the exit code."""
    from aml_emulator.locks import LockHeld, held

    if not state.root.exists():
        print(f"There is no state in {state.root}.")
        return 0
    if not state.lock.exists():
        return _fail(f"{state.root} is not a state directory of the emulator; nothing was deleted.")
    try:
        with held(state.lock):
            kept = _delete_contents(state, everything)
    except LockHeld:
        return _fail("the emulator is up. Stop it first: aml-emulator down")
    note = " Built Python environments were kept (--all deletes them)." if kept else ""
    print(f"Deleted the state in {state.root}.{note}")
    return 0


def _delete_contents(state: StateDirectory, everything: bool) -> bool:
    """Delete all but the lock and, unless told otherwise, the caches; whether caches were kept."""
    kept = False
    for entry in state.root.iterdir():
        if entry == state.lock:
            continue
        if entry.name in _CACHES and not everything:
            kept = True
        elif entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    return kept


def listen(port: int) -> tuple[socket.socket, socket.socket]:
    """Sockets of the main port and of the blob port (the next one; with port 0 the system chooses both).

    Raises:
        OSError: a port is taken.

    """
    first = _listen(port)
    try:
        return first, _listen(port + 1 if port else 0)
    except OSError:
        first.close()
        raise


def _listen(port: int) -> socket.socket:
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(("127.0.0.1", port))
        found.listen(256)
    except OSError:
        found.close()
        raise
    return found


def _serve_here(
    state: StateDirectory, sockets: tuple[socket.socket, socket.socket], environment: Mapping[str, str]
) -> int:
    from aml_emulator import pki, server
    from aml_emulator.locks import LockHeld

    base_url = f"https://127.0.0.1:{sockets[0].getsockname()[1]}"
    print(f"The emulator comes up at {base_url}. Stop it with Ctrl-C.", flush=True)
    try:
        server.run(state, sockets, pki.system_authorities(environment, state.bundle))
    except LockHeld:
        return _fail(f"another emulator is starting with the state {state.root}.")


def _serve_in_background(
    state: StateDirectory, sockets: tuple[socket.socket, socket.socket], environment: Mapping[str, str]
) -> int:
    """The sockets are bound here and handed down: a port that is taken is this command's error, not the log's."""
    descriptors = [item.fileno() for item in sockets]
    with state.log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "aml_emulator.background", str(state.root), *map(str, descriptors)],
            pass_fds=descriptors,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=dict(environment),
            start_new_session=True,
        )
    for item in sockets:
        item.close()
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        record = state.read_record()
        if record is not None and record.pid == process.pid:
            print(f"The emulator is up: {record.base_url} (process {process.pid}).")
            _explain(state, record)
            return 0
        if process.poll() is not None:
            return _fail(f"the server ended as it started (exit code {process.returncode}).\n{_tail(state.log)}")
        time.sleep(_POLL_SECONDS)
    process.terminate()
    return _fail(f"the server did not answer within {START_SECONDS:.0f} s. Its log: {state.log}")


def _explain(state: StateDirectory, record: ServerRecord) -> None:
    option = "" if state.root == StateDirectory.default().expanduser().absolute() else f" --state {state.root}"
    print(f"  Studio       {record.base_url}/")
    print(f"  State        {state.root}")
    print(f"  Certificate  {state.pki / 'ca.pem'} (trust it in a browser to open the Studio without a warning)")
    print(f'  In a shell   eval "$(aml-emulator env{option})", then use azure-ai-ml as against Azure')
    print(f"  For actions  aml-emulator credentials{option}")
    print(f"  Stop         aml-emulator down{option}")


def _cannot_listen(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        ports = f"port {port} or {port + 1}" if port else "a port"
        return f"{ports} on 127.0.0.1 is taken by another program. Choose another: --port N (0 takes any free one)."
    if error.errno == errno.EACCES:
        return f"port {port} needs more rights. Choose one above 1023: --port N."
    return f"cannot listen on 127.0.0.1:{port}: {error.strerror}."


def _wait_until_stopped(state: StateDirectory, seconds: float) -> bool:
    from aml_emulator.locks import is_held

    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not is_held(state.lock):
            return True
        time.sleep(_POLL_SECONDS)
    return False


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def _fail(message: str) -> int:
    print(f"aml-emulator: {message}", file=sys.stderr)
    return 1
