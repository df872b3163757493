"""One command job, from its submission to its end: environment, node, process, outputs."""

from __future__ import annotations

import shutil
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aml_emulator.environments import definition
from aml_emulator.environments.builder import BuildCanceled, BuildFailed, EnvironmentBuilder, PythonEnvironment
from aml_emulator.http import ServiceError
from aml_emulator.jobs import staging
from aml_emulator.jobs.failures import exit_message
from aml_emulator.jobs.nodes import Nodes
from aml_emulator.jobs.specification import CommandJob
from aml_emulator.jobs.status import failure, set_status
from aml_emulator.jobs.surroundings import job_variables
from aml_emulator.ml import datastores
from aml_emulator.processes import ProcessGroup
from aml_emulator.tracking.store import artifact_prefix

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

BUILD_LOG = "azureml-logs/20_image_build_log.txt"
USER_LOG = "user_logs/std_log.txt"

_GRACE_SECONDS = 10
_POLL_SECONDS = 0.02
_SERVERLESS = "serverless"


class Canceled(Exception):
    """The job is to end; the message says why, and is empty when its user wanted it so."""


@dataclass
class Execution:
    """One job that runs, or waits to."""

    emulator: Emulator
    job: CommandJob
    builder: EnvironmentBuilder
    nodes: Nodes
    canceled: threading.Event = field(default_factory=threading.Event)
    reason: str = ""

    def cancel(self, reason: str = "") -> None:
        """Have the job end as Canceled."""
        if not self.canceled.is_set():
            self.reason = reason
            self.canceled.set()
            self.nodes.wake()

    def run(self) -> None:
        """Do everything; never raises. The job is in a terminal state afterwards."""
        try:
            self._run()
        except Canceled as canceled:
            reason = str(canceled)
            self._end("Canceled", failure(reason, "JobCanceled") if reason else None)
        except BuildFailed as error:
            message = f"Image build failed. For more details, check log file {BUILD_LOG}. {error}"
            self._end("Failed", failure(message, "ImageBuildFailure", component="EnvironmentManagement"))
        except (staging.StagingError, ServiceError) as error:
            message = error.message if isinstance(error, ServiceError) else str(error)
            self._end("Failed", failure(message, "DataAccessError"))
        except Exception as error:  # a job must not be left hanging by a defect of the emulator
            self._end("Failed", failure(f"The emulator failed to run the job: {error!r}", code="ServiceError"))
            raise

    def _run(self) -> None:
        self._enter("Preparing")
        python = self._environment()
        self._enter("Queued")
        compute = self.job.compute_id or _SERVERLESS
        if not self.nodes.acquire(compute, self.job.name, self.canceled):
            raise Canceled(self.reason)
        folder = self.emulator.state.jobs / self.job.name
        try:
            code = self._on_node(folder, python)
        finally:
            shutil.rmtree(folder, ignore_errors=True)  # a node keeps nothing of a job that is over
            self.nodes.release(compute, self.job.name)
        if code == 0:
            self._end("Completed", None, 0)
        else:
            log = self._log(USER_LOG)
            self._end("Failed", failure(exit_message(self.job.command, code, log), "NonZeroExitCode"), code)

    def _environment(self) -> PythonEnvironment:
        conda_file = definition.conda_file(self.emulator, self.job.environment_id)
        if cached := self.builder.cached(conda_file):
            return cached
        try:
            return self.builder.build(conda_file, self._new_log(BUILD_LOG), self.canceled)
        except BuildCanceled:
            raise Canceled(self.reason) from None

    def _on_node(self, folder: Path, python: PythonEnvironment) -> int:
        """Stage, run the command, store what it left; the exit code."""
        job, emulator = self.job, self.emulator
        working_directory, home, outputs = folder / "wd", folder / "home", folder / "outputs"
        for made in (working_directory, home, outputs):
            made.mkdir(parents=True)
        if job.code_id:
            staging.fetch_code(emulator, job.workspace_id, job.code_id, working_directory)
        for name in staging.ARTIFACT_FOLDERS:
            (working_directory / name).mkdir(exist_ok=True)
        values = {"inputs": staging.fetch_inputs(emulator, job, folder / "inputs")}
        values["outputs"] = {name: str(path) for name, path in staging.prepare_outputs(job, outputs).items()}
        paths = {f"AZURE_ML_INPUT_{name}": value for name, value in values["inputs"].items()}
        paths |= {f"AZURE_ML_OUTPUT_{name}": value for name, value in values["outputs"].items()}
        run = emulator.tracking.run(job.name)
        if run is None:
            raise Canceled("The job was deleted.")
        command = job.arguments(lambda kind, name: values[kind][name])
        log = self._new_log(USER_LOG)
        self._enter("Running")
        process = ProcessGroup(
            ["bash", "-c", command],
            folder=working_directory,
            environment=job_variables(emulator, job, run, home, python, paths),
            log=log,
            grace_seconds=_GRACE_SECONDS,
        )
        try:
            code = self._wait(process)
        finally:
            process.stop()
            staging.store_artifacts(emulator, job, working_directory)
        set_status(emulator, job.id, "Finalizing")
        staging.store_outputs(emulator, job, outputs)
        return code

    def _wait(self, process: ProcessGroup) -> int:
        """The exit code of the command, unless it is canceled or out of time."""
        limit = self.job.timeout_seconds
        deadline = None if limit is None else time.monotonic() + limit
        while (code := process.wait(_POLL_SECONDS)) is None:
            if self.canceled.is_set():
                set_status(self.emulator, self.job.id, "CancelRequested")
                raise Canceled(self.reason)
            if deadline is not None and time.monotonic() > deadline:
                set_status(self.emulator, self.job.id, "CancelRequested")
                raise Canceled(f"The job ran longer than its limit of {limit:g} s (limits.timeout) and was canceled.")
        return code

    def _enter(self, status: str) -> None:
        if self.canceled.is_set():
            raise Canceled(self.reason)
        set_status(self.emulator, self.job.id, status)

    def _end(self, status: str, error: dict[str, object] | None, exit_code: int | None = None) -> None:
        set_status(self.emulator, self.job.id, status, error=error, exit_code=exit_code)

    def _new_log(self, name: str) -> Path:
        container = datastores.containers(self.emulator, self.job.workspace_id).artifacts
        return self.emulator.blobs.live(container, f"{artifact_prefix(self.job.name)}/{name}").path

    def _log(self, name: str) -> Path:
        container = datastores.containers(self.emulator, self.job.workspace_id).artifacts
        blob = self.emulator.blobs.get(container, f"{artifact_prefix(self.job.name)}/{name}")
        if blob is None:
            raise FileNotFoundError(name)
        return blob.path
