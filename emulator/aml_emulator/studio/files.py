"""Files of jobs and models: how they are listed, and served so that none of them can act as a page of the Studio."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import quote

from aml_emulator.blobs import Blob, BlobStore
from aml_emulator.http import FileSlice, Reply

_IMAGES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}
_TEXTS = re.compile(
    r"\.(txt|log|out|err|json|jsonl|csv|tsv|md|rst|yml|yaml|toml|ini|cfg|py|r|sh|sql|dot)"
    r"|MLmodel|LICENSE|README|Dockerfile|Makefile",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class FileRow:
    """One file of a list. `url` serves it."""

    path: str
    size: int
    url: str

    @property
    def is_image(self) -> bool:
        """Whether an `<img>` can show it."""
        return PurePosixPath(self.path).suffix.lower() in _IMAGES

    @property
    def opens(self) -> bool:
        """Whether a browser shows it, rather than saving it."""
        return not disposition(self.path).startswith("attachment")


def below(store: BlobStore, container: str, prefix: str) -> dict[str, Blob]:
    """Blobs of a folder by their path in it; a prefix that is itself a blob gives that one, under its own name."""
    folder = prefix.rstrip("/")
    if single := store.get(container, folder):
        return {PurePosixPath(folder).name: single}
    return {blob.name[len(folder) + 1 :]: blob for blob in store.list(container, f"{folder}/")}


def rows(found: Mapping[str, Blob], url: str, query: str = "") -> list[FileRow]:
    """Files for a list; `url` is where `url/<path>` serves them."""
    return [FileRow(path, blob.size, f"{url}/{quote(path)}{query}") for path, blob in found.items()]


def media_type(path: str) -> str:
    """What a browser is told: an image or plain text by the file's name, bytes for everything else."""
    name = PurePosixPath(path)
    if image := _IMAGES.get(name.suffix.lower()):
        return image
    if _TEXTS.fullmatch(name.suffix or name.name):
        return "text/plain; charset=utf-8"
    return "application/octet-stream"


def disposition(path: str) -> str:
    """`inline` for raster images and plain text. An SVG drawing may hold a script: shown by `<img>`, but not opened."""
    kind = media_type(path)
    if kind != "application/octet-stream" and kind != "image/svg+xml":
        return "inline"
    name = PurePosixPath(path).name
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def serve(blob: Blob, path: str) -> Reply:
    """A file as an answer; the sandbox keeps it powerless even where a browser would render it."""
    return Reply(
        200,
        FileSlice(blob.path, 0, blob.size),
        {
            "Content-Disposition": disposition(path),
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "no-cache",
        },
        media_type(path),
    )
