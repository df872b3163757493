"""The files of the repository that is migrated, read so that nothing in it can lead elsewhere or stop the command."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

MOST_BYTES = 1024 * 1024
"""Bytes of a file that is looked at; workflows, settings and scripts have a few thousand."""
_MOST_FILES = 20_000
"""Files of a repository that are looked through for others than those that are named."""
_NOT_SOURCE = frozenset(
    {".git", "node_modules", ".venv", "venv", "env", "__pycache__", ".tox", "site-packages", ".mypy_cache"}
)


class Repository:
    """A folder on disk. Paths are texts with slashes, from its root."""

    def __init__(self, root: Path) -> None:
        """Look at nothing yet."""
        self.root = root.resolve()

    def path(self, file: Path) -> str:
        """Return the path of a file of the repository.

        Raises:
            ValueError: it lies elsewhere.
        """
        return file.resolve().relative_to(self.root).as_posix()

    def real_path(self, path: str) -> str | None:
        """Return the path without links and ``..``; None when it leads out of the repository, or into ``.git``."""
        try:
            found = (self.root / path).resolve()
        except (OSError, ValueError, RuntimeError):  # a name that no file can have; links that lead in a circle
            return None
        if not found.is_relative_to(self.root):
            return None
        inside = found.relative_to(self.root)
        return None if inside.parts[:1] == (".git",) else inside.as_posix()

    def exists(self, path: str) -> bool:
        """Tell whether anything is there, a broken link too."""
        return os.path.lexists(self.root / path)

    def read(self, path: str) -> bytes | None:
        """Return the content of a file; None when there is none, or it is no ordinary file of at most `MOST_BYTES`."""
        real = self.real_path(path)
        if real is None:
            return None
        try:
            found = (self.root / real).stat()
            if not stat.S_ISREG(found.st_mode) or found.st_size > MOST_BYTES:
                return None
            return (self.root / real).read_bytes()
        except (OSError, ValueError):
            return None

    def files(self, folder: str = ".", suffixes: tuple[str, ...] = ()) -> Iterator[str]:
        """Give the files below a folder in the order of their names, without links and without what is installed or cached."""
        real = self.real_path(folder)
        if real is None:
            return
        seen = 0
        for current, folders, names in os.walk(self.root / real):
            folders[:] = sorted(
                name for name in folders if name not in _NOT_SOURCE and not (Path(current) / name).is_symlink()
            )
            for name in sorted(names):
                seen += 1
                if seen > _MOST_FILES:
                    return
                file = Path(current) / name
                if name.lower().endswith(suffixes) and not file.is_symlink():
                    yield file.relative_to(self.root).as_posix()

    def names(self, folder: str) -> list[str]:
        """Return the paths of what lies directly in a folder."""
        real = self.real_path(folder)
        try:
            return sorted(f"{folder}/{name}" for name in os.listdir(self.root / real)) if real is not None else []  # noqa: PTH208 - names, not paths
        except OSError:
            return []

    # --- git

    def name_and_branch(self) -> tuple[str, str]:
        """Return the name of the repository and its branch, from git where it knows them, else from the folder and ``main``."""
        url = (self._git("config", "--get", "remote.origin.url") or "").strip().rstrip("/")
        name = PurePosixPath(url.replace(":", "/")).name.removesuffix(".git")
        branch = (self._git("symbolic-ref", "--short", "HEAD") or "").strip()
        return name or self.root.name, branch or "main"

    def uncommitted(self, paths: list[str]) -> list[str] | None:
        """Return what git could not bring back: uncommitted files, and ignored ones among `paths`. None without a repository."""
        whole = self._git("status", "--porcelain", "--", ".")
        if whole is None:
            return None
        ignored = self._git("status", "--porcelain", "--ignored", "--", *paths) if paths else ""
        return sorted({*whole.splitlines(), *(line for line in (ignored or "").splitlines() if line.startswith("!!"))})

    def _git(self, *arguments: str) -> str | None:
        try:
            done = subprocess.run(
                # The repository's own settings may name programs; none of them is started.
                ["git", "-c", "core.fsmonitor=false", "-C", str(self.root), *arguments],
                capture_output=True,
                check=False,
            )
        except OSError:
            return None  # git is not there
        return done.stdout.decode(errors="replace") if done.returncode == 0 else None
