"""`aml-emulator github push`, `dispatch`, `workflow`, `runs`, `log`, `cancel` and `rerun`."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aml_emulator import subcommands
from aml_emulator.own_client import Failed, ask
from aml_emulator.state import StateDirectory
from aml_emulator.subcommands import state_of

if TYPE_CHECKING:
    from aml_emulator.subcommands import SubParsers

PATH = "/emulator/github"
_LOOK_SECONDS = 0.5


def add_parsers(sub: SubParsers) -> None:
    """Add them to the actions of `aml-emulator github`."""
    push = subcommands.add(
        sub, "push", _push, "Tell of a push: the commits are there already, the workflows that it starts run."
    )
    push.add_argument("repository", metavar="OWNER/REPO")
    push.add_argument(
        "--ref", default="", metavar="REF", help="branch or tag that was pushed (default: the default branch)"
    )
    push.add_argument(
        "--before", default="", metavar="SHA", help="commit that it was at (default: the parent of its last)"
    )
    _waits(push)
    dispatch = subcommands.add(sub, "dispatch", _dispatch, "Send a repository_dispatch.")
    dispatch.add_argument("repository", metavar="OWNER/REPO")
    dispatch.add_argument("event_type", metavar="EVENT_TYPE")
    dispatch.add_argument("--payload", default="{}", metavar="JSON", help="the client_payload, or @FILE (default {})")
    _waits(dispatch)
    workflow = subcommands.add(sub, "workflow", _workflow, "Run a workflow by hand, as its button does.")
    workflow.add_argument("repository", metavar="OWNER/REPO")
    workflow.add_argument("file", metavar="FILE", help="name of the workflow file, for example train.yml")
    workflow.add_argument(
        "--ref", default="", metavar="REF", help="branch or tag to run on (default: the default branch)"
    )
    workflow.add_argument("--input", action="append", default=[], metavar="NAME=VALUE", help="an input of the workflow")
    _waits(workflow)
    runs = subcommands.add(sub, "runs", _runs, "Print the runs of workflows, the newest last.")
    runs.add_argument("repository", nargs="?", default="", metavar="OWNER/REPO", help="only those of this repository")
    runs.add_argument("--last", type=int, default=50, metavar="N", help="only the last N of them (default 50)")
    runs.add_argument("--json", action="store_true", help="whole runs, one JSON object a line")
    log = subcommands.add(sub, "log", _log, "Print what a run has said.")
    log.add_argument("run", type=int, metavar="RUN")
    log.add_argument("--follow", action="store_true", help="go on until the run ends; exit code 1 when it failed")
    cancel = subcommands.add(sub, "cancel", _cancel, "Cancel a run.")
    cancel.add_argument("run", type=int, metavar="RUN")
    rerun = subcommands.add(sub, "rerun", _rerun, "Run all jobs of a run once more, as its next attempt.")
    rerun.add_argument("run", type=int, metavar="RUN")
    _waits(rerun)


def _waits(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--wait", action="store_true", help="show what the runs say, until they end; exit code 1 when one failed"
    )


def _push(options: argparse.Namespace) -> int:
    payload = {"before": options.before} if options.before else {}
    return _happen(options, {"event": "push", "ref": options.ref, "payload": payload})


def _dispatch(options: argparse.Namespace) -> int:
    try:
        given = options.payload
        text = Path(given[1:]).read_text(encoding="utf-8") if given.startswith("@") else given
        payload = json.loads(text)
    except OSError as error:
        raise Failed(f"--payload {options.payload}: cannot read the file: {error.strerror}") from None
    except ValueError as error:
        raise Failed(f"--payload is not valid JSON: {error}") from None
    if not isinstance(payload, dict):
        raise Failed("--payload must be a JSON object.")
    brought = {"event_type": options.event_type, "client_payload": payload}
    return _happen(options, {"event": "repository_dispatch", "payload": brought})


def _workflow(options: argparse.Namespace) -> int:
    inputs = {}
    for text in options.input:
        name, equals, value = text.partition("=")
        if not equals:
            raise Failed(f"--input {text!r} does not have the form NAME=VALUE.")
        inputs[name] = value
    payload = {"workflow": options.file, "inputs": inputs}
    return _happen(options, {"event": "workflow_dispatch", "ref": options.ref, "payload": payload})


def _happen(options: argparse.Namespace, body: Mapping[str, Any]) -> int:
    state = state_of(options)
    owner, _, name = options.repository.partition("/")
    if not owner or not name:
        raise Failed(f"{options.repository!r} is not the name of a repository. It has the form owner/name.")
    path = f"{PATH}/repositories/{quote(owner, safe='')}/{quote(name, safe='')}/events"
    made: Sequence[int] = ask(state, "POST", path, body)["runs"]
    for run in made:
        found = ask(state, "GET", f"{PATH}/runs/{run}")
        print(f"run {run}: {found['name']} ({found['file']})", flush=True)
    if not made:
        print("No workflow is started by that.")
    if not options.wait:
        return 0
    return max([_followed(state, run) for run in made], default=0)


def _runs(options: argparse.Namespace) -> int:
    found = ask(state_of(options), "GET", f"{PATH}/runs?repository={quote(options.repository)}&last={options.last}")[
        "value"
    ]
    for one in reversed(found):
        print(json.dumps(one) if options.json else _line(one))
    return 0


def _log(options: argparse.Namespace) -> int:
    state = state_of(options)
    if options.follow:
        return _followed(state, options.run)
    for line in ask(state, "GET", f"{PATH}/runs/{options.run}/log")["lines"]:
        print(line)
    return 0


def _cancel(options: argparse.Namespace) -> int:
    ask(state_of(options), "POST", f"{PATH}/runs/{options.run}/cancel")
    return 0


def _rerun(options: argparse.Namespace) -> int:
    state = state_of(options)
    ask(state, "POST", f"{PATH}/runs/{options.run}/rerun")
    return _followed(state, options.run) if options.wait else 0


def _followed(state: StateDirectory, run: int) -> int:
    """Print what a run says until it ends; the exit code."""
    seen = 0
    while True:
        said = ask(state, "GET", f"{PATH}/runs/{run}/log?from={seen}")
        for line in said["lines"]:
            print(line, flush=True)
        seen += len(said["lines"])
        if said["status"] == "completed":
            print(f"run {run}: {said['conclusion']}", flush=True)
            return 0 if said["conclusion"] in ("success", "skipped") else 1
        time.sleep(_LOOK_SECONDS)


def _line(one: Mapping[str, Any]) -> str:
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(one["created"]))
    took = f" in {one['completed'] - one['started']:.0f} s" if one["completed"] and one["started"] else ""
    what = f"{one['repository']} {one['file']} {one['event']} {one['title']!r}"
    return f"{when} {one['id']} {what}: {one['conclusion'] or one['status']}{took}"
