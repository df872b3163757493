"""What every route of the REST API has in common: faults, who asks, rate limits, permissions, headers, errors."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from aml_emulator.github import permissions as permission_rules
from aml_emulator.github.api.asking import app_of, budget_of, grant_of
from aml_emulator.github.api.errors import ApiError, not_emulated, not_found
from aml_emulator.http import Call, Reply

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.github.credentials import App, Grant
    from aml_emulator.github.faults import Fault
    from aml_emulator.github.repositories import HostedRepository
    from aml_emulator.http import Router

VERSIONS = ("2022-11-28", "2026-03-10")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_SECONDARY_LIMIT = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. "
    "If you reach out to GitHub Support for help, please include the request ID {request}."
)
_MESSAGES = {
    400: "Bad Request",
    401: "Bad credentials",
    404: "Not Found",
    409: "Conflict",
    422: "Validation Failed",
    429: "API rate limit exceeded",
    500: "Server Error",
    502: "Server Error",
    503: "Service Unavailable",
    504: "We couldn't respond to your request in time.",
}


@dataclass(frozen=True)
class Request:
    """One request to the REST API, let in. `grant` is None for one without a token."""

    call: Call
    grant: Grant | None

    def repository(self, emulator: Emulator) -> HostedRepository:
        """The repository of the path.

        Raises:
            ApiError: 404 when it is not there, or the asker may not see it.

        """
        found = emulator.github.repositories.get(f"{self.call.params['owner']}/{self.call.params['name']}")
        if found is None or self.grant is None or found.id not in self.grant.repositories:
            raise not_found("repos/repos")
        return found

    def require(self, permission: str, level: str, page: str) -> None:
        """Refuse a token without a permission: 403."""
        if self.grant is None:
            raise ApiError(401, "Requires authentication", page=page)
        if not permission_rules.allows(self.grant.permissions, permission, level):
            who = "personal access token" if self.grant.kind == "personal" else "integration"
            raise ApiError(
                403,
                f"Resource not accessible by {who}",
                page=page,
                headers={"x-accepted-github-permissions": f"{permission}={level}"},
            )

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; {} for an empty body.

        Raises:
            ApiError: 400 for anything else.

        """
        if not self.call.body:
            return {}
        try:
            found = json.loads(self.call.body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise ApiError(400, "Problems parsing JSON") from None
        if not isinstance(found, dict):
            raise ApiError(400, "Body should be a JSON object")
        return found


class Api:
    """Registers routes below the API's path."""

    def __init__(self, router: Router, emulator: Emulator) -> None:
        """Nothing is registered yet."""
        self.emulator = emulator
        self._router = router

    def route(self, method: str, pattern: str, handler: Callable[[Request], Reply], *, counted: bool = True) -> None:
        """A route for tokens, and for nobody. Requests that are not `counted` leave the rate limit alone."""

        def answer(call: Call, headers: dict[str, str]) -> Reply:
            grant = grant_of(self.emulator.github.credentials, call.headers)
            limits, (name, limit) = self.emulator.github.limits, budget_of(grant)
            budget, within = limits.spend(name, limit) if counted else (limits.look(name, limit), True)
            headers.update(budget.headers())
            if not within:
                raise ApiError(
                    403, f"API rate limit exceeded for {name}.", page="overview/rate-limits-for-the-rest-api"
                )
            return handler(Request(call, grant))

        self._add(method, pattern, answer)

    def app_route(self, method: str, pattern: str, handler: Callable[[Request, App], Reply]) -> None:
        """A route for Apps that sign with their key."""

        def answer(call: Call, headers: dict[str, str]) -> Reply:
            app = app_of(self.emulator.github.credentials, call.headers)
            return handler(Request(call, None), app)

        self._add(method, pattern, answer)

    def refuse_the_rest(self) -> None:
        """Refuse what no route answers, by name. To be registered last."""

        def refuse(call: Call, headers: dict[str, str]) -> NoReturn:
            raise not_emulated(f"{call.method} {call.path}")

        for method in _METHODS:
            self._add(method, "/{rest:path}", refuse)

    def url(self, path: str) -> str:
        """The address of a path below the API's."""
        return f"{self.emulator.base_url}{self.emulator.github.api_path}{path}"

    def _add(self, method: str, pattern: str, answer: Callable[[Call, dict[str, str]], Reply]) -> None:
        def handle(call: Call) -> Reply:
            headers = _headers(call.headers)
            try:
                _check_client(call.headers)
                fault = self.emulator.github.faults.take(call.method, call.path)
                if fault is not None:
                    time.sleep(fault.delay)
                    if fault.status is not None:
                        raise _error_of(fault, fault.status, headers["x-github-request-id"])
                reply = answer(call, headers)
                if fault is not None:
                    reply.headers.update(fault.headers)
            except ApiError as error:
                reply = error.reply()
            reply.headers = {**headers, **{name.lower(): value for name, value in reply.headers.items()}}
            return reply

        self._router.add(method, f"{self.emulator.github.api_path}{pattern}", handle, "none")


def _headers(asked: Mapping[str, str]) -> dict[str, str]:
    parts = (
        secrets.token_hex(2),
        secrets.token_hex(3),
        secrets.token_hex(3),
        secrets.token_hex(3),
        secrets.token_hex(4),
    )
    return {
        "server": "github.com",
        "x-github-request-id": ":".join(parts).upper(),
        "x-github-media-type": "github.v3; format=json",
        "x-github-api-version-selected": asked.get("x-github-api-version") or VERSIONS[0],
    }


def _check_client(headers: Mapping[str, str]) -> None:
    if not headers.get("user-agent", "").strip():
        raise ApiError(
            403,
            "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.",
            page="using-the-rest-api/getting-started-with-the-rest-api#user-agent",
        )
    version = headers.get("x-github-api-version")
    if version and version not in VERSIONS:
        raise ApiError(
            400,
            f"{version!r} is not a supported API version. Supported are: {', '.join(VERSIONS)}.",
            page="about-the-rest-api/api-versions",
        )


def _error_of(fault: Fault, status: int, request_id: str) -> ApiError:
    message = fault.message or _MESSAGES.get(status, "")
    if not message:
        message = _SECONDARY_LIMIT.format(request=request_id) if status == 403 and _waits(fault) else "Forbidden"
    return ApiError(status, message, errors=[] if status == 422 else None, headers=fault.headers)


def _waits(fault: Fault) -> bool:
    return any(name.lower() == "retry-after" for name in fault.headers)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
