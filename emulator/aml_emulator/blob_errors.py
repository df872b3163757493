"""Errors of the blob service, in Azure Storage's XML."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape

from aml_emulator.http import Reply


class StorageError(Exception):
    """An answer that is an error; the code is also in the header `x-ms-error-code`, where the clients look first."""

    def __init__(
        self, status: int, code: str, message: str, *, detail: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {message} {detail}".rstrip())
        self.status, self.code, self.message, self.detail = status, code, message, detail
        self.headers = dict(headers or {})

    def reply(self) -> Reply:
        """The error as an answer."""
        detail = f"<AuthenticationErrorDetail>{escape(self.detail)}</AuthenticationErrorDetail>" if self.detail else ""
        text = (
            '<?xml version="1.0" encoding="utf-8"?>'
            f"<Error><Code>{self.code}</Code><Message>{escape(self.message)}</Message>{detail}</Error>"
        )
        return Reply(self.status, text, {"x-ms-error-code": self.code, **self.headers}, "application/xml")


def container_not_found() -> StorageError:
    """404 for a container."""
    return StorageError(404, "ContainerNotFound", "The specified container does not exist.")


def blob_not_found() -> StorageError:
    """404 for a blob."""
    return StorageError(404, "BlobNotFound", "The specified blob does not exist.")


def not_emulated(what: str) -> StorageError:
    """What Azure Storage does and the emulator does not (501 is not retried by the SDK)."""
    return StorageError(501, "NotEmulated", f"The emulator does not do this: {what}.")
