"""One command job, from its submission to its end: environment, nodes, processes, outputs."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from aml_emulator.environments import definition
from aml_emulator.environments.builder import BuildCanceled, EnvironmentBuilder, PythonEnvironment
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
        self.enter("Queued")
        compute = self.job.compute_id or _SERVERLESS
        try:
            if not self.nodes.acquire(compute, self.job.name, self.canceled, self.job.node_count):
                raise Canceled(self.reason)
        except TooFewNodes as error:
            raise JobFailed(failure(str(error), "AmlComputeJobFailed", component="AmlCompute")) from None
        folder = self.emulator.state.jobs / self.job.name
        try:
            return self._on_nodes(folder, python)
        finally:
            shutil.rmtree(folder, ignore_errors=True)  # a node keeps nothing of a job that is over
            self.nodes.release(compute, self.job.name)

    def _environment(self) -> PythonEnvironment:
        conda_file = definition.conda_file(self.emulator, self.job.environment_id)
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
            failed = self._wait(processes, groups)
        finally:
            _stop(groups)
            for wd in wds:
                staging.store_artifacts(emulator, job, wd)
        set_status(emulator, job.id, "Finalizing")
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

        """
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
            if self.canceled.is_set():
                set_status(self.emulator, self.job.id, "CancelRequested")
                raise Canceled(self.reason)
            if deadline is not None and time.monotonic() > deadline:
                set_status(self.emulator, self.job.id, "CancelRequested")
                raise Canceled(f"The job ran longer than its limit of {limit:g} s (limits.timeout) and was canceled.")
            if len(waiting) > 1:
                time.sleep(_POLL_SECONDS)


def _stop(groups: Sequence[ProcessGroup]) -> None:
    """End all groups at the same time: each may take its grace."""
    if groups:
        with ThreadPoolExecutor(max_workers=len(groups)) as pool:
            list(pool.map(ProcessGroup.stop, groups))
