"""Make one `repository_dispatch`, with patience: what may pass is retried within a budget of seconds."""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import dataclass
from urllib.parse import quote

from github.Auth import Token

from bridge import logs
from bridge.answers import Next, Verdict, judge
from bridge.credentials import Credentials, TokenRefused
from bridge.errors import Refused, TryLater
from bridge.github_api import GitHubApi, NoAnswer
from bridge.payload import Dispatch


@dataclass(frozen=True)
class Patience:
    """How long what may take.

    Attributes:
        budget: seconds within which an attempt may still begin, counted from the event's arrival. Event Grid waits 30
            seconds for the function, so what did not succeed by then is better left to a redelivery.
        first_wait: seconds before the second attempt; doubled for each further one, up to `longest_wait`.
        longest_wait: see there.
        answer: seconds to wait for GitHub's answer once a dispatch was sent. Longer than Event Grid waits, on purpose:
            a dispatch that was sent is sent, and only its answer says that it need not be sent again.
        claim: seconds after which an event that another invocation took, and never finished, may be taken over.
            More than an invocation can take.
    """

    budget: float = 20.0
    first_wait: float = 0.5
    longest_wait: float = 8.0
    answer: float = 60.0
    claim: float = 300.0


class GitHubClient:
    """Makes dispatches.

    One object serves all threads of a process, so that all of them keep quiet when GitHub asks for it.
    """

    def __init__(self, api: GitHubApi, credentials: Credentials, patience: Patience) -> None:
        self.api = api
        self.credentials = credentials
        self._patience = patience
        self._quiet_until: dict[str, float] = {}
        self._lock = threading.Lock()

    def dispatch(self, repository: str, dispatch: Dispatch, correlation_id: str, deadline: float) -> int:
        """Make one dispatch.

        Args:
            repository: `owner/name`, allowed.
            dispatch: what to send.
            correlation_id: for the log.
            deadline: `time.monotonic()` after which no further attempt begins.

        Returns:
            how many attempts it took.

        Raises:
            TryLater: it was not made, or nobody knows, and a redelivery can help.
            Refused: GitHub will never take it.
        """
        attempt, renewed = 0, False
        while True:
            attempt += 1
            self._respect_quiet(repository, deadline)
            verdict, status = self._attempt(repository, dispatch, renewed)
            if verdict.next is Next.DONE:
                return attempt
            if verdict.reason == "renew" and not renewed:
                renewed = True
                wait = 0.0
            elif verdict.next is Next.NEVER:
                raise Refused(verdict.text, status=status or 0)
            elif verdict.next is Next.LATER:
                raise TryLater(verdict.text, reason=verdict.reason, status=status)
            else:
                wait = self._wait(repository, verdict, attempt)
            if time.monotonic() + wait > deadline:
                raise TryLater(
                    f"{verdict.text} No attempt is left after {attempt}: the next may begin in {wait:.0f} s at the earliest.",
                    reason=verdict.reason,
                    status=status,
                )
            logs.write(
                "retry",
                correlation_id,
                level=logging.WARNING,
                repository=repository,
                attempt=attempt,
                status=status,
                reason=verdict.reason,
                detail=verdict.text,
                wait_seconds=wait,
            )
            time.sleep(wait)

    def _attempt(self, repository: str, dispatch: Dispatch, renewed: bool) -> tuple[Verdict, int | None]:
        try:
            token = self.credentials.token(repository)
            answer = self.api.request(
                Token(token),
                "POST",
                f"/repos/{quote(repository)}/dispatches",
                dispatch.body,
                timeout=self._patience.answer,
            )
        except TokenRefused as error:
            return error.verdict, error.status
        except NoAnswer as error:
            reason = "outcome_unknown" if error.sent else "github_unreachable"
            return Verdict(Next.AGAIN, reason, str(error)), None
        verdict = judge(answer)
        if answer.status == 401 and not renewed and self.credentials.renew(repository, token):
            return Verdict(Next.AGAIN, "renew", verdict.text), answer.status
        return verdict, answer.status

    def _wait(self, repository: str, verdict: Verdict, attempt: int) -> float:
        """Seconds until the next attempt; a rate limit is remembered for everybody who shares it."""
        backoff = min(self._patience.first_wait * 2.0 ** (attempt - 1), self._patience.longest_wait)
        backoff *= random.uniform(0.75, 1.25)  # noqa: S311 - spreads retries, guards nothing
        if verdict.quiet and verdict.wait is not None:
            with self._lock:
                budget = self.credentials.budget_of(repository)
                until = time.monotonic() + verdict.wait
                self._quiet_until[budget] = max(until, self._quiet_until.get(budget, 0.0))
        return max(backoff, verdict.wait or 0.0)

    def _respect_quiet(self, repository: str, deadline: float) -> None:
        """Wait as long as GitHub asked this token to be quiet; who cannot wait that long asks nothing at all."""
        with self._lock:
            until = self._quiet_until.get(self.credentials.budget_of(repository), 0.0)
        wait = until - time.monotonic()
        if wait <= 0:
            return
        if until > deadline:
            raise TryLater(
                f"GitHub asked for no requests for another {wait:.0f} s, so this one was not sent.",
                reason="rate_limited",
            )
        time.sleep(wait)
