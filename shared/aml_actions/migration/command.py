"""``python -m aml_actions migrate REPO``: what a repository that used the abandoned actions has to change, and what it may change.

Prints a report, and writes the changes only when asked to: all of them or none, never over a file that it was not asked to change,
never through a link out of the repository, and only where git can bring the old files back.

Exit codes: 0 nothing is left to change (or it has been written), 3 changes are proposed, 2 wrong use, 1 the changes cannot be written.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from aml_actions.discovery import find_actions
from aml_actions.errors import ActionError
from aml_actions.migration import report, writing
from aml_actions.migration.changes import Migration
from aml_actions.migration.finding import find
from aml_actions.migration.repository import Repository
from aml_actions.migration.workflows import TARGET

NOTHING_LEFT, NOT_WRITTEN, PROPOSED = 0, 1, 3
_SHOWN = 10
"""Uncommitted files that a refusal lists."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; wrong use ends the process with 2."""
    arguments = _parser().parse_args(argv)
    repository = Repository(arguments.repository)
    found = find(repository, find_actions(), arguments.actions)
    try:
        written = arguments.write and bool(found.changes)
        if written:
            if not arguments.force:
                _refuse_to_lose(repository, found)
            writing.write(repository, found.changes)
    except ActionError as error:
        print(f"error: {error}", file=sys.stderr)
        return NOT_WRITTEN
    make = report.as_json if arguments.json else report.markdown
    _print(make(found, target=arguments.actions, written=written))
    return PROPOSED if found.changes and not written else NOTHING_LEFT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m aml_actions migrate", description=(__doc__ or "").partition("\n\n")[2]
    )
    parser.add_argument("repository", type=_folder, metavar="REPO", help="folder of the repository")
    parser.add_argument("--write", action="store_true", help="write the changes instead of only proposing them")
    parser.add_argument("--force", action="store_true", help="write although git could not bring the old files back")
    parser.add_argument(
        "--actions",
        type=_target,
        default=report.PLACEHOLDER,
        metavar="OWNER/REPO@REF",
        help="where the actions are published, and which version the workflows use (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    return parser


def _folder(text: str) -> Path:
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is not a folder")
    return path


def _target(text: str) -> str:
    if not TARGET.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not OWNER/REPO@REF, such as org/actions@v1")
    return text


def _refuse_to_lose(repository: Repository, found: Migration) -> None:
    """Refuse to change files that git could not bring back.

    Raises:
        ActionError: there is no git repository, or it has uncommitted changes.
    """
    open_files = repository.uncommitted([change.path for change in found.changes if change.before is not None])
    if open_files is None:
        raise ActionError(
            "The folder is no git repository, so the changes could not be undone; nothing is written.",
            value=str(repository.root),
            fix="put it under git, or give --force",
        )
    if open_files:
        shown = ", ".join(line.strip() for line in open_files[:_SHOWN]) + (" ..." if len(open_files) > _SHOWN else "")
        raise ActionError(
            "The repository has uncommitted changes, or the files are ignored by git; nothing is written.",
            value=shown,
            cause="the changes of this command could not be told from yours, and not be undone alone",
            fix="commit or stash them, or give --force",
        )


def _print(text: str) -> None:
    """Print to a terminal of any encoding."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, errors="backslashreplace").decode(encoding), end="")
