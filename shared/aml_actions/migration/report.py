"""The report of a migration: Markdown for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from aml_actions.markdown import code, escape
from aml_actions.migration.changes import Change, Decision, Edit, Migration

PLACEHOLDER = "org/actions@v1"
"""Where the new actions are said to be when nobody says it."""


def markdown(found: Migration, *, target: str, written: bool) -> str:
    """Return the report for people.

    Args:
        found: everything that was found.
        target: ``OWNER/REPO@REF`` that the workflows name from now on.
        written: the changes have been written.
    """
    parts = ["# Migration\n", _introduction(found, target, written)]
    if found.changes:
        parts.append("## What changed\n" if written else "## What changes\n")
        parts += [_change(change, written) for change in found.changes]
    if found.decisions:
        parts.append("## Decide yourself\n")
        parts.append("Nothing of this is changed. Each needs somebody who knows the repository.\n")
        parts += _decisions(found.decisions)
    return "\n".join(parts).rstrip() + "\n"


def as_json(found: Migration, *, target: str, written: bool) -> str:
    """Return the report for programs: `changes` with their edits, `decisions`, `written`, `actions`."""
    report: dict[str, Any] = {
        "actions": target,
        "written": written and bool(found.changes),
        "changes": [
            {
                "file": change.path,
                "new": change.before is None,
                "edits": [_without_empty(asdict(edit)) for edit in change.edits],
            }
            for change in found.changes
        ],
        "decisions": [
            {
                "file": one.file,
                **({"line": one.line} if one.line else {}),
                "what": one.what,
                "why": one.why,
                "options": list(one.options),
            }
            for one in found.decisions
        ],
    }
    return json.dumps(report, indent=2, ensure_ascii=True) + "\n"


def _without_empty(edit: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in edit.items() if value not in (None, "")}


def _introduction(found: Migration, target: str, written: bool) -> str:
    count, open_points = len(found.changes), len(found.decisions)
    files = f"{count} file{'' if count == 1 else 's'}"
    points = f"{open_points} point{'' if open_points == 1 else 's'}"
    if not count:
        text = "Nothing is left to change."
    elif written:
        text = f"{files} changed. See them with `git diff`, and undo them with `git restore` and `git clean`."
    else:
        text = f"{files} would change. Nothing is written yet: `--write` does it."
    text += f" {points} to decide yourself." if open_points else ""
    if target == PLACEHOLDER and any(
        "/workflows/" in change.path or "action." in change.path for change in found.changes
    ):
        text += (
            f"\n\n`{PLACEHOLDER}` is a placeholder: give the repository and the version of the actions of your organisation "
            "with `--actions OWNER/REPO@REF`."
        )
    return text + "\n"


def _change(change: Change, written: bool) -> str:
    kind = ("new" if written else "is made") if change.before is None else ""
    lines = [f"### {code(change.path)}{f' ({kind})' if kind else ''}\n"]
    lines += [_edit(edit, change) for edit in change.edits]
    return "\n".join(lines) + "\n"


def _edit(edit: Edit, change: Change) -> str:
    if change.before is None:
        return f"- {_text(edit.why)}"
    place = f"line {edit.line}: " if edit.line else ""
    if edit.before and edit.after:
        what = f"{code(edit.before)} → {code(edit.after)}"
    elif edit.before:
        what = f"{code(edit.before)} goes"
    else:
        what = f"{code(edit.after)} is added"
    return f"- {place}{what}. {_text(edit.why)}"


def _decisions(decisions: list[Decision]) -> Iterator[str]:
    """Give the decisions file by file, in the order in which the files were met."""
    by_file: dict[str, list[Decision]] = {}
    for one in decisions:
        by_file.setdefault(one.file, []).append(one)
    for file, some in by_file.items():
        lines = [f"### {code(file)}\n"]
        for one in sorted(some, key=lambda decision: decision.line or 0):
            place = f"line {one.line}: " if one.line else ""
            lines.append(f"- {place}{_text(one.what)} {_text(one.why)}".rstrip())
            lines += [f"  - {_text(option)}" for option in one.options]
        yield "\n".join(lines) + "\n"


def _text(text: str) -> str:
    """Return text in which only code between backticks is Markdown: it can quote the repository's own words."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:
        return escape(text)
    return "".join(code(piece) if number % 2 else _kept(piece) for number, piece in enumerate(pieces))


def _kept(piece: str) -> str:
    """Escape, and keep the space at both ends."""
    before = " " if piece[:1].isspace() else ""
    after = " " if piece[-1:].isspace() and piece.strip() else ""
    return before + escape(piece.strip()) + after
