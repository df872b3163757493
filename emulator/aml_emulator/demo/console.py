"""What the demonstration prints, and the programs that it starts."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class DemoFailed(Exception):
    """The demonstration cannot go on; the text says why."""


def say(text: str = "") -> None:
    """Print a line at once: whoever watches wants to know what goes on now."""
    print(text, flush=True)


@contextmanager
def telling(what: str) -> Iterator[None]:
    """Say what begins, and how long it took."""
    print(f"{what} ...", end="", flush=True)
    began = time.monotonic()
    try:
        yield
    except BaseException:
        say()
        raise
    say(f" {time.monotonic() - began:.1f} s")


def run(command: Sequence[str], *, text: str | None = None) -> str:
    """Run a program and give what it printed; `text` is its standard input. Raises DemoFailed when it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, input=text or "", check=False)
    except FileNotFoundError as error:
        raise DemoFailed(f"{command[0]} is not installed, or not on the PATH.") from error
    if done.returncode:
        raise DemoFailed(f"{' '.join(command)} failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = (-1,)) -> list[str]:
    """Lay out rows in columns; the columns whose positions are in `right` are set to the right."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    to_the_right = {position % len(head) for position in right}

    def line(row: Sequence[str]) -> str:
        cells = [
            cell.rjust(width) if column in to_the_right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    return [line(head), "  ".join("─" * width for width in widths), *map(line, rows)]
