"""Writing the changes: all of them, or none."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from aml_actions.errors import ActionError
from aml_actions.migration.changes import Change
from aml_actions.migration.repository import Repository


def write(repository: Repository, changes: Sequence[Change]) -> None:
    """Write every change.

    Raises:
        ActionError: a file is no longer as it was read, or cannot be written; then none is changed.
    """
    for change in changes:
        _check(repository, change)
    made: list[Path] = []
    staged: list[tuple[Change, Path]] = []
    done: list[Change] = []
    try:
        for change in changes:
            target = repository.root / change.path
            made += _folders(target.parent)
            staged.append((change, _stage(target, change)))
        for change, temporary in staged:
            _check(repository, change)
            temporary.replace(repository.root / change.path)
            done.append(change)
    except BaseException as error:
        _undo(repository, done, [temporary for _, temporary in staged], made)
        if isinstance(error, OSError):
            raise ActionError(
                "The changes cannot be written; every file is as it was.",
                value=str(error),
                fix="see that the files of the repository may be written and the disk has room, then run migrate again",
            ) from error
        raise


def _check(repository: Repository, change: Change) -> None:
    """Refuse to write over what was not read, through a link, or outside the repository."""
    is_same = repository.real_path(change.path) == change.path
    now = repository.read(change.path)
    free = change.before is None and not repository.exists(change.path)
    if not is_same or (not free and (change.before is None or now != change.before)):
        raise ActionError(
            f"{change.path} is not what it was a moment ago; nothing is written.",
            cause="something else changes the repository at the same time, or a link has been put there",
            fix="run migrate again",
        )


def _folders(folder: Path) -> list[Path]:
    """Make a folder, and return those that were made for it, the outermost first."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing[::-1]


def _stage(target: Path, change: Change) -> Path:
    """Write the new content beside its target, with the permissions that the target has."""
    handle, name = tempfile.mkstemp(prefix=".migrate-", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(change.after)
        temporary.chmod(target.stat().st_mode & 0o777 if change.before is not None else 0o644)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _undo(repository: Repository, done: Sequence[Change], staged: Sequence[Path], folders: Sequence[Path]) -> None:
    for temporary in staged:
        temporary.unlink(missing_ok=True)
    for change in done:
        target = repository.root / change.path
        if change.before is None:
            target.unlink(missing_ok=True)
        else:
            target.write_bytes(change.before)
    for folder in reversed(folders):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
