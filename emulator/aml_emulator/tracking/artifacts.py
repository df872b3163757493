"""Artifacts of runs for MLflow's plain client: its artifact service, before the same store that Azure's clients use."""

from __future__ import annotations

import mimetypes
import re
from typing import TYPE_CHECKING

from aml_emulator.http import Call, FileSlice, Reply
from aml_emulator.ml import datastores
from aml_emulator.tracking import messages
from aml_emulator.tracking.messages import Json, invalid
from aml_emulator.tracking.schema import Run
from aml_emulator.tracking.store import artifact_prefix

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

_PATH = re.compile(r"ExperimentRun/dcid\.(?P<run>[^/]+)(?:/(?P<path>.*))?")


def address(run: Run) -> str:
    """The artifact URI of a run for a client without Azure's plugin: it asks the server that it tracks with."""
    return f"mlflow-artifacts:/{artifact_prefix(run.id)}"


def run_of(path: str) -> str:
    """The run whose artifacts a path of the artifact service names (raises MlflowError)."""
    return _split(path)[0]


class Artifacts:
    """The handlers, for one workspace."""

    def __init__(self, emulator: Emulator, workspace_id: str) -> None:
        self._emulator = emulator
        self._workspace_id = workspace_id

    def list_of_run(self, call: Call) -> Reply:
        """artifacts/list of the tracking API: paths from the run's root on."""
        fields = messages.arguments(call)
        run_id = messages.text({"run_id": fields.get("run_id") or fields.get("run_uuid")}, "run_id")
        run, path = self._run(run_id), str(fields.get("path") or "").strip("/")
        files = [item | {"path": f"{path}/{item['path']}" if path else item["path"]} for item in self._below(run, path)]
        return Reply(body={"root_uri": address(run), "files": files})

    def list_folder(self, call: Call) -> Reply:
        """The artifact service's listing of `path`: names without their folder."""
        run_id, path = _split(call.query.get("path", ""))
        return Reply(body={"files": self._below(self._run(run_id), path)})

    def get(self, call: Call) -> Reply:
        """Download a file."""
        run_id, path = _split(call.params["path"])
        blob = self._emulator.blobs.get(self._container, f"{artifact_prefix(self._run(run_id).id)}/{path}")
        if blob is None:
            raise messages.missing(f"Run {run_id} has no artifact '{path}'.")
        return Reply(200, FileSlice(blob.path, 0, blob.size), media_type=blob.content_type)

    def put(self, call: Call) -> Reply:
        """Upload a file."""
        run_id, path = _split(call.params["path"])
        if not path or ".." in path.split("/"):
            raise invalid(f"Invalid artifact path '{path}'.")
        kind = call.headers.get("content-type") or mimetypes.guess_type(path)[0] or "application/octet-stream"
        name = f"{artifact_prefix(self._run(run_id).id)}/{path}"
        self._emulator.blobs.put(self._container, name, call.body, content_type=kind)
        return Reply(body={})

    def delete(self, call: Call) -> Reply:
        """Delete a file or a folder."""
        run_id, path = _split(call.params["path"])
        root = f"{artifact_prefix(self._run(run_id).id)}/{path}".rstrip("/")
        for blob in self._emulator.blobs.list(self._container, root):
            if blob.name == root or blob.name.startswith(f"{root}/"):
                self._emulator.blobs.delete(self._container, blob.name)
        return Reply(body={})

    @property
    def _container(self) -> str:
        return datastores.containers(self._emulator, self._workspace_id).artifacts

    def _run(self, run_id: str) -> Run:
        found = self._emulator.tracking.run(run_id)
        if found is None or found.workspace_id.lower() != self._workspace_id.lower():
            raise messages.missing(f"Run with id={run_id} not found")
        return found

    def _below(self, run: Run, path: str) -> list[Json]:
        """Files and folders directly below a folder; nothing for a file."""
        root = f"{artifact_prefix(run.id)}/{path}".rstrip("/") + "/"
        files: dict[str, Json] = {}
        for blob in self._emulator.blobs.list(self._container, root):
            name, slash, _ = blob.name[len(root) :].partition("/")
            files[name] = (
                {"path": name, "is_dir": True} if slash else {"path": name, "is_dir": False, "file_size": blob.size}
            )
        return [files[name] for name in sorted(files)]


def _split(path: str) -> tuple[str, str]:
    match = _PATH.fullmatch(path.strip("/"))
    if match is None:
        raise invalid(f"Invalid artifact path '{path}': artifacts lie below ExperimentRun/dcid.<run id>/.")
    return match["run"], (match["path"] or "").strip("/")
