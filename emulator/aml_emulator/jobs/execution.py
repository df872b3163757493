"""One command job, from its submission to its end: environment, nodes, processes, outputs."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from aml_emulator.environments import definition
from aml_emulator.environments.builder import BuildCanceled, BuildFailed, EnvironmentBuilder, PythonEnvironment
from aml_emulator.faults.jobs import FAILED_BUILD
from aml_emulator.jobs import distribution, parallel, staging
from aml_emulator.jobs.distribution import Process
from aml_emulator.jobs.failures import exit_message
from aml_emulator.jobs.lifecycle import BUILD_LOG, Canceled, JobExecution, JobFailed
from aml_emulator.jobs.nodes import Nodes, TooFewNodes
from aml_emulator.jobs.specification import CommandJob
from aml_emulator.jobs.status import failure, set_status
from aml_emulator.jobs.surroundings import job_variables
from aml_emulator.processes import ProcessGroup

USER_LOG = "user_logs/std_log.txt"

_GRACE_SECONDS = 10
_POLL_SECONDS = 0.02
_BUILD_CHARACTERS = 2000
_SERVERLESS = "serverless"


@dataclass
class CommandExecution(JobExecution):
    """One command job that runs, or waits to."""

    job: CommandJob
    builder: EnvironmentBuilder
    nodes: Nodes

    def wake(self) -> None:
        """Have the queue for nodes look again."""
        self.nodes.wake()

    def work(self) -> int:
        """Build, queue, run; the exit code, which is 0."""
        self.enter("Preparing")
        python = self._environment()
        while True:
            try:
                return self._attempt(python)
            except _Preempted:
                continue  # with other nodes, from its beginning

    def _attempt(self, python: PythonEnvironment) -> int:
        """Queue for nodes and run on them; the exit code, which is 0.

        Raises:
            _Preempted: they were taken away.

        """
        self.enter("Queued")
        compute = self.job.compute_id or _SERVERLESS
        self.faults.queue(compute)
        self.check_canceled()
        try:
            if not self.nodes.acquire(compute, self.job.name, self.canceled, self.job.node_count, self._cold_start):
                raise Canceled(self.reason)
        except TooFewNodes as error:
            raise JobFailed(failure(str(error), "AmlComputeJobFailed", component="AmlCompute")) from None
        folder = self.emulator.state.jobs / self.job.name
        try:
            self.enter("Starting")
            return self._on_nodes(folder, python)
        finally:
            shutil.rmtree(folder, ignore_errors=True)  # a node keeps nothing of a job that is over
            self.nodes.release(compute, self.job.name)

    def _cold_start(self) -> float:
        """Seconds that nodes of the job take to start where none is idle: none, unless a fault says so."""
        fault = self.faults.take("nodes.cold")
        return (fault.seconds or 0.0) if fault else 0.0

    def _environment(self) -> PythonEnvironment:
        conda_file = definition.conda_file(self.emulator, self.job.environment_id)
        if fault := self.faults.fail_build():
            self.check_canceled()
            log = fault.log or FAILED_BUILD
            self.new_log(BUILD_LOG).write_text(log, encoding="utf-8")
            raise BuildFailed(fault.message or log.strip()[-_BUILD_CHARACTERS:])
        if cached := self.builder.cached(conda_file):
            return cached
        try:
            return self.builder.build(conda_file, self.new_log(BUILD_LOG), self.canceled)
        except BuildCanceled:
            raise Canceled(self.reason) from None

    def _on_nodes(self, folder: Path, python: PythonEnvironment) -> int:
        """Stage, run the command as often as the job says, store what it left; the exit code, which is 0."""
        job, emulator = self.job, self.emulator
        wds = [folder / f"node-{node}" / "wd" for node in range(job.node_count)]
        homes = [folder / f"node-{node}" / "home" for node in range(job.node_count)]
        outputs = folder / "outputs"
        for made in (*wds, *homes, outputs):
            made.mkdir(parents=True)
        for wd in wds:
            if job.code_id:
                staging.fetch_code(emulator, job.workspace_id, job.code_id, wd)
            for name in staging.ARTIFACT_FOLDERS:
                (wd / name).mkdir(exist_ok=True)
        values = {"inputs": staging.fetch_inputs(emulator, job, folder / "inputs")}
        values["outputs"] = {name: str(path) for name, path in staging.prepare_outputs(job, outputs).items()}
        paths = {f"AZURE_ML_INPUT_{name}": value for name, value in values["inputs"].items()}
        paths |= {f"AZURE_ML_OUTPUT_{name}": value for name, value in values["outputs"].items()}
        if job.is_parallel:
            paths |= parallel.stage_driver(folder / "driver")
        run = emulator.tracking.run(job.name)
        if run is None:
            raise Canceled("The job was deleted.")
        command = job.arguments(lambda kind, name: values[kind][name])
        processes = distribution.processes(job.distribution, job.node_count, USER_LOG)
        logs = {process.log: self.new_log(process.log) for process in processes}
        self.enter("Running")
        groups: list[ProcessGroup] = []
        try:
            for process in processes:
                home = homes[process.node]
                variables = job_variables(emulator, job, run, home, python, {**paths, **process.variables})
                groups.append(
                    ProcessGroup(
                        ["bash", "-c", command],
                        folder=wds[process.node],
                        environment=variables,
                        log=logs[process.log],
                        grace_seconds=_GRACE_SECONDS,
                    )
                )
            self.faults.fall_silent()
            failed = self._wait(processes, groups)
            self.faults.until_heard()
            self.check_canceled()
        except Canceled:
            set_status(self.emulator, self.job.id, "CancelRequested")
            raise
        finally:
            _stop(groups)
            for wd in wds:
                staging.store_artifacts(emulator, job, wd)
        set_status(emulator, job.id, "Finalizing")
        self.faults.hold("Finalizing")
        self.check_canceled()
        staging.store_outputs(emulator, job, outputs)
        if failed is not None:
            process, code = failed
            message = exit_message(job.command, code, process.log, logs[process.log])
            raise JobFailed(failure(message, "NonZeroExitCode"), code)
        return 0

    def _wait(self, processes: Sequence[Process], groups: Sequence[ProcessGroup]) -> tuple[Process, int] | None:
        """Wait until every process has ended well: None; or until one has not: that one and its exit code.

        Raises:
            Canceled: the job was canceled, or is out of time.
            _Preempted: its nodes were taken away.

        """
        taken = self.faults.take("jobs.preempted") if self._on_low_priority() else None
        taken_at = None if taken is None else time.monotonic() + (taken.seconds or 0.0)
        limit = self.job.timeout_seconds
        deadline = None if limit is None else time.monotonic() + limit
        waiting = list(zip(processes, groups, strict=True))
        while True:
            for process, group in list(waiting):
                code = group.wait(_POLL_SECONDS if len(waiting) == 1 else 0)
                if code is not None and code != 0:
                    return process, code
                if code is not None:
                    waiting.remove((process, group))
            if not waiting:
                return None
            self.check_canceled()
            if taken is not None and taken_at is not None and time.monotonic() > taken_at:
                if taken.fails:
                    message = "Nodes of this job got pre-empted."
                    raise JobFailed(failure(message, "PreemptionError", component="AmlCompute"))
                raise _Preempted
            if deadline is not None and time.monotonic() > deadline:
                raise Canceled(f"The job ran longer than its limit of {limit:g} s (limits.timeout) and was canceled.")
            if len(waiting) > 1:
                time.sleep(_POLL_SECONDS)

    def _on_low_priority(self) -> bool:
        """Whether the job's nodes may be taken away."""
        compute = self.emulator.resources.get(self.job.compute_id) if self.job.compute_id else None
        return compute is not None and (compute.properties.get("properties") or {}).get("vmPriority") == "LowPriority"


class _Preempted(Exception):
    """The nodes of a job were taken away: it begins anew."""


def _stop(groups: Sequence[ProcessGroup]) -> None:
    """End all groups at the same time: each may take its grace."""
    if groups:
        with ThreadPoolExecutor(max_workers=len(groups)) as pool:
            list(pool.map(ProcessGroup.stop, groups))
