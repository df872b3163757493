"""The running host of a function app: a child process with a web server of its own on this machine."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aml_emulator.pki import write_private
from aml_emulator.processes import ProcessGroup
from aml_emulator.providers.web.keys import HostKeys

if TYPE_CHECKING:
    import httpx

START_SECONDS = 60.0
"""How long an app may take to load. Azure allows 30 s; this machine may have other things to do."""

ENDING_HEADER = "x-function-host-ending"
"""In the last answer of a host that ends by itself: a function of it ran for longer than it may, and cannot be stopped otherwise."""

_PROGRAM = Path(__file__).with_name("host") / "start.py"
_GRACE_SECONDS = 3
_POLL_SECONDS = 0.02
_DRAIN_SECONDS = 30.0
"""How long a host that was replaced goes on with what it has begun."""


class HostError(Exception):
    """A host that does not run; the message says why."""


class HostProcess:
    """A host. Requests enter and leave it, so that it can be replaced without one of them being cut off."""

    def __init__(self, folder: Path, log: Path, keys: HostKeys) -> None:
        """Nothing runs yet.

        Args:
            folder: new folder for what the host and its starter tell each other, and its HOME.
            log: file that the host's output is appended to.
            keys: of the app.

        """
        self.folder, self._log, self._keys = folder, log, keys
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        self.url = ""
        self.functions: list[dict[str, Any]] = []
        self._process: ProcessGroup | None = None
        self._pending, self._retired = 0, False
        self._changed = threading.Condition()

    def start(self, python: Path, package: Path, environment: Mapping[str, str], canceled: threading.Event) -> None:
        """Start the program and wait until it has loaded the app.

        Raises:
            HostError: the app cannot be loaded, takes too long, or `canceled` was set.

        """
        keys, handshake = self.folder / "keys.json", self.folder / "handshake.json"
        write_private(keys, json.dumps(asdict(self._keys)).encode())
        self._process = ProcessGroup(
            [str(python), str(_PROGRAM), str(package), str(keys), str(handshake)],
            folder=package,
            environment=environment,
            log=self._log,
            grace_seconds=_GRACE_SECONDS,
        )
        try:
            found = self._wait(handshake, canceled)
            if "error" in found:
                raise HostError(found["error"])
        except BaseException:
            self.stop()
            raise
        self.url, self.functions = f"http://127.0.0.1:{found['port']}", found["functions"]

    @property
    def running(self) -> bool:
        """Whether the process has not ended."""
        return self._process is not None and self._process.running

    def enter(self) -> bool:
        """Count a request in; False when the host was replaced or has ended."""
        with self._changed:
            if self._retired or not self.running:
                return False
            self._pending += 1
            return True

    def leave(self) -> None:
        """Count a request out."""
        with self._changed:
            self._pending -= 1
            self._changed.notify_all()

    def ask(
        self,
        client: httpx.Client,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        seconds: float,
    ) -> httpx.Response:
        """Send a request that has entered.

        Raises:
            TimeoutError: no answer in time.
            HostError: the process ended meanwhile.

        """
        import httpx

        try:
            answer = client.request(
                method, self.url + target, headers=headers, content=body, timeout=max(seconds, 0.001)
            )
        except httpx.TimeoutException:
            raise TimeoutError(f"no answer within {seconds:.1f} s") from None
        except httpx.HTTPError as error:
            self.stop()  # it is dead or dying: the next request needs another
            raise HostError(f"The function host ended without an answer ({type(error).__name__}).") from None
        if ENDING_HEADER in answer.headers:
            with self._changed:
                self._retired = True
        return answer

    def deliver(
        self, client: httpx.Client, function: str, *, headers: Mapping[str, str], body: bytes, seconds: float
    ) -> httpx.Response:
        """Send events to a function, with the key that Event Grid has; raises as `ask` does."""
        name, key = quote(function, safe=""), quote(self._keys.event_grid, safe="")
        target = f"/runtime/webhooks/EventGrid?functionName={name}&code={key}"
        return self.ask(client, "POST", target, headers=headers, body=body, seconds=seconds)

    def retire(self) -> None:
        """Take no more requests, wait for those that are there, and end."""
        with self._changed:
            self._retired = True
            self._changed.wait_for(lambda: self._pending == 0 or not self.running, _DRAIN_SECONDS)
        self.stop()

    def stop(self) -> None:
        """End the process at once."""
        with self._changed:
            self._retired = True
            self._changed.notify_all()
        if self._process is not None:
            self._process.stop()

    def _wait(self, handshake: Path, canceled: threading.Event) -> dict[str, Any]:
        deadline = time.monotonic() + START_SECONDS
        while not handshake.exists():
            if canceled.wait(_POLL_SECONDS):
                raise HostError("The function app was stopped while its host started.")
            if not self.running and not handshake.exists():
                code = self._process.wait() if self._process is not None else None
                raise HostError(f"The function host ended with exit code {code} before it had loaded the app.")
            if time.monotonic() > deadline:
                raise HostError(f"The function host did not load the app within {START_SECONDS:.0f} s.")
        found: dict[str, Any] = json.loads(handshake.read_text())
        return found
