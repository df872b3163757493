"""Routes of pull requests and of the comments in their conversations.

To GitHub a pull request is an issue too: its conversation is read and written as that of an issue. There are no other issues here.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aml_emulator.github import permissions as permission_rules
from aml_emulator.github.api.apps import time_text
from aml_emulator.github.api.errors import ApiError, invalid, not_emulated, not_found
from aml_emulator.github.api.paging import page_of
from aml_emulator.github.api.repositories import account, described
from aml_emulator.github.checkout import find_repository
from aml_emulator.github.errors import WorkflowError
from aml_emulator.github.pull_requests import AlreadyOpen
from aml_emulator.http import Reply

if TYPE_CHECKING:
    from aml_emulator.github.api.endpoint import Api, Request
    from aml_emulator.github.pull_requests import Comment, PullRequest
    from aml_emulator.github.repositories import HostedRepository

LONGEST_COMMENT = 65_536
"""Characters."""
_REPOSITORY = "/repos/{owner}/{name}"
_PULLS_PAGE, _ISSUES_PAGE, _COMMENTS_PAGE = "pulls/pulls", "issues/issues", "issues/comments"
_STATES = ("open", "closed")
_NEW = frozenset({"title", "head", "base", "body"})
_CHANGED = frozenset({"title", "body", "state", "base"})


def register(api: Api) -> None:
    """Routes."""
    store = api.emulator.github.pull_requests

    def seen(request: Request, level: str, page: str) -> HostedRepository:
        """The repository; either of two permissions lets in to the conversation of a pull request."""
        found = request.repository(api.emulator)
        grant = request.grant
        if page != _PULLS_PAGE and grant and permission_rules.allows(grant.permissions, "issues", level):
            return found
        request.require("pull_requests", level, page)
        return found

    def pull_of(request: Request, repository: HostedRepository, page: str) -> PullRequest:
        found = store.get(repository, _number(request.call.params["number"], page))
        if found is None:
            raise not_found(page)
        return found

    def comment_of(request: Request, repository: HostedRepository) -> Comment:
        found = store.comment_of(repository, _number(request.call.params["comment"], _COMMENTS_PAGE))
        if found is None:
            raise not_found(_COMMENTS_PAGE)
        return found

    def list_pulls(request: Request) -> Reply:
        repository, query = seen(request, "read", _PULLS_PAGE), request.call.query
        for name in ("sort", "direction"):
            if name in query:
                raise not_emulated(f"sort pull requests ({name})")
        state = query.get("state") or "open"
        if state not in (*_STATES, "all"):
            raise invalid(
                "PullRequest", "state", "invalid", f"state is open, closed or all, not {state!r}.", _PULLS_PAGE
            )
        found = [
            one
            for one in store.all(repository)
            if state in (one.state, "all")
            and query.get("base", one.base) == one.base
            and _is_head(one, query.get("head", ""))
        ]
        page, headers = page_of(found, query, f"{api.emulator.base_url}{request.call.path}")
        return Reply(body=[_pull(api, repository, one) for one in page], headers=headers)

    def open_pull(request: Request) -> Reply:
        repository = seen(request, "write", _PULLS_PAGE)
        body = _texts(request.json(), _NEW, "PullRequest", _PULLS_PAGE)
        for name in ("title", "head", "base"):
            if not body.get(name):
                raise invalid("PullRequest", name, "missing_field", f'"{name}" wasn\'t supplied.', _PULLS_PAGE)
        owner, colon, branch = body["head"].rpartition(":")
        if colon and owner.lower() != repository.full_name.partition("/")[0].lower():
            raise not_emulated("open a pull request from a fork; say it to: aml-emulator github pull --fork")
        for name, ref in (("head", branch), ("base", body["base"])):
            if _sha(repository, ref) is None:
                raise invalid("PullRequest", name, "invalid", f"{name} is no branch: {ref}", _PULLS_PAGE)
        if branch == body["base"]:
            raise _custom(f"No commits between {body['base']} and {branch}")
        login = request.grant.login if request.grant else ""
        try:
            made = store.open(
                repository,
                head=branch,
                base=body["base"],
                title=body["title"],
                login=login,
                body=body.get("body", ""),
            )
        except AlreadyOpen as error:
            raise _custom(str(error)) from None
        return Reply(201, _pull(api, repository, made))

    def get_pull(request: Request) -> Reply:
        repository = seen(request, "read", _PULLS_PAGE)
        return Reply(body=_pull(api, repository, pull_of(request, repository, _PULLS_PAGE)))

    def change_pull(request: Request) -> Reply:
        repository = seen(request, "write", _PULLS_PAGE)
        found = pull_of(request, repository, _PULLS_PAGE)
        changes = _texts(request.json(), _CHANGED, "PullRequest", _PULLS_PAGE)
        if changes.get("state", "open") not in _STATES:
            message = f"state is open or closed, not {changes['state']!r}."
            raise invalid("PullRequest", "state", "invalid", message, _PULLS_PAGE)
        if "base" in changes and _sha(repository, changes["base"]) is None:
            raise invalid("PullRequest", "base", "invalid", f"base is no branch: {changes['base']}", _PULLS_PAGE)
        store.change(repository, found.number, **changes)
        return Reply(body=_pull(api, repository, pull_of(request, repository, _PULLS_PAGE)))

    def get_issue(request: Request) -> Reply:
        repository = seen(request, "read", _ISSUES_PAGE)
        return Reply(body=_issue(api, repository, pull_of(request, repository, _ISSUES_PAGE)))

    def list_comments(request: Request) -> Reply:
        repository, query = seen(request, "read", _COMMENTS_PAGE), request.call.query
        if "since" in query:
            raise not_emulated("filter comments by since")
        found = store.comments(repository, pull_of(request, repository, _COMMENTS_PAGE).number)
        page, headers = page_of(found, query, f"{api.emulator.base_url}{request.call.path}")
        return Reply(body=[_comment(api, repository, one) for one in page], headers=headers)

    def add_comment(request: Request) -> Reply:
        repository = seen(request, "write", _COMMENTS_PAGE)
        pull, text = pull_of(request, repository, _COMMENTS_PAGE), _body(request)
        made = store.comment(repository, pull.number, text, request.grant.login if request.grant else "")
        return Reply(201, _comment(api, repository, made))

    def get_comment(request: Request) -> Reply:
        repository = seen(request, "read", _COMMENTS_PAGE)
        return Reply(body=_comment(api, repository, comment_of(request, repository)))

    def edit_comment(request: Request) -> Reply:
        repository = seen(request, "write", _COMMENTS_PAGE)
        store.edit(comment_of(request, repository), _body(request))
        return Reply(body=_comment(api, repository, comment_of(request, repository)))

    def delete_comment(request: Request) -> Reply:
        repository = seen(request, "write", _COMMENTS_PAGE)
        store.delete(comment_of(request, repository))
        return Reply(204)

    comment, conversation = f"{_REPOSITORY}/issues/comments/{{comment}}", f"{_REPOSITORY}/issues/{{number}}/comments"
    api.route("GET", f"{_REPOSITORY}/pulls", list_pulls)
    api.route("POST", f"{_REPOSITORY}/pulls", open_pull)
    api.route("GET", f"{_REPOSITORY}/pulls/{{number}}", get_pull)
    api.route("PATCH", f"{_REPOSITORY}/pulls/{{number}}", change_pull)
    api.route("GET", comment, get_comment)
    api.route("PATCH", comment, edit_comment)
    api.route("DELETE", comment, delete_comment)
    api.route("GET", conversation, list_comments)
    api.route("POST", conversation, add_comment)
    api.route("GET", f"{_REPOSITORY}/issues/{{number}}", get_issue)


def _pull(api: Api, repository: HostedRepository, one: PullRequest) -> dict[str, Any]:
    url = api.url(f"/repos/{repository.full_name}/pulls/{one.number}")
    owner, head_owner = repository.full_name.partition("/")[0], one.head_repository.partition("/")[0]
    is_own = one.head_repository.lower() == repository.full_name.lower()
    head_repository = described(api, repository, None) if is_own else _fork(api, one.head_repository)
    head_sha = _sha(repository, one.head) if is_own else None
    return {
        **_common(api, repository, one),
        "url": url,
        "id": one.id,
        "node_id": f"PR_{one.id}",
        "draft": False,
        "merged": False,
        "issue_url": api.url(f"/repos/{repository.full_name}/issues/{one.number}"),
        "head": {
            "label": f"{head_owner}:{one.head}",
            "ref": one.head,
            "sha": head_sha or "",
            "user": account(api, head_owner),
            "repo": head_repository,
        },
        "base": {
            "label": f"{owner}:{one.base}",
            "ref": one.base,
            "sha": _sha(repository, one.base) or "",
            "user": account(api, owner),
            "repo": described(api, repository, None),
        },
    }


def _issue(api: Api, repository: HostedRepository, one: PullRequest) -> dict[str, Any]:
    return {
        **_common(api, repository, one),
        "url": api.url(f"/repos/{repository.full_name}/issues/{one.number}"),
        "id": one.id,
        "node_id": f"I_{one.id}",
        "repository_url": api.url(f"/repos/{repository.full_name}"),
        "comments": len(api.emulator.github.pull_requests.comments(repository, one.number)),
        "pull_request": {
            "url": api.url(f"/repos/{repository.full_name}/pulls/{one.number}"),
            "html_url": _page(api, repository, one.number),
        },
    }


def _common(api: Api, repository: HostedRepository, one: PullRequest) -> dict[str, Any]:
    return {
        "number": one.number,
        "state": one.state,
        "locked": False,
        "title": one.title,
        "body": one.body or None,
        "user": account(api, one.login),
        "labels": [],
        "assignees": [],
        "created_at": time_text(one.created),
        "updated_at": time_text(one.updated),
        "closed_at": time_text(one.updated) if one.state == "closed" else None,
        "html_url": _page(api, repository, one.number),
        "comments_url": api.url(f"/repos/{repository.full_name}/issues/{one.number}/comments"),
    }


def _comment(api: Api, repository: HostedRepository, one: Comment) -> dict[str, Any]:
    return {
        "id": one.id,
        "node_id": f"IC_{one.id}",
        "url": api.url(f"/repos/{repository.full_name}/issues/comments/{one.id}"),
        "issue_url": api.url(f"/repos/{repository.full_name}/issues/{one.number}"),
        "html_url": f"{_page(api, repository, one.number)}#issuecomment-{one.id}",
        "body": one.body,
        "user": account(api, one.login),
        "author_association": "NONE" if one.login.endswith("[bot]") else "OWNER",
        "created_at": time_text(one.created),
        "updated_at": time_text(one.updated),
    }


def _fork(api: Api, full_name: str) -> dict[str, Any]:
    """A repository that this GitHub does not host, in short."""
    owner, _, name = full_name.partition("/")
    return {"name": name, "full_name": full_name, "fork": True, "owner": account(api, owner)}


def _page(api: Api, repository: HostedRepository, number: int) -> str:
    return f"{api.emulator.base_url}/github/{repository.full_name}/pull/{number}"


def _sha(repository: HostedRepository, branch: str) -> str | None:
    """The commit of a branch; None when there is no such branch."""
    try:
        return find_repository(repository.folder, repository.full_name, ref=f"refs/heads/{branch}").sha
    except WorkflowError:
        return None


def _is_head(one: PullRequest, wanted: str) -> bool:
    """Whether a pull request comes from `owner:branch`. GitHub takes no notice of a filter without an owner."""
    owner, colon, branch = wanted.partition(":")
    return not colon or (owner.lower() == one.head_repository.partition("/")[0].lower() and branch == one.head)


def _body(request: Request) -> str:
    body = request.json().get("body")
    if not isinstance(body, str) or not body.strip():
        code, said = (
            ("missing_field", "wasn't supplied") if body is None else ("invalid", "is no text, or an empty one")
        )
        raise invalid("IssueComment", "body", code, f'"body" {said}.', _COMMENTS_PAGE)
    if len(body) > LONGEST_COMMENT:
        message = f"Body is too long (maximum is {LONGEST_COMMENT} characters)"
        raise invalid("IssueComment", "body", "unprocessable", message, _COMMENTS_PAGE)
    return body


def _texts(body: dict[str, Any], allowed: frozenset[str], resource: str, page: str) -> dict[str, str]:
    """The members of a request, which are texts. What is null is not there."""
    if unknown := sorted(body.keys() - allowed):
        raise not_emulated(f"the member {json.dumps(unknown[0])} of a {resource}")
    given = {name: value for name, value in body.items() if value is not None}
    for name, value in given.items():
        if not isinstance(value, str):
            raise invalid(resource, name, "invalid", f"{name} must be a text, not {json.dumps(value)}.", page)
    return given


def _custom(message: str) -> ApiError:
    return invalid("PullRequest", "base", "custom", message, _PULLS_PAGE)


def _number(text: str, page: str) -> int:
    if not text.isdecimal() or len(text) > 15:
        raise not_found(page)
    return int(text)
