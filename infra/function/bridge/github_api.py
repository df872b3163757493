"""One request to GitHub's REST API by PyGithub: what was answered, or that no answer came."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import requests
from github.Auth import Auth
from github.Requester import Requester
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

USER_AGENT = "aml-events-function"
API_VERSION = "2022-11-28"
_HEADERS = {"Accept": "application/vnd.github+json"}


@dataclass(frozen=True)
class Answer:
    """What GitHub answered.

    Attributes:
        status: the HTTP status.
        headers: names in lower case.
        body: the parsed JSON; None when there is none.
    """

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def message(self) -> str:
        """GitHub's own sentence about an error."""
        found = self.body.get("message") if isinstance(self.body, dict) else None
        return found if isinstance(found, str) else ""


class NoAnswer(Exception):
    """GitHub gave no answer.

    Attributes:
        sent: whether the request may have reached GitHub. If so, nobody knows whether GitHub acted on it.
    """

    def __init__(self, text: str, *, sent: bool) -> None:
        super().__init__(text)
        self.sent = sent


@dataclass(frozen=True)
class GitHubApi:
    """GitHub's REST API at one address.

    Attributes:
        url: its base, such as `https://api.github.com` or `https://github.example.com/api/v3`.
        connect_timeout: seconds until a connection is given up.
    """

    url: str
    connect_timeout: float = 5.0

    def request(
        self, auth: Auth, verb: Literal["GET", "POST"], path: str, body: object = None, *, timeout: float
    ) -> Answer:
        """Send one request, once, on a connection of its own.

        PyGithub's requester keeps the request that it is about to send in its connection, so two threads must not
        share one; and a connection that lay idle may be gone, which cannot be told from a request that got lost.

        Args:
            auth: who asks.
            verb: the method.
            path: path below the base address.
            body: what is sent as JSON.
            timeout: seconds to wait for the answer once the request is sent.

        Raises:
            NoAnswer: the server was not reached, or did not answer.
        """
        requester = Requester(
            auth=auth,
            base_url=self.url,
            timeout=(self.connect_timeout, timeout),  # type: ignore[arg-type]  # handed on to requests, which takes both
            user_agent=USER_AGENT,
            per_page=30,
            verify=True,
            retry=None,
            pool_size=1,
            api_version=API_VERSION,
        )
        try:
            # requestJson, not requestJsonAndCheck: the latter takes a redirection (3xx) for success
            status, headers, text = requester.requestJson(verb, path, headers=dict(_HEADERS), input=body)
        except requests.exceptions.RequestException as error:
            raise _no_answer(error, self.url) from None
        except RuntimeError as error:  # PyGithub does not follow a redirection to another host
            raise NoAnswer(str(error), sent=False) from None
        finally:
            requester.close()
        return Answer(status, {name.lower(): value for name, value in headers.items()}, _parsed(text))


def _parsed(text: str) -> object:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None  # a proxy's page


def _no_answer(error: requests.exceptions.RequestException, url: str) -> NoAnswer:
    if isinstance(error, requests.exceptions.ReadTimeout):
        return NoAnswer(f"GitHub at {url} did not answer in time.", sent=True)
    cause = getattr(error.args[0], "reason", None) if error.args else None
    refused = isinstance(error, (requests.exceptions.ConnectTimeout, requests.exceptions.SSLError)) or isinstance(
        cause, (NewConnectionError, ConnectTimeoutError)
    )
    kind = type(cause or error).__name__
    return NoAnswer(f"GitHub at {url} could not be reached ({kind}).", sent=not refused)
