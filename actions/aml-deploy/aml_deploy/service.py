"""The new deployment as the test functions of the legacy action know it: the web service object of SDK v1."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import requests

    from aml_deploy.deployment_logs import DeploymentLogs

CONNECT_TIMEOUT, READ_TIMEOUT, READ_MARGIN = 30, 200, 20
"""Seconds; a managed endpoint gives a request up after 180 s at the latest, one on Kubernetes when `scoring_timeout_ms` says so."""
PAUSES = (2.0, 4.0, 8.0, 16.0)
"""Seconds before each further attempt at a request that could not be routed."""
_NOT_ROUTED = frozenset({404, 429, 502, 503, 504})
"""Answers of the router, not of the model: a new endpoint or deployment is not known everywhere at once."""
_SHOWN = 2000
"""Characters of an answer that an exception quotes."""


class WebserviceException(Exception):
    """The service did not answer with 200, as ``azureml.exceptions.WebserviceException``."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class DeployedService:
    """One deployment of an endpoint. Calls go to this deployment alone, whatever traffic it has."""

    def __init__(
        self,
        *,
        name: str,
        deployment: str,
        scoring_uri: str,
        swagger_uri: str,
        credentials: Callable[[], tuple[str, str]],
        logs: Callable[[], DeploymentLogs],
        token_auth: bool = False,
        tags: Mapping[str, str] | None = None,
        longest: float = 0.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Nothing is asked of Azure yet.

        Args:
            name: of the endpoint.
            deployment: of the deployment.
            scoring_uri: of the endpoint.
            swagger_uri: of the endpoint.
            credentials: fetches both keys, or a token and an empty text.
            logs: fetches the logs of the deployment.
            token_auth: the endpoint takes tokens, not keys.
            tags: of the endpoint.
            longest: seconds after which the endpoint gives a request up, when more than the service's own limit.
            sleep: waits for seconds.
        """
        self.name = name
        self.deployment_name = deployment
        self.scoring_uri = scoring_uri
        self.swagger_uri = swagger_uri
        self.state = "Healthy"
        self.auth_enabled = not token_auth
        self.token_auth_enabled = token_auth
        self.tags = dict(tags or {})
        self.delete_asked = False
        self._fetch = credentials
        self._logs = logs
        self._read_timeout = max(READ_TIMEOUT, longest + READ_MARGIN)
        self._sleep = sleep
        self._credentials: tuple[str, str] | None = None
        self._session: requests.Session | None = None

    def run(self, input_data: str | bytes | dict[str, Any] | list[Any]) -> Any:  # noqa: ANN401 - any JSON
        """Score, and return the JSON of the answer.

        Args:
            input_data: the body as text or bytes; anything else is sent as its JSON.

        Raises:
            WebserviceException: the answer is not 200, is not JSON, or does not come.
        """
        body = input_data if isinstance(input_data, str | bytes) else json.dumps(input_data)
        answer = self._post(body.encode() if isinstance(body, str) else body)
        if answer.status_code != 200:
            raise WebserviceException(_explain(answer))
        try:
            return answer.json()
        except ValueError:
            raise WebserviceException(f"The answer of the service is not JSON: {answer.text[:_SHOWN]}") from None

    def get_keys(self) -> tuple[str, str]:
        """Return the primary and the secondary key."""
        if self.token_auth_enabled:
            raise WebserviceException("The endpoint takes tokens, not keys; use get_token().")
        return self._secrets()

    def get_token(self) -> tuple[str, None]:
        """Return a token; when it should be fetched anew is not told here, so the second value is always None."""
        if not self.token_auth_enabled:
            raise WebserviceException("The endpoint takes keys, not tokens; use get_keys().")
        return self._secrets()[0], None

    def get_logs(self, num_lines: int = 5000, init: bool = False) -> str:
        """Return the end of the log of the inference server, or with `init` of the storage initializer."""
        logs = self._logs()
        text = logs.initializer if init else logs.server
        return "\n".join(text.splitlines()[-num_lines:])

    def delete(self) -> None:
        """Have the endpoint deleted when the test is over."""
        self.delete_asked = True

    def _secrets(self) -> tuple[str, str]:
        if self._credentials is None:
            self._credentials = self._fetch()
        return self._credentials

    def _post(self, body: bytes) -> requests.Response:
        """Send a request: once more after a 401 with new credentials, and again while it cannot be routed."""
        import requests

        pauses = list(PAUSES)
        renewed = False
        while True:
            try:
                answer = self._send(body)
            except (requests.exceptions.ConnectionError, requests.exceptions.Timeout) as error:
                if not pauses or isinstance(error, requests.exceptions.SSLError):
                    raise WebserviceException(f"The service at {self.scoring_uri} does not answer: {error}") from None
            else:
                if answer.status_code == 401 and not renewed:
                    renewed, self._credentials = True, None
                    continue
                if answer.status_code not in _NOT_ROUTED or not pauses:
                    return answer
            self._sleep(pauses.pop(0))

    def _send(self, body: bytes) -> requests.Response:
        import requests

        if self._session is None:
            self._session = requests.Session()
        return self._session.post(
            self.scoring_uri,
            data=body,
            headers={
                "Content-Type": "application/json",
                "Authorization": f"Bearer {self._secrets()[0]}",
                "azureml-model-deployment": self.deployment_name,
                "x-ms-client-request-id": str(uuid.uuid4()),
            },
            timeout=(CONNECT_TIMEOUT, self._read_timeout),
            allow_redirects=False,  # the key belongs to this address only
        )


def _explain(answer: requests.Response) -> str:
    """Return why the service did not score. With 424 the model failed; the router tells its status in a header."""
    said = answer.text.strip()[:_SHOWN] or "(no text)"
    request = answer.headers.get("x-request-id") or answer.headers.get("x-ms-request-id")
    suffix = f" (request {request})" if request else ""
    model_status = answer.headers.get("ms-azureml-model-error-statuscode")
    if model_status:
        reason = answer.headers.get("ms-azureml-model-error-reason", "")
        return f"The entry script answered {model_status} {reason}: {said}{suffix}"
    hint = {
        401: "the key or token was refused",
        403: "the caller may not score; is public access to the endpoint disabled?",
        404: "no deployment was found for the request",
        408: "the request took too long; see scoring_timeout_ms",
        413: "the request is too large",
        429: "too many requests wait already",
    }.get(answer.status_code)
    return f"The service answered {answer.status_code}{f' ({hint})' if hint else ''}: {said}{suffix}"
