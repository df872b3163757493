"""The front door of online endpoints: who may ask, which deployment answers, and how its answer is passed on.

Statuses, headers and the short codes in the bodies are those of managed online endpoints; the router of a Kubernetes cluster has
statuses of its own (https://learn.microsoft.com/azure/machine-learning/how-to-troubleshoot-online-endpoints#http-status-codes).
"""

from __future__ import annotations

import random
import re
import secrets
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from aml_emulator import ids
from aml_emulator.http import Call, Reply, Router, ServiceError
from aml_emulator.ml.endpoint_credentials import endpoint_keys, scoring_audience
from aml_emulator.ml.online_endpoints import KUBERNETES, TYPE
from aml_emulator.resources import Resource
from aml_emulator.serving.instance import DeploymentError, Instance
from aml_emulator.tokens import ML_AUDIENCES

if TYPE_CHECKING:
    from aml_emulator.context import Emulator

_GUIDE = "https://learn.microsoft.com/azure/machine-learning/how-to-troubleshoot-online-endpoints#http-status-codes"
_CLIENT_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_HOP_BY_HOP = {"connection", "content-length", "keep-alive", "te", "transfer-encoding", "upgrade"}
_NOT_FORWARDED = _HOP_BY_HOP | {"authorization", "azureml-model-deployment", "expect", "host"}
_NOT_PASSED_ON = _HOP_BY_HOP | {"content-encoding", "content-type", "date", "server"}


@dataclass(frozen=True)
class _Statuses:
    """The statuses with which a kind of endpoint answers what goes wrong."""

    crowded: int
    too_slow: int
    model_error: int


_MANAGED_STATUSES = _Statuses(crowded=429, too_slow=408, model_error=424)
_KUBERNETES_STATUSES = _Statuses(crowded=503, too_slow=504, model_error=502)


def register(router: Router, emulator: Emulator) -> None:
    """Routes of scoring. They check keys and tokens by themselves."""
    # Connections are local and the time a deployment may take is its own, so there is no limit here.
    client = httpx.Client(trust_env=False, limits=httpx.Limits(max_connections=None, max_keepalive_connections=64))

    def score(call: Call) -> Reply:
        return _Request(emulator, client, call, "/score").answer()

    def swagger(call: Call) -> Reply:
        return _Request(emulator, client, call, "/swagger.json").answer()

    for path in ("/inference/{endpoint}", "/api/v1/endpoint/{endpoint}"):
        for method in ("POST", "GET", "OPTIONS"):
            router.add(method, f"{path}/score", score, "own")
        router.add("GET", f"{path}/swagger.json", swagger, "own")


