"""When a delivery that failed is tried again, and when it is not (azure-infra, 3.3). All times are Azure's, in seconds."""

from __future__ import annotations

from aml_emulator.eventgrid.settings import AZURE_FUNCTION, WEB_HOOK

DELAYS = (10, 30, 60, 300, 600, 1800, 3600, 10800, 21600)
"""Before the second attempt, the third and so on."""
LAST_DELAY = 43200
"""Before every attempt after those."""

DEAD_LETTER_DELAY = 300
"""From the last attempt to the dead letter."""
DEAD_LETTER_PATIENCE = 4 * 3600
"""For how long a dead letter waits for storage that is not there, before the event is dropped."""
DEAD_LETTER_RETRY = 300
"""Between two tries to write it."""

RESPONSE_SECONDS = 30.0
"""How long a destination may take to answer. The one time that is not scaled."""

JITTER = 0.1
"""By how much of itself a delay may be longer, at random."""

DELIVERED = frozenset({200, 201, 202, 203, 204})

_NEVER = frozenset({400, 403, 413})
_LEAST_OF_AZURE = {401: 300, 404: 300}
_LEAST = {408: 120, 503: 30}

_OUTCOMES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    408: "TimedOut",
    410: "Disabled",
    413: "PayloadTooLarge",
    429: "Busy",
    503: "Busy",
    504: "TimedOut",
}


def outcome_of(status: int) -> str:
    """The word for an answer, as `lastDeliveryOutcome` has it."""
    return "Delivered" if status in DELIVERED else _OUTCOMES.get(status, "Aborted")


def never_retried(status: int | None, kind: str) -> bool:
    """Whether an answer of a destination ends the delivery: the event is at fault, or the endpoint will not change its mind."""
    return status in _NEVER or (kind == WEB_HOOK and status == 401)


def delay(attempts: int, status: int | None, kind: str, jitter: float = 0.0) -> float:
    """Seconds from a failed attempt to the next.

    Args:
        attempts: how many there were, 1 or more.
        status: what the destination answered to the last; None when it did not.
        kind: of the destination.
        jitter: 0 to 1, at random: how much of the greatest lengthening this delay gets.

    """
    planned = DELAYS[attempts - 1] if attempts <= len(DELAYS) else LAST_DELAY
    least = _LEAST.get(status or 0, 10)
    if kind == AZURE_FUNCTION:
        least = _LEAST_OF_AZURE.get(status or 0, least)
    return max(planned, least) * (1 + JITTER * jitter)
