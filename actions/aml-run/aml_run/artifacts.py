"""Downloading what a job wrote, in the folders of the legacy action."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.ai.ml import MLClient


def download(client: MLClient, job: str, children: Sequence[str], workspace: Path, temp: Path) -> Path:
    """Download a job's files to ``aml_artifacts_<job>`` in the workspace: ``parent``, ``child_0``, ``child_1``, ...

    The SDK puts the files into ``artifacts`` and declared outputs into ``named-outputs``; SDK v1 had no such level, so the
    content of ``artifacts`` moves up. ``download(all=True)`` of azure-ai-ml 1.35 leaves declared data outputs out (it compares
    ``UriFolder`` with ``uri_folder``), so each is asked for by its name.

    Args:
        client: of the workspace that the job ran in.
        job: a job that has ended.
        children: its child jobs, in their order.
        workspace: folder of the repository.
        temp: folder for files on their way.

    Returns:
        The absolute path of the folder.

    """
    target = workspace / f"aml_artifacts_{job}"
    if target.exists():
        shutil.rmtree(target)
    folders = {"parent": job, **{f"child_{number}": child for number, child in enumerate(children)}}
    for folder, name in folders.items():
        destination = target / folder
        destination.mkdir(parents=True)
        with tempfile.TemporaryDirectory(dir=temp) as received:
            client.jobs.download(name, download_path=received)
            for output in client.jobs.get(name).outputs or {}:
                if output != "default":
                    client.jobs.download(name, download_path=received, output_name=output)
            files = Path(received)
            if (files / "artifacts").is_dir():
                shutil.copytree(files / "artifacts", destination, dirs_exist_ok=True)
            if (files / "named-outputs").is_dir():
                shutil.copytree(files / "named-outputs", destination / "named-outputs", dirs_exist_ok=True)
    return target
