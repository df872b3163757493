"""Downloading what a job wrote, in the folders of the legacy action."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from aml_actions.errors import ActionError
from aml_run.downloads import MEBIBYTE, RemoteFile, fetch_all
from aml_run.remote_files import RemoteFiles
from aml_run.signed_blobs import Unreadable

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
"""Names of jobs that become folders; the service allows no others."""
_NAMED = 10
"""Files that a warning names."""


def download(
    remote: RemoteFiles,
    job: str,
    children: Sequence[str],
    workspace: Path,
    *,
    limit_mb: float,
    say: Callable[[str], None],
    warn: Callable[[str], None],
    saved: Mapping[str, Path] | None = None,
) -> Path:
    """Download a job's files to ``aml_artifacts_<job>`` in the workspace: ``parent``, ``child_0``, ``child_1``, ...

    What the job logged and wrote lies in these folders as in the job; declared outputs lie below ``named-outputs``.

    Args:
        remote: lists the files.
        job: a job that has ended.
        children: its child jobs, in their order.
        workspace: folder of the repository.
        limit_mb: how much is fetched at most, in MB of 1024 x 1024 bytes.
        say: hears how far it is.
        warn: hears which files are left out.
        saved: by job, folders with files that were read before, such as logs; they are moved, and only what is missing is fetched.

    Returns:
        The absolute path of the folder.

    Raises:
        ActionError: the name of the job cannot be the name of a folder; there is more than the limit; files cannot be read.
        azure.core.exceptions.AzureError: the files cannot be listed.

    """
    target = workspace / f"aml_artifacts_{_plain(job)}"
    folders = {"parent": job, **{f"child_{number}": child for number, child in enumerate(children)}}
    files: list[RemoteFile] = []
    try:
        for folder, name in folders.items():
            files += remote.of(name, folder)
    except Unreadable as error:
        raise ActionError(
            f"The files of job {job} cannot be listed.",
            cause=f"the storage account does not answer as it should ({error})",
            fix="if it has a firewall, the runner must be allowed through it",
        ) from None
    if target.is_symlink() or target.is_file():
        target.unlink()
    elif target.exists():
        shutil.rmtree(target)
    for folder in folders:
        (target / folder).mkdir(parents=True)
    left = fetch_all(
        files,
        target,
        limit=int(limit_mb * MEBIBYTE),
        what=f"the files of job {job}",
        say=say,
        have=_found(folders, saved or {}),
    )
    if left:
        shown = "\n".join(f"{one.name}: {one.why}" for one in left[:_NAMED])
        warn(f"{len(left)} files of job {job} are not downloaded:\n{shown}")
    return target


def _found(folders: Mapping[str, str], saved: Mapping[str, Path]) -> dict[str, Path]:
    """Return the files that are on this disk, by their names in the target."""
    return {
        f"{folder}/{file.relative_to(saved[name]).as_posix()}": file
        for folder, name in folders.items()
        if name in saved
        for file in saved[name].rglob("*")
        if file.is_file()
    }


def _plain(name: str) -> str:
    if _PLAIN_NAME.fullmatch(name):
        return name
    raise ActionError(
        "The files of the job cannot be downloaded: a name that the service gives cannot be the name of a folder.",
        value=name,
        allowed="letters, digits, hyphens, dots and underscores",
    )
