"""The serving service: brings deployments up, keeps their servers, and ends them with the emulator."""

from __future__ import annotations

import logging
import shutil
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aml_emulator import ids
from aml_emulator.environments.builder import EnvironmentBuilder
from aml_emulator.http import ServiceError
from aml_emulator.ml.online_endpoints import DEPLOYMENT_TYPE
from aml_emulator.serving import specification
from aml_emulator.serving.container import Container
from aml_emulator.serving.instance import DeploymentError, Instance, Removed

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

_TERMINAL = ("Succeeded", "Failed", "Canceled")
_STOP_SECONDS = 10
_LOST = "The emulator ended while the deployment was under way. Deploy again."

logger = logging.getLogger(__name__)


class ServingService:
    """One inference server for each deployment, started when it is deployed or, after a restart, when it is asked."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._builder = EnvironmentBuilder(emulator.state.environments, emulator.state.root / "uv-cache")
        self._lock = threading.Lock()
        self._starting: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._instances: dict[str, Instance] = {}
        self._coming_up: dict[str, Instance] = {}
        self._threads: list[threading.Thread] = []
        self._stopped = False

    def start(self) -> None:
        """Settle what an emulator that did not end in order left behind. Servers start when they are asked."""
        for deployment in self._emulator.resources.all_of(DEPLOYMENT_TYPE):
            if deployment.properties.get("provisioningState") not in _TERMINAL:
                self._finish(deployment.id, self._emulator.operations.running(deployment.id), _failure(_LOST))

    def stop(self) -> None:
        """End every server."""
        with self._lock:
            self._stopped = True
            instances = [*self._instances.values(), *self._coming_up.values()]
            self._instances.clear()
            threads = list(self._threads)
        if instances:
            with ThreadPoolExecutor(len(instances)) as pool:
                list(pool.map(Instance.stop, instances))
        for thread in threads:
            thread.join(_STOP_SECONDS)

    def validate(self, deployment_id: str, body: dict[str, Any]) -> None:
        """Check a deployment's body before it is stored.

        Raises:
            ServiceError: it is wrong, or asks for what is not served here.

        """
        specification.check(self._emulator, deployment_id, body)

    def deploy(self, deployment_id: str, operation_id: str) -> None:
        """Bring a stored deployment up in the background; its operation ends when it serves, or when it cannot.

        One that serves already goes on until the new one is healthy.
        """
        name = f"deployment {ids.name_of(deployment_id)}"
        thread = threading.Thread(target=self._deploy, args=(deployment_id, operation_id), name=name, daemon=True)
        with self._lock:
            self._threads = [known for known in self._threads if known.is_alive()] + [thread]
            thread.start()

    def remove(self, deployment_id: str) -> None:
        """End a deployment's server and delete its folder."""
        key = deployment_id.lower()
        with self._lock:
            found = [table.pop(key) for table in (self._instances, self._coming_up) if key in table]
        for instance in found:
            instance.stop()
        shutil.rmtree(self._folder(deployment_id), ignore_errors=True)

    def logs(self, deployment_id: str, container: str = "InferenceServer", tail: int | None = None) -> str:
        """What `getLogs` answers for the newest generation of a deployment.

        Args:
            deployment_id: ARM id of the deployment.
            container: InferenceServer or StorageInitializer.
            tail: the most lines of the container's log; None for all.

        """
        generations = sorted(self._folder(deployment_id).glob("*"), key=lambda path: path.stat().st_mtime)
        return Container(generations[-1] if generations else self._folder(deployment_id)).logs(container, tail)

    def serves(self, deployment_id: str) -> bool:
        """Whether a deployment takes requests: it does from its first success on, also while a later one comes up or fails."""
        if deployment_id.lower() in self._instances:
            return True
        resource = self._emulator.resources.get(deployment_id)
        return resource is not None and resource.properties.get("provisioningState") == "Succeeded"

    def instance(self, deployment_id: str) -> Instance:
        """The running instance of a deployment; started now if this emulator has not done so, or if it ended.

        Raises:
            DeploymentError: it does not come up.
            LookupError: there is no such deployment.

        """
        key = deployment_id.lower()
        found = self._instances.get(key)
        if found is not None and found.running:
            return found
        with self._starting[key]:
            found = self._instances.get(key)
            if found is not None and found.running:
                return found
            try:
                return self._bring_up(deployment_id, "restart")
            except DeploymentError as error:
                logger.warning("%s does not start again: %s", deployment_id, error)
                raise
            except Removed:
                raise LookupError(deployment_id) from None

    def _deploy(self, deployment_id: str, operation_id: str) -> None:
        try:
            self._emulator.operations.hold(operation_id)
            with self._starting[deployment_id.lower()]:
                self._bring_up(deployment_id, operation_id)
        except DeploymentError as error:
            self._finish(deployment_id, operation_id, _failure(str(error), error.code))
        except ServiceError as error:
            self._finish(deployment_id, operation_id, error.body()["error"])
        except (Removed, LookupError):
            self._finish(deployment_id, operation_id, _failure("The deployment was deleted.", "OperationCanceled"))
        except Exception as error:  # an operation must not be left hanging by a defect of the emulator
            logger.exception("deployment %s", deployment_id)
            self._finish(
                deployment_id, operation_id, _failure(f"The emulator failed: {error!r}", "InternalServerError")
            )
        else:
            self._finish(deployment_id, operation_id, None)

    def _bring_up(self, deployment_id: str, generation: str) -> Instance:
        """Start a new generation, have it take the requests, and end the one before."""
        resource = self._emulator.resources.get(deployment_id)
        if resource is None:
            raise LookupError(deployment_id)
        key = deployment_id.lower()
        deployment = specification.read(resource.id, resource.body)
        folder = self._folder(deployment_id) / generation
        shutil.rmtree(folder, ignore_errors=True)
        made = Instance(self._emulator, deployment, Container(folder))
        with self._lock:
            if self._stopped:
                raise Removed
            self._coming_up[key] = made
        try:
            made.start(self._builder)
            with self._lock:
                if made.removed.is_set():
                    raise Removed
                old = self._instances.get(key)
                self._instances[key] = made
        except BaseException:
            made.stop()
            raise
        finally:
            with self._lock:
                self._coming_up.pop(key, None)
        if old is not None:
            old.stop()
        for other in self._folder(deployment_id).iterdir():
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)
        return made

    def _finish(self, deployment_id: str, operation_id: str | None, error: dict[str, Any] | None) -> None:
        """Set the deployment's state and end its operation."""

        def edit(body: dict[str, Any]) -> None:
            body["properties"]["provisioningState"] = "Failed" if error else "Succeeded"

        with self._emulator.database.transaction():
            self._emulator.resources.change(deployment_id, edit)
            if operation_id is None:
                return
            if error:
                self._emulator.operations.fail(operation_id, error)
            else:
                self._emulator.operations.succeed(operation_id)

    def _folder(self, deployment_id: str) -> Path:
        endpoint = ids.name_of(ids.parent_of(deployment_id))
        return self._emulator.state.deployments / endpoint.lower() / ids.name_of(deployment_id).lower()


def _failure(message: str, code: str = "InternalServerError") -> dict[str, Any]:
    return {"code": code, "message": message, "details": [], "additionalInfo": []}
