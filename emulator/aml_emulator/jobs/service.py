"""The job service: takes jobs, runs each in its own thread, and ends them with the emulator."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from typing import TYPE_CHECKING, Any

from aml_emulator.environments import definition
from aml_emulator.environments.builder import EnvironmentBuilder
from aml_emulator.jobs import specification
from aml_emulator.jobs.execution import Execution
from aml_emulator.jobs.nodes import Nodes
from aml_emulator.jobs.status import TERMINAL, failure, set_status
from aml_emulator.ml import jobs as resources_of_jobs

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

_STOPPED = "The emulator was stopped while the job was under way."
_LOST = "The emulator ended unexpectedly while the job was under way; its process ended with it."
_STOP_SECONDS = 20

logger = logging.getLogger(__name__)


class JobService:
    """Runs command jobs as processes of this machine."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._builder = EnvironmentBuilder(emulator.state.environments, emulator.state.root / "uv-cache")
        self._nodes = Nodes(self._node_limit)
        self._lock = threading.Lock()
        self._executions: dict[str, tuple[Execution, threading.Thread]] = {}

    def start(self) -> None:
        """Settle what an emulator that did not end in order left behind."""
        for job in self._emulator.resources.all_of(resources_of_jobs.TYPE):
            if job.properties["status"] not in TERMINAL:
                set_status(self._emulator, job.id, "Failed", error=failure(_LOST, "NodeLost", code="ServiceError"))
        for left in self._emulator.state.jobs.iterdir():
            shutil.rmtree(left, ignore_errors=True)

    def stop(self) -> None:
        """End every job as Canceled, and wait for it."""
        with self._lock:
            executions = list(self._executions.values())
        for execution, _ in executions:
            execution.cancel(_STOPPED)
        deadline = time.monotonic() + _STOP_SECONDS
        for _, thread in executions:
            thread.join(max(0.0, deadline - time.monotonic()))

    def validate(self, properties: dict[str, Any]) -> None:
        """Check a job before it is stored.

        Raises:
            ServiceError: it is wrong, or asks for what does not run here.

        """
        job = specification.read("", properties)
        definition.conda_file(self._emulator, job.environment_id)

    def submit(self, job_id: str) -> None:
        """Create the run of a job whose resource has been stored, and run the job in the background."""
        resource = self._emulator.resources.get(job_id)
        if resource is None:
            raise LookupError(job_id)
        job = specification.read(resource.id, resource.properties)
        self._emulator.tracking.create_run(
            job.workspace_id,
            job.experiment_name,
            run_id=job.name,
            status="NotStarted",
            display_name=job.display_name,
            is_job=True,
            user=str(resource.body["systemData"]["createdBy"]),
            tags=job.tags,
        )
        execution = Execution(self._emulator, job, self._builder, self._nodes)
        thread = threading.Thread(target=self._run, args=(execution,), name=f"job {job.name}", daemon=True)
        with self._lock:
            self._executions[job.id.lower()] = (execution, thread)
        thread.start()

    def cancel(self, job_id: str) -> None:
        """Have a job end; nothing happens to one that is over."""
        with self._lock:
            found = self._executions.get(job_id.lower())
        if found:
            found[0].cancel()

    def _run(self, execution: Execution) -> None:
        try:
            execution.run()
        except Exception:
            logger.exception("job %s", execution.job.name)
        finally:
            with self._lock:
                self._executions.pop(execution.job.id.lower(), None)

    def _node_limit(self, compute_id: str) -> int | None:
        compute = self._emulator.resources.get(compute_id)
        if compute is None:  # serverless, or a compute that was deleted with jobs in its queue
            return None
        scale = (compute.properties.get("properties") or {}).get("scaleSettings") or {}
        return int(scale.get("maxNodeCount", 1))
