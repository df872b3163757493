"""Lines of conda and pip files: a package, its version, and where they stand."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Section = Literal["conda", "pip"]

_ITEM = re.compile(
    r"^(?P<lead>(?P<indent>[ ]*)-[ ]+)"
    r"(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<plain>[^\"'#\s](?:[^#]|(?<!\s)#)*?))"
    r"(?P<tail>[ \t]*(?:(?<=\s)#.*)?\r?)$"
)
_BLOCK = re.compile(r"^(?P<indent>[ ]*)(?:-[ ]+)?dependencies[ \t]*:[ \t]*(?:#.*)?\r?$")
_PIP_LINE = re.compile(r"^(?P<lead>[ \t]*)(?P<text>[^#\s](?:[^#]|(?<!\s)#)*?)(?P<tail>[ \t]*(?:(?<=\s)#.*)?\r?)$")
_SPECIFICATION = re.compile(
    r"^(?:[\w-]+::)?(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?P<extras>\[[^\]]*\])?[ ]*(?P<version>[=<>!~][^;]*)?(?P<marker>;.*)?$"
)
_LONGEST = 1000
"""Characters of a line that is looked at."""
_CLAUSE = re.compile(r"(?P<operator>===|==|~=|!=|<=|>=|<|>|=)\s*(?P<version>[0-9][\w.*+!-]*)")


@dataclass(frozen=True)
class Requirement:
    """A package as a conda or pip file names it.

    Attributes:
        name: normalised as pip does (lower case, dashes).
        spelled: the name with its extras, as it stands there.
        clauses: operators and versions, such as ``("==", "1.0.2")``.
        marker: of pip, with its semicolon; empty without one.
    """

    name: str
    spelled: str
    clauses: tuple[tuple[str, str], ...]
    marker: str

    @property
    def pin(self) -> str:
        """The only version, or series of versions (``0.23.*``), that is allowed; empty for none or a range."""
        for operator, version in self.clauses:
            if operator in ("==", "==="):
                return version
            if operator == "=":  # conda: 1.0 means 1.0.*
                return version.split("=")[0]
            if operator == "~=":
                return version.rsplit(".", 1)[0] + ".*"
        return ""

    @property
    def newest(self) -> tuple[float, ...]:
        """The highest version that is allowed, to be compared with `release`; infinite without a limit."""
        if self.pin:
            prefix = self.pin.removesuffix(".*")
            is_series = self.pin.endswith(".*") or any(operator == "=" for operator, _ in self.clauses)
            return (*release(prefix), math.inf) if is_series else release(prefix)
        limits = [release(version) for operator, version in self.clauses if operator in ("<", "<=")]
        return min(limits) if limits else (math.inf,)


@dataclass(frozen=True)
class Line:
    """A line with a requirement.

    Attributes:
        index: of the line, from 0.
        lead: what stands before it, for example ``  - ``.
        mark: quotation mark around it, or empty.
        text: as it stands there.
        tail: a comment behind it, and a carriage return.
        section: whose format it is in.
        requirement: None for what is no package, such as ``-r file`` or a path.
    """

    index: int
    lead: str
    mark: str
    text: str
    tail: str
    section: Section
    requirement: Requirement | None

    def written(self, text: str, comment: str = "") -> str:
        """Return the line with another requirement and one more comment; the line's end stays."""
        end = "\r" if self.tail.endswith("\r") else ""
        kept = self.tail.removesuffix("\r").rstrip()
        mark = self.mark or ("'" if self.lead.strip() and re.match(r"[>@*&!%{\[]", text) else "")
        return f"{self.lead}{mark}{text}{mark}{kept}{f'  # {comment}' if comment else ''}{end}"


def release(version: str) -> tuple[float, ...]:
    """Return the numbers of a version: ``1.61.0.post4`` is (1, 61, 0).

    >>> release("1.0.2rc1") < release("1.1")
    True
    """
    match = re.match(r"\d+(?:\.\d+)*", version.split("!")[-1])
    return tuple(float(part[:9]) for part in match[0].split(".")) if match else ()


def parse(text: str) -> Requirement | None:
    """Return the package that a specification names; None for an option, a path or an address, and for one with hashes."""
    match = _SPECIFICATION.match(text.strip())
    if match is None or any(sign in text for sign in ("://", " @ ", "--", "\\")):
        return None
    clauses = tuple((clause["operator"], clause["version"]) for clause in _CLAUSE.finditer(match["version"] or ""))
    name = re.sub(r"[-_.]+", "-", match["name"]).lower()
    return Requirement(name, match["name"] + (match["extras"] or ""), clauses, match["marker"] or "")


def conda_lines(lines: list[str]) -> Iterator[Line]:
    """Give the lines of every block ``dependencies:`` of a YAML file."""
    block: int | None = None
    pip: int | None = None
    for index, line in enumerate(lines):
        start = _BLOCK.match(line)
        if start:
            block, pip = len(start["indent"]), None
            continue
        if block is None or not line.strip() or line.lstrip().startswith("#"):
            continue
        indent = len(line) - len(line.lstrip(" "))
        if indent < block or (indent == block and not line.lstrip().startswith("-")):
            block = None
            continue
        match = _ITEM.match(line) if len(line) <= _LONGEST else None
        if match is None:
            continue
        if pip is not None and indent <= pip:
            pip = None
        mark = "'" if match["single"] is not None else '"' if match["double"] is not None else ""
        text = match["single"] or match["double"] or match["plain"] or ""
        if re.fullmatch(r"pip[ ]*:", text.strip()):
            pip = indent
            continue
        section: Section = "conda" if pip is None else "pip"
        yield _line(index, match["lead"], mark, text, match["tail"], section)


def pip_lines(lines: list[str]) -> Iterator[Line]:
    """Give the lines of a requirements file."""
    for index, line in enumerate(lines):
        match = _PIP_LINE.match(line) if len(line) <= _LONGEST else None
        if match:
            yield _line(index, match["lead"], "", match["text"], match["tail"], "pip")


def _line(index: int, lead: str, mark: str, text: str, tail: str, section: Section) -> Line:
    is_option = section == "pip" and text.startswith("-")
    return Line(index, lead, mark, text, tail, section, None if is_option else parse(text))
