"""The job service: takes jobs, runs each in its own thread, and ends them with the emulator."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from aml_emulator import ids
from aml_emulator.environments.builder import EnvironmentBuilder
from aml_emulator.jobs import specification, sweeps, validation
from aml_emulator.jobs.execution import CommandExecution
from aml_emulator.jobs.lifecycle import JobExecution
from aml_emulator.jobs.nodes import Counts, Nodes, Scale
from aml_emulator.jobs.pipelines import PipelineExecution
from aml_emulator.jobs.status import TERMINAL, failure, set_status
from aml_emulator.jobs.sweeps import SweepExecution
from aml_emulator.ml import jobs as resources_of_jobs

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Resource

_STOPPED = "The emulator was stopped while the job was under way."
_LOST = "The emulator ended unexpectedly while the job was under way; its process ended with it."
_STOP_SECONDS = 20
_IDLE = "PT120S"
"""How long a cluster keeps a node without work, unless it says otherwise: the service's default."""

logger = logging.getLogger(__name__)


class JobService:
    """Runs jobs as processes of this machine."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._builder = EnvironmentBuilder(emulator.state.environments, emulator.state.root / "uv-cache")
        self._nodes = Nodes(self._scale)
        self._lock = threading.Lock()
        self._executions: dict[str, tuple[JobExecution, threading.Thread]] = {}

    def start(self) -> None:
        """Settle what an emulator that did not end in order left behind."""
        for job in self._emulator.resources.all_of(resources_of_jobs.TYPE):
            if job.properties["status"] not in TERMINAL:
                set_status(self._emulator, job.id, "Failed", error=failure(_LOST, "NodeLost", code="ServiceError"))
        for left in self._emulator.state.jobs.iterdir():
            shutil.rmtree(left, ignore_errors=True)

    def stop(self) -> None:
        """End every job as Canceled, and wait for it."""
        self._emulator.faults.stopped.set()
        with self._lock:
            executions = list(self._executions.values())
        for execution, _ in executions:
            execution.cancel(_STOPPED)
        deadline = time.monotonic() + _STOP_SECONDS
        for _, thread in executions:
            thread.join(max(0.0, deadline - time.monotonic()))

    def validate(self, properties: Mapping[str, Any]) -> None:
        """Check a job of any type before it is stored.

        Raises:
            ServiceError: it is wrong, or asks for what does not run here.

        """
        validation.check(self._emulator, properties)

    def submit(self, job_id: str, *, parent: str | None = None, ended: Callable[[], None] | None = None) -> None:
        """Create the run of a job whose resource has been stored, and run the job in the background.

        Args:
            job_id: ARM id of the job.
            parent: name of the job that it is a child of.
            ended: called when it is over and nothing of it runs any more.

        """
        resource = self._stored(job_id)
        execution = self._execution(resource)
        self._create_run(resource, parent)
        thread = threading.Thread(target=self._run, args=(execution, ended), name=f"job {resource.name}", daemon=True)
        with self._lock:
            self._executions[resource.id.lower()] = (execution, thread)
        thread.start()

    def complete(self, job_id: str, *, parent: str) -> None:
        """Create the run of a stored job that is over without having run: an earlier one's outputs are its own."""
        resource = self._stored(job_id)
        self._create_run(resource, parent)
        set_status(self._emulator, resource.id, "Completed")

    def cancel(self, job_id: str, reason: str = "") -> None:
        """Have a job end; nothing happens to one that is over."""
        with self._lock:
            found = self._executions.get(job_id.lower())
        if found:
            found[0].cancel(reason)

    def running(self, job_id: str) -> bool:
        """Whether anything of a job still runs."""
        with self._lock:
            return job_id.lower() in self._executions

    def _stored(self, job_id: str) -> Resource:
        resource = self._emulator.resources.get(job_id)
        if resource is None:
            raise LookupError(job_id)
        return resource

    def _execution(self, resource: Resource) -> JobExecution:
        kind = resource.properties.get("jobType")
        if kind == "Pipeline":
            return PipelineExecution(self._emulator, resource.id)
        if kind == "Sweep":
            return SweepExecution(self._emulator, resource.id, sweeps.read(resource.properties))
        job = specification.read(resource.id, resource.properties)
        return CommandExecution(self._emulator, resource.id, job, self._builder, self._nodes)

    def _create_run(self, resource: Resource, parent: str | None) -> None:
        properties = resource.properties
        self._emulator.tracking.create_run(
            ids.parent_of(resource.id),
            properties.get("experimentName") or "Default",
            run_id=resource.name,
            status="NotStarted",
            display_name=properties.get("displayName"),
            parent_id=parent,
            is_job=True,
            user=str(resource.body["systemData"]["createdBy"]),
            tags={str(key): str(value) for key, value in (properties.get("tags") or {}).items()},
        )

    def _run(self, execution: JobExecution, ended: Callable[[], None] | None) -> None:
        try:
            execution.run()
        except Exception:
            logger.exception("job %s", execution.name)
        finally:
            with self._lock:
                self._executions.pop(execution.job_id.lower(), None)
            if ended:
                ended()

    def nodes(self, compute_id: str) -> Counts:
        """The nodes of a compute at this moment."""
        return self._nodes.counts(compute_id)

    def _scale(self, compute_id: str) -> Scale | None:
        compute = self._emulator.resources.get(compute_id)
        if compute is None:  # serverless, or a compute that was deleted with jobs in its queue
            return None
        if compute.properties.get("computeType") == "Kubernetes":  # what a namespace may use is the cluster's to say
            return None
        scale = (compute.properties.get("properties") or {}).get("scaleSettings") or {}
        kept = specification.seconds(scale.get("nodeIdleTimeBeforeScaleDown") or _IDLE)
        return Scale(int(scale.get("minNodeCount") or 0), int(scale.get("maxNodeCount", 1)), kept or 0.0)
