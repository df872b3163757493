"""The few REST calls for which the SDK has no operation: run history, MLflow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azure.core import PipelineClient
    from azure.core.credentials import TokenCredential

    from aml_actions.cloud import Cloud

_CONNECT, _READ = 30, 120
"""Seconds to connect, and between two packets of an answer."""
_CONNECT_IMPATIENT, _READ_IMPATIENT = 5, 20
"""The same for a caller that asks again itself."""


class AzureRest:
    """JSON over HTTPS with the bearer token of Azure Resource Manager, which run history and MLflow accept too.

    Retries (429, 5xx, dropped connections), redirects and proxies are those of azure-core. A token that the service takes for
    expired is replaced by a new sign-in, once for each request.
    """

    def __init__(
        self,
        credential: TokenCredential,
        cloud: Cloud,
        user_agent: str = "",
        *,
        renew: Callable[[], TokenCredential] | None = None,
        impatient: bool = False,
    ) -> None:
        """Talk to the services of `cloud`.

        Args:
            credential: signs in.
            cloud: endpoints.
            user_agent: of the requests.
            renew: returns a credential that signs in anew; without it an answer 401 is an error at once.
            impatient: nothing is retried, and no answer is waited for longer than some seconds: the caller asks again itself.

        """
        self._base = cloud.resource_manager
        self._user_agent = user_agent
        self._renew = renew
        self._impatient = impatient
        self._client = self._signed_in(credential)

    def _signed_in(self, credential: TokenCredential) -> PipelineClient[Any, Any]:
        from azure.core import PipelineClient
        from azure.core.pipeline.policies import (
            BearerTokenCredentialPolicy,
            ProxyPolicy,
            RedirectPolicy,
            RetryPolicy,
            UserAgentPolicy,
        )

        return PipelineClient(
            base_url=self._base,
            policies=[
                UserAgentPolicy(user_agent=self._user_agent or None),
                RedirectPolicy(),
                RetryPolicy(retry_total=0) if self._impatient else RetryPolicy(),
                BearerTokenCredentialPolicy(credential, f"{self._base}/.default"),
                ProxyPolicy(),
            ],
        )

    def get(self, url: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the JSON object at a URL (absolute, or a path below Azure Resource Manager).

        Raises:
            azure.core.exceptions.HttpResponseError: the answer is not 2xx.
        """
        return self._send("GET", url, params=params)

    def post(self, url: str, json: Any, params: Mapping[str, str] | None = None) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        """Send JSON and return the JSON object of the answer (empty when it has no body).

        Raises:
            azure.core.exceptions.HttpResponseError: the answer is not 2xx.
        """
        return self._send("POST", url, params=params, json=json)

    def upload(self, url: str, content: bytes, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Send bytes and return the JSON object of the answer (empty when it is something else).

        Raises:
            azure.core.exceptions.HttpResponseError: the answer is not 2xx.
        """
        headers = {"Content-Type": "application/zip"}
        return self._send("POST", url, params=params, content=content, headers=headers)

    def _send(self, method: str, url: str, **content: Any) -> dict[str, Any]:  # noqa: ANN401 - keywords of HttpRequest
        from azure.core.rest import HttpRequest

        request = HttpRequest(method, url if "://" in url else self._base + url, **content)
        connect, read = (_CONNECT_IMPATIENT, _READ_IMPATIENT) if self._impatient else (_CONNECT, _READ)
        response = self._client.send_request(request, connection_timeout=connect, read_timeout=read)
        if response.status_code == 401 and self._renew is not None:
            self._client = self._signed_in(self._renew())
            request = HttpRequest(method, request.url, **content)
            response = self._client.send_request(request, connection_timeout=connect, read_timeout=read)
        response.raise_for_status()
        is_json = "json" in response.headers.get("Content-Type", "json")
        data = response.json() if response.content and is_json else {}
        return data if isinstance(data, dict) else {"value": data}

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
