"""``python -m aml_actions COMMAND``: what a person runs beside the steps of a workflow."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

COMMANDS = {
    "validate": ("aml_actions.validation.command", "check parameters files and what they point at, without network"),
    "migrate": ("aml_actions.migration.command", "show, or write, what a repository of the old actions should change"),
    "generate": ("aml_actions.generate", "write the pages, schemas and action.yml files that come from the specs"),
    "publish": ("aml_actions.publish", "write the repository that workflows use"),
}


def main(arguments: Sequence[str]) -> int:
    """Run a command; without one, or with an unknown one, tell which there are (exit status 2)."""
    name, *rest = arguments or ("",)
    if name in COMMANDS:
        exit_code: int = import_module(COMMANDS[name][0]).main(rest)
        return exit_code
    asked = name in ("-h", "--help")
    out = sys.stdout if asked else sys.stderr
    if name and not asked:
        print(f"there is no command {name}", file=out)
    print("usage: python -m aml_actions COMMAND [--help]\n", file=out)
    for command, (_, meaning) in COMMANDS.items():
        print(f"  {command:<10}{meaning}", file=out)
    return 0 if asked else 2


if __name__ == "__main__":
    # What a console of Windows cannot show must not end a command with a traceback.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(main(sys.argv[1:]))
