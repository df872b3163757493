"""Publishing code: it is unpacked, its environment is built, it is put where the app's package belongs, and the app runs it."""

from __future__ import annotations

import hashlib
import logging
import shutil
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from aml_emulator.environments.builder import BuildCanceled, BuildFailed, EnvironmentBuilder
from aml_emulator.functions import packages, variables
from aml_emulator.functions.logs import AppLog
from aml_emulator.functions.process import START_SECONDS, HostError
from aml_emulator.functions.records import DEPLOYING, FAILED, SUCCESS, Package, Records
from aml_emulator.http import ServiceError

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.functions.app import App
    from aml_emulator.resources import Resource

PACKAGE_BLOB = "released-package.zip"
"""The blob of the package in an app's deployment container."""

_STOP_SECONDS = 10.0

logger = logging.getLogger(__name__)


class Publisher:
    """Takes packages for function apps, one at a time for each app."""

    def __init__(
        self, emulator: Emulator, builder: EnvironmentBuilder, records: Records, app_of: Callable[[Resource], App]
    ) -> None:
        """Nothing runs yet."""
        self._emulator, self._builder, self._records, self._app_of = emulator, builder, records, app_of
        self._lock = threading.Lock()
        self._threads: dict[str, threading.Thread] = {}
        self._stopped = threading.Event()

    def publish(self, site: Resource, archive: bytes, *, build: bool, deployer: str) -> str:
        """Begin to publish a package; the deployment's id.

        Args:
            site: of the app.
            archive: the zip archive.
            build: whether the packages of its requirements.txt are installed.
            deployer: who publishes, for the record.

        Raises:
            ServiceError: 409 while an earlier package of this app is still being published.

        """
        key = site.id.lower()
        deployment_id = str(uuid.uuid4())
        with self._lock:
            before = self._threads.get(key)
            if before is not None and before.is_alive():
                message = f"There is a deployment currently in progress for '{site.name}'. Please try again when it completes."
                raise ServiceError(409, "Conflict", message)
            folder = self.folder(site, deployment_id)
            folder.mkdir(parents=True)
            (folder / "package.zip").write_bytes(archive)
            self._records.begin(deployment_id, site.id, deployer=deployer, build=build)
            name = f"publishing {site.name}"
            thread = threading.Thread(target=self._run, args=(site, deployment_id, build), name=name, daemon=True)
            self._threads[key] = thread
            thread.start()
        return deployment_id

    def folder(self, site: Resource, deployment_id: str) -> Path:
        """Where a deployment has its files."""
        return self._app_of(site).folder / "deployments" / deployment_id

    def log(self, site: Resource, deployment_id: str) -> AppLog:
        """What was noted about a deployment."""
        return AppLog(self.folder(site, deployment_id) / "deployment.log")

    def stop(self) -> None:
        """End what is under way."""
        self._stopped.set()
        for thread in list(self._threads.values()):
            thread.join(_STOP_SECONDS)

    def _run(self, site: Resource, deployment_id: str, build: bool) -> None:
        log = self.log(site, deployment_id)
        try:
            self._publish(site, deployment_id, log, build=build)
        except (packages.PackageError, BuildFailed) as error:
            log.note("Error", str(error))
            self._records.update(deployment_id, FAILED, str(error))
        except BuildCanceled:
            self._records.update(deployment_id, FAILED, "The emulator was stopped.")
        except Exception as error:  # a deployment must not be left hanging by a defect of the emulator
            if self._emulator.resources.get(site.id) is None:
                return  # the app was deleted meanwhile, with its folder
            logger.exception("publishing to %s", site.id)
            self._records.update(deployment_id, FAILED, f"The emulator failed: {error!r}")
        else:
            self._records.update(deployment_id, SUCCESS)
        finally:
            (self.folder(site, deployment_id) / "package.zip").unlink(missing_ok=True)

    def _publish(self, site: Resource, deployment_id: str, log: AppLog, *, build: bool) -> None:
        archive = self.folder(site, deployment_id) / "package.zip"
        app = self._app_of(site)
        # Code of the same content is unpacked again: an app may have written into its folder.
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()[:12]
        package = Package(f"{digest}-{deployment_id[:8]}", build)
        code = app.package_folder(package)
        log.note("Information", f"Unpacking {archive.stat().st_size} bytes")
        packages.unpack(archive, code)
        python = variables.python_of(site)
        wanted = packages.environment_of(code, python, build=build)
        if build and wanted.requirements:
            log.note("Information", f"Installing the packages of {packages.REQUIREMENTS} for Python {python}")
        elif not build:
            log.note("Information", f"RemoteBuild is off: nothing of {packages.REQUIREMENTS} is installed")
        self._builder.build(wanted, log.file, self._stopped)
        self._records.update(deployment_id, DEPLOYING)
        self._keep(site, archive, log)
        self._records.use(site.id, package)
        app.restart()
        self._look(app, log)
        _tidy(code.parent, keep=2)
        _tidy(self.folder(site, deployment_id).parent, keep=10)

    def _keep(self, site: Resource, archive: Path, log: AppLog) -> None:
        """Put the package into the container that the app names; an app on a classic plan names none."""
        deployment = (site.properties.get("functionAppConfig") or {}).get("deployment") or {}
        address = str((deployment.get("storage") or {}).get("value") or "")
        if not address:
            return
        account, container = _container(address)
        stored = self._emulator.accounts.place(account, container) if account else container
        owned = not account or self._emulator.accounts.owner(stored) == account
        if not owned or not self._emulator.blobs.has_container(stored):
            raise packages.PackageError(
                "InaccessibleStorageException: Failed to access storage account for deployment: the specified container does not exist."
                f" The app keeps its package in {address}."
            )
        self._emulator.blobs.put(stored, PACKAGE_BLOB, archive, content_type="application/zip")
        log.note("Information", f"Package stored as {container}/{PACKAGE_BLOB}")

    def _look(self, app: App, log: AppLog) -> None:
        """Have the host find the functions. Where it cannot, the code is published all the same, as on Azure: settings may be missing."""
        try:
            host = app.enter(START_SECONDS)
        except (HostError, TimeoutError) as error:
            log.note("Error", f"The app has its code, but its host does not start, so it has no functions. {error}")
            return
        host.leave()
        found = ", ".join(one["name"] for one in host.functions) or "none"
        log.note("Information", f"Functions: {found}")


def _container(address: str) -> tuple[str, str]:
    """Account and container of a container's address: the account is in the path, or before an @; it may be unknown ("")."""
    parts = urlsplit(address)
    path = [unquote(part) for part in parts.path.split("/") if part]
    if parts.username:
        return parts.username.partition(".")[0], path[0] if path else ""
    if len(path) > 1:
        return path[0], path[1]
    host = parts.hostname or ""
    return (host.partition(".")[0] if ".blob." in host else ""), path[0] if path else ""


def _tidy(folder: Path, *, keep: int) -> None:
    """Delete all but the newest folders of a folder."""
    found = sorted((path for path in folder.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime_ns)
    for old in found[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
