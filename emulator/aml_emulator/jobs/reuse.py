"""Steps that ran before: a deterministic step with the same component, inputs and environment takes over what it wrote.

As on Azure, data is compared by where it lies, not by what it holds; the compute does not count.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aml_emulator import ids
from aml_emulator.jobs.children import output_uri
from aml_emulator.ml import datastores

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Resource

_TABLE = """
CREATE TABLE IF NOT EXISTS completed_steps (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, fingerprint TEXT NOT NULL, job TEXT NOT NULL COLLATE NOCASE
);
CREATE INDEX IF NOT EXISTS completed_steps_by_fingerprint ON completed_steps (fingerprint);
"""
_COUNTING = (
    "jobType",
    "command",
    "codeId",
    "environmentId",
    "environmentVariables",
    "distribution",
    "inputs",
)


class CompletedSteps:
    """Which step had which fingerprint, kept across restarts."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        emulator.database.create(_TABLE)

    def add(self, fingerprint: str, job_id: str) -> None:
        """Note a step that completed."""
        self._emulator.database.execute(
            "INSERT INTO completed_steps (fingerprint, job) VALUES (?, ?)", (fingerprint, job_id)
        )

    def find(self, fingerprint: str) -> Resource | None:
        """The latest completed step with that fingerprint whose outputs are still there."""
        rows = self._emulator.database.rows(
            "SELECT job FROM completed_steps WHERE fingerprint = ? ORDER BY sequence DESC", (fingerprint,)
        )
        for row in rows:
            job = self._emulator.resources.get(row["job"])
            if job is not None and self._has_outputs(job):
                return job
        return None

    def _has_outputs(self, job: Resource) -> bool:
        workspace_id = ids.parent_of(job.id)
        for name in set(job.properties.get("outputs") or {}) - {"default"}:
            container, prefix = datastores.resolve_uri(
                self._emulator, workspace_id, output_uri(self._emulator, job, name)
            )
            if not self._emulator.blobs.list(container, prefix):
                return False
        return True


def fingerprint(workspace_id: str, properties: Mapping[str, Any]) -> str:
    """What must be equal for a step to be the same step: one hash of it."""
    counting = {name: properties.get(name) for name in _COUNTING}
    outputs = properties.get("outputs") or {}
    counting["outputs"] = {name: output.get("jobOutputType") for name, output in outputs.items()}  # not where they lie
    text = json.dumps([workspace_id.lower(), counting], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
