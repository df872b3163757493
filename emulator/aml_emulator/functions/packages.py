"""What is published to a function app: a zip archive with the code, and in it what the code needs."""

from __future__ import annotations

import re
import shutil
import stat
import zipfile
from pathlib import Path, PurePosixPath

from aml_emulator.environments.conda import CondaFile

MOST_BYTES = 1 << 30
"""Bytes that a package may have once it is unpacked."""
MOST_FILES = 20_000
REQUIREMENTS = "requirements.txt"

_PIECE_BYTES = 1 << 20
_LOCAL = re.compile(r"(-r|-c|-e|--requirement|--constraint|--editable)\b|\.{0,2}/|file:", re.IGNORECASE)


class PackageError(Exception):
    """A package that cannot be used; the message is for whoever published it."""


def unpack(archive: Path, folder: Path) -> None:
    """Unpack an archive into a new folder.

    Raises:
        PackageError: it is no zip archive, is too large, or has an entry that is no file inside the folder.

    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = opened.infolist()
            if len(entries) > MOST_FILES:
                raise PackageError(f"The package has {len(entries)} files. At most {MOST_FILES} are allowed.")
            left = MOST_BYTES
            folder.mkdir(parents=True)
            for entry in entries:
                target = folder / _place(entry)
                if entry.is_dir():
                    target.mkdir(parents=True, exist_ok=True)
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                left = _write(opened, entry, target, left)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise PackageError(f"The package is not a zip archive that can be read: {error}") from None
    except (PackageError, OSError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise (
            error if isinstance(error, PackageError) else PackageError(f"The package cannot be unpacked: {error}")
        ) from None


def _place(entry: zipfile.ZipInfo) -> PurePosixPath:
    place = PurePosixPath(entry.filename.replace("\\", "/"))
    if place.is_absolute() or ".." in place.parts or "\x00" in entry.filename:
        raise PackageError(f"The package has the entry {entry.filename!r}, which is outside of it.")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise PackageError(
            f"The package has the entry {entry.filename!r}, which is a link or a device. Files are expected."
        )
    return place


def _write(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, left: int) -> int:
    """Write one file; how many bytes are left of what is allowed. What the archive says about sizes is not believed."""
    with opened.open(entry) as source, target.open("wb") as file:
        while piece := source.read(_PIECE_BYTES):
            left -= len(piece)
            if left < 0:
                raise PackageError(f"The package is larger than {MOST_BYTES >> 20} MiB once it is unpacked.")
            file.write(piece)
    target.chmod(0o755 if entry.external_attr >> 16 & 0o100 else 0o644)
    return left


def environment_of(folder: Path, python: str, *, build: bool) -> CondaFile:
    """What the environment of a package is made from.

    With `build` that is its requirements.txt, of which every package must have a hash when one has (as pip does it). Without, nothing
    is installed, as the package brings what it needs.

    Args:
        folder: the unpacked package.
        python: version of Python, for example 3.12.
        build: whether the packages of requirements.txt are installed.

    Raises:
        PackageError: requirements.txt names files.

    """
    file = folder / REQUIREMENTS
    if not build or not file.is_file():
        return CondaFile(python, ())
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise PackageError(f"{REQUIREMENTS} is not UTF-8: {error}") from None
    for line in lines:
        if _LOCAL.match(line.strip()):
            raise PackageError(
                f"{REQUIREMENTS} has the line {line.strip()!r}, which names a file. The emulator does not do this: install from files of"
                " the package. List the packages themselves."
            )
    hashed = any("--hash=" in line and not line.lstrip().startswith("#") for line in lines)
    return CondaFile(python, tuple(lines), ("--require-hashes",) if hashed else ())
