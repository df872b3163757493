"""Names of repositories, and which of them may be called."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98})/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")


def is_name(text: str) -> bool:
    """Whether a text is `owner/name`: nothing else may become a part of a request's path."""
    return _NAME.fullmatch(text) is not None


@dataclass(frozen=True)
class AllowList:
    """Repositories that may be called: `owner/name`, or `owner/*` for all of one owner. Case does not count."""

    entries: tuple[str, ...]

    def allows(self, repository: str) -> bool:
        """Whether a repository may be called."""
        name = repository.lower()
        return is_name(repository) and any(
            name == entry.lower() or (entry.endswith("/*") and name.startswith(entry[:-1].lower()))
            for entry in self.entries
        )

    @property
    def only(self) -> str | None:
        """The single repository that the list names, if it names just one."""
        return self.entries[0] if len(self.entries) == 1 and is_name(self.entries[0]) else None


def is_entry(text: str) -> bool:
    """Whether a text may stand in an allow-list."""
    return is_name(text) or (text.endswith("/*") and is_name(f"{text[:-2]}/x"))
