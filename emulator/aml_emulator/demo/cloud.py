"""What the demonstration does in the cloud as a person would: write a blob, look at an endpoint, ask it."""

from __future__ import annotations

import contextlib
import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from aml_emulator.demo.console import DemoFailed

_ML, _STORAGE = "2024-04-01", "2023-05-01"


@dataclass(frozen=True)
class Endpoint:
    """A web service: its address, the deployment that all requests go to, and the model of that."""

    scoring_uri: str
    deployment: str
    model: str


class Cloud:
    """The subscription of a service principal: `credentials` is the text of AZURE_CREDENTIALS, `authorities` the certificates to trust."""

    def __init__(self, credentials: str, authorities: Path) -> None:
        self._credentials: Mapping[str, str] = json.loads(credentials)
        self._authorities = authorities
        self._client = httpx.Client(
            verify=ssl.create_default_context(cafile=str(authorities)), timeout=60.0, trust_env=False
        )
        self._arm = self._credentials["resourceManagerEndpointUrl"].rstrip("/")
        self._token = ""

    def write_blob(self, group: str, account: str, container: str, name: str, content: bytes) -> None:
        """Write a blob as `az storage blob upload` does; the container is made when it is not there."""
        from azure.core.exceptions import AzureError, ResourceExistsError
        from azure.identity import ClientSecretCredential
        from azure.storage.blob import BlobServiceClient

        found = self._ask(
            "GET", f"{self._group(group)}/providers/Microsoft.Storage/storageAccounts/{account}", _STORAGE
        )
        verified = {"connection_verify": str(self._authorities)}
        known = self._credentials
        credential = ClientSecretCredential(
            known["tenantId"],
            known["clientId"],
            known["clientSecret"],
            authority=known["activeDirectoryEndpointUrl"],
            disable_instance_discovery=True,
            **verified,
        )
        service = BlobServiceClient(found["properties"]["primaryEndpoints"]["blob"], credential, **verified)
        try:
            with contextlib.suppress(ResourceExistsError):
                service.create_container(container)
            service.get_blob_client(container, name).upload_blob(content, overwrite=True)
        except AzureError as error:
            raise DemoFailed(f"The blob {name} cannot be written: {error.message}") from error

    def endpoint(self, group: str, workspace: str, name: str) -> Endpoint:
        """Look at an online endpoint."""
        path = self._endpoint(group, workspace, name)
        properties = self._ask("GET", path, _ML)["properties"]
        serving = [deployment for deployment, percent in (properties.get("traffic") or {}).items() if percent]
        if len(serving) != 1:
            raise DemoFailed(f"The endpoint {name} has its traffic on {serving or 'nothing'}, not on one deployment.")
        deployment = self._ask("GET", f"{path}/deployments/{serving[0]}", _ML)["properties"]
        model = str(deployment["model"])
        return Endpoint(properties["scoringUri"], serving[0], _model(model))

    def predict(self, group: str, workspace: str, name: str, rows: Mapping[str, Any]) -> Sequence[Any]:
        """Ask an endpoint with its key. Raises DemoFailed when it does not answer with predictions."""
        path = self._endpoint(group, workspace, name)
        key = self._ask("POST", f"{path}/listKeys", _ML)["primaryKey"]
        address = self._ask("GET", path, _ML)["properties"]["scoringUri"]
        signed = {"Authorization": f"Bearer {key}"}
        answer = _answer(self._client, self._client.build_request("POST", address, headers=signed, json=rows))
        predicted = answer.get("predict")
        if not isinstance(predicted, list):
            raise DemoFailed(f"{address} answered {answer}, which is no prediction.")
        return predicted

    def _group(self, name: str) -> str:
        return f"/subscriptions/{self._credentials['subscriptionId']}/resourceGroups/{name}"

    def _endpoint(self, group: str, workspace: str, name: str) -> str:
        provider = f"{self._group(group)}/providers/Microsoft.MachineLearningServices"
        return f"{provider}/workspaces/{workspace}/onlineEndpoints/{name}"

    def _ask(self, method: str, path: str, version: str) -> dict[str, Any]:
        if not self._token:
            self._token = self._sign_in()
        signed = {"Authorization": f"Bearer {self._token}"}
        request = self._client.build_request(method, f"{self._arm}{path}?api-version={version}", headers=signed)
        return _answer(self._client, request)

    def _sign_in(self) -> str:
        known = self._credentials
        application = {
            "grant_type": "client_credentials",
            "client_id": known["clientId"],
            "client_secret": known["clientSecret"],
            "scope": f"{self._arm}/.default",
        }
        authority = known["activeDirectoryEndpointUrl"].rstrip("/")
        url = f"{authority}/{known['tenantId']}/oauth2/v2.0/token"
        return str(_answer(self._client, self._client.build_request("POST", url, data=application))["access_token"])


def _model(model_id: str) -> str:
    """Name and version of a model, out of its id."""
    parts = model_id.split("/")
    return f"{parts[-3]}, version {parts[-1]}" if len(parts) > 3 else model_id


def _answer(client: httpx.Client, request: httpx.Request) -> dict[str, Any]:
    try:
        response = client.send(request)
        body = response.json() if response.status_code == 200 else None
    except (httpx.HTTPError, ValueError) as error:
        raise DemoFailed(f"{request.url} does not answer: {error}") from error
    if not isinstance(body, dict):
        raise DemoFailed(f"{request.url} answered {response.status_code}: {response.text[:500]}")
    return body
