"""Routes of repositories: what one is, and `repository_dispatch`."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from aml_emulator.github import permissions as permission_rules
from aml_emulator.github.api.errors import invalid
from aml_emulator.github.checkout import find_repository
from aml_emulator.github.errors import WorkflowError
from aml_emulator.http import Reply

if TYPE_CHECKING:
    from aml_emulator.github.api.endpoint import Api, Request
    from aml_emulator.github.credentials import Grant
    from aml_emulator.github.repositories import HostedRepository

LONGEST_EVENT_TYPE = 100
MOST_PROPERTIES = 10
MOST_PAYLOAD_BYTES = 64 * 1024
"""A `client_payload` is smaller than this, as JSON without spaces."""
_PAGE = "repos/repos#create-a-repository-dispatch-event"

log = logging.getLogger(__name__)


def register(api: Api) -> None:
    """Routes."""
    emulator = api.emulator

    def get(request: Request) -> Reply:
        return Reply(body=described(api, request.repository(emulator), request.grant))

    def dispatch(request: Request) -> Reply:
        repository = request.repository(emulator)
        request.require("contents", "write", _PAGE)
        event_type, payload = _dispatch(request.json())
        actor = request.grant.login if request.grant else ""
        happened = {"event_type": event_type, "client_payload": payload}
        try:
            emulator.github.runs.trigger(repository.full_name, "repository_dispatch", happened, actor=actor)
        except (
            WorkflowError
        ) as error:  # GitHub takes the event all the same: nothing listens in a repository without a commit
            log.warning("dispatch %s of %s starts nothing: %s", event_type, repository.full_name, error)
        return Reply(204)

    api.route("GET", "/repos/{owner}/{name}", get)
    api.route("POST", "/repos/{owner}/{name}/dispatches", dispatch)


def described(api: Api, repository: HostedRepository, grant: Grant | None) -> dict[str, Any]:
    """A repository as GitHub describes it to whom a grant belongs, or to its App."""
    full_name = repository.full_name
    owner, _, name = full_name.partition("/")
    url, page = api.url(f"/repos/{full_name}"), f"{api.emulator.base_url}/github/{full_name}"
    found = {
        "id": repository.id,
        "node_id": f"R_{repository.id}",
        "name": name,
        "full_name": full_name,
        "private": True,
        "visibility": "private",
        "owner": account(api, owner),
        "html_url": page,
        "description": None,
        "fork": False,
        "archived": False,
        "disabled": False,
        "url": url,
        "hooks_url": f"{url}/hooks",
        "deployments_url": f"{url}/deployments",
        "default_branch": default_branch(repository),
    }
    if grant is not None:
        pushes = permission_rules.allows(grant.permissions, "contents", "write")
        administers = permission_rules.allows(grant.permissions, "administration", "write")
        found["permissions"] = {
            "admin": administers,
            "maintain": administers,
            "push": pushes,
            "triage": pushes,
            "pull": True,
        }
    return found


def account(api: Api, login: str) -> dict[str, Any]:
    """An account as GitHub describes it in short."""
    return {
        "login": login,
        "id": _number(login),
        "node_id": f"U_{_number(login)}",
        "url": api.url(f"/users/{login}"),
        "html_url": f"{api.emulator.base_url}/github/{login}",
        "type": "Bot" if login.endswith("[bot]") else "User",
        "site_admin": False,
    }


def default_branch(repository: HostedRepository) -> str:
    """The branch that dispatches run on; "main" of a folder that holds no repository with a commit."""
    try:
        return find_repository(repository.folder, repository.full_name).default_branch()
    except WorkflowError:
        return "main"


def _dispatch(body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Event type and payload of a valid request."""
    event_type, payload = body.get("event_type"), body.get("client_payload", {})
    unknown = sorted(body.keys() - {"event_type", "client_payload"})
    if "event_type" not in body:
        raise _wrong("event_type", "missing_field", '"event_type" wasn\'t supplied.')
    if not isinstance(event_type, str):
        raise _wrong("event_type", "invalid", f"For 'properties/event_type', {json.dumps(event_type)} is not a string.")
    if not event_type:
        raise _wrong(
            "event_type", "invalid", "For 'properties/event_type', \"\" is too short: it has 1 character at least."
        )
    if len(event_type) > LONGEST_EVENT_TYPE:
        message = (
            f"event_type is too long: {LONGEST_EVENT_TYPE} characters are allowed; {len(event_type)} were supplied."
        )
        raise _wrong("event_type", "invalid", message)
    if unknown:
        raise _wrong(unknown[0], "invalid", f'"{unknown[0]}" is not a permitted key.')
    if not isinstance(payload, dict):
        raise _wrong("client_payload", "invalid", "For 'properties/client_payload', the value is not an object.")
    if len(payload) > MOST_PROPERTIES:
        message = f"No more than {MOST_PROPERTIES} properties are allowed; {len(payload)} were supplied."
        raise _wrong("client_payload", "invalid", message)
    size = len(json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode(errors="surrogatepass"))
    if size >= MOST_PAYLOAD_BYTES:
        raise invalid("RepositoryDispatch", "client_payload", "custom", "client_payload is too large.", _PAGE)
    return event_type, payload


def _wrong(field: str, code: str, message: str) -> Exception:
    return invalid("RepositoryDispatch", field, code, f"Invalid request.\n\n{message}", _PAGE)


def _number(login: str) -> int:
    """The id of an account: always the same for a name."""
    import zlib

    return zlib.crc32(login.lower().encode())
