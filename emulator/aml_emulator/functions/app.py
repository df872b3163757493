"""One function app: its code on disk, its log, and the host that runs it, started when it is first needed."""

from __future__ import annotations

import logging
import shutil
import threading
import time
import uuid
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from typing import TYPE_CHECKING

from aml_emulator import ids
from aml_emulator.environments.builder import BuildCanceled, BuildFailed, EnvironmentBuilder
from aml_emulator.functions import packages, variables
from aml_emulator.functions.logs import AppLog
from aml_emulator.functions.process import HostError, HostProcess
from aml_emulator.functions.records import Package, Records
from aml_emulator.providers.web.keys import host_keys

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Resource

_RETRY_SECONDS = 10.0
"""How long the failure to start is remembered before the next request tries again."""

logger = logging.getLogger(__name__)


class App:
    """A function app of the emulator."""

    def __init__(self, emulator: Emulator, builder: EnvironmentBuilder, records: Records, site: Resource) -> None:
        """Nothing is started."""
        self._emulator, self._builder, self._records = emulator, builder, records
        self._site_id = site.id
        self.folder: Path = emulator.state.functions / ids.name_of(site.id).lower()
        self.log = AppLog(self.folder / "app.log")
        self._lock = threading.Lock()
        self._future: Future[HostProcess] | None = None
        self._failed = 0.0
        self._hosts: set[HostProcess] = set()
        self._stopped = threading.Event()

    def package_folder(self, package: Package) -> Path:
        """Where the code of a package is."""
        return self.folder / "packages" / package.folder

    @property
    def state(self) -> str:
        """What the host does at this moment, in a word: Stopped, Starting, Running, Failed."""
        future = self._future
        if future is None:
            return "Idle"
        if not future.done():
            return "Starting"
        if future.exception() is not None:
            return "Failed"
        return "Running" if future.result().running else "Idle"

    @property
    def failure(self) -> str:
        """Why the host does not start; empty when it does."""
        future = self._future
        error = future.exception() if future is not None and future.done() else None
        return str(error) if error is not None else ""

    def enter(self, seconds: float) -> HostProcess:
        """A running host that has counted the caller in, started if need be. The caller has to `leave` it.

        Raises:
            HostError: it does not start.
            TimeoutError: it has not started in time; it goes on starting.

        """
        deadline = time.monotonic() + seconds
        while True:
            future = self._current()
            try:
                host = future.result(max(deadline - time.monotonic(), 0))
            except FutureTimeout:
                raise TimeoutError(f"the function host has not started within {seconds:.0f} s") from None
            if host.enter():
                return host
            with self._lock:  # it was replaced, or has ended, since
                ended = self._future is future
                if ended:
                    self._future = None
            if ended:
                self._retire(host)

    def restart(self) -> None:
        """Have the next request find a new host: code or settings have changed. The old one ends when its requests have."""
        with self._lock:
            old, self._future = self._future, None
            self._records.found(self._site_id, None)
        if old is not None and old.done() and old.exception() is None:
            self._retire(old.result())

    def stop(self) -> None:
        """End the host, for good."""
        self._stopped.set()
        with self._lock:
            hosts, self._future = list(self._hosts), None
        for host in hosts:
            host.stop()

    def remove(self) -> None:
        """End the host and delete the app's folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _current(self) -> Future[HostProcess]:
        with self._lock:
            if self._stopped.is_set():
                raise HostError("The function app is being stopped.")
            future = self._future
            failed = future is not None and future.done() and future.exception() is not None
            if future is None or (failed and time.monotonic() - self._failed > _RETRY_SECONDS):
                future = self._future = Future()
                name = f"function app {ids.name_of(self._site_id)}"
                threading.Thread(target=self._bring_up, args=(future,), name=name, daemon=True).start()
            return future

    def _bring_up(self, future: Future[HostProcess]) -> None:
        try:
            host = self._start()
        except HostError as error:
            self.log.note("Error", str(error))
            self._fail(future, error)
        except LookupError:
            self._fail(future, HostError("The function app is gone."))
        except Exception as error:  # whoever waits must not wait for ever for a defect of the emulator
            logger.exception("function app %s", self._site_id)
            self._fail(future, HostError(f"The emulator failed: {error!r}"))
        else:
            future.set_result(host)
            with self._lock:
                current = self._future is future and not self._stopped.is_set()
                if current:
                    self._records.found(self._site_id, host.functions)
            if not current:
                self._retire(host)

    def _fail(self, future: Future[HostProcess], error: HostError) -> None:
        self._failed = time.monotonic()
        future.set_exception(error)

    def _start(self) -> HostProcess:
        site, package = self._emulator.resources.get(self._site_id), self._records.package(self._site_id)
        if site is None:
            raise LookupError(self._site_id)
        if package is None:
            raise HostError("No code was published to the function app.")
        code = self.package_folder(package)
        try:
            wanted = packages.environment_of(code, variables.python_of(site), build=package.build)
            python = self._builder.cached(wanted) or self._builder.build(wanted, self.log.file, self._stopped)
        except (BuildFailed, packages.PackageError) as error:
            raise HostError(f"The environment of the function app cannot be built. {error}") from None
        except BuildCanceled:
            raise HostError("The function app is being stopped.") from None
        self.log.trim()
        host = HostProcess(
            self.folder / "hosts" / uuid.uuid4().hex[:12], self.log.file, host_keys(self._emulator, site.id)
        )
        found, unresolved = variables.variables(self._emulator, site, code, host.home, python)
        for name in unresolved:
            self.log.note(
                "Warning", f"The setting {name} refers to a secret of Key Vault that cannot be read. It keeps its text."
            )
        with self._lock:
            self._hosts.add(host)
        try:
            host.start(python.bin / "python", code, found, self._stopped)
        except BaseException:
            self._forget(host)
            raise
        return host

    def _retire(self, host: HostProcess) -> None:
        def run() -> None:
            host.retire()
            self._forget(host)

        threading.Thread(target=run, name=f"retiring {ids.name_of(self._site_id)}", daemon=True).start()

    def _forget(self, host: HostProcess) -> None:
        with self._lock:
            self._hosts.discard(host)
        shutil.rmtree(host.folder, ignore_errors=True)
