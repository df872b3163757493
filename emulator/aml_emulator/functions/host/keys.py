"""The keys of an app's host, and what each opens."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Keys:
    """`master` opens everything, `default` every function, `event_grid` the webhook of Event Grid triggers."""

    master: str
    default: str
    event_grid: str

    def allow(self, level: str, params: Mapping[str, str], headers: Mapping[str, str]) -> bool:
        """Whether a request may do what needs a level: anonymous, function, system or admin.

        The key is in the query as `code`, or in the header `x-functions-key`.
        """
        if level == "anonymous":
            return True
        shown = headers.get("x-functions-key") or params.get("code") or ""
        opening = {"function": [self.default], "system": [self.event_grid]}.get(level, [])
        return any(hmac.compare_digest(shown.encode(), key.encode()) for key in (*opening, self.master))
