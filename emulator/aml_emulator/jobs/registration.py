"""Outputs that their job registers: a job that completes makes data assets or models of the outputs that were given a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aml_emulator import ids
from aml_emulator.jobs.children import output_uri
from aml_emulator.ml import assets, data, models

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Resource


def register_outputs(emulator: Emulator, job_id: str) -> None:
    """Register the named outputs of a job that has completed; a version that exists already keeps what it is.

    Raises:
        ServiceError: a model was promised and there is none.

    """
    job = emulator.resources.get(job_id)
    if job is None:
        return
    for name, output in (job.properties.get("outputs") or {}).items():
        if output and output.get("assetName"):
            _register(emulator, job, name, output)


def _register(emulator: Emulator, job: Resource, name: str, output: dict[str, Any]) -> None:
    kind = str(output.get("jobOutputType") or "uri_folder")
    uri = output_uri(emulator, job, name)
    workspace = emulator.resources.get(ids.parent_of(job.id))
    if workspace is None:
        return
    if kind.endswith("_model"):
        model = models.checked(emulator, workspace, {"modelUri": uri, "modelType": kind})
        asset, body = models.KIND, {**model, "jobName": job.name}
    else:
        asset, body = data.KIND, {"dataUri": uri, "dataType": kind}
    container = f"{workspace.id}/{asset.collection}/{output['assetName']}"
    with emulator.database.transaction():
        versions = emulator.resources.list(container, asset.version_type)
        numbers = [int(item.name) for item in versions if item.name.isdigit()]
        version = str(output.get("assetVersion") or max(numbers, default=0) + 1)
        if any(item.name == version for item in versions):
            return
        actor = str(job.body["systemData"]["createdBy"])
        assets.store(emulator, container, version, {**asset.all_defaults, **body}, actor)
