"""Artifacts of runs, as run history lists them and gives out addresses to read and write them."""

from __future__ import annotations

import mimetypes
from typing import TYPE_CHECKING

from aml_emulator import blob_service
from aml_emulator.history import HISTORY, RUN_PATTERNS, RunHistoryError, find_run, iso
from aml_emulator.http import Call, Reply, Router
from aml_emulator.ml import datastores
from aml_emulator.resources import now

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body
    from aml_emulator.tracking.store import Run

_SAS_SECONDS = 24 * 3600


def register(router: Router, emulator: Emulator) -> None:
    """Routes of artifacts."""
    for pattern in RUN_PATTERNS:
        base = f"{HISTORY}{pattern}/artifacts"
        router.add("GET", base, lambda call: _artifacts(emulator, call))
        router.add("GET", f"{base}/path", lambda call: _artifacts(emulator, call))
        router.add("GET", f"{base}/contentinfo", lambda call: _content(emulator, call))
        router.add("POST", f"{base}/batch/metadata", lambda call: _new_artifacts(emulator, call))


def _artifacts(emulator: Emulator, call: Call) -> Reply:
    """Artifacts below `path` (a prefix): the plugin of MLflow lists them all and makes the folders itself."""
    workspace, run = find_run(emulator, call)
    container = datastores.containers(emulator, workspace.id).artifacts
    root = f"ExperimentRun/dcid.{run.id}/"
    found = emulator.blobs.list(container, root + call.query.get("path", ""))
    return Reply(
        body={
            "value": [artifact_body(run, blob.name[len(root) :], iso(blob.modified)) for blob in found],
            "continuationToken": None,
            "nextLink": None,
        }
    )


def _content(emulator: Emulator, call: Call) -> Reply:
    workspace, run = find_run(emulator, call)
    path = call.query.get("path", "")
    container = datastores.containers(emulator, workspace.id).artifacts
    name = f"ExperimentRun/dcid.{run.id}/{path}"
    if emulator.blobs.get(container, name) is None:
        raise RunHistoryError(f"Artifact {path} of run {run.id} was not found.")
    return Reply(body=content_information(emulator, container, run, path, "r"))


def _new_artifacts(emulator: Emulator, call: Call) -> Reply:
    """Addresses to upload artifacts to."""
    workspace, run = find_run(emulator, call)
    container = datastores.containers(emulator, workspace.id).artifacts
    paths = [str(item.get("path")) for item in call.json().get("paths") or []]
    return Reply(
        body={
            "artifacts": {path: artifact_body(run, path, now()) for path in paths},
            "artifactContentInformation": {
                path: content_information(emulator, container, run, path, "rcw") for path in paths
            },
            "errors": {},
        }
    )


def artifact_body(run: Run, path: str, created: str | None) -> Body:
    """An artifact as it is listed."""
    return {
        "artifactId": f"ExperimentRun/dcid.{run.id}/{path}",
        "origin": "ExperimentRun",
        "container": f"dcid.{run.id}",
        "path": path,
        "etag": None,
        "createdTime": created,
        "dataPath": None,
        "tags": {},
        "contentType": mimetypes.guess_type(path)[0] or "application/octet-stream",
    }


def content_information(emulator: Emulator, container: str, run: Run, path: str, permissions: str) -> Body:
    """The signed address of an artifact."""
    name = f"ExperimentRun/dcid.{run.id}/{path}"
    url = blob_service.signed_url(emulator, container, name, _SAS_SECONDS, permissions=permissions)
    account = emulator.accounts.owner(container)
    # The plugin of MLflow downloads from addresses of the cloud's storage suffix only, and passes others over in silence.
    own, cloud = f"{emulator.blob_url}/{account}/", f"https://{account}.blob.{datastores.storage_suffix(emulator)}/"
    return {
        "contentUri": url.replace(own, cloud, 1),
        "origin": "ExperimentRun",
        "container": f"dcid.{run.id}",
        "path": path,
        "tags": {},
    }
