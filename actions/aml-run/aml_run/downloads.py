"""Downloading many files at once: within a limit, each one again when it breaks off, and no half file is left."""

from __future__ import annotations

import os
import shutil
import threading
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from aml_actions.errors import ActionError
from aml_run import local_files
from aml_run.signed_blobs import Replaced, Unreadable

WORKERS = 8
"""Files that are fetched at the same time."""
ATTEMPTS = 5
"""Of each file that breaks off or is refused for now."""
_FIRST_PAUSE = 0.5
"""Seconds before the second attempt; each further pause is twice as long."""
_PROGRESS = 10.0
"""Seconds between two lines that say how far it is."""
_PART = ".aml-part"
"""Ends the name of a file that is on its way."""
_MOST_ERRORS = 3
"""Files that cannot be had, after which the others are not tried: the cause is theirs too."""
_NAMED = 10
"""Files that a message names; it counts the others."""
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class RemoteFile:
    """A file to fetch.

    Attributes:
        name: where it goes, relative to the target, with slashes; as the service gave it, so it may be anything.
        size: bytes that the service lists.
        read: gives its content from an offset on; raises `Unreadable`.
    """

    name: str
    size: int
    read: Callable[[int], Iterator[bytes]]


@dataclass(frozen=True)
class Left:
    """A file that is not fetched, and why."""

    name: str
    why: str


def fetch_all(
    files: Sequence[RemoteFile],
    target: Path,
    *,
    limit: int,
    what: str,
    say: Callable[[str], None],
    have: Mapping[str, Path] | None = None,
    sleep: Callable[[float], object] | None = None,
) -> list[Left]:
    """Write files below a folder and return those that cannot be written there, because of their names.

    Args:
        files: what to fetch.
        target: a folder that exists and is empty.
        limit: bytes of all together.
        what: they are, for messages, such as ``the files of job x``.
        say: hears how far it is, every 10 s.
        have: by name, files on this disk with the beginning of the content, mostly all of it; they are moved.
        sleep: waits for seconds, by default no longer than the transfer lasts.

    Raises:
        ActionError: they are larger than the limit, or some cannot be read; half files are removed then, whole ones stay.

    """
    chosen, left = _placed(files, target)
    total = sum(file.size for file, _ in chosen)
    if total > limit:
        raise _too_large(f"{what[:1].upper()}{what[1:]} have {_mb(total)}; nothing of it was downloaded.", files, limit)
    say(f"Downloading {what}: {len(chosen)} files, {_mb(total)}.")
    transfer = _Transfer(limit, sleep)
    errors: dict[str, str] = {}
    told = time.monotonic()
    # The largest first: one that begins last would be waited for alone.
    queue = sorted(chosen, key=lambda one: -one[0].size)
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="download") as pool:
        running: dict[Future[None], RemoteFile] = {}
        try:
            for file, path in queue:
                running[pool.submit(transfer.one, file, path, (have or {}).get(file.name))] = file
            while running:
                done, _ = wait(running, timeout=1.0, return_when=FIRST_COMPLETED)
                for future in done:
                    file = running.pop(future)
                    problem = future.exception()
                    if isinstance(problem, (Unreadable, OSError)):
                        errors[file.name] = str(problem) or type(problem).__name__
                        if len(errors) == _MOST_ERRORS:
                            transfer.stop()
                    elif problem is not None and not isinstance(problem, _Stopped):
                        raise problem
                if time.monotonic() - told >= _PROGRESS:
                    told = time.monotonic()
                    finished = len(chosen) - len(running)
                    say(f"  {finished} of {len(chosen)} files, {_mb(transfer.received)} of {_mb(total)}")
        finally:
            # Whatever comes, a cancel of the step included: leaving the block waits for the threads.
            transfer.stop()
            for future in running:
                future.cancel()
    missing = [file for file, path in chosen if not path.is_file()]
    if transfer.over:
        text = f"{what[:1].upper()}{what[1:]} grew while they were downloaded; {len(missing)} of {len(chosen)} files were left out."
        raise _too_large(text, missing, limit)
    if errors:
        raise ActionError(
            f"{what[:1].upper()}{what[1:]} could not be downloaded: {_names(sorted(errors))}; {len(missing)} of {len(chosen)} are missing.",
            cause="; ".join(sorted(set(errors.values()))),
            fix="run the step again: it finds the job that is done, and downloads its files; or look at them in Studio",
        )
    return left


class _Stopped(Exception):
    """Another file ended the transfer."""


