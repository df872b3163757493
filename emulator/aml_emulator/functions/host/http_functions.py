"""HTTP functions: which one an address means, who may call it, and its answer on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

import azure.functions as func

from . import logs
from .answers import Answer
from .index import HTTP, Function
from .invocations import FunctionTimeout, Invoker
from .keys import Keys


class HttpFunctions:
    """The HTTP functions of an app below its route prefix."""

    def __init__(self, functions: Mapping[str, Function], invoker: Invoker, keys: Keys, prefix: str) -> None:
        self._invoker, self._keys = invoker, keys
        self._prefix = f"/{prefix}/" if prefix else "/"
        found = [one for one in functions.values() if one.trigger == HTTP and not one.disabled and one.template]
        self._functions = sorted(found, key=lambda one: one.template.rank if one.template else [])

    def answer(
        self, method: str, path: str, query: str, url: str, headers: dict[str, str], body: bytes
    ) -> Answer | None:
        """Answer a request; None when no function has its address and method.

        Args:
            method: in upper case.
            path: without query, still quoted.
            query: what follows the question mark.
            url: as the caller wrote it, for the function.
            headers: names in lower case.
            body: of the request.

        """
        for function in self._functions:
            parameters = self._match(function, method, path)
            if parameters is None:
                continue
            params = dict(parse_qsl(query, keep_blank_values=True))
            if not self._keys.allow(function.level, params, headers):
                return Answer(401)
            if function.refusal:
                logs.write(logs.ERROR, function.refusal)
                return Answer.text(500, function.refusal)
            request = func.HttpRequest(method, url, headers=headers, params=params, route_params=parameters, body=body)
            return self._call(function, request, headers)
        return None

    def _match(self, function: Function, method: str, path: str) -> dict[str, str] | None:
        if function.methods and method not in function.methods:
            return None
        below = path.lower().startswith(self._prefix.lower()) or path.lower() + "/" == self._prefix.lower()
        return function.template.match(path[len(self._prefix) :]) if below and function.template else None

    def _call(self, function: Function, request: func.HttpRequest, headers: dict[str, str]) -> Answer:
        reason = "This function was programmatically called via the host APIs."
        invocation = self._invoker.start(function, reason, lambda: request, headers)
        try:
            result = self._invoker.result(invocation)
        except FunctionTimeout as error:
            logs.write(logs.ERROR, str(error))
            return Answer(500, ends_host=True)
        except Exception:  # it is in the log
            return Answer(500)
        return _encoded(function, result)


def _encoded(function: Function, result: object) -> Answer:
    if result is None:
        return Answer(204)
    if isinstance(result, str):
        return Answer.text(200, result)
    if not isinstance(result, func.HttpResponse):
        message = (
            f"The function {function.name} returned a {type(result).__name__}; an HttpResponse or a str is expected."
        )
        logs.write(logs.ERROR, message)
        return Answer(500)
    headers = [(str(name), str(value)) for name, value in result.headers.items()]
    if not any(name.lower() == "content-type" for name, _ in headers):
        text = result.mimetype.startswith("text/")
        headers.append(("Content-Type", f"{result.mimetype}; charset={result.charset}" if text else result.mimetype))
    return Answer(result.status_code, headers, result.get_body())
