"""Run a command as a process group that cannot outlive whoever started it: `python -I -S watchdog.py GRACE COMMAND...`.

The starter holds the other end of standard input. When that closes - on purpose, or because the starter is gone, however it
went - the whole group is asked to end (SIGTERM), and after GRACE seconds is made to (SIGKILL). The exit code is the command's;
128 + n when signal n ended it, as a shell tells it. Uses the standard library only: it starts in some 20 ms.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

_POLL_SECONDS = 0.02


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
        _signal(child.pid, signal.SIGTERM)
        empty.wait(grace_seconds)
        _signal(child.pid, signal.SIGKILL)

    stopper = threading.Thread(target=stop_with_starter, daemon=True)
    stopper.start()
    code = child.wait()
    while stopping.is_set() and stopper.is_alive() and _signal(child.pid, 0):
        time.sleep(_POLL_SECONDS)  # others of the group may still be saving their work
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-child.pid, os.WNOHANG)
    empty.set()
    _signal(child.pid, signal.SIGKILL)  # what the command left in the background ends with it
    return 128 - code if code < 0 else code


def _adopt_orphans() -> None:
    """Have processes whose parent is gone become ours (Linux): where nobody else reaps them, they would never be gone."""
    if sys.platform == "linux":
        import ctypes

        set_child_subreaper = 36  # PR_SET_CHILD_SUBREAPER of <linux/prctl.h>
        ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)


def _signal(group: int, number: int) -> bool:
    """Whether there was anybody to signal."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
        return True
    return False


if __name__ == "__main__":
    # Signals of a terminal or of a service manager are for the starter, which then closes our standard input.
    # They are caught, not ignored: a process inherits what is ignored.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
