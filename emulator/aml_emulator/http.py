"""A request and a reply as the handlers see them, the service's error shapes, and the router.

Handlers are plain functions `(Call) -> Reply`, run in a thread each: they may read files, wait and block.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

from aml_emulator import ids

Authentication = Literal["arm", "none", "own"]
"""Who may call: a bearer token for ARM (or the ML data plane), anybody, or the handler checks by itself."""


@dataclass(frozen=True)
class Principal:
    """Who signed the request: the claims of a token that was verified."""

    object_id: str
    client_id: str
    tenant_id: str
    audience: str


@dataclass(frozen=True)
class Call:
    """One request. Query names are lower case; path parameters are unquoted."""

    method: str
    path: str
    raw_path: str
    query: Mapping[str, str]
    raw_query: str
    headers: Mapping[str, str]
    body: bytes = b""
    params: Mapping[str, str] = field(default_factory=dict)
    principal: Principal | None = None

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; {} for an empty body.

        Raises:
            ServiceError: 400 for anything else.

        """
        if not self.body:
            return {}
        try:
            found = json.loads(self.body)
        except ValueError as error:
            raise ServiceError(
                400, "InvalidRequestContent", f"The request content is not valid JSON: {error}"
            ) from None
        if not isinstance(found, dict):
            raise ServiceError(400, "InvalidRequestContent", "The request content must be a JSON object.")
        return found


@dataclass(frozen=True)
class FileSlice:
    """Part of a file as the body of an answer: sent in pieces, never held in memory as a whole."""

    path: Path
    start: int
    length: int


@dataclass
class Reply:
    """One answer: a JSON value, text, bytes or part of a file."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    media_type: str = "application/json"

    def encoded(self) -> bytes:
        """The bytes that go over the wire (a file slice is read: the server sends it piece by piece instead)."""
        if isinstance(self.body, FileSlice):
            with self.body.path.open("rb") as file:
                file.seek(self.body.start)
                return file.read(self.body.length)
        if self.body is None and self.media_type != "application/json":
            return b""
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str) and self.media_type != "application/json":
            return self.body.encode()
        if self.body is None:
            return b""
        return json.dumps(self.body).encode()


class ServiceError(Exception):
    """An answer that is an error, in ARM's shape or in that of the Machine Learning front end.

    Args:
        status: HTTP status.
        code: the error's code; with `inner`, the top of the chain (nearly always `UserError`).
        message: one sentence for a person.
        inner: codes from the outermost to the deepest, as the front end puts them into `additionalInfo`.
        details: `details` members, each with code and message.
        headers: headers of the answer, for example Retry-After.

    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        inner: tuple[str, ...] = (),
        target: str | None = None,
        details: list[dict[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message
        self.inner, self.target, self.details = inner, target, details or []
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """The error as JSON (`contracts`: shapes A and C of the service)."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.target:
            error["target"] = self.target
        of_front_end = bool(self.inner) or self.code == "UserError"
        if of_front_end or self.details:
            error["details"] = self.details
        if of_front_end:
            error["additionalInfo"] = self._additional_info()
        return {"error": error}

    def _additional_info(self) -> list[dict[str, Any]]:
        """What the front end adds; the last link of `InnerError` is the code that tells (shape A)."""
        chain: dict[str, Any] | None = None
        for code in reversed(self.inner):
            chain = {"code": code, "innerError": chain}
        values: dict[str, Any] = {
            "ComponentName": "managementfrontend",
            "Correlation": {"operation": uuid.uuid4().hex, "request": uuid.uuid4().hex[:16]},
            "Environment": "local",
            "Location": "local",
            "Time": datetime.now(timezone.utc).isoformat(),
        }
        if chain is not None:
            values["InnerError"] = chain
        return [{"type": kind, "info": {"value": value}} for kind, value in values.items()]

    def reply(self) -> Reply:
        """The error as an answer."""
        return Reply(self.status, self.body(), dict(self.headers))


def not_found(resource_id: str) -> ServiceError:
    """ARM's 404 for a resource that is not there."""
    what = f"{ids.type_of(resource_id)}/{ids.name_of(resource_id)}"
    group = ids.segment(resource_id, "resourceGroups") or ""
    return ServiceError(404, "ResourceNotFound", f"The Resource '{what}' under resource group '{group}' was not found.")


def not_emulated(what: str) -> ServiceError:
    """What Azure does and this emulator does not: refused by name (501 is not retried by the SDK), never invented."""
    return ServiceError(501, "NotEmulated", f"The emulator does not do this: {what}.")


Handler = Callable[[Call], Reply]


@dataclass(frozen=True)
class _Route:
    method: str
    pattern: re.Pattern[str]
    handler: Handler
    authentication: Authentication


class Router:
    """Routes by method and path pattern; literal segments match without regard to case, as ARM's do.

    `{name}` takes one segment, `{name:path}` the rest, slashes included. The first route that matches wins.
    """

    def __init__(self) -> None:
        self._routes: list[_Route] = []

    def add(self, method: str, pattern: str, handler: Handler, authentication: Authentication = "arm") -> None:
        """Register a handler."""
        parts = re.split(r"(\{\w+(?::path)?\})", pattern)
        expression = "".join(
            (f"(?P<{part[1:-6]}>.*)" if part.endswith(":path}") else f"(?P<{part[1:-1]}>[^/]+)")
            if part.startswith("{")
            else re.escape(part)
            for part in parts
        )
        self._routes.append(_Route(method, re.compile(expression, re.IGNORECASE), handler, authentication))

    def find(self, method: str, raw_path: str) -> tuple[Handler, Authentication, dict[str, str]] | None:
        """The handler for a request with its unquoted path parameters; None when no route matches."""
        for route in self._routes:
            if route.method == method and (match := route.pattern.fullmatch(raw_path)):
                return (
                    route.handler,
                    route.authentication,
                    {name: unquote(value) for name, value in match.groupdict().items()},
                )
        return None
