"""What `aml-emulator github` asks the running emulator under `/emulator/github`, with a token for ARM.

GitHub has no such addresses. Nothing here gives a secret back, and a token only to who asks for a new one.
"""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aml_emulator.github.api.repositories import default_branch
from aml_emulator.github.checkout import find_repository
from aml_emulator.github.credentials import USER
from aml_emulator.github.errors import WorkflowError
from aml_emulator.github.pull_requests import AlreadyOpen
from aml_emulator.http import Call, Reply, Router, ServiceError

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.github.faults import Fault
    from aml_emulator.github.repositories import HostedRepository

PATH = "/emulator/github"
USUAL_PERMISSIONS = {"contents": "write"}
"""Of a token that nothing is said about: what a `repository_dispatch` needs."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_LONGEST_DELAY = 600.0
_MOST_SECRET_BYTES = 48 * 1024


def register(router: Router, emulator: Emulator) -> None:
    """Routes."""
    github = emulator.github

    def hosted(full_name: str) -> HostedRepository:
        found = github.repositories.get(full_name)
        if found is None:
            known = ", ".join(one.full_name for one in github.repositories.all()) or "none"
            message = f"There is no repository {full_name}. Hosted are: {known}. Host it: aml-emulator github add"
            raise ServiceError(404, "RepositoryNotFound", message)
        return found

    def listing(call: Call) -> Reply:
        return Reply(body={"value": [_shown(emulator, one) for one in github.repositories.all()]})

    def get(call: Call) -> Reply:
        return Reply(body=_shown(emulator, hosted(_full_name(call))))

    def put(call: Call) -> Reply:
        body = call.json()
        folder = body.get("folder")
        if not isinstance(folder, str) or not Path(folder).is_absolute():
            raise _invalid("A repository needs a folder, as an absolute path.")
        return _change(call, body, Path(folder))

    def patch(call: Call) -> Reply:
        return _change(call, call.json(), hosted(_full_name(call)).folder)

    def _change(call: Call, body: dict[str, Any], folder: Path) -> Reply:
        full_name = _full_name(call)
        actions = {use: Path(text) for use, text in _texts(body, "actions").items()}
        for use, root in actions.items():
            if not root.is_dir():
                raise _invalid(f"There is no folder {root}, which is to stand behind {use}.")
        variables = _texts(body, "variables")
        for name in variables:
            _check_name(name)
        try:
            root = find_repository(folder, full_name).path
            made = github.repositories.put(
                full_name, root, secrets=_secrets(body), variables=variables, actions=actions
            )
        except (ValueError, WorkflowError) as error:
            raise _invalid(str(error)) from None
        return Reply(body=_shown(emulator, made))

    def remove(call: Call) -> Reply:
        github.repositories.remove(hosted(_full_name(call)).full_name)
        return Reply(204)

    def token(call: Call) -> Reply:
        body = call.json()
        names, seconds = body.get("repositories"), body.get("seconds")
        if not isinstance(names, list) or not names:
            raise _invalid("A token needs repositories.")
        if seconds is not None and (not isinstance(seconds, int | float) or seconds <= 0):
            raise _invalid(f"seconds must be a number above 0, not {seconds!r}.")
        repositories = [hosted(str(name)) for name in names]
        try:
            made = github.credentials.personal(repositories, _texts(body, "permissions") or USUAL_PERMISSIONS, seconds)
        except ValueError as error:
            raise _invalid(str(error)) from None
        return Reply(201, {"token": made})

    def app(call: Call) -> Reply:
        body = call.json()
        permissions = _texts(body, "permissions") or USUAL_PERMISSIONS
        try:
            made = github.credentials.install(hosted(_full_name(call)), str(body.get("publicKeyPem", "")), permissions)
        except ValueError as error:
            raise _invalid(str(error)) from None
        found = made.app
        ids = {"app_id": found.id, "client_id": found.client_id, "installation_id": made.id}
        return Reply(201, {**ids, "permissions": dict(found.permissions)})

    def open_pull(call: Call) -> Reply:
        repository, body = hosted(_full_name(call)), call.json()
        head, fork = _branch(body, "head"), str(body.get("fork") or "")
        base = _branch(body, "base", default_branch(repository))
        if fork.count("/") != (1 if fork else 0):
            raise _invalid(f"fork is the name of the repository that the branch is in, owner/name, not {fork!r}.")
        if head == base and not fork:
            raise _invalid(f"A pull request of {head} into itself would have no commits.")
        for branch in (base,) if fork else (base, head):
            try:
                find_repository(repository.folder, repository.full_name, ref=f"refs/heads/{branch}")
            except WorkflowError:
                raise _invalid(f"{repository.full_name} has no branch {branch}.") from None
        title = str(body.get("title") or head)
        try:
            made = github.pull_requests.open(repository, head=head, base=base, title=title, login=USER, fork=fork)
        except AlreadyOpen as error:
            raise _invalid(str(error)) from None
        return Reply(201, asdict(made))

    def faults(call: Call) -> Reply:
        return Reply(body={"value": [asdict(one) for one in github.faults.all()]})

    def add_fault(call: Call) -> Reply:
        return Reply(201, asdict(_add_fault(emulator, call.json())))

    def clear_faults(call: Call) -> Reply:
        github.faults.clear()
        return Reply(204)

    router.add("GET", f"{PATH}/repositories", listing)
    router.add("GET", f"{PATH}/repositories/{{owner}}/{{name}}", get)
    router.add("PUT", f"{PATH}/repositories/{{owner}}/{{name}}", put)
    router.add("PATCH", f"{PATH}/repositories/{{owner}}/{{name}}", patch)
    router.add("DELETE", f"{PATH}/repositories/{{owner}}/{{name}}", remove)
    router.add("POST", f"{PATH}/repositories/{{owner}}/{{name}}/app", app)
    router.add("POST", f"{PATH}/repositories/{{owner}}/{{name}}/pulls", open_pull)
    router.add("POST", f"{PATH}/tokens", token)
    router.add("GET", f"{PATH}/faults", faults)
    router.add("POST", f"{PATH}/faults", add_fault)
    router.add("DELETE", f"{PATH}/faults", clear_faults)


def _shown(emulator: Emulator, one: HostedRepository) -> dict[str, Any]:
    """A repository without the values of its secrets."""
    return {
        "id": one.id,
        "full_name": one.full_name,
        "folder": str(one.folder),
        "secrets": sorted(one.secrets),
        "variables": dict(one.variables),
        "actions": {use: str(folder) for use, folder in one.actions.items()},
        "api_url": f"{emulator.base_url}{emulator.github.api_path}/repos/{one.full_name}",
    }


def _add_fault(emulator: Emulator, body: dict[str, Any]) -> Fault:
    status, count, delay = body.get("status"), body.get("count", 1), body.get("delay", 0.0)
    headers = _texts(body, "headers")
    if status is not None and (not isinstance(status, int) or not 300 <= status <= 599):
        raise _invalid(f"The status of a fault is a number from 300 to 599, not {status!r}.")
    if not isinstance(count, int) or count < 1:
        raise _invalid(f"The count of a fault is a number from 1, not {count!r}.")
    if not isinstance(delay, int | float) or not 0 <= delay <= _LONGEST_DELAY:
        raise _invalid(f"The delay of a fault is 0 to {_LONGEST_DELAY:.0f} seconds, not {delay!r}.")
    if status is None and not delay and not headers:
        raise _invalid("A fault needs a status, a delay or headers: without them nothing would be different.")
    for name, value in headers.items():
        if not _HEADER.fullmatch(name) or not value.isprintable() or not value.isascii():
            raise _invalid(f"{name!r} cannot be a header of an answer with the value {value!r}.")
    message, path = str(body.get("message") or ""), str(body.get("path") or "")
    return emulator.github.faults.add(
        status, message=message, headers=headers, count=count, path=path, delay=float(delay)
    )


def _branch(body: dict[str, Any], member: str, usual: str = "") -> str:
    found = body.get(member) or usual
    if not isinstance(found, str) or not found:
        raise _invalid(f"A pull request needs a branch as {member}.")
    return found


def _full_name(call: Call) -> str:
    return f"{call.params['owner']}/{call.params['name']}"


def _secrets(body: dict[str, Any]) -> dict[str, str]:
    """Secrets come as a list of name and value, in the form whose values the request log hides."""
    listed = body.get("secrets", [])
    if not isinstance(listed, list):
        raise _invalid("secrets must be a list.")
    found = {}
    for one in listed:
        name, value = (one.get("name"), one.get("value")) if isinstance(one, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(value, str) or one.get("isSecret") is not True:
            raise _invalid("A secret has the members name and value, and isSecret, which is true.")
        _check_name(name)
        if not value:
            raise _invalid(f"The secret {name} is empty.")
        if len(value.encode()) > _MOST_SECRET_BYTES:
            raise _invalid(f"The secret {name} is too long: {_MOST_SECRET_BYTES} bytes are allowed.")
        found[name] = value
    return found


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or name.upper().startswith("GITHUB_"):
        raise _invalid(
            f"{name!r} is no name of a secret or variable: letters, digits and _ are allowed, no digit in front, "
            "and not GITHUB_ in front."
        )


def _texts(body: dict[str, Any], member: str) -> dict[str, str]:
    found = body.get(member) or {}
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise _invalid(f"{member} must be an object of texts.")
    return found


def _invalid(message: str) -> ServiceError:
    return ServiceError(400, "InvalidRequest", message)
