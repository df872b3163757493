"""The blob service: the REST operations of Azure Storage that the SDK, MLflow and the log readers use.

Addresses: `/{container}/{blob}` (what is left of the user-info form, see `storage_accounts`) and `/{account}/{container}/{blob}`.
"""

from __future__ import annotations

import base64
import hashlib
import re
import threading
import uuid
from collections.abc import Callable
from email.utils import format_datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlencode
from xml.etree import ElementTree

from aml_emulator import blob_auth
from aml_emulator.blob_auth import Target
from aml_emulator.blob_errors import StorageError, blob_not_found, container_not_found, not_emulated
from aml_emulator.blob_listing import list_blobs
from aml_emulator.blobs import Cause
from aml_emulator.http import Call, FileSlice, Reply

if TYPE_CHECKING:
    from aml_emulator.blobs import Blob
    from aml_emulator.context import Emulator

_Operation = tuple[Callable[[Call, str, str], Reply], str]
"""What answers a request (call, container, blob), and the SAS permissions of which any one allows it."""

_CONTAINER = re.compile(r"[a-z0-9](?!.*--)[a-z0-9-]{1,61}[a-z0-9]|\$root|\$web")
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


def signed_url(emulator: Emulator, container: str, name: str, seconds: int, *, permissions: str = "r") -> str:
    """An https URL of a blob (or of the container, with `name` ""), with a SAS that this service accepts for some seconds.

    Raises:
        LookupError: the container belongs to no storage account.

    """
    account = emulator.accounts.owner(container)
    key = emulator.accounts.key(account) if account else None
    if account is None or key is None:
        raise LookupError(f"container {container!r} belongs to no storage account")
    own_name = emulator.accounts.name_of(container)
    query = urlencode(blob_auth.blob_sas(account, key, own_name, name, permissions, seconds))
    path = f"{account}/{own_name}" + (f"/{quote(name)}" if name else "")
    return f"{emulator.blob_url}/{path}?{query}"


