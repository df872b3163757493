"""`aml-emulator github`: the repositories that the emulator's GitHub hosts, their credentials, and faults of its API."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aml_emulator import subcommands
from aml_emulator.github.runs import command as runs_command
from aml_emulator.own_client import Failed, ask
from aml_emulator.subcommands import state_of

if TYPE_CHECKING:
    from aml_emulator.subcommands import SubParsers

PATH = "/emulator/github"
"""Where the emulator answers this command; GitHub has no such address."""


_TEMPLATE_ACTIONS = "org/actions@v1"
"""What the workflows of the template repository use."""


def add_parser(commands: SubParsers) -> None:
    """Register `aml-emulator github` and everything below it."""
    summary = "Host repositories, give tokens for them, and run their workflows."
    github = commands.add_parser("github", help=summary, description=summary)
    actions = github.add_subparsers(title="what to do", metavar="ACTION", required=True)
    _add_repositories(actions)
    _add_credentials(actions)
    _add_faults(actions)
    runs_command.add_parsers(actions)


def _add_repositories(actions: SubParsers) -> None:
    add = subcommands.add(actions, "add", _add, "Host a git repository of this machine, or change one that is hosted.")
    add.add_argument("repository", metavar="OWNER/REPO")
    add.add_argument("folder", type=Path, metavar="FOLDER", help="root of the git repository")
    add.add_argument(
        "--secret",
        action="append",
        default=[],
        metavar="NAME[=VALUE]",
        help="a secret of the repository; without a value, that of the environment variable of the same name",
    )
    add.add_argument("--variable", action="append", default=[], metavar="NAME=VALUE", help="a variable of it")
    add.add_argument(
        "--actions",
        action="append",
        default=[],
        metavar="[OWNER/NAME@REF=]FOLDER",
        help=f"folder of the repository that stands behind a `uses:` (default of the name: {_TEMPLATE_ACTIONS})",
    )
    listing = subcommands.add(actions, "list", _list, "Print the repositories that are hosted.")
    listing.add_argument("--json", action="store_true", help="as JSON")
    remove = subcommands.add(actions, "remove", _remove, "Host a repository no longer; its folder stays as it is.")
    remove.add_argument("repository", metavar="OWNER/REPO")
    variable = subcommands.add(actions, "variable", _variable, "Set a variable of a repository.")
    variable.add_argument("repository", metavar="OWNER/REPO")
    variable.add_argument("name", metavar="NAME")
    variable.add_argument("value", metavar="VALUE")
    secret = subcommands.add(actions, "secret", _secret, "Set a secret of a repository.")
    secret.add_argument("repository", metavar="OWNER/REPO")
    secret.add_argument("name", metavar="NAME")
    secret.add_argument("--value", default=None, metavar="VALUE", help="its value (default: standard input)")
    pull = subcommands.add(
        actions, "pull", _pull, "Open a pull request of a repository, as if somebody had, and print its number."
    )
    pull.add_argument("repository", metavar="OWNER/REPO")
    pull.add_argument("--head", required=True, metavar="BRANCH", help="the branch that is to be merged")
    pull.add_argument(
        "--base", default="", metavar="BRANCH", help="the branch to merge into (default: the default branch)"
    )
    pull.add_argument("--title", default="", metavar="TEXT", help="its title (default: the name of the branch)")
    pull.add_argument("--fork", default="", metavar="OWNER/REPO", help="the repository of the branch, if it is a fork")


def _add_credentials(actions: SubParsers) -> None:
    token = subcommands.add(
        actions, "token", _token, "Print a new fine-grained personal access token for repositories."
    )
    token.add_argument("repositories", nargs="+", metavar="OWNER/REPO")
    token.add_argument(
        "--permission",
        action="append",
        default=[],
        metavar="NAME=LEVEL",
        help="what it allows, for example actions=read (default: contents=write); levels: read, write, admin",
    )
    token.add_argument(
        "--seconds", type=_seconds, default=None, metavar="N", help="how long it is good (default: for ever)"
    )
    app = subcommands.add(actions, "app", _app, "Install a GitHub App in a repository and print its ids as JSON.")
    app.add_argument("repository", metavar="OWNER/REPO")
    app.add_argument("--public-key", type=Path, required=True, metavar="FILE", help="PEM file of its RSA public key")
    app.add_argument(
        "--permission",
        action="append",
        default=[],
        metavar="NAME=LEVEL",
        help="what its installation tokens may allow (default: contents=write)",
    )


def _add_faults(actions: SubParsers) -> None:
    summary = "Make the REST API fail or slow, to see how a client copes."
    fault = actions.add_parser("fault", help=summary, description=summary)
    kinds = fault.add_subparsers(title="what to do", metavar="ACTION", required=True)
    add = subcommands.add(kinds, "add", _fault_add, "Have the next requests fail.")
    add.add_argument("--status", type=int, default=None, metavar="N", help="answer with this status")
    add.add_argument("--message", default="", metavar="TEXT", help="the error's message (default: GitHub's own)")
    add.add_argument("--header", action="append", default=[], metavar="NAME=VALUE", help="a header of the answer")
    add.add_argument("--count", type=_count, default=1, metavar="N", help="how many requests it meets (default 1)")
    add.add_argument("--path", default="", metavar="TEXT", help="only requests whose path has this text in it")
    add.add_argument("--delay", type=_seconds, default=0.0, metavar="S", help="seconds before the answer")
    listing = subcommands.add(kinds, "list", _fault_list, "Print the faults and the requests that they met.")
    listing.add_argument("--json", action="store_true", help="as JSON")
    subcommands.add(kinds, "clear", _fault_clear, "Take all faults back.")


def _add(options: argparse.Namespace) -> int:
    secrets = dict(_secret_setting(text) for text in options.secret)
    body = {
        "folder": str(options.folder.expanduser().absolute()),
        "secrets": _hidden_items(secrets),
        "variables": _pairs("--variable", options.variable),
        "actions": dict(_actions_setting(text) for text in options.actions),
    }
    made = ask(state_of(options), "PUT", _repository(options.repository), body)
    print(f"{made['full_name']} is hosted at {made['api_url']}")
    return 0


def _list(options: argparse.Namespace) -> int:
    found = ask(state_of(options), "GET", f"{PATH}/repositories")["value"]
    if options.json:
        print(json.dumps(found, indent=2))
        return 0
    for one in found:
        print(f"{one['full_name']} {one['folder']}")
    return 0


def _remove(options: argparse.Namespace) -> int:
    ask(state_of(options), "DELETE", _repository(options.repository))
    print(f"{options.repository} is hosted no longer.")
    return 0


def _variable(options: argparse.Namespace) -> int:
    ask(state_of(options), "PATCH", _repository(options.repository), {"variables": {options.name: options.value}})
    return 0


def _secret(options: argparse.Namespace) -> int:
    value = options.value if options.value is not None else sys.stdin.read().rstrip("\r\n")
    body = {"secrets": _hidden_items({options.name: value})}
    ask(state_of(options), "PATCH", _repository(options.repository), body)
    return 0


def _pull(options: argparse.Namespace) -> int:
    body = {"head": options.head, "base": options.base, "title": options.title, "fork": options.fork}
    print(ask(state_of(options), "POST", f"{_repository(options.repository)}/pulls", body)["number"])
    return 0


def _token(options: argparse.Namespace) -> int:
    body = {
        "repositories": options.repositories,
        "permissions": _pairs("--permission", options.permission),
        "seconds": options.seconds,
    }
    print(ask(state_of(options), "POST", f"{PATH}/tokens", body)["token"])
    return 0


def _app(options: argparse.Namespace) -> int:
    try:
        key = options.public_key.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise Failed(f"--public-key {options.public_key}: cannot read the file: {error}") from None
    body = {"publicKeyPem": key, "permissions": _pairs("--permission", options.permission)}
    print(json.dumps(ask(state_of(options), "POST", f"{_repository(options.repository)}/app", body), indent=2))
    return 0


def _fault_add(options: argparse.Namespace) -> int:
    body = {
        "status": options.status,
        "message": options.message,
        "headers": _pairs("--header", options.header),
        "count": options.count,
        "path": options.path,
        "delay": options.delay,
    }
    made = ask(state_of(options), "POST", f"{PATH}/faults", body)
    print(f"Fault {made['id']}: {_fault_text(made)}")
    return 0


def _fault_list(options: argparse.Namespace) -> int:
    found = ask(state_of(options), "GET", f"{PATH}/faults")["value"]
    if options.json:
        print(json.dumps(found, indent=2))
        return 0
    for one in found:
        print(f"Fault {one['id']}: {_fault_text(one)}")
        for use in one["uses"]:
            print(f"  {use['time']} {use['method']} {use['path']}")
    return 0


def _fault_clear(options: argparse.Namespace) -> int:
    ask(state_of(options), "DELETE", f"{PATH}/faults")
    return 0


def _fault_text(one: dict[str, Any]) -> str:
    what = "the answer as ever" if one["status"] is None else f"status {one['status']}"
    late = f" after {one['delay']:g} s" if one["delay"] else ""
    where = f", paths with {one['path']!r}" if one["path"] else ""
    return f"{what}{late}{where}, {one['count'] - len(one['uses'])} of {one['count']} left"


def _repository(full_name: str) -> str:
    """Its own address."""
    owner, slash, name = full_name.partition("/")
    if not slash or not owner or not name or "/" in name:
        raise Failed(f"{full_name!r} is not the name of a repository. It has the form owner/name.")
    return f"{PATH}/repositories/{quote(owner, safe='')}/{quote(name, safe='')}"


def _pairs(option: str, texts: Sequence[str], *, form: str = "NAME=VALUE") -> dict[str, str]:
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise Failed(f"{option} {text!r} does not have the form {form}.")
        found[name] = value
    return found


def _secret_setting(text: str) -> tuple[str, str]:
    """Name and value; the value of one that is only named comes from the environment of the caller."""
    name, equals, value = text.partition("=")
    if equals:
        return name, value
    if name not in os.environ:
        raise Failed(f"--secret {name}: there is no environment variable {name}. Set it, or give NAME=VALUE.")
    return name, os.environ[name]


def _actions_setting(text: str) -> tuple[str, str]:
    """A "owner/name@ref" with the folder that stands behind it."""
    use, equals, folder = text.partition("=")
    if not equals or "@" not in use:
        use, folder = _TEMPLATE_ACTIONS, text
    return use, str(Path(folder).expanduser().absolute())


def _hidden_items(secrets: dict[str, str]) -> list[dict[str, Any]]:
    """Secrets in the form whose values the request log hides."""
    return [{"name": name, "isSecret": True, "value": value} for name, value in secrets.items()]


def _seconds(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds: allowed are 0 and more")
    return found


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no count: allowed are 1 and more")
    return int(text)
