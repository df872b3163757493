"""The host's own web server, on this machine only: the addresses of the Functions runtime."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

from . import event_grid, logs
from .answers import Answer
from .http_functions import HttpFunctions
from .index import Function
from .invocations import Invoker
from .keys import Keys
from .settings import HostSettings

_EVENT_GRID = "/runtime/webhooks/eventgrid"
_ADMIN = "/admin/"
_EXIT_CODE = 70
"""Of a host that ends since a function of it ran for too long."""
_EXIT_SECONDS = 0.5


class Host:
    """What the app answers."""

    def __init__(self, functions: Mapping[str, Function], options: HostSettings, keys: Keys, directory: str) -> None:
        self._functions, self._keys, self._options = functions, keys, options
        self._invoker = Invoker(options, directory)
        self._http = HttpFunctions(functions, self._invoker, keys, options.route_prefix)

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        """Answer a request; `headers` by names in lower case."""
        path, _, query = target.partition("?")
        params = dict(parse_qsl(query, keep_blank_values=True))
        if path.lower().rstrip("/") == _EVENT_GRID:
            if not self._keys.allow("system", params, headers):
                return Answer(401)
            named = {name.lower(): value for name, value in params.items()}.get("functionname", "")
            return event_grid.answer(self._functions, self._invoker, named, headers, body)
        if path.lower().startswith(_ADMIN):
            return self._admin(method, path, params, headers)
        found = self._http.answer(method, path, query, _url(target, headers), headers, body)
        if found is not None:
            return found
        if path == "/" and method in ("GET", "HEAD"):
            return Answer.text(200, "The function app is up and running.")
        return Answer(404)

    def _admin(self, method: str, path: str, params: dict[str, str], headers: dict[str, str]) -> Answer:
        if not self._keys.allow("admin", params, headers):
            return Answer(401)
        asked = path[len(_ADMIN) :].strip("/").lower()
        if method != "GET":
            return Answer.text(501, f"The emulator does not do this: {method} {path}.")
        if asked == "functions":
            return Answer.json(200, [one.described(self._options) for one in self._functions.values()])
        if asked.startswith("functions/"):
            found = self._functions.get(asked.partition("/")[2])
            return Answer.json(200, found.described(self._options)) if found else Answer(404)
        if asked == "host/status":
            return Answer.json(
                200, {"id": os.environ.get("WEBSITE_SITE_NAME", ""), "state": "Running", "processId": os.getpid()}
            )
        return Answer(404)


def _url(target: str, headers: Mapping[str, str]) -> str:
    """The address that the caller used: whoever stands before this server tells it."""
    scheme = headers.get("x-forwarded-proto", "http")
    authority = headers.get("x-forwarded-host") or headers.get("host", "")
    return f"{scheme}://{authority}{headers.get('x-forwarded-prefix', '')}{target}"


def server(host: Host) -> ThreadingHTTPServer:
    """A server on a free port of 127.0.0.1 that hands every request to a host."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_request(self) -> None:
            length = self.headers.get("Content-Length", "0")
            if self.headers.get("Transfer-Encoding") or not length.isdigit():
                self.close_connection = True
                self._send(Answer(411))
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(length))
            try:
                answer = host.answer(self.command, self.path, headers, body)
            except Exception as error:  # a defect of the host must not look like one of the network
                logs.write(logs.ERROR, f"The host failed: {type(error).__name__}: {error}")
                answer = Answer(500)
            self._send(answer)
            if answer.ends_host:
                threading.Timer(_EXIT_SECONDS, os._exit, (_EXIT_CODE,)).start()

        def _send(self, answer: Answer) -> None:
            phrase = HTTPStatus(answer.status).phrase if answer.status in set(HTTPStatus) else ""
            lines = [f"{self.protocol_version} {answer.status} {phrase}"]
            lines += [
                f"{_line(name)}: {_line(value)}" for name, value in answer.headers if name.lower() != "content-length"
            ]
            if answer.ends_host:
                lines.append("X-Function-Host-Ending: 1")
            if answer.status != HTTPStatus.NO_CONTENT:
                lines.append(f"Content-Length: {len(answer.body)}")
            head = "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
            bodiless = self.command == "HEAD" or answer.status == HTTPStatus.NO_CONTENT
            self.wfile.write(head if bodiless else head + answer.body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: invocations are logged, and an address may hold a key."""

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_request

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 1024

    return Server(("127.0.0.1", 0), Handler)


def _line(text: str) -> str:
    """A part of a header, without what would end it."""
    return text.replace("\r", " ").replace("\n", " ")
