"""What the commands below a command of `aml-emulator` have in common: a parser with `--state`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

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
        command: returns the exit code; `cli.main` tells a `Failed` that it raises.
        summary: one sentence for `--help`.

    """
    parser = actions.add_parser(name, help=summary, description=summary)
    parser.add_argument("--state", type=Path, default=None, metavar="DIR", help="as for every command")
    parser.set_defaults(command=command)
    return parser


def state_of(options: argparse.Namespace) -> StateDirectory:
    """Return the state directory that `--state` names, or the default one."""
    return StateDirectory((options.state or StateDirectory.default()).expanduser().absolute())
