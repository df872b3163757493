"""Run a command as a process group that cannot outlive whoever started it: `python -I -S watchdog.py GRACE COMMAND...`.

The starter holds the other end of standard input. When that closes - on purpose, or because the starter is gone, however it
went - everything that the command started is asked to end (SIGTERM), and after GRACE seconds is made to (SIGKILL). On Linux that is
every process below this one, those that began a session of their own among them; elsewhere it is the command's process group. The
exit code is the command's; 128 + n when signal n ended it, as a shell tells it. Uses the standard library only: it starts in some 20 ms.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

_POLL_SECONDS = 0.02
_LOOK_SECONDS = 0.1
_MOST_ROUNDS = 100


def main(grace_seconds: float, command: list[str]) -> int:
    """Run the command; its exit code."""
    _adopt_orphans()
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return 127
    stopping, empty = threading.Event(), threading.Event()

    def stop_with_starter() -> None:
        while os.read(0, 4096):
            pass
        stopping.set()
        told = _descendants()
        _signal_all(child.pid, signal.SIGTERM)
        deadline = time.monotonic() + grace_seconds
        while (left := deadline - time.monotonic()) > 0 and not empty.wait(min(left, _LOOK_SECONDS)):
            told |= _tell_orphans(child.pid, told)
        _signal_all(child.pid, signal.SIGKILL)

    stopper = threading.Thread(target=stop_with_starter, daemon=True)
    stopper.start()
    code = child.wait()
    while stopping.is_set() and stopper.is_alive() and _signal_all(child.pid, 0):
        time.sleep(_POLL_SECONDS)  # others may still be saving their work
        _reap()
    empty.set()
    for _ in range(_MOST_ROUNDS):
        # What the command left in the background ends with it, and so does what that starts meanwhile.
        if not _signal_all(child.pid, signal.SIGKILL):
            break
        time.sleep(_POLL_SECONDS)
        _reap()
    return 128 - code if code < 0 else code


def _adopt_orphans() -> None:
    """Have processes whose parent is gone become ours (Linux): where nobody else reaps them, they would never be gone."""
    if sys.platform == "linux":
        import ctypes

        set_child_subreaper = 36  # PR_SET_CHILD_SUBREAPER of <linux/prctl.h>
        ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)


def _signal_all(group: int, number: int) -> bool:
    """Signal a process group, and every process below this one; whether there was anybody to signal."""
    found = False
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
        found = True
    for process in _descendants():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getpgid(process) != group:
                os.kill(process, number)
                found = True
    return found


def _tell_orphans(group: int, told: set[int]) -> set[int]:
    """Ask those to end that began, in a session of their own, while their parents were asked to: which did not know of them any more."""
    orphans = {process for process, parent in _processes().items() if parent == os.getpid()} - told - {group}
    for process in orphans:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getpgid(process) != group:
                os.kill(process, signal.SIGTERM)
    return orphans


def _reap() -> None:
    """Take leave of processes that have ended and are ours by adoption."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _descendants() -> set[int]:
    """Every process below this one that has not ended."""
    parents, found, below = _processes(), set[int](), {os.getpid()}
    while below:
        below = {process for process, parent in parents.items() if parent in below} - found
        found |= below
    return found


def _processes() -> dict[int, int]:
    """Every process that has not ended, with its parent (Linux; elsewhere none is known)."""
    parents: dict[int, int] = {}
    for name in os.listdir("/proc") if sys.platform == "linux" else []:  # noqa: PTH208 - to import pathlib takes half as long as all else
        with contextlib.suppress(OSError, ValueError):
            with open(f"/proc/{int(name)}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
                state, parent = file.read().rpartition(")")[2].split()[:2]
            if state not in ("Z", "X"):
                parents[int(name)] = int(parent)
    return parents


if __name__ == "__main__":
    # Signals of a terminal or of a service manager are for the starter, which then closes our standard input.
    # They are caught, not ignored: a process inherits what is ignored.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
