"""GitHub's id token of a job: a signed statement of who runs, which Microsoft Entra takes in place of a secret (OpenID Connect).

It is good for some minutes only, so one is fetched for every sign-in; the address and the request token are good for the whole job.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from aml_actions.errors import ActionError

REQUEST_URL, REQUEST_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
"""Variables that the runner sets for a job with the permission ``id-token: write``."""
ANCHOR = "docs/troubleshooting.md#openid-connect"
_CONNECT, _READ = 10, 30
"""Seconds to connect, and between two packets of the answer."""
_RETRIES = 5
"""After the first try: 0, 1, 2, 4 and 8 s apart, unless GitHub names another time."""
_BACKOFF = 0.5
_LONGEST = 300
"""Characters of GitHub's answer that an error shows."""


@dataclass(frozen=True)
class Claims:
    """What an id token says of its job: the part that a federated credential is compared with. None of it is secret."""

    issuer: str
    subject: str
    audience: str


class IdTokens:
    """Fetches id tokens for one audience; called, it returns a new one."""

    def __init__(
        self,
        url: str,
        request_token: str,
        audience: str,
        mask: Callable[[str], None],
        *,
        retries: int = _RETRIES,
    ) -> None:
        """Ask nothing yet.

        Args:
            url: value of ACTIONS_ID_TOKEN_REQUEST_URL, which has a query already.
            request_token: value of ACTIONS_ID_TOKEN_REQUEST_TOKEN.
            audience: whom the tokens are for.
            mask: is given every token before anything else is done with it.
            retries: how often GitHub is asked again after a status of 429 or 5xx, or a failure of the network.
        """
        self._url = f"{url}{'&' if '?' in url else '?'}audience={quote(audience, safe='')}"
        self._request_token = request_token
        self._mask = mask
        self._retries = retries
        self.claims: Claims | None = None
        """Of the token that was fetched last."""

    def __call__(self) -> str:
        """Return a new token.

        Raises:
            ActionError: GitHub gives none, or cannot be reached.
        """
        token = _token(self._answer())
        self._mask(token)
        self.claims = read_claims(token)
        return token

    def _answer(self) -> Any:  # noqa: ANN401 - azure.core.rest.HttpResponse
        from azure.core import PipelineClient
        from azure.core.exceptions import AzureError
        from azure.core.pipeline.policies import ProxyPolicy, RetryPolicy
        from azure.core.rest import HttpRequest

        retry = RetryPolicy(
            retry_total=self._retries,
            retry_connect=self._retries,
            retry_read=self._retries,
            retry_status=self._retries,
            retry_backoff_factor=_BACKOFF,
        )
        headers = {"Authorization": f"Bearer {self._request_token}", "Accept": "application/json"}
        with PipelineClient(base_url="", policies=[retry, ProxyPolicy()]) as client:
            try:
                return client.send_request(
                    HttpRequest("GET", self._url, headers=headers), connection_timeout=_CONNECT, read_timeout=_READ
                )
            except AzureError as error:
                raise ActionError(
                    "GitHub could not be asked for the id token of this job.",
                    value=str(error)[:_LONGEST],
                    cause="the network of the runner, a proxy, a firewall, or a certificate that is not trusted",
                    fix="see that the runner reaches the host of ACTIONS_ID_TOKEN_REQUEST_URL, then run the job again",
                    anchor=ANCHOR,
                ) from None


def missing_permission(client_id: str) -> ActionError:
    """Return the error for credentials without a secret in a job that may not have an id token."""
    return ActionError(
        "azure_credentials holds no clientSecret, and this job may not ask GitHub for an id token: "
        f"{REQUEST_URL} and {REQUEST_TOKEN} are not set.",
        value=f"clientId {client_id}, no clientSecret",
        allowed="a JSON without clientSecret in a job with `permissions: id-token: write`, or one with clientSecret",
        cause="the job has no `permissions: id-token: write`, or the pull request comes from a fork: those never get it",
        fix="add `permissions:` with `id-token: write` and `contents: read` to the job, and to the job that calls its reusable workflow",
        anchor=ANCHOR,
    )


def read_claims(token: str) -> Claims | None:
    """Return what a token says, without a look at its signature: that is Entra's part. None for what is no token."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    audience = found.get("aud", "")
    named = ", ".join(map(str, audience)) if isinstance(audience, list) else str(audience)
    return Claims(str(found.get("iss", "")), str(found.get("sub", "")), named)


def _token(response: Any) -> str:  # noqa: ANN401 - azure.core.rest.HttpResponse
    if response.status_code >= 400:
        again = response.status_code == 429 or response.status_code >= 500
        raise ActionError(
            f"GitHub gave no id token (status {response.status_code}).",
            value=" ".join(response.text().split())[:_LONGEST] or None,
            cause="GitHub is busy or has a failure"
            if again
            else "the job has ended, or it has no `permissions: id-token: write`",
            fix="run the job again; the state of GitHub: https://www.githubstatus.com"
            if again
            else "run the job again, with `permissions: id-token: write`",
            anchor=ANCHOR,
        )
    try:
        token = response.json()["value"]
    except (ValueError, KeyError, TypeError):
        token = None
    if not isinstance(token, str) or not token:
        # The answer is not shown: it may hold a token all the same.
        raise ActionError(
            "GitHub's answer holds no id token.",
            cause="something between the runner and GitHub answered in its place, such as the page of a proxy",
            fix="see that the runner reaches the host of ACTIONS_ID_TOKEN_REQUEST_URL directly",
            anchor=ANCHOR,
        )
    return token
