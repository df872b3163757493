"""What raises events: a job that ended, a model that was registered, a blob that was written or deleted.

Payloads, names and their spelling (`ModelName` but `runId`) are those of the official samples (azure-infra, 3.4).
"""

from __future__ import annotations

import threading
import time
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aml_emulator import ids
from aml_emulator.eventgrid.events import ML_PREFIX, STORAGE_PREFIX

if TYPE_CHECKING:
    from aml_emulator.blobs import BlobChange
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Resource

_STORAGE = "Microsoft.Storage/storageAccounts"
_RUN_EVENTS = {"Completed": "RunCompleted", "Failed": "RunStatusChanged"}
"""Of a job that was canceled Azure says nothing."""


def job_ended(emulator: Emulator, job_id: str, status: str) -> None:
    """Tell that a job, or a step or trial of one, completed or failed."""
    name, workspace_id = _RUN_EVENTS.get(status), ids.parent_of(job_id)
    if name is None or not emulator.events.heard(workspace_id):
        return
    run, job = emulator.tracking.run(ids.name_of(job_id)), emulator.resources.get(job_id)
    if run is None or job is None:
        return
    from aml_emulator.history import run_type

    data: dict[str, Any] = {
        "experimentId": run.experiment_id,
        "experimentName": run.experiment_name,
        "runId": run.id,
        "runType": run_type(job),
        "runTags": emulator.tracking.tags(run.id),
        "runProperties": job.properties.get("properties") or {},
    }
    if status != "Completed":
        data["runStatus"] = status.lower()
    subject = f"experiments/{run.experiment_id}/runs/{run.id}"
    emulator.events.publish(run.workspace_id, f"{ML_PREFIX}{name}", subject, data)


def model_registered(emulator: Emulator, version: Resource) -> None:
    """Tell that a new version of a model is there."""
    workspace_id = ids.parent_of(ids.parent_of(version.id))
    if not emulator.events.heard(workspace_id):
        return
    name = ids.segment(version.id, "models") or ""
    properties = version.properties
    data = {
        "ModelName": name,
        "ModelVersion": int(version.name) if version.name.isdigit() else version.name,
        "ModelTags": properties.get("tags") or {},
        "ModelProperties": properties.get("properties") or {},
    }
    emulator.events.publish(workspace_id, f"{ML_PREFIX}ModelRegistered", f"models/{name}:{version.name}", data)


class BlobEvents:
    """Tells of blobs that were written and deleted, in storage accounts whose events somebody gets."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._sequencer = _Sequencer()

    def changed(self, change: BlobChange) -> None:
        """Tell of one blob."""
        events = self._emulator.events
        if not events.anything_heard(_STORAGE):
            return
        account = self._account(change.blob.container)
        if account is None or not events.heard(account.id):
            return
        blob, request = change.blob, change.request_id or str(uuid.uuid4())
        container = self._emulator.accounts.name_of(blob.container)
        data: dict[str, Any] = {"api": change.api}
        if change.client_request_id:
            data["clientRequestId"] = change.client_request_id
        data |= {
            "requestId": request,
            "eTag": blob.etag.strip('"'),
            "contentType": blob.content_type,
            "contentLength": change.size,
            "blobType": "BlockBlob",
            "url": f"{self._emulator.blob_url}/{account.name}/{container}/{quote(blob.name)}",
            "sequencer": self._sequencer.next(),
            "storageDiagnostics": {"batchId": str(uuid.uuid4())},
        }
        subject = f"/blobServices/default/containers/{container}/blobs/{blob.name}"
        name = "BlobDeleted" if change.deleted else "BlobCreated"
        events.publish(account.id, f"{STORAGE_PREFIX}{name}", subject, data)

    def _account(self, container: str) -> Resource | None:
        owner = self._emulator.accounts.owner(container)
        accounts = self._emulator.resources.all_of(_STORAGE) if owner else []
        return next((one for one in accounts if one.name == owner), None)


class _Sequencer:
    """Texts of one length that sort as the changes came, also after a restart."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def next(self) -> str:
        with self._lock:
            self._last = max(self._last + 1, time.time_ns())
            return f"{self._last:048x}"
