"""Tokens for GitHub: a personal access token, or installation tokens of a GitHub App."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Literal, Protocol
from urllib.parse import quote

from github.Auth import AppAuth

from bridge import logs
from bridge.answers import Next, Verdict, judge
from bridge.github_api import GitHubApi

RENEWED_BEFORE = 300.0
"""Seconds before its end from which an installation token is no longer used."""

_TIMEOUT = 15.0


class Credentials(Protocol):
    """Where a token for a repository comes from."""

    def token(self, repository: str) -> str:
        """A token that may make dispatches in a repository.

        Raises:
            TokenRefused: GitHub gives none.
            NoAnswer: GitHub was not reached.
        """

    def renew(self, repository: str, token: str) -> bool:
        """Forget a token that GitHub refused. True when a new one can be had."""

    def budget_of(self, repository: str) -> str:
        """What a rate limit counts by: requests for repositories with the same value share one budget."""


class TokenRefused(Exception):
    """GitHub gave no installation token.

    Attributes:
        verdict: what its answer means.
        status: its status code.
    """

    def __init__(self, verdict: Verdict, status: int) -> None:
        super().__init__(verdict.text)
        self.verdict = verdict
        self.status = status


class PersonalToken:
    """One fine-grained personal access token for everything."""

    def __init__(self, token: str) -> None:
        logs.hide(token)
        self._token = token

    def token(self, repository: str) -> str:
        """The token."""
        return self._token

    def renew(self, repository: str, token: str) -> bool:
        """Nobody but its owner can renew it."""
        return False

    def budget_of(self, repository: str) -> str:
        """All requests are its owner's."""
        return "token"


@dataclass(frozen=True)
class _Issued:
    token: str
    expires: float


class AppCredentials:
    """A GitHub App: a token per repository, for that repository and for `contents: write` alone, kept until it ends.

    Args:
        app_id: the App's id or client id.
        private_key: its key, PEM.
        api: where GitHub is.
    """

    def __init__(self, app_id: str, private_key: str, api: GitHubApi) -> None:
        logs.hide(private_key)
        self._auth = AppAuth(app_id, private_key)
        self._api = api
        self._issued: dict[str, _Issued] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def token(self, repository: str) -> str:
        """The repository's token; many events at once ask GitHub for it once."""
        name = repository.lower()
        with self._lock_of(name):
            issued = self._issued.get(name)
            if issued is None or time.time() >= issued.expires - RENEWED_BEFORE:
                issued = self._issued[name] = self._issue(repository)
            return issued.token

    def renew(self, repository: str, token: str) -> bool:
        """Forget a token, unless another thread has renewed it meanwhile."""
        name = repository.lower()
        with self._lock_of(name):
            issued = self._issued.get(name)
            if issued is not None and issued.token == token:
                del self._issued[name]
        return True

    def budget_of(self, repository: str) -> str:
        """GitHub counts by installation, and an owner has one."""
        return repository.partition("/")[0].lower()

    def _issue(self, repository: str) -> _Issued:
        owner, _, name = repository.partition("/")
        installation = self._ask("id", "GET", f"/repos/{quote(owner)}/{quote(name)}/installation")["id"]
        made = self._ask(
            "token",
            "POST",
            f"/app/installations/{int(installation)}/access_tokens",
            {"repositories": [name], "permissions": {"contents": "write"}},
        )
        logs.hide(made["token"], passing=True)
        return _Issued(made["token"], _seconds(made["expires_at"]))

    def _ask(self, needed: str, verb: Literal["GET", "POST"], path: str, body: object = None) -> dict[str, Any]:
        """Ask as the App. What goes wrong is never the event's fault, so a redelivery can always find it mended."""
        answer = self._api.request(self._auth, verb, path, body, timeout=_TIMEOUT)
        verdict = judge(answer)
        if verdict.next is Next.DONE and isinstance(answer.body, dict) and needed in answer.body:
            return answer.body
        if verdict.reason == "not_found":
            verdict = Verdict(Next.LATER, "not_installed", "The GitHub App is not installed in the repository.")
        elif verdict.next in (Next.DONE, Next.NEVER):
            said = verdict.text or f"GitHub answered {answer.status} without '{needed}'."
            advice = "The App may lack the permission 'Contents: read and write', or the installation the repository."
            verdict = Verdict(Next.LATER, "no_token", f"{said} {advice}")
        raise TokenRefused(verdict, answer.status)

    def _lock_of(self, name: str) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(name, threading.Lock())


def _seconds(expires_at: str) -> float:
    return datetime.fromisoformat(expires_at.replace("Z", "+00:00")).astimezone(timezone.utc).timestamp()
