"""The error that a fault answers with, in the shape of the service that was asked (`error-codes`, section 0.1)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aml_emulator.blob_errors import StorageError
from aml_emulator.entra_errors import EntraError
from aml_emulator.http import Call, Reply, ServiceError
from aml_emulator.tokens import unauthorized

if TYPE_CHECKING:
    from aml_emulator.faults.fault import Fault
    from aml_emulator.faults.names import Port

_THROTTLED = "Received too many requests in a short amount of time. Retry again after {seconds} seconds."
_THROTTLED_SECONDS = "20"
_BUSY = "The server is currently unable to handle the request. Please try again later."
_GATEWAY = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"
    "<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"
)

_STORAGE = {
    401: ("InvalidAuthenticationInfo", "Authentication information is not given in the correct format."),
    403: (
        "AuthenticationFailed",
        "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly.",
    ),
    404: ("BlobNotFound", "The specified blob does not exist."),
    409: ("BlobAlreadyExists", "The specified blob already exists."),
    412: ("ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met."),
    416: ("InvalidRange", "The range specified is invalid for the current size of the resource."),
    429: ("TooManyRequests", "Ingress is over the account limit."),
    500: ("InternalError", "The server encountered an internal error. Please retry the request."),
    503: ("ServerBusy", "The server is busy."),
}
_FRONT_END: dict[int, tuple[str, tuple[str, ...], str]] = {
    400: ("UserError", ("BadArgument", "ArgumentInvalid"), "The request is invalid."),
    404: ("UserError", ("NotFoundError",), "The resource was not found."),
    409: ("UserError", ("Conflict",), "The resource is being changed by another request. Please try again later."),
    412: ("UserError", ("PreconditionFailed",), "The resource has changed since it was read."),
    429: ("UserError", ("QuotaExceeded", "TooManyRequests"), _THROTTLED),
    500: ("ServiceError", ("InternalServerError",), "InternalServerError"),
    503: ("SystemError", ("ServiceUnavailable",), _BUSY),
    504: ("TransientError", ("GatewayTimeout",), "A call to another service timed out after 30 seconds."),
}
_RESOURCE_MANAGER = {
    400: ("BadRequest", "The request is invalid."),
    403: (
        "AuthorizationFailed",
        "The client does not have authorization to perform the action over the scope or the scope is invalid. "
        "If access was recently granted, please refresh your credentials.",
    ),
    404: ("ResourceNotFound", "The Resource was not found."),
    409: ("Conflict", "The resource is being changed by another request. Please try again later."),
    429: ("TooManyRequests", _THROTTLED),
    500: ("InternalServerError", "The server encountered an internal error. Please retry the request."),
    503: ("ServiceUnavailable", _BUSY),
    504: ("GatewayTimeout", "The gateway did not receive a response within the specified time period."),
}
_ENTRA = {
    400: ("invalid_request", 900144, "The request body is malformed."),
    401: ("invalid_client", 7000215, "Invalid client secret provided."),
    429: ("temporarily_unavailable", 90055, "The tenant is throttled: too many requests."),
    500: ("server_error", 90100, "The server has encountered an unexpected error."),
}
_MLFLOW = {
    400: "INVALID_PARAMETER_VALUE",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    409: "RESOURCE_CONFLICT",
    429: "REQUEST_LIMIT_EXCEEDED",
    503: "TEMPORARILY_UNAVAILABLE",
}
_EXPIRED = ("ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than current UTC time.")


def reply(fault: Fault, port: Port, call: Call) -> Reply | None:
    """The answer of a fault to a request; None where the request is answered as ever.

    What the fault does not say - code, message - is what the service says of such a status. A 401 is that of an expired token, a
    502 without code and message the page of a gateway, the 404 of a compute has no body: as on Azure.
    """
    if fault.status is None:
        return None
    if fault.body:
        found = Reply(fault.status, fault.body, media_type="text/html")
    elif port == "blob":
        found = _storage(fault, fault.status)
    elif fault.status == 502 and not fault.code and not fault.message:
        found = Reply(502, _GATEWAY, media_type="text/html")
    else:
        found = _main(fault, fault.status, call)
    found.headers.update(fault.headers)
    return found


def _storage(fault: Fault, status: int) -> Reply:
    code, message = _STORAGE.get(status, ("InternalError", "The server encountered an internal error."))
    return StorageError(status, fault.code or code, fault.message or message).reply()


def _main(fault: Fault, status: int, call: Call) -> Reply:
    path = call.path.lower()
    if re.search(r"/oauth2(/v2\.0)?/token$", path):
        error, number, message = _ENTRA.get(status, ("temporarily_unavailable", 90033, _BUSY))
        return EntraError(status, fault.code or error, number, fault.message or message).reply()
    if path.startswith("/github/"):
        text = fault.message or {401: "Bad credentials", 404: "Not Found"}.get(status, "Server Error")
        body = {"message": text, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
        return Reply(status, body)
    if "/api/2.0/mlflow" in path or "/api/2.0/preview/mlflow" in path:
        code = fault.code or _MLFLOW.get(status, "INTERNAL_ERROR")
        return Reply(
            status, {"error_code": code, "message": fault.message or _told(fault, f"{code}: the request failed.")}
        )
    if status == 401:
        return unauthorized(fault.code or _EXPIRED[0], fault.message or _EXPIRED[1]).reply()
    if not path.startswith("/subscriptions/"):
        return _data_plane(fault, status)
    if "/providers/microsoft.machinelearningservices/" not in path or status == 403:
        code, message = _RESOURCE_MANAGER.get(status, ("InternalServerError", "The request failed."))
        return ServiceError(status, fault.code or code, fault.message or _told(fault, message)).reply()
    if status == 404 and re.search(r"/computes/[^/]+$", path) and not fault.code and not fault.message:
        return Reply(404, media_type="")
    top, inner, message = _front_end(fault, status)
    return ServiceError(status, top, message, inner=inner).reply()


def _front_end(fault: Fault, status: int) -> tuple[str, tuple[str, ...], str]:
    """Top code, chain and message; the fault's own code is the last of the chain, where readers look."""
    usual = ("UserError", ("BadArgument",), "The request is invalid.") if status < 500 else _FRONT_END[500]
    top, inner, message = _FRONT_END.get(status, usual)
    return top, (*inner[:-1], fault.code) if fault.code else inner, fault.message or _told(fault, message)


def _data_plane(fault: Fault, status: int) -> Reply:
    """Shape B of run history, the artifact and the metric service."""
    top, inner, message = _front_end(fault, status)
    chain: dict[str, Any] | None = None
    for code in reversed(inner):
        chain = {"code": code, "innerError": chain}
    from aml_emulator.history import RunHistoryError

    body = RunHistoryError(message, status).body()
    body["error"] |= {"code": top, "innerError": chain}
    return Reply(status, body)


def _told(fault: Fault, message: str) -> str:
    """A message with the seconds that the header says; the service itself says them in the message alone."""
    given = {name.lower(): value for name, value in fault.headers.items()}
    return message.replace("{seconds}", given.get("retry-after", _THROTTLED_SECONDS))
