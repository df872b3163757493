"""From a package to a server that answers."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path
from typing import NoReturn

from . import logs, settings


def main(package: Path, keys_file: Path, handshake: Path) -> NoReturn:
    """Serve an app until SIGTERM.

    Args:
        package: folder with the app's code.
        keys_file: JSON with the members of `Keys`; deleted once it was read.
        handshake: file that tells whoever started this: `port` and `functions`, or `error`.

    """
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    logs.set_up()
    keys = json.loads(keys_file.read_text())
    keys_file.unlink()
    try:
        options = settings.read(package, os.environ)
        from . import index

        functions = index.load(package, options, os.environ)
    except Exception as error:
        expected = type(error).__name__ in ("LoadError", "SettingsError")
        message = str(error) if expected else f"The host cannot load the app: {type(error).__name__}: {error}"
        logs.write(logs.ERROR, message)
        _tell(handshake, {"error": message})
        os._exit(1)
    from . import web
    from .keys import Keys

    server = web.server(web.Host(functions, options, Keys(**keys), str(package)))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    found = ", ".join(one.name for one in functions.values()) or "none"
    logs.write(logs.INFORMATION, f"Host started. Functions: {found}")
    for one in functions.values():
        if one.refusal:
            logs.write(logs.WARNING, one.refusal)
    _tell(
        handshake,
        {"port": server.server_address[1], "functions": [one.described(options) for one in functions.values()]},
    )
    stopping.wait()
    logs.write(logs.INFORMATION, "Host is shutting down.")
    os._exit(0)  # threads of functions that still run would keep the process


def _tell(handshake: Path, found: dict[str, object]) -> None:
    """Write the handshake so that whoever looks sees all of it or nothing."""
    partial = handshake.with_suffix(".partial")
    partial.write_text(json.dumps(found))
    partial.replace(handshake)
