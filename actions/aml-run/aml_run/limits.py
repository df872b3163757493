"""How long a job may wait and run."""

from __future__ import annotations

import re
from dataclasses import dataclass

TIME = r"^\s*[0-9]+(\.[0-9]+)?\s*[smhd]\s*$"
"""A length of time as text: a number and a unit."""
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def in_seconds(value: float | str) -> float:
    """Return a length of time of a parameters file in seconds.

    Args:
        value: minutes as a number, or a text such as ``90s``, ``45m``, ``6h``, ``2d``.

    Raises:
        ValueError: a text of another form.

    """
    if not isinstance(value, str):
        return value * 60.0
    if not re.match(TIME, value):
        raise ValueError(f"no length of time: {value!r}")
    text = value.strip()
    return float(text[:-1]) * _UNITS[text[-1]]


@dataclass(frozen=True)
class Limits:
    """Limits of waiting for one job, in seconds; None: there is none.

    Attributes:
        queue: from the submission to the first ``Running``.
        run: from the first ``Running`` to the end.

    """

    queue: float | None = None
    run: float | None = None

    @classmethod
    def of(cls, queue_timeout: float | str | None, timeout: float | str | None) -> Limits:
        """Return the limits as a parameters file writes them."""
        return cls(
            None if queue_timeout is None else in_seconds(queue_timeout),
            None if timeout is None else in_seconds(timeout),
        )


NO_LIMITS = Limits()
"""A job that is waited for until it ends."""
