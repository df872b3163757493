"""The answer to "List Blobs", in Azure Storage's XML."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import format_datetime
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from aml_emulator.blob_errors import StorageError

if TYPE_CHECKING:
    from aml_emulator.blobs import Blob, BlobStore

_MOST = 5000


def list_blobs(store: BlobStore, endpoint: str, container: str, query: Mapping[str, str]) -> str:
    """One page of a container's blobs.

    Args:
        store: where the blobs are.
        endpoint: address of the account, as the answer repeats it.
        container: which container.
        query: `prefix`, `delimiter`, `marker`, `maxresults`, `include` (comma separated; `metadata` counts).

    """
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    marker = query.get("marker", "")
    most = _page_size(query.get("maxresults"))
    with_metadata = "metadata" in query.get("include", "").split(",")
    entries: dict[str, Blob | None] = {}
    following = ""
    for blob in store.list(container, prefix):
        name, is_folder = _entry(blob.name, prefix, delimiter)
        if name < marker or name in entries:
            continue
        if len(entries) == most:
            following = name
            break
        entries[name] = None if is_folder else blob
    listed = "".join(
        f"<BlobPrefix><Name>{escape(name)}</Name></BlobPrefix>" if blob is None else _blob(blob, with_metadata)
        for name, blob in entries.items()
    )
    own_name = container.rpartition("/")[2]  # see `StorageAccounts.place`
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f"<EnumerationResults ServiceEndpoint={quoteattr(endpoint)} ContainerName={quoteattr(own_name)}>"
        f"<Prefix>{escape(prefix)}</Prefix><Marker>{escape(marker)}</Marker><MaxResults>{most}</MaxResults>"
        f"<Delimiter>{escape(delimiter)}</Delimiter><Blobs>{listed}</Blobs><NextMarker>{escape(following)}</NextMarker>"
        "</EnumerationResults>"
    )


def _page_size(text: str | None) -> int:
    if not text:
        return _MOST
    if not text.isdigit() or int(text) == 0:
        raise StorageError(
            400, "OutOfRangeQueryParameterValue", f"maxresults={text!r} must be a number from 1 to {_MOST}."
        )
    return min(int(text), _MOST)


def _entry(name: str, prefix: str, delimiter: str) -> tuple[str, bool]:
    rest = name[len(prefix) :]
    if delimiter and delimiter in rest:
        return prefix + rest.split(delimiter, 1)[0] + delimiter, True
    return name, False


def _blob(blob: Blob, with_metadata: bool) -> str:
    modified = format_datetime(blob.modified, usegmt=True)
    metadata = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in blob.metadata.items())
    return (
        f"<Blob><Name>{escape(blob.name)}</Name><Properties><Creation-Time>{modified}</Creation-Time>"
        f"<Last-Modified>{modified}</Last-Modified><Etag>{escape(blob.etag.strip(chr(34)))}</Etag>"
        f"<Content-Length>{blob.size}</Content-Length><Content-Type>{escape(blob.content_type)}</Content-Type>"
        "<BlobType>BlockBlob</BlobType><LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState></Properties>"
        + (f"<Metadata>{metadata}</Metadata>" if with_metadata else "")
        + "</Blob>"
    )
