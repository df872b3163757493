"""One running deployment: its inference server as a process group on a port of this machine."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from aml_emulator import ids
from aml_emulator.environments import definition
from aml_emulator.environments.builder import BuildCanceled, BuildFailed, EnvironmentBuilder, PythonEnvironment
from aml_emulator.http import ServiceError
from aml_emulator.jobs import staging
from aml_emulator.ml import datastores
from aml_emulator.processes import ProcessGroup
from aml_emulator.serving.container import Container
from aml_emulator.serving.specification import Deployment
from aml_emulator.surroundings import base_variables

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

_LAUNCHER = Path(__file__).with_name("launcher.py")
_GRACE_SECONDS = 3
_POLL_SECONDS = 0.05
_HEALTH_SECONDS = 2
_GUIDE = "Please see troubleshooting guide, available here: https://aka.ms/oe-tsg#error-"


class DeploymentError(Exception):
    """A deployment that does not come up, with the service's code and words."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{message} {_GUIDE}{code.lower()}")
        self.code = code


class Removed(Exception):
    """The deployment was deleted, or the emulator stopped, while it came up."""


class Instance:
    """One generation of a deployment: made ready, started, stopped."""

    def __init__(self, emulator: Emulator, deployment: Deployment, container: Container) -> None:
        self.deployment = deployment
        self.container = container
        self.removed = threading.Event()
        self._emulator = emulator
        self._process: ProcessGroup | None = None
        self._pending = 0
        self._lock = threading.Lock()
        self.url = ""

    def start(self, builder: EnvironmentBuilder) -> None:
        """Build the environment, bring code and model, start the server and wait until it is healthy.

        Raises:
            DeploymentError: it does not come up.
            Removed: `removed` was set.

        """
        self.container.create()
        python = self._build(builder)
        variables = self._bring()
        self._launch(python, variables)
        self._wait_until_healthy()

    @property
    def running(self) -> bool:
        """Whether its server has been started and has not ended."""
        return self._process is not None and self._process.running

    def stop(self) -> None:
        """End the server; of one that is coming up, the attempt."""
        self.removed.set()
        if self._process is not None:
            self._process.stop()

    def enter(self) -> bool:
        """Count a request in; False when there are too many already."""
        with self._lock:
            if self._pending >= self.deployment.max_pending_requests:
                return False
            self._pending += 1
            return True

    def leave(self) -> None:
        """Count a request out."""
        with self._lock:
            self._pending -= 1

    def _build(self, builder: EnvironmentBuilder) -> PythonEnvironment:
        container = self.container
        container.phase("SystemSetup", "Succeeded", "This machine serves the deployment")
        container.phase("UserContainerImagePull", "InProgress", "Making the environment ready")
        try:
            conda_file = definition.conda_file(self._emulator, self.deployment.environment_id)
            python = builder.cached(conda_file) or builder.build(conda_file, container.server_log, self.removed)
        except BuildCanceled:
            raise Removed from None
        except (BuildFailed, ServiceError) as error:
            message = error.message if isinstance(error, ServiceError) else str(error)
            container.phase("UserContainerImagePull", "Failed", "The environment cannot be built")
            raise DeploymentError("ImageBuildFailure", f"Image build failed. {message}") from None
        container.phase("UserContainerImagePull", "Succeeded", "Environment ready")
        return python

    def _bring(self) -> dict[str, str]:
        """Code and model into the folder; the variables that tell the server where they are."""
        deployment, container = self.deployment, self.container
        container.phase("ModelDownload", "InProgress", "Downloading code and model")
        try:
            staging.fetch_code(self._emulator, deployment.workspace_id, deployment.code_id, container.code)
            container.note(f"code: {deployment.code_id} -> {container.code}")
            variables = {
                "AML_APP_ROOT": str(container.code),
                "AZUREML_ENTRY_SCRIPT": str(container.code / deployment.scoring_script),
            }
            if deployment.model_id:
                variables["AZUREML_MODEL_DIR"] = str(self._bring_model(deployment.model_id))
        except (staging.StagingError, ServiceError, OSError) as error:
            message = error.message if isinstance(error, ServiceError) else str(error)
            container.note(f"failed: {message}")
            container.phase("ModelDownload", "Failed", message)
            raise DeploymentError("BadArgument", f"Unable to download user code or model. {message}") from None
        container.phase("ModelDownload", "Succeeded", "Code and model downloaded")
        return variables

    def _bring_model(self, model_id: str) -> Path:
        """A model as the service lays it out: `azureml-models/<name>/<version>/<its file or folder>`."""
        name, version = ids.segment(model_id, "models") or "", ids.name_of(model_id)
        target = self.container.model(name, version)
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        container, prefix = datastores.resolve_uri(self._emulator, self.deployment.workspace_id, model_id)
        last = prefix.rsplit("/", 1)[-1]
        if blob := self._emulator.blobs.get(container, prefix):
            shutil.copyfile(blob.path, target / last)
        elif not self._emulator.blobs.download_folder(container, prefix, target / last):
            raise staging.StagingError(f"The model {name}:{version} has no files at {container}/{prefix}.")
        self.container.note(f"model: {name}:{version} ({last}) -> {target}")
        return target

    def _launch(self, python: PythonEnvironment, variables: dict[str, str]) -> None:
        container, deployment = self.container, self.deployment
        container.phase("UserContainerStart", "InProgress", "Starting the inference server")
        if self.removed.is_set():
            raise Removed
        port = _free_port()
        workers = int(deployment.variables.get("WORKER_COUNT") or 1) * deployment.instances
        own = {**variables, "WORKER_COUNT": str(workers), "SERVICE_NAME": deployment.endpoint}
        self.url = f"http://127.0.0.1:{port}"
        server = python.bin / "azmlinfsrv"
        script = container.code / deployment.scoring_script
        command = [str(python.bin / "python"), str(_LAUNCHER), str(server), "--entry_script", str(script)]
        self._process = ProcessGroup(
            [*command, "--port", str(port)],
            folder=container.code,
            environment=base_variables(self._emulator, container.home, python) | dict(deployment.variables) | own,
            log=container.server_log,
            grace_seconds=_GRACE_SECONDS,
        )

    def _wait_until_healthy(self) -> None:
        deadline = time.monotonic() + self.deployment.start_timeout
        with httpx.Client(trust_env=False, timeout=_HEALTH_SECONDS) as client:
            while not self._healthy(client):
                if self.removed.is_set():
                    raise Removed
                if not self.running or time.monotonic() > deadline:
                    self._give_up()
                time.sleep(_POLL_SECONDS)
        self.container.phase("UserContainerStart", "Succeeded", "The inference server answers")

    def _healthy(self, client: httpx.Client) -> bool:
        try:
            return client.get(f"{self.url}/").status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def _give_up(self) -> None:
        process = self._process
        crashed = process is not None and not process.running
        code = process.stop() if process is not None else None
        what = (
            f"exited with status code {code}" if crashed else f"not healthy after {self.deployment.start_timeout:g} s"
        )
        self.container.phase("UserContainerStart", "Failed", f"The inference server: {what}")
        raise DeploymentError("ResourceNotReady", "User container has crashed or terminated.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
