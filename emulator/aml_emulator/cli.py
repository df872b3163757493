"""The command line `aml-emulator`. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from aml_emulator.faults import command as faults
from aml_emulator.github import command as github
from aml_emulator.own_client import Failed
from aml_emulator.subcommands import state_of

DEFAULT_PORT = 8443

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    command: Command = options.command
    try:
        return command(options)
    except Failed as error:
        print(f"aml-emulator: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="aml-emulator",
        description="Azure Machine Learning on this machine: Entra, ARM, workspaces, jobs, models and endpoints on 127.0.0.1.",
        epilog='First: aml-emulator up. Then: eval "$(aml-emulator env)" and use azure-ai-ml as ever.',
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(name: str, command: Command, summary: str) -> argparse.ArgumentParser:
        found = commands.add_parser(name, help=summary, description=summary)
        found.add_argument(
            "--state",
            type=Path,
            default=None,
            metavar="DIR",
            help="where everything is kept (default: $AML_EMULATOR_STATE, else the user's state folder)",
        )
        found.set_defaults(command=command)
        return found

    up = add("up", _up, "Start the emulator.")
    up.add_argument(
        "--port",
        type=_port,
        default=DEFAULT_PORT,
        metavar="N",
        help=f"port; blobs take the next (default {DEFAULT_PORT}, 0: any)",
    )
    up.add_argument(
        "--event-time-scale",
        type=_time_scale,
        default=None,
        metavar="X",
        help="how fast the waits of Event Grid pass: 1 as on Azure (default 0.1: 10 s become 1 s)",
    )
    up.add_argument("--foreground", action="store_true", help="stay in this terminal until Ctrl-C")
    add("down", _down, "Stop the emulator; its state stays.")
    status = add("status", _status, "Tell whether the emulator runs, and where.")
    status.add_argument("--json", action="store_true", help="as JSON")
    reset = add("reset", _reset, "Delete the state of a stopped emulator. Built Python environments are kept.")
    reset.add_argument("--all", action="store_true", help="delete the built Python environments too")
    env = add("env", _env, "Print the variables that bring the unmodified Azure SDK here.")
    env.add_argument("--format", choices=("shell", "json", "dotenv"), default="shell", help="how (default: shell)")
    requests = add("requests", _requests, "Print what was asked of the emulator: one line a request.")
    requests.add_argument("--method", default="", metavar="VERB", help="only this one, for example PUT")
    requests.add_argument("--path", default="", metavar="REGEX", help="only paths in which this is found")
    requests.add_argument(
        "--last", type=int, default=50, metavar="N", help="only the last N of them (default 50, 0: all)"
    )
    requests.add_argument("--json", action="store_true", help="whole requests with their bodies, secrets hidden")
    _add_events(add)
    _add_functions(add)
    github.add_parser(commands)
    faults.add_parser(commands)
    credentials = add(
        "credentials", _credentials, "Print the service principal as JSON, for the secret AZURE_CREDENTIALS."
    )
    credentials.add_argument(
        "--without-secret", action="store_true", help="for sign-in by OpenID Connect; see aml-emulator federate"
    )
    _add_federate(add)
    return parser


def _add_events(add: Callable[[str, Command, str], argparse.ArgumentParser]) -> None:
    events = add("events", _events, "Show what Event Grid delivered, or send an event.")
    actions = events.add_subparsers(title="what to do", metavar="ACTION", dest="action")
    listing = actions.add_parser("list", help="print events, the newest last (the default)")
    listing.add_argument("--last", type=int, default=50, metavar="N", help="only the last N of them (default 50)")
    listing.add_argument("--type", default="", metavar="TEXT", help="only types with this text in them")
    listing.add_argument("--json", action="store_true", help="whole events, one JSON object a line")
    send = actions.add_parser(
        "send", help="publish an event, for example of data drift, which nothing here measures by itself"
    )
    send.add_argument("--source", required=True, metavar="ID", help="id or name of a workspace or storage account")
    send.add_argument(
        "--type",
        required=True,
        metavar="TYPE",
        help="event type; without a dot it is one of Microsoft.MachineLearningServices, for example DatasetDriftDetected",
    )
    send.add_argument("--subject", default="", metavar="TEXT", help="what of the source it is about")
    for action in (listing, send):  # after the action, too
        action.add_argument("--state", type=Path, default=argparse.SUPPRESS, metavar="DIR", help=argparse.SUPPRESS)
    send.add_argument("--data", default="{}", metavar="JSON", help="the payload, or @FILE (default {})")


def _add_functions(add: Callable[[str, Command, str], argparse.ArgumentParser]) -> None:
    functions = add("functions", _functions, "Show what a function app logged.")
    functions.add_argument(
        "name", nargs="?", default="", metavar="APP", help="name of the function app, if there are several"
    )
    functions.add_argument(
        "--last", type=int, default=100, metavar="N", help="only the last N entries of its log (default 100)"
    )
    functions.add_argument("--json", action="store_true", help="whole entries, one JSON object a line")


def _add_federate(add: Callable[[str, Command, str], argparse.ArgumentParser]) -> None:
    federate = add(
        "federate", _federate, "Let a workflow sign in as the service principal by its id token, without a secret."
    )
    federate.add_argument(
        "--subject", default="", metavar="TEXT", help="whom to trust, for example repo:OWNER/REPO:ref:refs/heads/main"
    )
    federate.add_argument(
        "--issuer", default="", metavar="URL", help="who vouches for it (default: the emulator's own GitHub)"
    )
    federate.add_argument("--audience", default="", metavar="TEXT", help="default: api://AzureADTokenExchange")
    what = federate.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="print whom the service principal trusts")
    what.add_argument("--remove", action="store_true", help="trust the subject no longer")
    federate.add_argument("--json", action="store_true", help="with --list: as JSON")


def _port(text: str) -> int:
    if not text.isdigit() or not 0 <= int(text) <= 65534:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: allowed are 0 (any) and 1 to 65534")
    return int(text)


def _time_scale(text: str) -> float:
    from aml_emulator.eventgrid.options import time_scale

    try:
        return time_scale(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _up(options: argparse.Namespace) -> int:
    from aml_emulator import control

    if options.event_time_scale is not None:
        from aml_emulator.eventgrid.options import TIME_SCALE

        os.environ[TIME_SCALE] = str(options.event_time_scale)
    return control.up(state_of(options), options.port, foreground=options.foreground, environment=os.environ)


def _down(options: argparse.Namespace) -> int:
    from aml_emulator import control

    return control.down(state_of(options))


def _status(options: argparse.Namespace) -> int:
    from aml_emulator import control

    return control.status(state_of(options), as_json=options.json)


def _reset(options: argparse.Namespace) -> int:
    from aml_emulator import control

    return control.reset(state_of(options), everything=options.all)


def _env(options: argparse.Namespace) -> int:
    from aml_emulator import variables

    return variables.print_variables(state_of(options), options.format)


def _requests(options: argparse.Namespace) -> int:
    from aml_emulator import request_log

    try:
        found = list(request_log.read(state_of(options).requests, method=options.method, path=options.path))
    except re.error as error:
        print(f"--path {options.path!r} is no regular expression: {error}", file=sys.stderr)
        return 2
    for one in found[-options.last :] if options.last else found:
        print(json.dumps(one) if options.json else f"{one['time']} {one['method']} {one['path']} {one['status']}")
    return 0


def _events(options: argparse.Namespace) -> int:
    from aml_emulator.eventgrid import command

    if options.action == "send":
        return command.send(
            state_of(options),
            source=options.source,
            event_type=options.type,
            subject=options.subject,
            data=options.data,
        )
    if options.action is None:
        return command.show(state_of(options), last=50, event_type="", as_json=False)
    return command.show(state_of(options), last=options.last, event_type=options.type, as_json=options.json)


def _functions(options: argparse.Namespace) -> int:
    from aml_emulator.functions import command

    return command.show_log(state_of(options), options.name, last=options.last, as_json=options.json)


def _credentials(options: argparse.Namespace) -> int:
    from aml_emulator import variables

    return variables.print_credentials(state_of(options), with_secret=not options.without_secret)


def _federate(options: argparse.Namespace) -> int:
    from aml_emulator import federate_command as command

    if options.list:
        return command.show(state_of(options), as_json=options.json)
    if not options.subject:
        print("aml-emulator federate: --subject is missing (or --list).", file=sys.stderr)
        return 2
    if options.remove:
        return command.remove(state_of(options), subject=options.subject, issuer=options.issuer)
    return command.add(state_of(options), subject=options.subject, issuer=options.issuer, audience=options.audience)


if __name__ == "__main__":
    sys.exit(main())
