"""What a failed job says about itself: the end of its log, in the service's sentence."""

from __future__ import annotations

from pathlib import Path

_TAIL_BYTES = 64 * 1024
_TAIL_LINES = 20
_MESSAGE_CHARACTERS = 3000  # run history cuts an error message there (resource limits of Azure Machine Learning)
_TRACEBACK = "Traceback (most recent call last):"


def exit_message(command: str, code: int, name: str, log: Path) -> str:
    """Why a process that ended with an exit code other than 0 failed: the last traceback or lines of its log, called `name`."""
    words = command.split()
    program = words[0].rsplit("/", 1)[-1] if words else "bash"
    start = (
        f"Execution failed. User process '{program}' exited with status code {code}."
        f" Please check log file '{name}' for error details. Error: "
    )
    return start + last_words(log)[-(_MESSAGE_CHARACTERS - len(start)) :]


def last_words(log: Path) -> str:
    """The last traceback of a log with what follows it, or its last lines."""
    with log.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL_BYTES))
        text = file.read().decode(errors="replace").rstrip()
    if (start := text.rfind(_TRACEBACK)) >= 0:
        return text[start:]
    return "\n".join(text.splitlines()[-_TAIL_LINES:])