class _Transfer:
    """What the threads share."""

    def __init__(self, limit: int, sleep: Callable[[float], object] | None) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._sleep = sleep or self._stopped.wait
        self.received = 0
        self.over = False

    def stop(self) -> None:
        """Have every thread end soon."""
        self._stopped.set()

    def one(self, file: RemoteFile, path: Path, have: Path | None) -> None:
        """Fetch one file.

        Raises:
            Unreadable: after the last attempt.
            OSError: it cannot be written.
            _Stopped: somebody called `stop`.

        """
        if self._stopped.is_set():
            raise _Stopped
        part = path.with_name(_part_name(path.name))
        try:
            part.parent.mkdir(parents=True, exist_ok=True)
            if have is not None and have.is_file() and have.stat().st_size <= file.size:
                shutil.move(have, part)
            else:
                part.write_bytes(b"")
            self._count(part.stat().st_size)
            if part.stat().st_size < file.size:
                self._attempts(file, part)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def _attempts(self, file: RemoteFile, part: Path) -> None:
        pause = _FIRST_PAUSE
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with part.open("ab") as stream:
                    self._append(file.read(part.stat().st_size), stream.write)
                if part.stat().st_size >= file.size:
                    return
                problem = Unreadable(f"it ended after {part.stat().st_size:,} of {file.size:,} bytes")
            except Replaced as error:
                self._count(-part.stat().st_size)
                os.truncate(part, 0)
                problem = error
            except Unreadable as error:
                problem = error
            if attempt == ATTEMPTS:
                raise problem
            self._sleep(pause)
            pause *= 2

    def _append(self, pieces: Iterable[bytes], write: Callable[[bytes], object]) -> None:
        for piece in pieces:
            if self._stopped.is_set():
                raise _Stopped
            self._count(len(piece))
            write(piece)

    def _count(self, number: int) -> None:
        with self._lock:
            self.received += number
            if self.received > self._limit:
                self.over = True
                self._stopped.set()
                raise _Stopped


def _placed(files: Sequence[RemoteFile], target: Path) -> tuple[list[tuple[RemoteFile, Path]], list[Left]]:
    """Return files with their paths, and those whose names allow none."""
    alike = _ignores_case(target)

    def key(name: str) -> str:
        return unicodedata.normalize("NFC", name).casefold() if alike else name

    # A name that is also the folder of another one cannot be a file.
    folders = {
        key("/".join(parts[:number]))
        for file in files
        for parts in [file.name.split("/")]
        for number in range(1, len(parts))
    }
    chosen: list[tuple[RemoteFile, Path]] = []
    left: list[Left] = []
    taken: dict[str, str] = {}
    for file in sorted(files, key=lambda one: one.name):
        path = local_files.inside(target, file.name)
        if path is None:
            left.append(Left(file.name, "its name would lead out of the folder, or cannot be a name here"))
        elif key(file.name) in folders:
            if file.size:  # an empty one is the marker of that folder
                left.append(Left(file.name, "a folder has the same name"))
        elif key(file.name) in taken:
            left.append(Left(file.name, f"{taken[key(file.name)]} has the same name on this file system"))
        else:
            taken[key(file.name)] = file.name
            chosen.append((file, path))
    return chosen, left


def _ignores_case(folder: Path) -> bool:
    """Tell whether two names that differ in their case are one file, as on Windows and macOS."""
    probe = folder / "aml-case"
    probe.write_bytes(b"")
    try:
        return (folder / "AML-CASE").exists()
    finally:
        probe.unlink()


def _part_name(name: str) -> str:
    """Return the name of a file on its way; a long one is shortened, for the ending must fit in."""
    raw = name.encode("utf-8", "replace")
    if len(raw) + len(_PART) <= local_files.LONGEST_PART:
        return name + _PART
    return f"{threading.get_ident()}{_PART}"


def _too_large(text: str, files: Sequence[RemoteFile], limit: int) -> ActionError:
    largest = sorted(files, key=lambda one: -one.size)
    return ActionError(
        text,
        allowed=f"{_mb(limit)} (artifacts_limit_mb)",
        cause="the largest are " + _names([f"{file.name} ({_mb(file.size)})" for file in largest]),
        fix="raise `artifacts_limit_mb` in the parameters file, or have the job write less; Studio has all files",
    )


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return f"{shown} and {len(names) - _NAMED} more" if len(names) > _NAMED else shown


def _mb(size: int) -> str:
    return f"{size / MEBIBYTE:,.1f} MB"
