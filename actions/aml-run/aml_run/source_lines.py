"""Where in the repository a job's script failed: from a frame of a remote traceback to a file and line of the checkout.

Frames are data from outside. A file is named only when it is in the repository, in a folder that the job took its code from or the
repository's root, has the line, and - where the traceback shows it - the same text on that line: a job may have run another commit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aml_run import files, tracebacks
from aml_run.tracebacks import Frame, Raised

_PACKAGE = re.compile(r"(?:^|/)(?:site-packages|dist-packages|lib/python\d[\w.]*)/|^<")
_WORKING_FOLDER = "wd"
"""Name of the folder that a job's code is put into: ``/mnt/azureml/cr/j/<id>/exe/wd``."""
_REMOTE = re.compile(r"^(?:azureml|https?|git\+?\w*|ssh|wasbs?|abfss?)[:@]|^/subscriptions/", re.IGNORECASE)
_LARGEST = 4 * 1024 * 1024
"""Bytes of a source file that is looked into."""
_LAUNCHERS = frozenset(
    {"ChildFailedError", "CalledProcessError", "SystemExit", "KeyboardInterrupt", "ProcessExitedException"}
)
"""Exceptions of launchers: they only say that the script's process, which has told why, did not end well."""
_NEAR = 10
"""Lines between an exception and the end of the log, where the exit code is not the one of an uncaught exception."""
_UNCAUGHT = 1
_MOST_DEEP = 10
"""Levels of pipelines within pipelines that are looked for code."""


@dataclass(frozen=True)
class Place:
    """A line of the repository that an exception passed last.

    Attributes:
        file: relative to the repository, with ``/``.
        line: from 1.
        function: in which it is; may be empty.
        code: text of the line.
        raised: class and message of the exception.
        cause: of the first exception of the chain, where that is another one.
    """

    file: str
    line: int
    function: str
    code: str
    raised: str
    cause: str = ""

    def __str__(self) -> str:
        function = f", in {self.function}" if self.function else ""
        cause = f" (caused by {self.cause})" if self.cause else ""
        return f"{self.file}, line {self.line}{function}: {self.raised}{cause}"


def find(lines: Sequence[str], folders: Sequence[Path], root: Path, exit_code: int | None = None) -> Place | None:
    """Return where the exception that ended a process left the code of the repository; None when nothing shows it.

    Args:
        lines: end of the process's log.
        folders: that the job's code was taken from, the likeliest first.
        root: of the repository; nothing outside of it is returned.
        exit_code: of the process; one that a signal made has nothing to do with an exception of Python.

    """
    if exit_code is not None and (exit_code < 0 or exit_code >= 128):
        return None
    for raised in reversed(tracebacks.read(lines)):
        if raised.beside:
            continue
        if exit_code not in (None, _UNCAUGHT) and len(lines) - raised.end > _NEAR:
            return None
        if place := _of(raised, folders, root):
            return place
        if tracebacks.kinds([raised])[0] not in _LAUNCHERS:
            return None
    return None


def _of(raised: Raised, folders: Sequence[Path], root: Path) -> Place | None:
    outcome = list(tracebacks.chain(raised))
    for one in outcome:
        for frame in reversed(one.frames):
            if found := _located(frame, folders, root):
                file, code = found
                first = _first(one)
                shown = _one_line(frame.function)
                function = "" if shown == "<module>" else shown
                cause = _one_line(str(first)) if first is not one else ""
                return Place(file, frame.line, function, code, _one_line(_told(one, raised)), cause)
    return None


def _told(one: Raised, whole: Raised) -> str:
    """Return the exception's words; of a member, with those of its group."""
    return f"{one} (of {whole})" if whole.members and one.kind != whole.kind else str(one)


def _first(raised: Raised) -> Raised:
    while raised.cause is not None:
        raised = raised.cause
    return raised