class BlobService:
    """Handles every request to the blob port."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._blobs = emulator.blobs
        self._blocks = emulator.blocks
        self._deciding = threading.Lock()  # a condition is checked and acted upon in one step, as the service does

    def handle(self, call: Call) -> Reply:
        """Answer one request; errors are answers too."""
        try:
            return self._answer(call)
        except StorageError as error:
            return error.reply()

    def _answer(self, call: Call) -> Reply:
        account, container, blob = self._address(call.raw_path)
        if not container:
            raise not_emulated(f"{call.method} on the account ({call.query.get('comp') or 'properties'})")
        operation, permission = self._operation(call, blob)
        account = account or self._signer(call)
        place = self._emulator.accounts.place(account, container) if account else container
        target = Target(self._emulator.accounts.owner(place) or account, container, blob, permission)
        blob_auth.authorize(call, target, self._emulator.accounts, self._emulator.tokens)
        if operation != self._create_container and not self._blobs.has_container(place):
            raise container_not_found()
        return operation(call, place, blob)

    def _signer(self, call: Call) -> str | None:
        """The account whose key signs a request: it tells whose container is meant where the path does not."""
        account = call.headers.get("authorization", "").partition(" ")[2].partition(":")[0]
        return account if self._emulator.accounts.key(account) else None

    def _address(self, raw_path: str) -> tuple[str | None, str, str]:
        """Account (None when the path does not tell), container, blob ("" for the container itself)."""
        first, _, rest = raw_path.lstrip("/").partition("/")
        if self._emulator.accounts.key(first) is not None and not self._blobs.has_container(first):
            container, _, blob = rest.partition("/")
            return first, unquote(container), unquote(blob)
        return None, unquote(first), unquote(rest)

    def _operation(self, call: Call, blob: str) -> _Operation:
        comp = call.query.get("comp", "")
        if not blob:
            of_container: dict[tuple[str, str], _Operation] = {
                ("PUT", ""): (self._create_container, "cw"),
                ("GET", "list"): (self._list, "l"),
                ("GET", ""): (self._container_properties, "rl"),
                ("HEAD", ""): (self._container_properties, "rl"),
                ("DELETE", ""): (self._delete_container, "d"),
            }
            found = of_container.get((call.method, comp))
            if found is None or call.query.get("restype") != "container":
                raise not_emulated(f"{call.method} container comp={comp!r}")
            return found
        known: dict[tuple[str, str], _Operation] = {
            ("GET", ""): (self._get, "r"),
            ("HEAD", ""): (self._head, "r"),
            ("GET", "metadata"): (self._head, "r"),
            ("HEAD", "metadata"): (self._head, "r"),
            ("PUT", ""): (self._put, "wc"),
            ("PUT", "metadata"): (self._set_metadata, "w"),
            ("PUT", "block"): (self._put_block, "wc"),
            ("PUT", "blocklist"): (self._put_block_list, "wc"),
            ("DELETE", ""): (self._delete, "d"),
        }
        found = known.get((call.method, comp))
        if found is None:
            raise not_emulated(f"{call.method} blob comp={comp!r}")
        return found

    # ---------------------------------------------------------------- containers

    def _create_container(self, call: Call, container: str, blob: str) -> Reply:
        name = self._emulator.accounts.name_of(container)
        if not _CONTAINER.fullmatch(name):
            raise StorageError(
                400,
                "InvalidResourceName",
                f"The specified resource name contains invalid characters: '{name}'. Allowed: 3 to 63 lower-case letters, "
                "digits and single hyphens, beginning and ending with a letter or digit.",
            )
        account = self._address(call.raw_path)[0] or self._signer(call)
        if account is None:
            raise StorageError(
                400,
                "InvalidUri",
                "The address does not say which storage account the container belongs to. "
                f"Use {self._emulator.blob_url}/<account>/{name}, or sign with the account's key.",
            )
        if not self._blobs.create_container(container):
            raise StorageError(409, "ContainerAlreadyExists", "The specified container already exists.")
        self._emulator.accounts.assign(container, account)
        return Reply(201, media_type="")

    def _container_properties(self, call: Call, container: str, blob: str) -> Reply:
        return Reply(200, headers={"x-ms-lease-status": "unlocked", "x-ms-lease-state": "available"}, media_type="")

    def _delete_container(self, call: Call, container: str, blob: str) -> Reply:
        self._blobs.delete_container(container)
        self._emulator.accounts.release(container)
        return Reply(202, media_type="")

    def _list(self, call: Call, container: str, blob: str) -> Reply:
        text = list_blobs(self._blobs, f"{self._emulator.blob_url}/", container, call.query)
        return Reply(200, text, media_type="application/xml")

    # ---------------------------------------------------------------- blobs

    def _found(self, container: str, name: str) -> Blob:
        blob = self._blobs.get(container, name)
        if blob is None:
            raise blob_not_found()
        return blob

    def _headers(self, blob: Blob) -> dict[str, str]:
        headers = {
            "Last-Modified": format_datetime(blob.modified, usegmt=True),
            "ETag": blob.etag,
            "x-ms-blob-type": "BlockBlob",
            "x-ms-lease-status": "unlocked",
            "x-ms-lease-state": "available",
            "x-ms-server-encrypted": "true",
            "x-ms-creation-time": format_datetime(blob.modified, usegmt=True),
            "Accept-Ranges": "bytes",
        }
        return headers | {f"x-ms-meta-{name}": value for name, value in blob.metadata.items()}

    def _head(self, call: Call, container: str, name: str) -> Reply:
        blob = self._found(container, name)
        headers = self._headers(blob) | {"Content-Length": str(blob.size)}
        return Reply(200, headers=headers, media_type=blob.content_type)

    def _get(self, call: Call, container: str, name: str) -> Reply:
        blob = self._found(container, name)
        _check_conditions(call, blob)
        size = blob.size
        asked = call.headers.get("x-ms-range") or call.headers.get("range")
        if not asked:
            return Reply(200, FileSlice(blob.path, 0, size), self._headers(blob), blob.content_type)
        match = _RANGE.fullmatch(asked.strip())
        if match is None or int(match[1]) >= size:
            raise StorageError(
                416,
                "InvalidRange",
                "The range specified is invalid for the current size of the resource.",
                headers={"Content-Range": f"bytes */{size}"},
            )
        start = int(match[1])
        end = min(int(match[2]), size - 1) if match[2] else size - 1
        headers = self._headers(blob) | {"Content-Range": f"bytes {start}-{end}/{size}"}
        return Reply(206, FileSlice(blob.path, start, end - start + 1), headers, blob.content_type)

    def _put(self, call: Call, container: str, name: str) -> Reply:
        if "x-ms-copy-source" in call.headers:
            raise not_emulated("copying a blob from another address")
        kind = call.headers.get("x-ms-blob-type", "BlockBlob")
        if kind.lower() != "blockblob":
            raise not_emulated(f"blobs of type {kind}")
        digest = base64.b64encode(hashlib.md5(call.body, usedforsecurity=False).digest()).decode()
        if call.headers.get("content-md5", digest) != digest:
            raise StorageError(
                400, "Md5Mismatch", "The MD5 value specified in the request did not match what the server got."
            )
        with self._deciding:
            self._check_new(call, container, name)
            cause = _cause(call, "PutBlob")
            blob = self._blobs.put(
                container, name, call.body, content_type=_content_type(call), metadata=_metadata(call), cause=cause
            )
        self._blocks.clear(container, name)
        headers = {**_written(blob), "Content-MD5": digest, "x-ms-request-id": cause.request_id}
        return Reply(201, headers=headers, media_type="")

    def _set_metadata(self, call: Call, container: str, name: str) -> Reply:
        if not self._blobs.set_metadata(container, name, _metadata(call)):
            raise blob_not_found()
        return Reply(200, headers=_written(self._found(container, name)), media_type="")

    def _put_block(self, call: Call, container: str, name: str) -> Reply:
        self._blocks.stage(container, name, call.query.get("blockid", ""), call.body)
        return Reply(201, headers={"x-ms-request-server-encrypted": "true"}, media_type="")

    def _put_block_list(self, call: Call, container: str, name: str) -> Reply:
        self._check_new(call, container, name)
        try:
            listed = [element.text or "" for element in ElementTree.fromstring(call.body)]  # noqa: S314 - no entities resolved
        except ElementTree.ParseError:
            raise StorageError(400, "InvalidXmlDocument", "XML specified is not syntactically valid.") from None
        try:
            whole = self._blocks.join(container, name, listed)
        except KeyError as missing:
            raise StorageError(
                400, "InvalidBlockList", f"The specified block list is invalid: {missing} was not uploaded."
            ) from None
        try:
            with self._deciding:
                self._check_new(call, container, name)
                cause = _cause(call, "PutBlockList")
                blob = self._blobs.put(
                    container, name, whole, content_type=_content_type(call), metadata=_metadata(call), cause=cause
                )
        finally:
            whole.unlink()
        self._blocks.clear(container, name)
        return Reply(201, headers={**_written(blob), "x-ms-request-id": cause.request_id}, media_type="")

    def _delete(self, call: Call, container: str, name: str) -> Reply:
        with self._deciding:
            _check_conditions(call, self._found(container, name))
            cause = _cause(call, "DeleteBlob")
            self._blobs.delete(container, name, cause=cause)
        return Reply(202, headers={"x-ms-request-id": cause.request_id}, media_type="")

    def _check_new(self, call: Call, container: str, name: str) -> None:
        existing = self._blobs.get(container, name)
        if existing is None:
            if "if-match" in call.headers:
                raise StorageError(
                    412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met."
                )
        elif call.headers.get("if-none-match") == "*":
            raise StorageError(409, "BlobAlreadyExists", "The specified blob already exists.")
        else:
            _check_conditions(call, existing)


def _check_conditions(call: Call, blob: Blob) -> None:
    wanted = call.headers.get("if-match")
    if wanted and wanted != "*" and wanted.strip('"') != blob.etag.strip('"'):
        raise StorageError(
            412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met."
        )


def _cause(call: Call, api: str) -> Cause:
    """The request as an event of it tells; its id is that of the answer's headers."""
    return Cause(api, str(uuid.uuid4()), call.headers.get("x-ms-client-request-id", ""))


def _content_type(call: Call) -> str:
    return call.headers.get("x-ms-blob-content-type") or call.headers.get("content-type") or "application/octet-stream"


def _metadata(call: Call) -> dict[str, str]:
    prefix = "x-ms-meta-"
    return {name[len(prefix) :]: value for name, value in call.headers.items() if name.startswith(prefix)}


def _written(blob: Blob) -> dict[str, str]:
    return {
        "ETag": blob.etag,
        "Last-Modified": format_datetime(blob.modified, usegmt=True),
        "x-ms-request-server-encrypted": "true",
    }
