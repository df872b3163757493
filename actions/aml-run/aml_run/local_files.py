"""Paths on the runner for names that a service gives: none of them leads out of its folder."""

from __future__ import annotations

import re
from pathlib import Path

_DRIVE = re.compile(r"[A-Za-z]:")
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f]")
LONGEST_PART = 255
"""Bytes of a name of a file or folder on the usual file systems."""


def inside(folder: Path, name: str) -> Path | None:
    """Return the path of a remote name below a folder; None for a name that cannot be one.

    Refused are: absolute names, ``.`` and ``..`` and empty parts, drive letters, backslashes (a separator on Windows), control
    characters, parts that are too long, and names that lead through a symbolic link.
    """
    if _DRIVE.match(name) or "\\" in name or _FORBIDDEN.search(name):
        return None
    parts = name.split("/")
    if any(part in ("", ".", "..") or len(part.encode("utf-8", "replace")) > LONGEST_PART for part in parts):
        return None
    path = folder
    for part in parts:
        path = path / part
        if path.is_symlink():
            return None
    return path
