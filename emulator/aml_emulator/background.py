"""The process that `aml-emulator up` leaves behind: `python -m aml_emulator.background STATE SOCKET SOCKET`."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from aml_emulator import pki, server
from aml_emulator.locks import LockHeld
from aml_emulator.state import StateDirectory


def main() -> int:
    """Serve on the inherited sockets; the exit code."""
    state = StateDirectory(Path(sys.argv[1]))
    first, second = (socket.socket(fileno=int(number)) for number in sys.argv[2:4])
    try:
        server.run(state, (first, second), pki.system_authorities(os.environ, state.bundle))
    except LockHeld:
        print(f"another emulator is starting with the state {state.root}", file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(main())
