"""Moving files between a job's folder and the blob store: its code, its inputs, and what it leaves behind."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from aml_emulator.http import ServiceError
from aml_emulator.jobs.specification import CommandJob, JobInput, JobOutput
from aml_emulator.ml import datastores
from aml_emulator.tracking.store import artifact_prefix

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

ARTIFACT_FOLDERS = ("outputs", "logs")
"""Folders of the working directory that are kept with the run, as on Azure."""


_DATA_ID = re.compile(r"(?:azureml:)?(/subscriptions/.+/data/[^/]+/versions/[^/]+)", re.IGNORECASE)


class StagingError(Exception):
    """An input that cannot be brought to the job; the message is for its author."""


def fetch_code(emulator: Emulator, workspace_id: str, code_id: str, folder: Path) -> None:
    """Write a code asset's files to a folder.

    Raises:
        StagingError: there is no such code, or it is empty.

    """
    asset = emulator.resources.get(code_id.removeprefix("azureml:"))
    if asset is None:
        raise StagingError(f"The code '{code_id}' does not exist.")
    container, prefix = datastores.resolve_uri(emulator, workspace_id, str(asset.properties["codeUri"]))
    if not emulator.blobs.download_folder(container, prefix, folder):
        raise StagingError(f"The code '{code_id}' has no files at {asset.properties['codeUri']}.")


def fetch_inputs(emulator: Emulator, job: CommandJob, folder: Path) -> dict[str, str]:
    """Bring every input to the job: what `${{inputs.<name>}}` stands for, by name.

    Raises:
        StagingError: an input does not exist or cannot be read.

    """
    return {name: _fetch(emulator, job, name, item, folder / name) for name, item in job.inputs.items()}


def prepare_outputs(job: CommandJob, folder: Path) -> dict[str, Path]:
    """Make the folder of every declared output; what `${{outputs.<name>}}` stands for, by name."""
    paths = {}
    for name, output in job.outputs.items():
        (folder / name).mkdir(parents=True)
        paths[name] = folder / name / name if output.is_file else folder / name
    return paths


def store_outputs(emulator: Emulator, job: CommandJob, folder: Path) -> None:
    """Store what lies in the folders of declared outputs."""
    for name, output in job.outputs.items():
        container, prefix = _output_place(emulator, job, name, output)
        path = folder / name
        if output.is_file and (path / name).is_file():
            emulator.blobs.put(container, prefix, path / name)
        elif path.is_dir():
            emulator.blobs.upload_folder(container, prefix, path)


def store_artifacts(emulator: Emulator, job: CommandJob, working_directory: Path) -> None:
    """Keep `outputs/` and `logs/` of the working directory with the run."""
    container = datastores.containers(emulator, job.workspace_id).artifacts
    for folder in ARTIFACT_FOLDERS:
        if (working_directory / folder).is_dir():
            prefix = f"{artifact_prefix(job.name)}/{folder}"
            emulator.blobs.upload_folder(container, prefix, working_directory / folder)


def _output_place(emulator: Emulator, job: CommandJob, name: str, output: JobOutput) -> tuple[str, str]:
    if output.uri:
        return datastores.resolve_uri(emulator, job.workspace_id, output.uri)
    return datastores.containers(emulator, job.workspace_id).blobstore, f"azureml/{job.name}/{name}"


def _fetch(emulator: Emulator, job: CommandJob, name: str, item: JobInput, target: Path) -> str:
    if item.value is not None:
        return item.value
    uri = str(item.uri)
    if item.direct:
        return uri
    try:
        container, prefix = datastores.resolve_uri(emulator, job.workspace_id, _data_uri(emulator, uri))
    except ServiceError as error:
        raise StagingError(f"The input '{name}' ({uri}) cannot be read. {error.message}") from None
    if single := emulator.blobs.get(container, prefix):
        target.mkdir(parents=True)
        file = target / single.name.rsplit("/", 1)[-1]
        shutil.copyfile(single.path, file)
        return str(file) if item.is_file else str(target)
    if item.is_file or not emulator.blobs.download_folder(container, prefix, target):
        what = "file" if item.is_file else "folder"
        raise StagingError(f"The input '{name}' names a {what} that does not exist: {uri}")
    return str(target)


def _data_uri(emulator: Emulator, uri: str) -> str:
    """Where the data of a data asset lies; any other URI as it is."""
    if match := _DATA_ID.fullmatch(uri):
        asset = emulator.resources.get(match[1])
        if asset is None:
            raise StagingError(f"The data asset '{uri}' does not exist.")
        return str(asset.properties["dataUri"])
    return uri
