"""Markdown for the job summary, in which text from elsewhere stays text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_SPECIAL = re.compile(r"([\\`*_\[\]|~]|^[#+-])")


def escape(text: object) -> str:
    """Return text that Markdown shows as it is, on one line: no link, no image, no HTML, no table cell border."""
    one_line = re.sub(r"\s+", " ", str(text))
    html = one_line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # "@name" would notify a person and a bare address would become a link in a comment made of this text.
    return _SPECIAL.sub(r"\\\1", html).replace("@", "&#64;").replace("://", "&#58;//")


def link(text: object, url: str) -> str:
    """Return a link; the text is escaped, the address percent-encoded where it would end the link."""
    safe = re.sub(r"[\s()<>\\]", lambda match: f"%{ord(match.group()):02X}", url)
    return f"[{escape(text)}]({safe})"


def code(text: object) -> str:
    """Return inline code; it may hold backticks."""
    content = " ".join(str(text).split())
    ticks = "`" * (max((len(run) for run in re.findall(r"`+", content)), default=0) + 1)
    padding = " " if content.startswith("`") or content.endswith("`") else ""
    return f"{ticks}{padding}{content}{padding}{ticks}"


def cell(markdown: object) -> str:
    """Return Markdown that stays within one cell of a table (for cells that hold links or code)."""
    return re.sub(r"(?<!\\)\|", r"\\|", " ".join(str(markdown).split()))


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table. Cells are Markdown: `escape` what comes from elsewhere."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join("| " + " | ".join(cell(value) for value in line) + " |" for line in lines) + "\n"


def fence(text: str, language: str = "text") -> str:
    """Return a code block that the text cannot end."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    ticks = "`" * (longest + 1)
    return f"{ticks}{language}\n{text.rstrip()}\n{ticks}\n"


def details(summary: str, body: str) -> str:
    """Return a folded section; `body` is Markdown, `summary` plain text."""
    title = summary.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"<details><summary>{title}</summary>\n\n{body.rstrip()}\n\n</details>\n"
