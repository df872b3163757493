"""What is known of one failure: the words that it is recognised by, why it happens, what to do, and who says so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

PAGE = "docs/troubleshooting.md"
LEARN = "https://learn.microsoft.com/azure/machine-learning/"


class Where(Enum):
    """What tells a failure."""

    SUBMISSION = "the answer to the submission"
    JOB = "the error of the job"
    BUILD = "the log of the image build"
    SCRIPT = "the log of the script"


@dataclass(frozen=True)
class Known:
    """A known failure.

    Attributes:
        heading: the error's own words; heading of its section in `PAGE`.
        cause: why it happens.
        fix: what to do; commands stand between backticks.
        source: who says so: ``recorded`` (answers of Azure that were recorded), ``documented``, ``reported`` (by users, in public).
        where: what tells it.
        pattern: regular expression for a text that shows it; by default the heading itself, as a word of its own.
        link: a page about it, or empty.
    """

    heading: str
    cause: str
    fix: str
    source: str
    where: tuple[Where, ...]
    pattern: str = ""
    link: str = ""

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The pattern."""
        return re.compile(self.pattern or rf"(?<![\w-]){re.escape(self.heading)}(?![\w-])", re.MULTILINE)

    @property
    def slug(self) -> str:
        """The anchor that GitHub gives to the heading."""
        return re.sub(r"[^\w\- ]", "", self.heading.lower()).strip().replace(" ", "-")

    @property
    def anchor(self) -> str:
        """Its section."""
        return f"{PAGE}#{self.slug}"
