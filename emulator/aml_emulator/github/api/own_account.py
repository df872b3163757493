"""Routes of whoever asks: the account that a token belongs to, and its rate limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aml_emulator.github.api.asking import budget_of
from aml_emulator.github.api.errors import ApiError
from aml_emulator.github.api.repositories import account
from aml_emulator.http import Reply

if TYPE_CHECKING:
    from aml_emulator.github.api.endpoint import Api, Request


def register(api: Api) -> None:
    """Routes."""

    def user(request: Request) -> Reply:
        if request.grant is None:
            raise ApiError(401, "Requires authentication", page="users/users#get-the-authenticated-user")
        if request.grant.kind != "personal":
            raise ApiError(403, "Resource not accessible by integration", page="users/users#get-the-authenticated-user")
        return Reply(body={**account(api, request.grant.login), "name": request.grant.login})

    def rate_limit(request: Request) -> Reply:
        budget = api.emulator.github.limits.look(*budget_of(request.grant)).as_json()
        return Reply(body={"resources": {"core": budget}, "rate": budget})

    api.route("GET", "/user", user)
    api.route("GET", "/rate_limit", rate_limit, counted=False)
