"""Errors in the shape of GitHub's REST API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aml_emulator.http import Reply

DOCUMENTATION = "https://docs.github.com/rest"


class ApiError(Exception):
    """An answer that is an error.

    Args:
        status: HTTP status.
        message: GitHub's sentence.
        errors: what is wrong with which field, of a 422.
        page: of the documentation, below `DOCUMENTATION`.
        headers: more headers of the answer.

    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: list[dict[str, Any]] | None = None,
        page: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {message}")
        self.status, self.message, self.errors = status, message, errors
        self.page, self.headers = page, dict(headers or {})

    def reply(self) -> Reply:
        """The error as an answer."""
        body: dict[str, Any] = {"message": self.message}
        if self.errors is not None:
            body["errors"] = self.errors
        body["documentation_url"] = f"{DOCUMENTATION}/{self.page}" if self.page else DOCUMENTATION
        body["status"] = str(self.status)
        return Reply(self.status, body, self.headers)


def not_found(page: str = "") -> ApiError:
    """What is not there, and what the asker may not see: GitHub does not tell them apart."""
    return ApiError(404, "Not Found", page=page)


def invalid(resource: str, field: str, code: str, message: str, page: str = "") -> ApiError:
    """A request whose content is refused; `code` is GitHub's word: missing_field, invalid, custom, ..."""
    return ApiError(
        422, message, errors=[{"resource": resource, "field": field, "code": code, "message": message}], page=page
    )


def not_emulated(what: str) -> ApiError:
    """What GitHub does and this emulator does not."""
    return ApiError(501, f"The emulator does not do this: {what}.")
