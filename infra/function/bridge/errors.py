"""What can go wrong with an event, sorted by what the caller does about it."""

from __future__ import annotations

from collections.abc import Sequence


class BridgeError(Exception):
    """The base of the errors below; its text is one or more plain sentences without secrets."""


class TryLater(BridgeError):
    """The event could not be handled now and a redelivery can help: raised to the host, so that Event Grid redelivers.

    Attributes:
        reason: a word for the log, such as `rate_limited`.
        status: GitHub's status code, when GitHub answered. It is for the log: Event Grid never sees it.
    """

    def __init__(self, text: str, *, reason: str, status: int | None = None) -> None:
        super().__init__(text)
        self.reason = reason
        self.status = status


class Refused(BridgeError):
    """GitHub will never take this dispatch, however often it is sent: logged as an error, and the event is done.

    Attributes:
        status: GitHub's status code.
    """

    def __init__(self, text: str, *, status: int) -> None:
        super().__init__(text)
        self.status = status


class UnreadableEvent(BridgeError):
    """What was delivered is no event: no id, no type, or not an object. A redelivery would bring the same."""


class SettingsError(TryLater):
    """The app settings are missing or wrong. Events wait at Event Grid until somebody mends them.

    Attributes:
        problems: one sentence or two for each thing that is wrong; all of them at once.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("The function's settings are not valid. " + " ".join(problems), reason="settings")
        self.problems = tuple(problems)
