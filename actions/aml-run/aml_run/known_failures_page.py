"""The sections of the known failures in docs/troubleshooting.md. `python -m aml_run.known_failures_page PAGE` writes them anew."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

from aml_run.known import Known
from aml_run.known_failures import SECTIONS

BEGIN = "<!-- known failures: made by `python -m aml_run.known_failures_page docs/troubleshooting.md`; change the tables, not this -->"
END = "<!-- end of the known failures -->"
_WIDTH = 140
_INTRO = """\
The headings are the words of the error. Behind each entry stands who says so: *recorded* is an answer of Azure in a recording of real
traffic, *documented* is Microsoft's documentation, *reported* is what users met and wrote about in public. What only memory tells is left
out.
"""


def text() -> str:
    """Return the Markdown between the marks, with the marks."""
    parts = [BEGIN, "## Known failures of jobs", _INTRO.strip()]
    for title, table in SECTIONS:
        parts.append(f"### {title}")
        parts += [_entry(known) for known in table]
    return "\n\n".join([*parts, END]) + "\n"


def replaced(page: str) -> str:
    """Return a page with the sections in the place of the old ones, or at its end."""
    before, found, rest = page.partition(BEGIN)
    if not found:
        return f"{page.rstrip()}\n\n{text()}"
    after = rest.partition(END)[2]
    return before + text() + after.removeprefix("\n")


def _entry(known: Known) -> str:
    source = f"{known.source}; [Microsoft's guide]({known.link})" if known.link else known.source
    told = f"{_sentence(known.cause)} *What to do:* {known.fix}. ({_first_up(source)}.)"
    wrapped = textwrap.fill(told, _WIDTH, break_long_words=False, break_on_hyphens=False)
    return f"#### `{known.heading}`\n\n{wrapped}"


def _sentence(clause: str) -> str:
    return f"{_first_up(clause)}."


def _first_up(text: str) -> str:
    return text[:1].upper() + text[1:]


if __name__ == "__main__":
    for name in sys.argv[1:]:
        page = Path(name)
        page.write_text(replaced(page.read_text(encoding="utf-8")), encoding="utf-8")
