"""What an answer of GitHub means for the event: done, once more now, later, or never."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timezone
from email.utils import parsedate_to_datetime
from enum import Enum

from bridge.github_api import Answer

SECONDARY_LIMIT_WAIT = 60.0
"""Seconds to keep quiet after a rate limit that does not say how long; GitHub asks for a minute at least."""

_NEVER = {400, 413, 415, 422}
_ADVICE = {
    401: "The token is wrong, expired or revoked: renew GITHUB_TOKEN, or the key of the GitHub App.",
    403: "The token may not do this: it needs 'Contents: read and write' of the repository, and the repository must not "
    "be archived.",
    404: "The repository does not exist under this name, or the token has no access to it (GitHub answers both alike).",
}


class Next(Enum):
    """What to do."""

    DONE = "done"
    AGAIN = "again"
    """The same request may succeed in a moment."""
    LATER = "later"
    """Somebody has to mend something first; a redelivery may find it mended."""
    NEVER = "never"
    """The same request will be refused for ever."""


@dataclass(frozen=True)
class Verdict:
    """What an answer means.

    Attributes:
        next: what to do.
        reason: a word for the log.
        text: sentences for the log.
        wait: seconds that GitHub wants to pass before the next request; None when it does not say.
        quiet: whether the wait is for every request of this token, not only for this one.
    """

    next: Next
    reason: str
    text: str = ""
    wait: float | None = None
    quiet: bool = False


def judge(answer: Answer) -> Verdict:
    """Decide about one answer."""
    status = answer.status
    if 200 <= status < 300:
        return Verdict(Next.DONE, "accepted")
    said = f"GitHub answered {status}" + (f": {answer.message}" if answer.message else ".")
    if status in (403, 429) and _is_rate_limit(answer):
        told = (_retry_after(answer), _until_reset(answer), SECONDARY_LIMIT_WAIT)
        wait = next(seconds for seconds in told if seconds is not None)  # 0 is an answer too
        return Verdict(Next.AGAIN, "rate_limited", said, wait, quiet=True)
    if status >= 500 or status in (408, 429):
        return Verdict(Next.AGAIN, "github_unavailable", said, _retry_after(answer))
    if status == 422 and "spam" in answer.message.lower():
        return Verdict(Next.LATER, "rate_limited", said)
    if status in _NEVER:
        return Verdict(Next.NEVER, "refused", said)
    if 300 <= status < 400:
        return Verdict(
            Next.LATER, "moved", f"{said} The repository was renamed or moved: put its new name into the settings."
        )
    reason = {401: "unauthorized", 403: "forbidden", 404: "not_found"}.get(status, "unexpected_answer")
    return Verdict(Next.LATER, reason, f"{said} {_ADVICE.get(status, '')}".strip())


def _is_rate_limit(answer: Answer) -> bool:
    message = answer.message.lower()
    return (
        answer.status == 429
        or "retry-after" in answer.headers
        or answer.headers.get("x-ratelimit-remaining") == "0"
        or "rate limit" in message
        or "abuse" in message
    )


def _retry_after(answer: Answer) -> float | None:
    """The header in seconds, given as a number or as a date."""
    value = answer.headers.get("retry-after", "").strip()
    if not value:
        return None
    if value.isdecimal():
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=timezone.utc)
    return max(at.timestamp() - time.time(), 0.0)


def _until_reset(answer: Answer) -> float | None:
    reset = answer.headers.get("x-ratelimit-reset", "")
    if answer.headers.get("x-ratelimit-remaining") != "0" or not reset.isdecimal():
        return None
    return max(float(reset) - time.time(), 1.0)
