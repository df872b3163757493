"""Downloading what a job wrote, in the folders of the legacy action."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aml_actions.client import quiet
from aml_actions.errors import ActionError

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
"""Names of jobs and outputs that become folders; the service allows no others."""
_OWN = ("hd-artifacts", "artifacts")
"""Where the SDK puts the files of a job itself. Beside those of a sweep it puts those of its best trial, which is a child here."""


def download(client: MLClient, job: str, children: Sequence[str], workspace: Path, temp: Path) -> Path:
    """Download a job's files to ``aml_artifacts_<job>`` in the workspace: ``parent``, ``child_0``, ``child_1``, ...

    The SDK puts the files into ``artifacts`` and declared outputs into ``named-outputs``; SDK v1 had no such level, so the
    content of ``artifacts`` moves up. ``download(all=True)`` of azure-ai-ml 1.35 leaves declared data outputs out (it compares
    ``UriFolder`` with ``uri_folder``), so each is asked for by its name. A file whose name would lead out of its folder is not
    written: the SDK sees to that, and names that become folders here are plain.

    Args:
        client: of the workspace that the job ran in.
        job: a job that has ended.
        children: its child jobs, in their order.
        workspace: folder of the repository.
        temp: folder for files on their way.

    Returns:
        The absolute path of the folder.

    Raises:
        ActionError: the name of the job or of one of its outputs cannot be the name of a folder.

    """
    target = workspace / f"aml_artifacts_{_plain(job)}"
    if target.exists():
        shutil.rmtree(target)
    folders = {"parent": job, **{f"child_{number}": child for number, child in enumerate(children)}}
    for folder, name in folders.items():
        destination = target / folder
        destination.mkdir(parents=True)
        with tempfile.TemporaryDirectory(dir=temp) as received:
            with quiet():
                client.jobs.download(name, download_path=received)
                for output in _outputs(client, name):
                    client.jobs.download(name, download_path=received, output_name=output)
            files = Path(received)
            own = next((files / level for level in _OWN if (files / level).is_dir()), None)
            if own:
                shutil.copytree(own, destination, dirs_exist_ok=True)
            if (files / "named-outputs").is_dir():
                shutil.copytree(files / "named-outputs", destination / "named-outputs", dirs_exist_ok=True)
    return target


def _outputs(client: MLClient, job: str) -> Iterator[str]:
    """Give the declared outputs of a job; a sweep's are those of its best trial, and steps of a pipeline do not tell theirs."""
    found = client.jobs.get(job)
    if str(found.type) == "sweep":
        return
    for output in getattr(found, "outputs", None) or {}:
        if output != "default":
            yield _plain(output)


def _plain(name: str) -> str:
    if _PLAIN_NAME.fullmatch(name):
        return name
    raise ActionError(
        "The files of the job cannot be downloaded: a name that the service gives cannot be the name of a folder.",
        value=name,
        allowed="letters, digits, hyphens, dots and underscores",
    )
