"""The files of a job, and where its declared outputs lie: what SDK v1 and azure-ai-ml ask the data plane for before they download."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aml_actions.run_history import reused_from

if TYPE_CHECKING:
    from aml_actions.rest import AzureRest
    from aml_actions.workspace import WorkspaceRef

_MODEL = re.compile(r"(custom|mlflow|triton)_?model", re.IGNORECASE)
_DATA = re.compile(r"uri_?file|uri_?folder|ml_?table", re.IGNORECASE)


@dataclass(frozen=True)
class JobFiles:
    """Whose files the files of a job are.

    Attributes:
        owner: the job itself; of a step that was not run again, because nothing had changed, the job that ran it.
        kind: in the words of run history, such as ``azureml.StepRun``.
        outputs: asset id and kind of each declared output.
    """

    owner: str
    kind: str = ""
    outputs: Mapping[str, tuple[str, str]] = field(default_factory=dict)


class ArtifactService:
    """The artifacts of one workspace's jobs, as ``azureml-core`` 1.61 reads them, and the places of outputs, as azure-ai-ml does."""

    def __init__(self, rest: AzureRest, api: str, workspace: WorkspaceRef) -> None:
        """Talk to the data plane at `api`, the key ``api`` of the document at the workspace's discovery URL."""
        self._rest = rest
        self._api = api.rstrip("/")
        self._workspace = workspace.arm_id

    def of_job(self, job: str) -> JobFiles:
        """Return whose files to ask for.

        Raises:
            azure.core.exceptions.AzureError: the service cannot be asked, or does not know the job.

        """
        run, owner = self._run(job), job
        if original := reused_from(run.get("properties") or {}):
            run, owner = self._run(original), original
        outputs = {
            str(name): (str(one.get("assetId") or ""), str(one.get("type") or ""))
            for name, one in (run.get("outputs") or {}).items()
            if isinstance(one, dict)
        }
        return JobFiles(owner, str(run.get("runType") or ""), outputs)

    def signed_urls(self, job: str) -> dict[str, str]:
        """Return all files of a job and the signed URLs that read them: secrets. Who holds one needs no right on the storage.

        A file that the service lists and gives no URL for has an empty one.

        Raises:
            azure.core.exceptions.AzureError: the service cannot be asked, or does not know the job.

        """
        base = f"{self._api}/artifact/v2.0{self._workspace}/artifacts"
        container = f"ExperimentRun/dcid.{quote(job, safe='')}"
        paths = [str(one.get("path") or "") for one in self._pages(f"{base}/{container}")]
        urls = dict.fromkeys(filter(None, paths), "")
        # A request for each folder at the top, not for each file.
        for top in sorted({path.lstrip("/").split("/", 1)[0] for path in paths} - {"", ".", ".."}):
            for one in self._pages(f"{base}/prefix/contentinfo/{container}/{quote(top, safe='')}"):
                if one.get("path") and one.get("contentUri"):
                    urls[str(one["path"])] = str(one["contentUri"])
        return urls

    def places(self, outputs: Mapping[str, tuple[str, str]]) -> dict[str, str]:
        """Return where declared outputs lie, as ``azureml://.../datastores/<name>/paths/<path>``.

        Args:
            outputs: of `of_job`; those that are neither data nor a model have no place.

        Raises:
            azure.core.exceptions.AzureError: the service cannot be asked.

        """
        data = {asset: name for name, (asset, kind) in outputs.items() if _DATA.fullmatch(kind)}
        models = {asset: name for name, (asset, kind) in outputs.items() if _MODEL.fullmatch(kind)}
        return {
            **self._resolved("data/v1.0", "dataversion", "uri", data),
            **self._resolved("modelregistry/v1.0", "models", "path", models),
        }

    def _run(self, job: str) -> dict[str, Any]:
        data = self._rest.post(f"{self._api}/history/v1.0{self._workspace}/rundata", {"runId": job})
        run = data.get("runMetadata")
        return run if isinstance(run, dict) else {}

    def _resolved(self, service: str, collection: str, member: str, names: Mapping[str, str]) -> dict[str, str]:
        if not names:
            return {}
        url = f"{self._api}/{service}{self._workspace}/{collection}/batchGetResolvedUris"
        values = self._rest.post(url, {"values": list(names)}).get("values") or {}
        return {
            names[asset]: str(found[member])
            for asset, found in values.items()
            if asset in names and isinstance(found, dict) and found.get(member)
        }

    def _pages(self, url: str) -> Iterator[dict[str, Any]]:
        params: dict[str, str] = {}
        while True:
            page = self._rest.get(url, params)
            yield from page.get("value") or []
            if not page.get("continuationToken"):
                return
            params = {"continuationToken": str(page["continuationToken"])}
