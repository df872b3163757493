"""What happens to one event, from its arrival to its dispatch."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from bridge import logs, payload
from bridge.deduplication import Claim, ClaimLost, Store, Taken, key_of
from bridge.errors import Refused, TryLater
from bridge.events import Event
from bridge.github_client import GitHubClient, Patience
from bridge.routing import Ignored, Routing

_FIRST_LOOK = 0.1
_LONGEST_LOOK = 2.0
_NOTE_ATTEMPTS = 4


@dataclass(frozen=True)
class Outcome:
    """What became of an event that needs no redelivery.

    Attributes:
        name: `dispatched`, `ignored`, `duplicate`, or `refused`.
        repository: the repository it concerned, if any.
        reason: why it was not dispatched.
    """

    name: str
    repository: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class Bridge:
    """Takes events to GitHub. One object serves all threads of a process."""

    routing: Routing
    client: GitHubClient
    store: Store
    patience: Patience

    def deadline(self) -> float:
        """`time.monotonic()` until which an event that arrives now may be worked on."""
        return time.monotonic() + self.patience.budget

    def handle(
        self,
        event: Event,
        *,
        repository: str | None = None,
        invocation: str | None = None,
        deadline: float | None = None,
    ) -> Outcome:
        """Handle one event.

        Args:
            event: the event.
            repository: the repository that the subscription's address names.
            invocation: the host's id of this invocation, for the log.
            deadline: until when work on it may begin; `deadline()` by default.

        Raises:
            TryLater: the event is not done; Event Grid has to deliver it again.
        """
        began = time.monotonic()
        until = self.deadline() if deadline is None else deadline
        correlation = event.correlation_id
        logs.write(
            "received",
            correlation,
            event_id=event.id,
            event_type=event.type,
            subject=event.subject,
            source=event.source,
            invocation_id=invocation,
        )
        route = self.routing.route(event, repository)
        if isinstance(route, Ignored):
            level = logging.WARNING if route.reason == "repository_not_allowed" else logging.INFO
            logs.write("ignored", correlation, level=level, reason=route.reason, detail=route.detail or None)
            return Outcome("ignored", reason=route.reason)
        try:
            return self._send(event, route.repository, until, began)
        except TryLater as error:
            logs.write(
                "failed",
                correlation,
                level=logging.ERROR,
                repository=route.repository,
                status=error.status,
                reason=error.reason,
                detail=str(error),
                redelivery="expected",
                seconds=time.monotonic() - began,
            )
            raise

    def _send(self, event: Event, repository: str, deadline: float, began: float) -> Outcome:
        correlation = event.correlation_id
        claim = self._claim(event, repository, deadline)
        if claim is None:
            logs.write("duplicate", correlation, repository=repository)
            return Outcome("duplicate", repository)
        dispatch = payload.build(event)
        try:
            attempts = self.client.dispatch(repository, dispatch, correlation, deadline)
        except Refused as error:
            self._finish(claim, correlation)
            logs.write(
                "failed",
                correlation,
                level=logging.ERROR,
                repository=repository,
                dispatch=dispatch.event_type,
                status=error.status,
                reason="refused",
                detail=str(error),
                redelivery="useless",
            )
            return Outcome("refused", repository, str(error))
        except BaseException:
            self._release(claim, correlation)
            raise
        logs.write(
            "dispatched",
            correlation,
            repository=repository,
            dispatch=dispatch.event_type,
            attempts=attempts,
            trimmed=", ".join(dispatch.trimmed) or None,
            seconds=time.monotonic() - began,
        )
        self._finish(claim, correlation)
        return Outcome("dispatched", repository)

    def _claim(self, event: Event, repository: str, deadline: float) -> Claim | None:
        """The right to dispatch the event; None when it is dispatched already.

        While another invocation works on it, this one waits: to say that the event is done before it is done would
        lose it if the other one failed.
        """
        key = key_of(event, repository)
        look = _FIRST_LOOK
        while True:
            try:
                taken = self.store.claim(key, self.patience.claim)
            except Exception as error:
                raise TryLater(
                    f"The event could not be claimed: {type(error).__name__} from the store. "
                    "Without a claim nothing is sent, so that nothing is sent twice.",
                    reason="store_unavailable",
                ) from error
            if isinstance(taken, Claim):
                return taken
            if taken is Taken.DONE:
                return None
            if time.monotonic() + look > deadline:
                raise TryLater("Another invocation still works on this event.", reason="in_progress")
            time.sleep(look)
            look = min(look * 2, _LONGEST_LOOK)

    def _finish(self, claim: Claim, correlation: str) -> None:
        """Note that the event is done. GitHub has it already, so what fails here is no reason for a redelivery."""
        for attempt in range(1, _NOTE_ATTEMPTS + 1):
            try:
                self.store.finish(claim)
            except ClaimLost:
                problem = "The claim had ended before the work did; the event may be dispatched twice."
                break
            except Exception as error:
                problem = (
                    f"That the event is done could not be noted ({type(error).__name__}); a redelivery may repeat it."
                )
                time.sleep(0.2 * attempt)
            else:
                return
        logs.write("warning", correlation, level=logging.WARNING, reason="not_noted", detail=problem)

    def _release(self, claim: Claim, correlation: str) -> None:
        try:
            self.store.release(claim)
        except Exception as error:
            detail = f"The claim could not be given back ({type(error).__name__}); it ends by itself."
            logs.write("warning", correlation, level=logging.WARNING, reason="not_released", detail=detail)
