"""The few REST calls for which the SDK has no operation: run history, MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from aml_actions.cloud import Cloud

_CONNECT, _READ = 30, 120
"""Seconds to connect, and between two packets of an answer."""


class AzureRest:
    """JSON over HTTPS with the bearer token of Azure Resource Manager, which run history and MLflow accept too.

    Retries (429, 5xx, dropped connections), redirects and proxies are those of azure-core.
    """

    def __init__(self, credential: TokenCredential, cloud: Cloud, user_agent: str = "") -> None:
        from azure.core import PipelineClient
        from azure.core.pipeline.policies import (
            BearerTokenCredentialPolicy,
            ProxyPolicy,
            RedirectPolicy,
            RetryPolicy,
            UserAgentPolicy,
        )

        self._base = cloud.resource_manager
        self._client = PipelineClient(
            base_url=cloud.resource_manager,
            policies=[
                UserAgentPolicy(user_agent=user_agent or None),
                RedirectPolicy(),
                RetryPolicy(),
                BearerTokenCredentialPolicy(credential, f"{cloud.resource_manager}/.default"),
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
        response = self._client.send_request(request, connection_timeout=_CONNECT, read_timeout=_READ)
        response.raise_for_status()
        is_json = "json" in response.headers.get("Content-Type", "json")
        data = response.json() if response.content and is_json else {}
        return data if isinstance(data, dict) else {"value": data}

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
