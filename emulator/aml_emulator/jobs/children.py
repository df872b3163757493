"""Children of a job: the steps of a pipeline, the trials of a sweep. Each is a job of its own with a run below its parent's."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aml_emulator import ids
from aml_emulator.jobs.status import TERMINAL
from aml_emulator.ml import datastores
from aml_emulator.ml import jobs as resources_of_jobs

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Resource
    from aml_emulator.tracking.schema import Run

_POLL_SECONDS = 0.5


class Children:
    """The children of one job that are under way."""

    def __init__(self, emulator: Emulator, parent_id: str) -> None:
        self._emulator = emulator
        self._parent_id = parent_id
        self._changed = threading.Event()
        self._running: dict[str, str] = {}

    def start(self, key: str, properties: Mapping[str, Any], name: str | None = None) -> str:
        """Store and submit a child that `key` stands for; its id.

        Raises:
            ServiceError: it is wrong or asks for what does not run here.

        """
        child_id = self.store(properties, name)
        self._emulator.jobs.submit(child_id, parent=ids.name_of(self._parent_id), ended=self._changed.set)
        self._running[key] = child_id
        return child_id

    def store(self, properties: Mapping[str, Any], name: str | None = None) -> str:
        """Store a child without running it; its id. A step is named by a guid, as on Azure."""
        workspace_id, resources = ids.parent_of(self._parent_id), self._emulator.resources
        parent = resources.get(self._parent_id)
        if parent is None:
            raise LookupError(self._parent_id)
        body = {"experimentName": parent.properties.get("experimentName"), **properties}
        self._emulator.jobs.validate(body)
        name = name or str(uuid.uuid4())
        stored = resources_of_jobs.stored(self._emulator, workspace_id, name, body)
        actor = str(parent.body["systemData"]["createdBy"])
        return resources.put(f"{workspace_id}/jobs/{name}", {"properties": stored}, actor=actor).id

    @property
    def running(self) -> dict[str, str]:
        """Ids of the children that have not ended, by key."""
        return dict(self._running)

    def ended(self) -> dict[str, tuple[str, Run]]:
        """The children that ended since this was asked last: id and run by key."""
        found = {}
        for key, child_id in self._running.items():
            run = self._emulator.tracking.run(ids.name_of(child_id))
            if run is not None and run.status in TERMINAL and not self._emulator.jobs.running(child_id):
                found[key] = (child_id, run)
        for key in found:
            del self._running[key]
        return found

    def cancel(self, *keys: str, reason: str = "") -> None:
        """Have some children end, or all."""
        for key in keys or self.running:
            if key in self._running:
                self._emulator.jobs.cancel(self._running[key], reason)

    def finish(self, reason: str = "") -> None:
        """End all children and wait until they have ended."""
        self.cancel(reason=reason)
        while self._running:
            self.ended()
            if self._running:
                self.wait()

    def wait(self, seconds: float = _POLL_SECONDS) -> None:
        """Wait until something may have happened."""
        self._changed.wait(seconds)
        self._changed.clear()

    def wake(self) -> None:
        """End a wait."""
        self._changed.set()


def output_uri(emulator: Emulator, job: Resource, name: str) -> str:
    """Where an output of a job lies, as a datastore URI that stays right whoever reads it."""
    declared = (job.properties.get("outputs") or {}).get(name) or {}
    if declared.get("uri"):
        return str(declared["uri"])
    workspace_id = ids.parent_of(job.id)
    slash = "" if declared.get("jobOutputType") == "uri_file" else "/"
    return datastores.long_uri(workspace_id, datastores.BLOB_STORE, f"azureml/{job.name}/{name}{slash}")


def copy(emulator: Emulator, workspace_id: str, source: str, target: str) -> None:
    """Copy what lies at one URI to another, a file or a folder."""
    container, prefix = datastores.resolve_uri(emulator, workspace_id, source)
    target_container, target_prefix = datastores.resolve_uri(emulator, workspace_id, target)
    for blob in emulator.blobs.list(container, prefix):
        rest = blob.name[len(prefix) :]
        if rest == "" or rest.startswith("/"):
            emulator.blobs.put(target_container, target_prefix + rest, blob.path, content_type=blob.content_type)
