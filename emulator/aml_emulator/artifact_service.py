"""The artifact service (`/artifact/v2.0`), through which SDK v1's `Run` uploads, lists and downloads the files of a run.

They are the artifacts that run history lists. Names are `<origin>/<container>/<path>`: `ExperimentRun/dcid.<run id>/...`.
"""

from __future__ import annotations

import mimetypes
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from aml_emulator.history import RunHistoryError, iso
from aml_emulator.http import Call, FileSlice, Reply, Router, not_emulated
from aml_emulator.ml import datastores
from aml_emulator.ml.scope import WORKSPACE, find_workspace
from aml_emulator.resources import now
from aml_emulator.run_artifacts import artifact_body, content_information
from aml_emulator.tracking.store import artifact_prefix

if TYPE_CHECKING:
    from aml_emulator.blobs import Blob
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body
    from aml_emulator.tracking.schema import Run

_ARTIFACTS = f"/artifact/v2.0{WORKSPACE}/artifacts"
_RUNS = "ExperimentRun"


def register(router: Router, emulator: Emulator) -> None:
    """Routes of artifacts."""
    service = _Artifacts(emulator)
    of_container = "{origin}/{container}"
    of_path = f"{of_container}/{{path:path}}"
    # The order counts: the last two patterns would take the others' paths.
    router.add("POST", f"{_ARTIFACTS}/batch/metadata/{of_container}", service.create)
    router.add("GET", f"{_ARTIFACTS}/contentinfo/{of_path}", service.readable)
    router.add("GET", f"{_ARTIFACTS}/write/{of_path}", service.writable)
    router.add("GET", f"{_ARTIFACTS}/prefix/contentinfo/{of_path}", service.readable_below)
    router.add("GET", f"{_ARTIFACTS}/metadata/{of_path}", service.metadata)
    router.add("GET", f"{_ARTIFACTS}/content/{of_path}", service.download)
    router.add("POST", f"{_ARTIFACTS}/content/{of_path}", service.upload)
    router.add("GET", f"{_ARTIFACTS}/{of_container}", service.listing)
    router.add("GET", f"{_ARTIFACTS}/{of_path}", service.listing)


class _Artifacts:
    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def create(self, call: Call) -> Reply:
        """Addresses to upload new artifacts to."""
        container, run, _ = self._place(call)
        paths = [str(item.get("path")) for item in call.json().get("paths") or []]
        return Reply(
            body={
                "artifacts": {path: artifact_body(run, path, now()) for path in paths},
                "artifactContentInformation": {path: self._address(container, run, path, "rcw") for path in paths},
                "errors": {},
            }
        )

    def readable(self, call: Call) -> Reply:
        """The address to read an artifact from."""
        container, run, path = self._place(call)
        self._blob(container, run, path)
        return Reply(body=self._address(container, run, path, "r"))

    def writable(self, call: Call) -> Reply:
        """The address to write an artifact to."""
        container, run, path = self._place(call)
        return Reply(body=self._address(container, run, path, "rcw"))

    def readable_below(self, call: Call) -> Reply:
        """The addresses to read the artifacts from whose paths begin so."""
        container, run, path = self._place(call)
        found = [self._address(container, run, name, "r") for name, _ in self._below(container, run, path)]
        return Reply(body={"value": found, "continuationToken": None, "nextLink": None})

    def metadata(self, call: Call) -> Reply:
        """One artifact."""
        container, run, path = self._place(call)
        return Reply(body=artifact_body(run, path, iso(self._blob(container, run, path).modified)))

    def download(self, call: Call) -> Reply:
        """The content of an artifact."""
        container, run, path = self._place(call)
        blob = self._blob(container, run, path)
        return Reply(200, FileSlice(blob.path, 0, blob.size), media_type=blob.content_type)

    def upload(self, call: Call) -> Reply:
        """Store an artifact, or with `append` add to its end."""
        container, run, path = self._place(call)
        name, content = f"{artifact_prefix(run.id)}/{path}", call.body
        if call.query.get("append", "").lower() == "true" and (old := self._emulator.blobs.get(container, name)):
            content = old.read() + content
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        self._emulator.blobs.put(container, name, content, content_type=kind)
        return Reply(body=artifact_body(run, path, now()))

    def listing(self, call: Call) -> Reply:
        """The artifacts of a run, or those whose paths begin so."""
        container, run, path = self._place(call)
        found = [artifact_body(run, name, iso(blob.modified)) for name, blob in self._below(container, run, path)]
        return Reply(body={"value": found, "continuationToken": None, "nextLink": None})

    def _place(self, call: Call) -> tuple[str, Run, str]:
        """The blob container, the run and the path that a request names."""
        workspace = find_workspace(self._emulator, call)
        origin, name = call.params["origin"], call.params["container"]
        if origin != _RUNS or not name.startswith("dcid."):
            raise not_emulated(f"artifacts of '{origin}/{name}'; it keeps those of runs, '{_RUNS}/dcid.<run id>'")
        run = self._emulator.tracking.run(name.removeprefix("dcid."))
        if run is None or run.workspace_id.lower() != workspace.id.lower():
            raise RunHistoryError(f"Run {name.removeprefix('dcid.')} was not found.")
        path = call.params.get("path", "").strip("/")
        if ".." in path.split("/"):
            raise RunHistoryError(f"The artifact path '{path}' must not hold '..'.", 400, "BadArgument")
        return datastores.containers(self._emulator, workspace.id).artifacts, run, path

    def _blob(self, container: str, run: Run, path: str) -> Blob:
        found = self._emulator.blobs.get(container, f"{artifact_prefix(run.id)}/{path}")
        if found is None:
            raise RunHistoryError(f"Artifact {path} of run {run.id} was not found.")
        return found

    def _below(self, container: str, run: Run, prefix: str) -> list[tuple[str, Blob]]:
        root = f"{artifact_prefix(run.id)}/"
        return [(blob.name[len(root) :], blob) for blob in self._emulator.blobs.list(container, root + prefix)]

    def _address(self, container: str, run: Run, path: str, permissions: str) -> Body:
        """The signed address of an artifact, its path escaped no further than an address needs.

        SDK v1 takes the path out of it as the blob's name and escapes that: `a%20b` would be stored under that very name.
        """
        found = content_information(self._emulator, container, run, path, permissions)
        address, _, query = str(found["contentUri"]).partition("?")
        found["contentUri"] = re.sub("[%?#]", lambda match: quote(match[0]), unquote(address)) + f"?{query}"
        return found
