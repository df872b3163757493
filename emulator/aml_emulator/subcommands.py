"""What the commands that ask a running emulator have in common: a parser with `--state`, and one line for what cannot be done."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from aml_emulator.own_client import Failed
from aml_emulator.state import StateDirectory

if TYPE_CHECKING:
    SubParsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add(
    actions: SubParsers, name: str, command: Callable[[argparse.Namespace], int], summary: str
) -> argparse.ArgumentParser:
    """Add a command and return its parser.

    Args:
        actions: of the parser above.
        name: of the command.
        command: returns the exit code; a `Failed` that it raises is told in one line, with exit code 1.
        summary: one sentence for `--help`.

    """
    parser = actions.add_parser(name, help=summary, description=summary)
    parser.add_argument("--state", type=Path, default=None, metavar="DIR", help="as for every command")

    def guarded(options: argparse.Namespace) -> int:
        try:
            return command(options)
        except Failed as error:
            print(f"aml-emulator: {error}", file=sys.stderr)
            return 1

    parser.set_defaults(command=guarded)
    return parser


def state_of(options: argparse.Namespace) -> StateDirectory:
    """Return the state directory that `--state` names, or the default one."""
    return StateDirectory((options.state or StateDirectory.default()).expanduser().absolute())