class _FrontEndError(Exception):
    """An answer of the front end itself."""

    def __init__(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self.status, self.text, self.headers = status, text, headers or {}


class _Request:
    """One request to an endpoint."""

    def __init__(self, emulator: Emulator, client: httpx.Client, call: Call, path: str) -> None:
        self._emulator, self._client, self._call, self._path = emulator, client, call, path
        self._headers = {"x-request-id": str(uuid.uuid4())}
        self._statuses = _MANAGED_STATUSES
        given = call.headers.get("x-ms-client-request-id", "")
        if _CLIENT_REQUEST_ID.fullmatch(given):
            self._headers["x-ms-client-request-id"] = given

    def answer(self) -> Reply:
        """Whatever comes of it."""
        try:
            endpoint = self._endpoint()
            if endpoint.body.get("kind") == KUBERNETES:
                self._statuses = _KUBERNETES_STATUSES
            self._authenticate(endpoint)
            deployment_id = self._choose(endpoint)
            self._headers["azureml-model-deployment"] = ids.name_of(deployment_id)
            return self._ask(self._instance(deployment_id))
        except _FrontEndError as error:
            headers = self._headers | error.headers
            text = f"{error.text}\nAbout the status codes of endpoints: {_GUIDE}\n"
            return Reply(error.status, text, headers, "text/plain; charset=utf-8")

    def _endpoint(self) -> Resource:
        name = self._call.params["endpoint"].lower()
        for endpoint in self._emulator.resources.all_of(TYPE):
            if endpoint.name.lower() == name:
                return endpoint
        raise _FrontEndError(404, f"There is no endpoint '{name}'.")

    def _authenticate(self, endpoint: Resource) -> None:
        scheme, _, credential = self._call.headers.get("authorization", "").partition(" ")
        mode = endpoint.properties["authMode"]
        kind = "key" if mode == "Key" else "token"
        if scheme.lower() != "bearer" or not credential.strip():
            raise _FrontEndError(401, f"{kind}_auth_bad_header_forbidden", {"WWW-Authenticate": "Bearer"})
        credential = credential.strip()
        if mode == "Key":
            keys = endpoint_keys(self._emulator, endpoint.id)
            if not any(secrets.compare_digest(credential.encode(), key.encode()) for key in keys):
                raise _FrontEndError(401, "key_auth_access_denied", {"WWW-Authenticate": "Bearer"})
            return
        audiences = (scoring_audience(endpoint.id),) if mode == "AMLToken" else ML_AUDIENCES
        try:
            self._emulator.tokens.verify(credential, audiences)
        except ServiceError:
            raise _FrontEndError(401, "token_auth_access_denied", {"WWW-Authenticate": "Bearer"}) from None

    def _choose(self, endpoint: Resource) -> str:
        """The deployment that a header names, whatever its traffic, or one by the weights of the traffic."""
        named = self._call.headers.get("azureml-model-deployment")
        if named:
            deployment = self._emulator.resources.get(f"{endpoint.id}/deployments/{named}")
            if deployment is None:
                raise _FrontEndError(404, f"The endpoint '{endpoint.name}' has no deployment '{named}' to route to.")
            return deployment.id
        traffic = {name: int(weight) for name, weight in (endpoint.properties.get("traffic") or {}).items() if weight}
        if not traffic:
            raise _FrontEndError(
                404,
                "No valid deployments to route to. Please check that the endpoint has at least one deployment with"
                " positive weight values or use a deployment specific header to route.",
            )
        chosen = random.choices(list(traffic), list(traffic.values()))[0]  # noqa: S311 - traffic, no secret
        return f"{endpoint.id}/deployments/{chosen}"

    def _instance(self, deployment_id: str) -> Instance:
        deployment = self._emulator.resources.get(deployment_id)
        ready = deployment is not None and self._emulator.serving.serves(deployment_id)
        try:
            if deployment is not None and ready:
                return self._emulator.serving.instance(deployment.id)
        except (DeploymentError, LookupError):
            pass
        raise _FrontEndError(503, "no healthy upstream", {"ms-azureml-model-error-reason": "model_not_ready"})

    def _ask(self, instance: Instance) -> Reply:
        if not instance.enter():
            raise _FrontEndError(
                self._statuses.crowded,
                "too_many_pending_request",
                {"ms-azureml-model-error-reason": "too_many_pending_request"},
            )
        began = time.monotonic()
        try:
            answer = self._client.request(
                self._call.method,
                f"{instance.url}{self._path}" + (f"?{self._call.raw_query}" if self._call.raw_query else ""),
                headers={key: value for key, value in self._call.headers.items() if key.lower() not in _NOT_FORWARDED}
                | {"x-request-id": self._headers["x-request-id"]},
                content=self._call.body,
                timeout=instance.deployment.request_timeout,
            )
        except httpx.TimeoutException:
            raise _FrontEndError(self._statuses.too_slow, "upstream request timeout") from None
        except httpx.HTTPError:
            raise _FrontEndError(502, "upstream connect error or disconnect before headers") from None
        finally:
            instance.leave()
        self._headers["ms-azureml-model-time"] = str(round((time.monotonic() - began) * 1000))
        return self._pass_on(answer)

    def _pass_on(self, answer: httpx.Response) -> Reply:
        """An answer of the model's server; any but 200 is the status of a model's error, with the original one in a header.

        The router of a Kubernetes cluster passes on what the caller did wrong.
        """
        headers = {
            key: value for key, value in answer.headers.items() if key.lower() not in _NOT_PASSED_ON
        } | self._headers
        media_type = answer.headers.get("content-type", "application/octet-stream")
        if answer.status_code == httpx.codes.OK:
            return Reply(200, answer.content, headers, media_type)
        if self._statuses is _KUBERNETES_STATUSES and answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
            return Reply(answer.status_code, answer.content, headers, media_type)
        headers["ms-azureml-model-error-statuscode"] = str(answer.status_code)
        headers["ms-azureml-model-error-reason"] = "model_error"
        told = answer.content + f"\nAbout the status codes of endpoints: {_GUIDE}\n".encode()
        return Reply(self._statuses.model_error, told, headers, media_type)
