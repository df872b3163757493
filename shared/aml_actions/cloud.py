"""Which Azure: the public cloud, a sovereign one, or any other that describes itself by an ARM metadata document."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from aml_actions.credentials import Credentials
from aml_actions.errors import ActionError

_METADATA_PATH = "/metadata/endpoints?api-version=2019-05-01"
_TIMEOUT = 30.0
"""Seconds for the metadata document."""
_PAUSES = (0.5, 1.5)
"""Seconds before each further question, where the service does not say how long it is busy."""
_SERVER_ERROR = 500


@dataclass(frozen=True)
class Cloud:
    """The endpoints of a cloud; all but `storage_suffix` are URLs without a slash at the end.

    Attributes:
        name: as the Azure ML SDK spells it.
        resource_manager: Azure Resource Manager; ``/.default`` behind it is the scope of its tokens.
        active_directory: authority of Microsoft Entra.
        aml_resource_id: audience of Azure ML's own tokens.
        portal: Azure portal.
        studio: Azure Machine Learning Studio.
        storage_suffix: what follows ``<account>.blob.``.
        registry_discovery: where Azure ML registries are found.
        custom: no cloud that the SDK knows; it is described by its metadata document.
        exchange_audience: audience of id tokens that Microsoft Entra takes in place of a secret.
    """

    name: str
    resource_manager: str
    active_directory: str
    aml_resource_id: str
    portal: str
    studio: str
    storage_suffix: str
    registry_discovery: str
    custom: bool = False
    exchange_audience: str = "api://AzureADTokenExchange"

    def client_settings(self) -> dict[str, Any]:
        """Return the keyword arguments with which ``azure.ai.ml.MLClient`` uses this cloud."""
        if not self.custom:
            return {"cloud": self.name}
        return {
            "cloud": self.name,
            "cloud_metadata": {
                "azure_portal": self.portal,
                "resource_manager": self.resource_manager,
                "active_directory": self.active_directory,
                "aml_resource_id": self.aml_resource_id,
                "storage_endpoint": self.storage_suffix,
                "registry_discovery_endpoint": self.registry_discovery,
            },
        }


# Values of azure.ai.ml._azure_environments (1.35).
AZURE = Cloud(
    name="AzureCloud",
    resource_manager="https://management.azure.com",
    active_directory="https://login.microsoftonline.com",
    aml_resource_id="https://ml.azure.com",
    portal="https://portal.azure.com",
    studio="https://ml.azure.com",
    storage_suffix="core.windows.net",
    registry_discovery="https://eastus.api.azureml.ms",
)
US_GOVERNMENT = Cloud(
    name="AzureUSGovernment",
    resource_manager="https://management.usgovcloudapi.net",
    active_directory="https://login.microsoftonline.us",
    aml_resource_id="https://ml.azure.us",
    portal="https://portal.azure.us",
    studio="https://ml.azure.us",
    storage_suffix="core.usgovcloudapi.net",
    registry_discovery="https://usgovarizona.api.ml.azure.us",
    exchange_audience="api://AzureADTokenExchangeUSGov",
)
CHINA = Cloud(
    name="AzureChinaCloud",
    resource_manager="https://management.chinacloudapi.cn",
    active_directory="https://login.chinacloudapi.cn",
    aml_resource_id="https://ml.azure.cn",
    portal="https://portal.azure.cn",
    studio="https://ml.azure.cn",
    storage_suffix="core.chinacloudapi.cn",
    registry_discovery="https://chinaeast2.api.ml.azure.cn",
    exchange_audience="api://AzureADTokenExchangeChina",
)


def find(credentials: Credentials) -> Cloud:
    """Return the cloud that the credentials point to.

    The host of ``resourceManagerEndpointUrl`` decides, as in the legacy actions; any host that is not one of the three known
    ones is asked for its metadata document (``GET /metadata/endpoints``).

    Raises:
        ActionError: another host does not answer with such a document.
    """
    endpoint = credentials.resource_manager_endpoint.rstrip("/")
    if not endpoint:
        return AZURE
    for known in (AZURE, US_GOVERNMENT, CHINA):
        if urlsplit(endpoint).hostname == urlsplit(known.resource_manager).hostname:
            return known
    return _custom(endpoint, credentials.active_directory_endpoint.rstrip("/"))


def _custom(endpoint: str, authority: str) -> Cloud:
    document = _describe(endpoint)
    try:
        portal = str(document["portal"]).rstrip("/")
        # The SDK's own rule (azure.ai.ml._azure_environments._convert_arm_to_cli): https://portal.azure.<suffix>
        suffix = ".".join(portal.split(".")[2:]) or "local"
        return Cloud(
            # The SDK keeps the first description of a name for the whole process: two endpoints must not share one.
            name=f"{document['name']}-{hashlib.sha256(endpoint.encode()).hexdigest()[:8]}",
            resource_manager=endpoint,
            active_directory=authority or str(document["authentication"]["loginEndpoint"]).rstrip("/"),
            aml_resource_id=f"https://ml.azure.{suffix}",
            portal=portal,
            # Not a key of Microsoft's documents: a cloud of one's own may name its Studio.
            studio=str(document.get("azureMachineLearningStudio") or f"https://ml.azure.{suffix}").rstrip("/"),
            storage_suffix=str(document["suffixes"]["storage"]),
            registry_discovery=endpoint,
            custom=True,
        )
    except (KeyError, TypeError) as error:
        raise _unusable(endpoint, f"the metadata document lacks {error}") from None


def _describe(endpoint: str) -> dict[str, Any]:
    import requests

    try:
        documents = _ask(endpoint + _METADATA_PATH)
    except requests.exceptions.SSLError as error:
        raise _unusable(
            endpoint,
            f"the TLS certificate is not trusted ({_innermost(error)})",
            fix="set REQUESTS_CA_BUNDLE to a file with the system's certificates and the one of this endpoint",
        ) from None
    except (requests.exceptions.RequestException, ValueError) as error:
        raise _unusable(endpoint, str(_innermost(error))) from None
    documents = documents if isinstance(documents, list) else [documents]
    described = [one for one in documents if isinstance(one, dict)]
    same = [one for one in described if str(one.get("resourceManager", "")).rstrip("/") == endpoint]
    if not described:
        raise _unusable(endpoint, "the metadata document describes no cloud")
    return (same or described)[0]


def _ask(url: str) -> Any:  # noqa: ANN401 - any JSON
    """Return the JSON at a URL; a service that is busy, or breaks off, is asked again.

    Raises:
        requests.exceptions.RequestException: it refuses, or does not answer.
        ValueError: the answer is no JSON.

    """
    import requests

    for pause in _PAUSES:
        try:
            answer = requests.get(url, timeout=_TIMEOUT)
        except requests.exceptions.SSLError:
            raise
        except (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError):
            time.sleep(pause)
            continue
        if answer.status_code != requests.codes.too_many_requests and answer.status_code < _SERVER_ERROR:
            break
        named = answer.headers.get("Retry-After", "")
        time.sleep(min(_TIMEOUT, float(named)) if named.isdigit() else pause)
    else:
        answer = requests.get(url, timeout=_TIMEOUT)
    answer.raise_for_status()
    return answer.json()


def _innermost(error: BaseException) -> BaseException:
    """Return the reason at the bottom of the wrappers of requests and urllib3."""
    while True:
        inner = getattr(error, "reason", None) or next(
            (one for one in error.args if isinstance(one, BaseException)), None
        )
        if not isinstance(inner, BaseException):
            return error
        error = inner


def _unusable(endpoint: str, reason: str, fix: str | None = None) -> ActionError:
    return ActionError(
        "The endpoint resourceManagerEndpointUrl of azure_credentials does not describe a cloud.",
        value=endpoint,
        allowed=f"{AZURE.resource_manager}, {US_GOVERNMENT.resource_manager}, {CHINA.resource_manager}, or an endpoint that answers "
        "GET /metadata/endpoints",
        cause=reason,
        fix=fix or "correct the address in the secret, or see that the runner reaches it",
        anchor="docs/troubleshooting.md#azure_credentials",
    )
