"""Asking a service again that broke off or is behind, where the SDK itself gives up at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PAUSES = (0.5, 1.0, 3.0)
"""Seconds before each further question."""
_BROKE_OFF = frozenset({502})
"""Answers that azure-core takes for the last word where the request is a POST; it asks again after 429, 500, 503 and 504."""
_BEHIND = frozenset({404, 409})
"""Answers to a question about something that exists: what was written a moment ago is not seen yet, or is being written."""


def broke_off(error: BaseException | None) -> bool:
    """Tell whether a request failed on its way, not by a decision of the service; also one that the SDK has wrapped."""
    from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError

    while error is not None:
        if isinstance(error, (ServiceRequestError, ServiceResponseError)):
            return True
        if isinstance(error, HttpResponseError):
            # Without a status the body of the answer was cut off.
            return error.status_code is None or error.status_code in _BROKE_OFF
        error = error.__cause__ or error.__context__
    return False


def asked(question: Callable[[], T], sleep: Callable[[float], None] = time.sleep) -> T:
    """Return the answer to a question about something that exists; it is asked again where the service broke off or is behind.

    Args:
        question: asks, and changes nothing.
        sleep: waits for seconds.

    Raises:
        Exception: what the last question raised.

    """
    from azure.core.exceptions import HttpResponseError

    for pause in PAUSES:
        try:
            return question()
        except Exception as error:
            behind = isinstance(error, HttpResponseError) and error.status_code in _BEHIND
            if not behind and not broke_off(error):
                raise
        sleep(pause)
    return question()
