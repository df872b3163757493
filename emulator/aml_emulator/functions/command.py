"""`aml-emulator functions`: the log of a function app."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from aml_emulator.functions.logs import AppLog

if TYPE_CHECKING:
    from aml_emulator.state import StateDirectory


def show_log(state: StateDirectory, name: str, *, last: int, as_json: bool) -> int:
    """Print the newest entries of an app's log, oldest first; the exit code.

    Args:
        state: of the emulator, which need not run.
        name: of the function app; empty where there is but one.
        last: how many entries.
        as_json: whole entries, one JSON object a line.

    """
    known = sorted(folder.name for folder in state.functions.iterdir()) if state.functions.is_dir() else []
    name = name.lower() or (known[0] if len(known) == 1 else "")
    if name not in known:
        have = ", ".join(known) or "none yet"
        which = f"no function app {name!r} has a log." if name else "which function app?"
        print(f"aml-emulator: {which} There are: {have}.", file=sys.stderr)
        return 1
    for line in AppLog(state.functions / name / "app.log").last(last):
        text = f"{line.time} {line.level} {line.category}: {line.message}" if line.time else line.message
        print(json.dumps(asdict(line)) if as_json else text)
    return 0
