"""Names of the operations that a fault can meet, and the requests that they stand for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from aml_emulator.http import Call

HEADER = "x-ms-emulator-fault"
"""Of a request: a fault for this request as JSON, or `none`: it meets no fault at all."""
NONE = "none"
OWN_PATHS = "/emulator/"
"""The emulator's own addresses, which meet no fault."""

Port = Literal["main", "blob"]
"""Which of the emulator's two ports a request came to."""

_READS = ("GET", "HEAD")
_WRITES = ("PUT", "POST", "PATCH", "DELETE")
_WORKSPACES = r"/subscriptions/[^/]+/resourcegroups/[^/]+/providers/Microsoft\.MachineLearningServices/workspaces"
_WS = rf"{_WORKSPACES}/[^/]+"
_HISTORY = rf"/history/v1\.0{_WS}"
_RUN = rf"{_HISTORY}(/experiments/[^/]+|/experimentids/[^/]+)?/runs/[^/]+"
_MLFLOW = r"(/mlflow[^?]*)?/api/2\.0/(preview/)?mlflow"
_LOG = r"/.*ExperimentRun/dcid\.[^/]+/(user_logs|azureml-logs|system_logs|logs)/.+"
_ARTIFACT = r"/.*ExperimentRun/dcid\.[^/]+/(?!(user_logs|azureml-logs|system_logs|logs)/).+"
_BLOB = r"/[^/]+/.+"


@dataclass(frozen=True)
class Requests:
    """A kind of request: its port (None: either), methods, path (a regular expression for all of it) and `comp` of the query."""

    port: Port | None
    methods: tuple[str, ...]
    path: str
    comp: str | None = None

    def match(self, port: Port, call: Call) -> bool:
        """Whether a request is of this kind."""
        return (
            self.port in (None, port)
            and call.method in self.methods
            and self.comp in (None, call.query.get("comp", ""))
            and re.fullmatch(self.path, call.path.rstrip("/") or "/", re.IGNORECASE) is not None
        )


@dataclass(frozen=True)
class AnyPath:
    """Requests as a person writes them: a method or `*`, and a regular expression that is found in the path."""

    method: str
    path: str

    def match(self, port: Port, call: Call) -> bool:
        """Whether a request is one of them."""
        return self.method in ("*", call.method) and re.search(self.path, call.path, re.IGNORECASE) is not None


def _of(collection: str, path: str, *without: str) -> dict[str, tuple[Requests, ...]]:
    """The operations on a collection of resources at a path, and on the resources in it; some may not exist."""
    one = f"{path}/[^/]+"
    found = {
        "list": Requests("main", ("GET",), path),
        "get": Requests("main", _READS, one),
        "create": Requests("main", ("PUT",), one),
        "update": Requests("main", ("PATCH",), one),
        "delete": Requests("main", ("DELETE",), one),
    }
    return {f"{collection}.{name}": (kind,) for name, kind in found.items() if name not in without}


def _assets(collection: str) -> dict[str, tuple[Requests, ...]]:
    """The operations on the versions of assets; `list` is of their names or of their versions."""
    of_one, versions = rf"{_WS}/{collection}/[^/]+", rf"{_WS}/{collection}/[^/]+/versions"
    return {
        f"{collection}.list": (Requests("main", ("GET",), rf"{_WS}/{collection}|{versions}"),),
        f"{collection}.get": (Requests("main", ("GET",), rf"{of_one}|{versions}/[^/]+"),),
        f"{collection}.create": (Requests("main", ("PUT",), rf"{of_one}|{versions}/[^/]+"),),
        f"{collection}.delete": (Requests("main", ("DELETE",), rf"{of_one}|{versions}/[^/]+"),),
    }


_ENDPOINTS = rf"{_WS}/(online|batch)Endpoints"
_ENDPOINT = rf"{_ENDPOINTS}/[^/]+"

