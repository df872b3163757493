"""How this emulator's Event Grid differs from Azure's: how fast its time goes, and how often it delivers what it need not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

TIME_SCALE = "AML_EMULATOR_EVENT_TIME_SCALE"
REPEATS = "AML_EMULATOR_EVENT_REPEATS"

DEFAULT_TIME_SCALE = 0.1
_MOST_REPEATS = 100


@dataclass(frozen=True)
class EventOptions:
    """Set when the server starts.

    Attributes:
        time_scale: what every wait of Azure's is multiplied with: delays before a retry, time to live, the wait before a dead letter.
            0.1 makes 10 seconds of Azure 1 second here. The time that a destination has to answer is not scaled.
        repeats: how many times more than once each event is delivered although it was taken: "at least once" put to the test.
    """

    time_scale: float = DEFAULT_TIME_SCALE
    repeats: int = 0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> EventOptions:
        """What the two variables say.

        Raises:
            ValueError: one of them says nothing that can be used.

        """
        return cls(
            time_scale=time_scale(environment.get(TIME_SCALE) or str(DEFAULT_TIME_SCALE)),
            repeats=_repeats(environment.get(REPEATS) or "0"),
        )


def time_scale(text: str) -> float:
    """A time scale as a person writes it.

    Raises:
        ValueError: it is no number above 0 and up to 1000.

    """
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found <= 1000:
        raise ValueError(
            f"{text!r} is no time scale: allowed are numbers above 0 and up to 1000, for example 0.1 (10 s become 1 s)"
        )
    return found


def _repeats(text: str) -> int:
    if not text.isdigit() or int(text) > _MOST_REPEATS:
        raise ValueError(f"{REPEATS}={text!r}: allowed are 0 to {_MOST_REPEATS}")
    return int(text)
