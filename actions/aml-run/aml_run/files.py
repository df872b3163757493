"""Paths that users wrote: whatever a name holds, the answer is whether something is there."""

from __future__ import annotations

from pathlib import Path


def is_file(path: Path) -> bool:
    """Tell whether a file is there; a name that no file can have is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Tell whether a folder is there; a name that no folder can have is none."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def inside(root: Path, path: str) -> Path | None:
    """Return the absolute path of what a path of the repository names; None when it leads out of it.

    A path that begins with ``/`` is taken from the root of the repository unless it leads there by itself.
    """
    try:
        whole = root.resolve()
        found = (whole / path).resolve()
        if path.startswith("/") and not found.is_relative_to(whole):
            found = (whole / path.lstrip("/")).resolve()
    except (OSError, ValueError, RuntimeError):  # a name that no file can have; links that lead in a circle
        return None
    return found if found.is_relative_to(whole) else None
