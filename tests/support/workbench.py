"""An emulator with its real stores and services in this process, not served: for what happens to jobs and deployments over time."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.emulator import share_environments

from aml_emulator import ids
from aml_emulator.context import Emulator
from aml_emulator.http import Call, Reply, Router
from aml_emulator.ml.datastores import containers, create_defaults
from aml_emulator.server import build
from aml_emulator.state import StateDirectory

PYTHON = "dependencies: [python=3.11]"
TERMINAL = ("Completed", "Failed", "Canceled")


class Workbench:
    """The emulator, and short ways to put jobs and deployments into it."""

    def __init__(self, emulator: Emulator, router: Router) -> None:
        self.emulator, self.router = emulator, router
        self.workspace = ids.workspace_id("11111111-2222-3333-4444-555555555555", "group", "bench")
        if emulator.resources.get(self.workspace) is None:
            properties = {"workspaceId": str(uuid.uuid4())}
            emulator.resources.put(self.workspace, {"location": "westeurope", "properties": properties})
            create_defaults(emulator, self.workspace, "mlstore", "tests")

    def environment(self, conda_file: str = PYTHON) -> str:
        """Id of an environment with that conda file."""
        name = f"{self.workspace}/environments/e{uuid.uuid4().hex[:8]}/versions/1"
        return self.emulator.resources.put(name, {"properties": {"condaFile": conda_file, "image": "image"}}).id

    def files(self, content: Mapping[str, str | bytes]) -> str:
        """URI of a folder with these files in the workspace's blob store."""
        folder = f"LocalUpload/{uuid.uuid4().hex}/folder"
        container = containers(self.emulator, self.workspace).blobstore
        for name, text in content.items():
            data = text.encode() if isinstance(text, str) else text
            self.emulator.blobs.put(container, f"{folder}/{name}", data)
        return f"azureml://datastores/workspaceblobstore/paths/{folder}"

    def code(self, content: Mapping[str, str]) -> str:
        """Id of a code asset with these files."""
        name = f"{self.workspace}/codes/{uuid.uuid4()}/versions/1"
        return self.emulator.resources.put(name, {"properties": {"codeUri": self.files(content)}}).id

    def cluster(self, nodes: int) -> str:
        """Id of a compute cluster with at most that many nodes."""
        properties = {"computeType": "AmlCompute", "properties": {"scaleSettings": {"maxNodeCount": nodes}}}
        name = f"{self.workspace}/computes/c{uuid.uuid4().hex[:8]}"
        return self.emulator.resources.put(name, {"properties": properties}).id

    def properties(self, command: str, files: Mapping[str, str] | None = None, **more: Any) -> dict[str, Any]:
        """Properties of a command job."""
        found = {"jobType": "Command", "command": command, "environmentId": self.environment(), "status": "NotStarted"}
        if files:
            found["codeId"] = self.code(files)
        return {**found, **more}

    def submit(self, command: str, files: Mapping[str, str] | None = None, **more: Any) -> str:
        """Id of a job that was submitted."""
        job_id = f"{self.workspace}/jobs/job_{uuid.uuid4().hex[:8]}"
        self.emulator.resources.put(job_id, {"properties": self.properties(command, files, **more)})
        self.emulator.jobs.submit(job_id)
        return job_id

    def status(self, resource_id: str) -> str:
        """Status of a job: that of its resource, which is that of its run."""
        resource, run = self.emulator.resources.get(resource_id), self.emulator.tracking.run(ids.name_of(resource_id))
        assert resource is not None
        assert run is not None
        found: str = resource.properties["status"]
        return found if found == run.status else f"resource {found}, run {run.status}"

    def wait(self, job_id: str, *statuses: str, seconds: float = 60) -> str:
        """Wait until a job is in one of some states, by default in a terminal one."""
        wanted = statuses or TERMINAL
        deadline = time.monotonic() + seconds
        while (found := self.status(job_id)) not in wanted:
            assert time.monotonic() < deadline, f"still {found} after {seconds} s"
            assert statuses == () or found not in TERMINAL, f"{found}: {self.error(job_id)}\n{self.log(job_id)}"
            time.sleep(0.02)
        return found

    def run(self, command: str, files: Mapping[str, str] | None = None, **more: Any) -> str:
        """Id of a job that ran to an end."""
        job_id = self.submit(command, files, **more)
        self.wait(job_id)
        return job_id

    def log(self, job_id: str, name: str = "user_logs/std_log.txt") -> str:
        """A log of a job; "" when there is none."""
        return self.artifacts(job_id).get(name, b"").decode()

    def artifacts(self, job_id: str) -> dict[str, bytes]:
        """Everything that is kept with a run."""
        container = containers(self.emulator, self.workspace).artifacts
        prefix = f"ExperimentRun/dcid.{ids.name_of(job_id)}/"
        return {blob.name[len(prefix) :]: blob.read() for blob in self.emulator.blobs.list(container, prefix)}

    def stored(self, prefix: str) -> dict[str, bytes]:
        """Blobs of the workspace's blob store below a prefix."""
        container = containers(self.emulator, self.workspace).blobstore
        return {blob.name[len(prefix) :]: blob.read() for blob in self.emulator.blobs.list(container, prefix)}

    def error(self, job_id: str) -> dict[str, Any]:
        """The error of a job's run; {} without one."""
        run = self.emulator.tracking.run(ids.name_of(job_id))
        assert run is not None
        return (run.error or {}).get("error", {})

    def ask(self, method: str, path: str, body: bytes = b"", query: str = "", **headers: str) -> Reply:
        """Send a request through the router; header names are written with underscores."""
        found = self.router.find(method, path)
        assert found, f"no route for {method} {path}"
        handler, _, params = found
        named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        pairs = dict(part.split("=", 1) for part in query.split("&") if part)
        return handler(Call(method, path, path, pairs, query, named, body, params))


@contextmanager
def workbench(folder: Path) -> Iterator[Workbench]:
    """An emulator in this process on a state directory, for the length of a `with` block."""
    share_environments(folder)
    state = StateDirectory(folder)
    state.create()
    emulator, router = build(state, 8443, 8444)
    (state.pki / "bundle.pem").touch()
    emulator.jobs.start()
    emulator.serving.start()
    try:
        yield Workbench(emulator, router)
    finally:
        emulator.jobs.stop()
        emulator.serving.stop()
        emulator.database.close()
