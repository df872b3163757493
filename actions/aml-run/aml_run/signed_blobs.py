"""Reading blobs by their signed URLs, which hold a secret: no error and no message names one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import requests

CHUNK = 4 * 1024 * 1024
"""Bytes of one request for a part."""
_PIECE = 64 * 1024
"""Bytes that are taken from a connection at once."""
_TIMES = (10, 60)
"""Seconds to connect, and between two packets."""
_PAUSES = (0.5, 2.0)
"""Seconds before each further question for a size; whoever reads has pauses of its own."""
_CONNECTIONS = 16
"""That are kept open to one host."""


class Unreadable(Exception):
    """A blob could not be read now; the text says why, without the signed URL."""


class Replaced(Unreadable):
    """A blob is shorter than what was read of it: somebody began it anew."""


def fetch(url: str, offset: int) -> bytes:
    """Return what a blob holds from `offset` on, at most `CHUNK` bytes; nothing new and not yet there are empty.

    What arrived before a connection broke is returned: it need not be sent again. Whether the blob is still the one that was begun is
    told by its length alone: the ETag of a log changes with every line that is appended.

    Raises:
        Replaced: the blob is shorter than `offset`.
        Unreadable: any other answer, or none.

    """
    data = bytearray()
    try:
        for piece in _pieces(url, offset, f"bytes={offset}-{offset + CHUNK - 1}"):
            data += piece
            if len(data) >= CHUNK:
                break
    except Replaced:
        raise
    except Unreadable:
        if not data:
            raise
    return bytes(data[:CHUNK])


def stream(url: str, offset: int) -> Iterator[bytes]:
    """Give all that a blob holds from `offset` on, in pieces; a blob that is not there has nothing.

    Raises:
        Replaced: the blob is shorter than `offset`.
        Unreadable: any other answer, none, or one that broke off.

    """
    return _pieces(url, offset, f"bytes={offset}-")


def length(url: str) -> int:
    """Return the size of a blob in bytes; 0 if it is not there.

    Raises:
        Unreadable: as for `find_length`.

    """
    return find_length(url) or 0


def find_length(url: str) -> int | None:
    """Return the size of a blob in bytes; None if it is not there.

    Raises:
        Unreadable: any other answer, or none, several times.

    """
    for pause in _PAUSES:
        try:
            return _find_length(url)
        except Unreadable:
            time.sleep(pause)
    return _find_length(url)


def _find_length(url: str) -> int | None:
    with _no_url_in_errors():
        answer = _session().head(url, headers={"Accept-Encoding": "identity"}, timeout=_TIMES)
    if answer.status_code == 404:
        return None
    _check(answer, 200)
    return int(answer.headers.get("Content-Length", 0))


def _pieces(url: str, offset: int, wanted: str) -> Iterator[bytes]:
    headers = {"Range": wanted, "Accept-Encoding": "identity"}
    with _no_url_in_errors(), _session().get(url, headers=headers, timeout=_TIMES, stream=True) as answer:
        if answer.status_code == 404:
            return
        if answer.status_code == 416:
            size = answer.headers.get("Content-Range", "").rpartition("/")[2]
            if size.isdigit() and int(size) < offset:
                raise Replaced(f"it has {int(size):,} bytes now, of which {offset:,} were read")
            return
        _check(answer, 206, 200)
        skip = offset if answer.status_code == 200 else 0  # a proxy that knows no ranges sends all of it
        for piece in answer.iter_content(_PIECE):
            if len(piece) > skip:
                yield piece[skip:]
            skip = max(0, skip - len(piece))
        if skip:
            raise Replaced(f"it has {offset - skip:,} bytes now, of which {offset:,} were read")


def _check(answer: requests.Response, *allowed: int) -> None:
    if answer.status_code not in allowed:
        code = answer.headers.get("x-ms-error-code", "")
        raise Unreadable(f"HTTP {answer.status_code} {code}".strip())


@contextmanager
def _no_url_in_errors() -> Iterator[None]:
    """Raise `Unreadable` for any error of the connection: its own text would hold the URL, and with it the signature."""
    import requests

    try:
        yield
    except requests.RequestException as error:
        raise Unreadable(type(error).__name__) from None


@lru_cache(maxsize=1)
def _session() -> requests.Session:
    """Keep connections: a new one for every poll of every file would cost more than what it reads."""
    import requests
    from requests.adapters import HTTPAdapter

    session = requests.Session()
    session.mount("https://", HTTPAdapter(pool_maxsize=_CONNECTIONS))
    return session