OPERATIONS: Mapping[str, tuple[Requests, ...]] = {
    "any": (Requests(None, _READS + _WRITES, r"/.*"),),
    "any.read": (Requests(None, _READS, r"/.*"),),
    "any.write": (Requests(None, _WRITES, r"/.*"),),
    "token": (Requests("main", ("POST",), r"/[^/]+/oauth2(/v2\.0)?/token"),),
    "token.identity": (Requests("main", ("GET",), r"/msi/token"),),
    "discovery": (Requests("main", ("GET",), r"/discovery"),),
    **_of("groups", r"/subscriptions/[^/]+/resourcegroups"),
    **_of("workspaces", _WORKSPACES),
    **_of("jobs", rf"{_WS}/jobs", "delete"),
    "jobs.cancel": (Requests("main", ("POST",), rf"{_WS}/jobs/[^/]+/cancel"),),
    "jobs.cancel_result": (Requests("main", ("GET",), rf"{_WS}/jobs/[^/]+/cancelResult"),),
    "runs.get": (Requests("main", ("GET",), _RUN),),
    "runs.details": (Requests("main", ("GET",), rf"{_RUN}/details"),),
    "runs.children": (Requests("main", ("GET",), rf"{_RUN}/children"),),
    "runs.data": (Requests("main", ("POST",), rf"{_HISTORY}/rundata"),),
    "runs.update": (Requests("main", ("PATCH",), _RUN),),
    "logs.read": (Requests("blob", _READS, _LOG, ""),),
    "metrics.read": (
        Requests("main", ("GET", "POST"), rf"{_MLFLOW}/(runs/get|runs/search|metrics/get-history.*)"),
        Requests("main", ("POST",), r"/metric/v2\.0/.*/(list|full)"),
    ),
    "metrics.write": (
        Requests("main", ("POST",), rf"{_MLFLOW}/runs/log-(metric|batch|batch-async|parameter)"),
        Requests("main", ("POST",), r"/metric/v2\.0/.*/batch"),
    ),
    "artifacts.list": (
        Requests("main", ("GET",), rf"{_RUN}/artifacts(/path)?"),
        Requests("main", ("GET",), rf"/artifact/v2\.0{_WS}/artifacts/ExperimentRun/.*"),
        Requests("main", ("GET",), rf"{_MLFLOW}/artifacts/list"),
        Requests("blob", ("GET",), r"/.+", "list"),
    ),
    "artifacts.address": (
        Requests("main", ("GET",), rf"{_RUN}/artifacts/contentinfo"),
        Requests("main", ("GET",), rf"/artifact/v2\.0{_WS}/artifacts/(prefix/)?contentinfo/.*"),
    ),
    "artifacts.read": (
        Requests("blob", _READS, _ARTIFACT, ""),
        Requests("main", ("GET",), rf"/artifact/v2\.0{_WS}/artifacts/content/.*"),
    ),
    "blobs.list": (Requests("blob", ("GET",), r"/.+", "list"),),
    "blobs.read": (Requests("blob", _READS, _BLOB, ""),),
    "blobs.write": (Requests("blob", ("PUT",), _BLOB),),
    "blobs.delete": (Requests("blob", ("DELETE",), _BLOB),),
    **_of("computes", rf"{_WS}/computes"),
    **_of("datastores", rf"{_WS}/datastores", "update"),
    "datastores.secrets": (Requests("main", ("POST",), rf"{_WS}/datastores/[^/]+/listSecrets"),),
    **_assets("environments"),
    **_assets("codes"),
    **_assets("components"),
    **_assets("data"),
    **_assets("models"),
    **_of("endpoints", _ENDPOINTS),
    "endpoints.keys": (Requests("main", ("POST",), rf"{_ENDPOINT}/(listKeys|token)"),),
    **_of("deployments", rf"{_ENDPOINT}/deployments"),
    "deployments.logs": (Requests("main", ("POST",), rf"{_ENDPOINT}/deployments/[^/]+/getLogs"),),
    "score": (Requests("main", ("GET", "POST"), r"/.+/score"),),
    "templates.create": (
        Requests("main", ("PUT",), r"/subscriptions/.+/providers/Microsoft\.Resources/deployments/[^/]+"),
    ),
    "templates.get": (
        Requests("main", ("GET",), r"/subscriptions/.+/providers/Microsoft\.Resources/deployments/[^/]+"),
    ),
    "operations.status": (
        Requests("main", ("GET",), r"/subscriptions/.+OperationsStatus/[^/]+"),
        Requests("main", ("GET",), r"/subscriptions/.+/operationStatuses/[^/]+"),
    ),
}
"""What a name stands for. Everything else is written as `METHOD /regular-expression`."""


def requests_of(operation: str) -> tuple[Requests | AnyPath, ...]:
    """The requests that an operation stands for.

    Args:
        operation: a name of `OPERATIONS`, or a method (or `*`) and a regular expression, such as `GET /jobs/[^/]+$`.

    Raises:
        ValueError: it is neither.

    """
    if operation in OPERATIONS:
        return OPERATIONS[operation]
    method, space, path = operation.partition(" ")
    if space and path.startswith("/") and (method == "*" or method in (*_READS, *_WRITES)):
        try:
            re.compile(path)
        except re.error as error:
            raise ValueError(f"The path of {operation!r} is no regular expression: {error}.") from None
        return (AnyPath(method, path),)
    raise ValueError(
        f"There is no operation {operation!r}. Allowed are METHOD /REGEX (for example 'GET /jobs/[^/]+$'), and: "
        f"{', '.join(sorted(OPERATIONS))}."
    )
