"""Which files a job left, and how to read them.

``jobs.download`` of azure-ai-ml 1.35 is not used: it holds each file in memory as a whole, fetches one after the other, knows no limit,
leaves half of a download where it broke off, and leaves declared data outputs out. What a job logged and wrote to ``outputs`` comes
through the signed URLs of the artifact service, which ask for no right on the storage. Declared outputs lie in datastores and are
listed there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from aml_actions.artifact_service import ArtifactService, JobFiles
from aml_actions.client import quiet
from aml_run.downloads import WORKERS, RemoteFile
from aml_run.signed_blobs import Replaced, Unreadable, find_length, stream

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.core.credentials import TokenCredential
    from azure.storage.blob import ContainerClient

_PLACE = re.compile(r"azureml://(?:.*/)?datastores/(?P<datastore>[^/]+)/(?:paths/)?(?P<path>.*)", re.IGNORECASE)
_OWN_OUTPUT = "default"
"""The output that stands for the artifacts themselves."""
_PART_BYTES = 4 * 1024 * 1024
"""Bytes of one request to a datastore."""
_RETRIES = {"initial_backoff": 1, "increment_base": 2, "random_jitter_range": 1}
"""Pauses of seconds: by default azure-storage-blob waits a quarter of a minute first, and a download has attempts of its own."""
_SWEEP = "hyperdrive"
_STEP = "steprun"


class RemoteFiles:
    """Lists the files of jobs."""

    def __init__(
        self,
        service: ArtifactService,
        client: MLClient,
        credential: TokenCredential,
        storage_suffix: str,
        warn: Callable[[str], None],
    ) -> None:
        """Ask `service` for artifacts and the workspace of `client` for datastores.

        Args:
            service: of the workspace.
            client: of the workspace.
            credential: signs in to datastores without keys, or whose keys may not be read.
            storage_suffix: of the cloud, what follows ``<account>.blob.``.
            warn: hears which output cannot be had.
        """
        self._service = service
        self._client = client
        self._credential = credential
        self._suffix = storage_suffix
        self._warn = warn
        self._containers: dict[str, ContainerClient | None] = {}

    def of(self, job: str, folder: str) -> list[RemoteFile]:
        """Return the files of a job, to be put below a folder: its artifacts, and its declared outputs below ``named-outputs``.

        The outputs of a sweep are those of its best trial, which is one of its child jobs; those of a step of a pipeline are handed
        on within the pipeline, which declares what is to be seen.

        Raises:
            azure.core.exceptions.AzureError: a service cannot be asked, or does not know the job.
            Unreadable: a storage account does not answer.

        """
        found = self._service.of_job(job)
        return [*self._artifacts(found.owner, folder), *self._outputs(found, folder)]

    def _artifacts(self, job: str, folder: str) -> Iterator[RemoteFile]:
        urls = self._service.signed_urls(job)
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="sizes") as pool:
            sizes = list(pool.map(lambda url: find_length(url) if url else None, urls.values()))
        for (path, url), size in zip(urls.items(), sizes, strict=True):
            if size is None:
                self._warn(f"File {path} of job {job} is not downloaded: it is listed, but it is not there.")
            else:
                yield RemoteFile(f"{folder}/{path}", size, partial(stream, url))

    def _outputs(self, job: JobFiles, folder: str) -> Iterator[RemoteFile]:
        kind = job.kind.lower()
        if _SWEEP in kind or _STEP in kind:
            return
        declared = {name: one for name, one in job.outputs.items() if name != _OWN_OUTPUT}
        places = self._service.places(declared)
        for name in declared or self._names(job.owner):
            target = f"{folder}/named-outputs/{name}"
            if name not in places:
                yield from self._usual_place(job.owner, name, target)
            elif (files := self.at(places[name], target)) is not None:
                yield from files
            else:
                self._warn(
                    f"Output {name} of job {job.owner} is not downloaded: only files of Azure Blob Storage and of Data Lake Gen2 can be."
                )

    def _names(self, job: str) -> list[str]:
        """Return the names of outputs that the job itself declares: run history does not tell them of every job."""
        from azure.ai.ml.exceptions import MlException
        from azure.core.exceptions import AzureError

        try:
            with quiet():
                declared = getattr(self._client.jobs.get(job), "outputs", None)
        except (
            AzureError,
            MlException,
        ):  # a run within a script's run is no job; and there are kinds that the SDK cannot read
            return []
        return [str(name) for name in declared or {} if name != _OWN_OUTPUT]

    def _usual_place(self, job: str, name: str, folder: str) -> list[RemoteFile]:
        """Return the files of an output whose place the service does not tell, from where azure-ai-ml looks for it too."""
        store = str(self._client.datastores.get_default().name)
        for top in ("azureml", "dataset"):
            if files := self.at(f"azureml://datastores/{store}/paths/{top}/{quote(job)}/{quote(name)}/", folder):
                return files
        self._warn(f"Output {name} of job {job} is not downloaded: Azure does not say where it lies.")
        return []

    def at(self, uri: str, folder: str) -> list[RemoteFile] | None:
        """Return the files at ``azureml://.../datastores/<name>/paths/<path>``; None for a place that has no blobs.

        Raises:
            azure.core.exceptions.AzureError: the datastore or its storage cannot be asked.

        """
        place = _PLACE.fullmatch(uri)
        container = self._container(place["datastore"]) if place else None
        if place is None or container is None:
            return None
        return list(_below(container, unquote(place["path"]).strip("/"), folder))

    def _container(self, datastore: str) -> ContainerClient | None:
        """Return what lists and reads a datastore; None for one whose kind has no blobs."""
        if datastore not in self._containers:
            self._containers[datastore] = self._connect(datastore)
        return self._containers[datastore]

    def _connect(self, datastore: str) -> ContainerClient | None:
        from azure.core.exceptions import HttpResponseError
        from azure.storage.blob import ContainerClient

        try:
            found = self._client.datastores.get(datastore, include_secrets=True)
        except HttpResponseError:  # the keys may not be read: the storage itself may allow it
            found = self._client.datastores.get(datastore)
        container = getattr(found, "container_name", None) or getattr(found, "filesystem", None)
        account = getattr(found, "account_name", None)
        if not container or not account:
            return None
        secrets = found.credentials
        key = getattr(secrets, "account_key", None) or getattr(secrets, "sas_token", None)
        return ContainerClient(
            f"https://{account}.blob.{self._suffix}",
            container,
            credential=key or self._credential,
            max_single_get_size=_PART_BYTES,
            max_chunk_get_size=_PART_BYTES,
            **_RETRIES,
        )


def _below(container: ContainerClient, path: str, folder: str) -> Iterator[RemoteFile]:
    """Give the blobs of a folder, or the one that has exactly this path."""
    for blob in container.list_blobs(name_starts_with=path, include=["metadata"]):
        name, size = str(blob.name), int(blob.size or 0)
        if (blob.metadata or {}).get("hdi_isfolder") == "true":
            continue
        if name == path:
            yield RemoteFile(f"{folder}/{path.rpartition('/')[2]}", size, partial(_read, container, name))
        elif not path or name.startswith(f"{path}/"):
            rest = name[len(path) :].lstrip("/")
            yield RemoteFile(f"{folder}/{rest}", size, partial(_read, container, name))


def _read(container: ContainerClient, name: str, offset: int) -> Iterator[bytes]:
    """Give a blob from an offset on.

    Raises:
        Replaced: it is shorter.
        Unreadable: it cannot be read now.

    """
    from azure.core.exceptions import AzureError, HttpResponseError

    try:
        yield from container.download_blob(name, offset=offset).chunks()
    except HttpResponseError as error:
        if error.status_code == 416:
            raise Replaced("it is shorter than what was read of it") from None
        raise Unreadable(f"HTTP {error.status_code}") from None
    except AzureError as error:
        raise Unreadable(type(error).__name__) from None