def _one_line(text: str) -> str:
    """Return a text without control characters."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _located(frame: Frame, folders: Sequence[Path], root: Path) -> tuple[str, str] | None:
    """Return the file, relative to the repository, and the text of the line."""
    for tail, sure in _tails(frame.file):
        for folder in (*folders, root):
            if not sure and not frame.text:
                continue
            if found := _line(folder, tail, frame, root):
                return found
    return None


def _tails(file: str) -> Iterator[tuple[str, bool]]:
    """Yield what a remote path may be below the folder of the code, and whether its place alone says so; the likeliest first."""
    if _PACKAGE.search(file) or not file.isprintable():
        return
    parts = [part for part in file.split("/") if part not in ("", ".")]
    if ".." in parts or not parts or len(parts) > 100:
        return
    if not file.startswith("/"):
        yield "/".join(parts), True
        return
    below = [number + 1 for number, part in enumerate(parts[:-1]) if part == _WORKING_FOLDER]
    for start in below:
        yield "/".join(parts[start:]), True
    if not below:
        for start in range(1, len(parts)):
            yield "/".join(parts[start:]), False


def _line(folder: Path, tail: str, frame: Frame, root: Path) -> tuple[str, str] | None:
    try:
        whole = root.resolve()
        file = (folder / tail).resolve()
        if not file.is_relative_to(whole) or not files.is_file(file) or file.stat().st_size > _LARGEST:
            return None
        lines = file.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    except (
        OSError,
        ValueError,
        RuntimeError,
    ):  # a name that no file can have, a file that nobody may read, links in a circle
        return None
    if not 1 <= frame.line <= len(lines) or (frame.line == len(lines) and not lines[-1]):
        return None
    code = lines[frame.line - 1].strip()
    if frame.text and code != frame.text:
        return None
    return file.relative_to(whole).as_posix(), code


def code_folders(job: Any) -> dict[str, tuple[Path, ...]]:  # noqa: ANN401 - any job of the SDK, or a part of one
    """Return the folders that a job uploads code from: under the name of the step that has it, those of the job itself under ``""``.

    To be asked before the job is submitted: the SDK then writes the ids of the uploaded assets in their place.
    """
    found: dict[str, list[Path]] = {}
    for name, folder in _folders(job, "", Path.cwd(), 0):
        if folder not in found.setdefault(name, []):
            found[name].append(folder)
    return {name: tuple(folders) for name, folders in found.items()}


def ordered(folders: Mapping[str, Sequence[Path]], step: str) -> list[Path]:
    """Return all folders, those of a step first."""
    first = list(folders.get(step, ()))
    return list(dict.fromkeys([*first, *(folder for others in folders.values() for folder in others)]))


def _folders(
    part: Any,  # noqa: ANN401 - see `code_folders`
    name: str,
    above: Path,
    depth: int,
) -> Iterator[tuple[str, Path]]:
    if depth > _MOST_DEEP:
        return
    # Parts of the SDK answer to any attribute with a mapping of their own; only what has the right type counts.
    base = _path(getattr(part, "_base_path", None)) or above
    if folder := _local(getattr(part, "code", None), base):
        yield name, folder
    for include in _texts(getattr(part, "additional_includes", None)):
        if folder := _local(include, base):
            yield name, folder.parent
    for inner in ("trial", "component"):
        other = getattr(part, inner, None)
        if other is not None and not isinstance(other, (str, dict)):
            yield from _folders(other, name, base, depth + 1)
    jobs = getattr(part, "jobs", None)
    if isinstance(jobs, Mapping):
        for step, node in jobs.items():
            yield from _folders(node, str(step), base, depth + 1)


def _path(value: object) -> Path | None:
    return Path(value) if isinstance(value, (str, Path)) and str(value) else None


def _local(value: object, base: Path) -> Path | None:
    """Return the folder that a part names; None for an asset, which the SDK may have stripped of its scheme, or another repository."""
    if not isinstance(value, (str, Path)) or not str(value) or _REMOTE.match(str(value)):
        return None
    folder = base / str(value).removeprefix("file:")
    return folder if files.is_folder(folder) else None


def _texts(value: object) -> Iterable[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, (list, tuple)) else []
