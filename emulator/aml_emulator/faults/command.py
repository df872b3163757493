"""`aml-emulator fault`: has requests, long-running operations and jobs of a running emulator go wrong."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aml_emulator import subcommands
from aml_emulator.faults.api import PATH
from aml_emulator.own_client import Failed, ask
from aml_emulator.subcommands import state_of

if TYPE_CHECKING:
    from aml_emulator.subcommands import SubParsers

_SUMMARY = "Have requests, long-running operations or jobs go wrong, as they do on Azure now and then."
_MEMBERS = (
    "status",
    "code",
    "message",
    "body",
    "count",
    "after",
    "seconds",
    "match",
    "agent",
    "delay",
    "drop",
    "bytes",
    "slow",
    "stale",
    "reads",
    "at",
    "log",
    "lagging",
)


def add_parser(commands: SubParsers) -> None:
    """Add the command."""
    parser = commands.add_parser("fault", help=_SUMMARY, description=_SUMMARY)
    actions = parser.add_subparsers(title="what to do", metavar="ACTION", required=True)
    add = subcommands.add(actions, "add", _add, "Ask for a fault.")
    add.add_argument(
        "operation", metavar="OPERATION", help="for example jobs.get, any, lro.compute, 'GET /regex'; see operations"
    )
    add.add_argument("shown", nargs="?", default=None, metavar="STATE", help="of jobs.state: what the job shows")
    add.add_argument("--status", type=int, metavar="N", help="answer with this status")
    add.add_argument("--code", metavar="CODE", help="code of the error (default: the service's own)")
    add.add_argument("--message", metavar="TEXT", help="message of the error (default: the service's own)")
    add.add_argument("--body", metavar="TEXT", help="send this as HTML in place of the error")
    add.add_argument("--header", action="append", default=[], metavar="NAME=VALUE", help="a header of the answer")
    add.add_argument("--count", type=int, metavar="N", help="how many it meets (default 1; 0: all)")
    add.add_argument("--after", type=int, metavar="N", help="let this many pass first")
    add.add_argument("--seconds", type=float, metavar="S", help="how long it goes on, or takes")
    add.add_argument("--match", metavar="TEXT", help="only paths, resources or jobs with this in their name")
    add.add_argument("--agent", metavar="TEXT", help="only requests with this in their User-Agent")
    add.add_argument("--delay", type=float, metavar="S", help="seconds before the request is looked at")
    add.add_argument(
        "--drop",
        nargs="?",
        const="before",
        choices=("before", "answer", "body"),
        help="close the connection: before anything is done (the default), in place of the answer, or in its body",
    )
    add.add_argument(
        "--bytes", type=int, metavar="N", help="of --drop body: bytes that are sent before (default: half)"
    )
    add.add_argument("--slow", type=int, metavar="N", help="send N bytes a second")
    add.add_argument("--stale", choices=("missing", "older"), help="what reads answer after a write")
    add.add_argument("--reads", type=int, metavar="N", help="of --stale: how many reads")
    add.add_argument("--fails", action="store_true", help="have the operation or the job fail")
    add.add_argument(
        "--at", metavar="STAGE", help="of jobs.state: Preparing, Queued, Starting, Running (default) or Finalizing"
    )
    add.add_argument(
        "--log", metavar="TEXT", help="of jobs.image_build: what the build log says; @FILE reads it from a file"
    )
    add.add_argument("--lagging", choices=("arm", "history"), help="of jobs.disagree: which side lags (default arm)")
    listing = subcommands.add(actions, "list", _list, "Print the faults and what they met.")
    listing.add_argument("--json", action="store_true", help="as JSON")
    subcommands.add(actions, "clear", _clear, "Take all faults back; what they hold goes on.")
    subcommands.add(actions, "operations", _operations, "Print the names of the operations.")
    tokens = subcommands.add(actions, "tokens", _tokens, "Have new access tokens expire early.")
    tokens.add_argument("--seconds", type=int, required=True, metavar="N", help="how long they are good")
    tokens.add_argument("--told", type=int, metavar="N", help="how long their client is told (default: the truth)")


def _add(options: argparse.Namespace) -> int:
    body: dict[str, Any] = {name: getattr(options, name) for name in _MEMBERS if getattr(options, name) is not None}
    body["operation"] = options.operation
    if options.shown is not None:
        body["state"] = options.shown
    if options.header:
        body["headers"] = _pairs(options.header)
    if options.fails:
        body["fails"] = True
    if str(body.get("log", "")).startswith("@"):
        body["log"] = _file(str(body["log"])[1:])
    made = ask(state_of(options), "POST", PATH, body)
    print(f"Fault {made['id']}: {_text(made)}")
    return 0


def _list(options: argparse.Namespace) -> int:
    found = ask(state_of(options), "GET", PATH)
    if options.json:
        print(json.dumps(found["value"], indent=2))
        return 0
    for one in found["value"]:
        print(f"Fault {one['id']}: {_text(one)}")
        for use in one["uses"]:
            print("  " + " ".join(part for part in (use["time"], use["method"], use["path"]) if part))
    if found["tokens"]["seconds"] is not None:
        print(f"New tokens are good for {found['tokens']['seconds']} s.")
    if found["file_problem"]:
        print(f"aml-emulator: {found['file_problem']}", file=sys.stderr)
        return 1
    return 0


def _clear(options: argparse.Namespace) -> int:
    ask(state_of(options), "DELETE", PATH)
    return 0


def _tokens(options: argparse.Namespace) -> int:
    ask(state_of(options), "PUT", f"{PATH}/tokens", {"seconds": options.seconds, "told": options.told})
    return 0


def _operations(options: argparse.Namespace) -> int:
    from aml_emulator.faults.fault import LONG_RUNNING, OF_JOBS
    from aml_emulator.faults.names import OPERATIONS

    print("\n".join((*sorted(OPERATIONS), *LONG_RUNNING, *OF_JOBS)))
    return 0


def _text(one: dict[str, Any]) -> str:
    told = ("id", "source", "operation", "count", "used", "uses")
    more = " ".join(f"{name}={value!r}" for name, value in one.items() if name not in told and value != 0)
    often = "always" if one["count"] == 0 else f"{max(0, one['count'] - one['used'])} of {one['count']} left"
    return f"{one['operation']} {more} ({one['source']}; {often})".replace("  ", " ")


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise Failed(f"--header {text!r} does not have the form NAME=VALUE.")
        found[name] = value
    return found


def _file(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise Failed(f"--log @{name}: cannot read the file: {error}") from None
