"""Which file or folder is the model: one set of rules for the files of a job and for those of the repository."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from aml_actions.errors import ActionError

ANCHOR = "docs/troubleshooting.md#model-file"
_MOST_SHOWN = 20
_LOG_FOLDERS = frozenset({"user_logs", "system_logs", "azureml-logs", "logs"})


@dataclass(frozen=True)
class Found:
    """The model among some files.

    Attributes:
        path: of the file or folder, relative, with ``/``.
        is_folder: it is a folder.
        is_mlflow: it is a folder in MLflow's format, with a file ``MLmodel``.
        others: what would have fitted as well.
        inexact: the name only contains the wanted one.
    """

    path: str
    is_folder: bool
    is_mlflow: bool
    others: tuple[str, ...] = ()
    inexact: bool = False


def find(wanted: str, files: Sequence[str], where: str) -> Found:
    """Return the file or folder that `wanted` means.

    A path of two or more parts is taken as it is. A bare name is looked for among the names of the files, then among those of
    the folders, then inside the names of the files (all that the legacy action did). Among several, those under ``outputs``
    and near the root come first, so that the answer is always the same.

    Args:
        wanted: value of ``model_file_name``.
        files: paths of all files, relative, with ``/``.
        where: noun phrase for the message, such as ``the files of job x``.

    Raises:
        ActionError: nothing fits; the message lists what there is.
    """
    path = path_of(wanted)
    if len(path.parts) > 1:
        matches = [str(path)] if _exists(str(path), files) else []
        inexact = False
    else:
        matches, inexact = _by_name(path.name, files)
    if not matches:
        raise _not_found(wanted, files, where)
    best, *others = sorted(matches, key=_preference)
    is_folder = best not in files
    return Found(best, is_folder, is_folder and f"{best}/MLmodel" in files, tuple(others), inexact)


def path_of(wanted: str) -> PurePosixPath:
    """Return the path that ``model_file_name`` is, relative to the files that are searched.

    Raises:
        ActionError: it leads out of them, or nowhere.
    """
    path = PurePosixPath(wanted.strip().lstrip("/"))
    if ".." in path.parts or not path.parts:
        raise ActionError(
            "model_file_name is no path below the files that are searched.",
            value=wanted,
            allowed="a name, or a path without `..`",
            anchor=ANCHOR,
            key="model_file_name",
        )
    return path


def _exists(path: str, files: Iterable[str]) -> bool:
    return any(file == path or file.startswith(path + "/") for file in files)


def _by_name(name: str, files: Sequence[str]) -> tuple[list[str], bool]:
    """Return the paths that a bare name means, and whether their names only contain it."""
    same = [file for file in files if PurePosixPath(file).name == name]
    if same:
        return same, False
    folders = {str(parent) for file in files for parent in PurePosixPath(file).parents if parent.name == name}
    if folders:
        return list(folders), False
    return [file for file in files if name in PurePosixPath(file).name], True


def _preference(path: str) -> tuple[bool, bool, int, str]:
    parts = PurePosixPath(path).parts
    return parts[0] != "outputs", parts[0] in _LOG_FOLDERS, len(parts), path


def _not_found(wanted: str, files: Sequence[str], where: str) -> ActionError:
    ordered = sorted(files, key=_preference)
    shown = ", ".join(ordered[:_MOST_SHOWN]) + (
        f" and {len(files) - _MOST_SHOWN} more" if len(files) > _MOST_SHOWN else ""
    )
    return ActionError(
        f"No model: {where} hold nothing that model_file_name means.",
        value=wanted,
        allowed=f"one of them: {shown}" if files else "there is not a single file",
        cause=None if files else "the script wrote nothing into outputs/, or the job is still running",
        fix="correct model_file_name in the parameters file, or let the script write the file into outputs/",
        anchor=ANCHOR,
    )


def repository_files(root: Path) -> list[str]:
    """Return the paths of the files of a repository, sorted; Git's own are not among them."""
    return sorted(path.relative_to(root).as_posix() for path in _walk(root))


def _walk(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != ".git"]
        for name in names:
            file = Path(folder) / name
            if file.is_file():
                yield file
