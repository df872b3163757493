"""Routes of GitHub Apps: the App itself, its installations, and the tokens that an installation gets."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from aml_emulator.github import permissions as permission_rules
from aml_emulator.github.api.errors import ApiError, invalid, not_found
from aml_emulator.github.api.repositories import account, described
from aml_emulator.http import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from aml_emulator.github.api.endpoint import Api, Request
    from aml_emulator.github.credentials import App, Installation
    from aml_emulator.github.repositories import HostedRepository

_PAGE = "apps/apps"
_TOKEN_PAGE = "apps/apps#create-an-installation-access-token-for-an-app"  # noqa: S105 - a page of the documentation
_NO_REPOSITORY = "There is at least one repository that does not exist or is not accessible to the parent installation."
_NO_PERMISSION = "The permissions requested are not granted to this installation."


def register(api: Api) -> None:
    """Routes."""
    github = api.emulator.github

    def get(request: Request, app: App) -> Reply:
        return Reply(body=_app(api, app))

    def listing(request: Request, app: App) -> Reply:
        return Reply(body=[_installation(api, one) for one in github.credentials.installations(app)])

    def one(request: Request, app: App) -> Reply:
        return Reply(body=_installation(api, _numbered(api, request, app)))

    def of_repository(request: Request, app: App) -> Reply:
        full_name = f"{request.call.params['owner']}/{request.call.params['name']}"
        repository = github.repositories.get(full_name)
        for found in github.credentials.installations(app):
            if repository is not None and repository.id in found.repositories:
                return Reply(body=_installation(api, found))
        raise not_found(_PAGE)

    def of_account(request: Request, app: App) -> Reply:
        for found in github.credentials.installations(app):
            if found.owner.lower() == request.call.params["owner"].lower():
                return Reply(body=_installation(api, found))
        raise not_found(_PAGE)

    def token(request: Request, app: App) -> Reply:
        return _token(api, request, _numbered(api, request, app))

    def accessible(request: Request) -> Reply:
        if request.grant is None or request.grant.kind == "personal":
            raise ApiError(
                403, "You must authenticate with an installation access token in order to list repositories."
            )
        found = [one for one in github.repositories.all() if one.id in request.grant.repositories]
        repositories = [described(api, one, request.grant) for one in found]
        return Reply(body={"total_count": len(found), "repository_selection": "selected", "repositories": repositories})

    app_routes: tuple[tuple[str, str, Callable[[Request, App], Reply]], ...] = (
        ("GET", "/app", get),
        ("GET", "/app/installations", listing),
        ("GET", "/app/installations/{installation}", one),
        ("POST", "/app/installations/{installation}/access_tokens", token),
        ("GET", "/repos/{owner}/{name}/installation", of_repository),
        ("GET", "/orgs/{owner}/installation", of_account),
        ("GET", "/users/{owner}/installation", of_account),
    )
    for method, pattern, handler in app_routes:
        api.app_route(method, pattern, handler)
    api.route("GET", "/installation/repositories", accessible)


def _numbered(api: Api, request: Request, app: App) -> Installation:
    asked = request.call.params["installation"]
    for found in api.emulator.github.credentials.installations(app):
        if str(found.id) == asked:
            return found
    raise not_found(_PAGE)


def _token(api: Api, request: Request, installation: Installation) -> Reply:
    body = request.json()
    repositories, selected = _selected(api, body, installation)
    permissions = _permitted(body, installation.app)
    github = api.emulator.github
    token, expires = github.credentials.for_installation(installation, [one.id for one in repositories], permissions)
    made: dict[str, Any] = {
        "token": token,
        "expires_at": time_text(expires),
        "permissions": permissions,
        "repository_selection": "selected",
    }
    if selected:
        made["repositories"] = [described(api, one, None) for one in repositories]
    return Reply(201, made)


def _selected(api: Api, body: dict[str, Any], installation: Installation) -> tuple[list[HostedRepository], bool]:
    """The repositories that a token is asked for, and whether they were named."""
    hosted = [one for one in api.emulator.github.repositories.all() if one.id in installation.repositories]
    names, numbers = body.get("repositories"), body.get("repository_ids")
    if names is None and numbers is None:
        return hosted, False
    if not isinstance(names or [], list) or not isinstance(numbers or [], list):
        raise invalid("InstallationToken", "repositories", "invalid", "repositories must be a list.", _TOKEN_PAGE)
    asked = {str(one).lower() for one in names or []} | {str(one) for one in numbers or []}
    by_name = {one.full_name.partition("/")[2].lower(): one for one in hosted}
    by_number = {str(one.id): one for one in hosted}
    found = [by_name.get(str(one).lower()) for one in names or []] + [by_number.get(str(one)) for one in numbers or []]
    known = [one for one in found if one is not None]
    if not asked or len(known) != len(found):
        raise invalid("InstallationToken", "repositories", "invalid", _NO_REPOSITORY, _TOKEN_PAGE)
    return list({one.id: one for one in known}.values()), True


def _permitted(body: dict[str, Any], app: App) -> dict[str, str]:
    asked = body.get("permissions")
    if not asked:
        return dict(app.permissions)
    try:
        if not isinstance(asked, dict):
            raise ValueError("permissions must be an object.")
        found = permission_rules.checked(asked)
    except ValueError as error:
        raise invalid("InstallationToken", "permissions", "invalid", str(error), _TOKEN_PAGE) from None
    if not all(permission_rules.allows(app.permissions, name, level) for name, level in found.items()):
        raise invalid("InstallationToken", "permissions", "invalid", _NO_PERMISSION, _TOKEN_PAGE)
    return found


def _app(api: Api, app: App) -> dict[str, Any]:
    return {
        "id": app.id,
        "slug": app.slug,
        "node_id": f"A_{app.id}",
        "client_id": app.client_id,
        "owner": account(api, app.owner),
        "name": app.slug,
        "description": None,
        "external_url": api.emulator.base_url,
        "html_url": f"{api.emulator.base_url}/github/apps/{app.slug}",
        "created_at": time_text(app.created),
        "updated_at": time_text(app.created),
        "permissions": dict(app.permissions),
        "events": [],
        "installations_count": len(api.emulator.github.credentials.installations(app)),
    }


def _installation(api: Api, found: Installation) -> dict[str, Any]:
    return {
        "id": found.id,
        "account": account(api, found.owner),
        "app_id": found.app.id,
        "app_slug": found.app.slug,
        "client_id": found.app.client_id,
        "target_id": account(api, found.owner)["id"],
        "target_type": "User",
        "repository_selection": "selected",
        "access_tokens_url": api.url(f"/app/installations/{found.id}/access_tokens"),
        "repositories_url": api.url("/installation/repositories"),
        "html_url": f"{api.emulator.base_url}/github/settings/installations/{found.id}",
        "permissions": dict(found.app.permissions),
        "events": [],
        "created_at": time_text(found.created),
        "updated_at": time_text(found.created),
        "single_file_name": None,
        "suspended_at": None,
        "suspended_by": None,
    }


def time_text(seconds: float) -> str:
    """A time as GitHub writes it, for example 2026-01-31T12:00:00Z."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
