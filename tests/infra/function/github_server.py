"""A server on 127.0.0.1 that plays GitHub's API as far as the function uses it, and fails as it is told to."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt

TOKEN = "github_pat_11ABCDEFG0_personal"


@dataclass(frozen=True)
class Fault:
    """What the server does with one dispatch instead of taking it quietly.

    Attributes:
        status: answered instead of 204; None takes the dispatch.
        message: of the error body.
        headers: of the answer.
        seconds: waited before the answer.
        silent: the connection is closed without an answer.
        takes: the dispatch is made although the answer says otherwise, or never comes.
    """

    status: int | None = None
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    silent: bool = False
    takes: bool = False


@dataclass
class GitHub:
    """The server's side of a test: what it has seen, and what it does next.

    Attributes:
        url: base address of the API.
        dispatches: (repository, body) of every dispatch that was made.
        requests: (method, path, headers) of every request.
        faults: one for each of the next dispatches; None takes it.
        always: for every dispatch once `faults` is used up.
        tokens: tokens that are accepted, with the repository they are for (`*`: any).
        app: id and public key of the App that may ask for tokens.
        installed: whether the App is installed in the repositories.
        token_lives: seconds that an installation token lives.
        token_fault: answered to a request for a token in place of one.
        token_requests: bodies of the requests for tokens that were given.
    """

    url: str = ""
    dispatches: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    faults: deque[Fault | None] = field(default_factory=deque)
    always: Fault | None = None
    tokens: dict[str, str] = field(default_factory=lambda: {TOKEN: "*"})
    app: tuple[str, str] | None = None
    installed: bool = True
    token_lives: float = 3600.0
    token_fault: tuple[int, dict[str, Any]] | None = None
    token_requests: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def events(self) -> Counter[str]:
        """How often each event id was dispatched."""
        with self.lock:
            return Counter(body["client_payload"]["id"] for _, body in self.dispatches)

    def attempts(self) -> int:
        """Requests for a dispatch, made or not."""
        with self.lock:
            return sum(path.endswith("/dispatches") for _, path, _ in self.requests)

    def next_fault(self) -> Fault | None:
        with self.lock:
            return self.faults.popleft() if self.faults else self.always


class _Server(ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    github: GitHub

    def do_GET(self) -> None:
        self._note()
        if self.path.endswith("/installation"):
            if not self._is_app():
                self._answer(401, {"message": "A JSON web token could not be decoded"})
            elif self.github.installed:
                self._answer(200, {"id": 77})
            else:
                self._answer(404, {"message": "Not Found"})
        else:
            self._answer(404, {"message": "Not Found"})

    def do_POST(self) -> None:
        self._note()
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/access_tokens"):
            self._access_token(body)
        elif self.path.endswith("/dispatches"):
            self._dispatch(body)
        else:
            self._answer(404, {"message": "Not Found"})

    def _dispatch(self, body: dict[str, Any]) -> None:
        repository = "/".join(self.path.split("/")[2:4])
        fault = self.github.next_fault()
        allowed = self.github.tokens.get(self.headers["Authorization"].split(" ")[1])
        if fault is None and allowed is None:
            fault = Fault(401, "Bad credentials")
        elif fault is None and allowed not in ("*", repository):
            fault = Fault(404, "Not Found")
        fault = fault or Fault()
        if fault.takes or (fault.status is None and not fault.silent):
            with self.github.lock:
                self.github.dispatches.append((repository, body))
        time.sleep(fault.seconds)
        if fault.silent:
            self.close_connection = True
            self.connection.close()
        elif fault.status is None:
            self._answer(204, None, fault.headers)
        else:
            self._answer(fault.status, {"message": fault.message} if fault.message else None, fault.headers)

    def _access_token(self, body: dict[str, Any]) -> None:
        if not self._is_app():
            self._answer(401, {"message": "A JSON web token could not be decoded"})
            return
        if self.github.token_fault is not None:
            self._answer(*self.github.token_fault)
            return
        with self.github.lock:
            self.github.token_requests.append(body)
            token = f"ghs_{len(self.github.token_requests):04d}_installation"
            self.github.tokens[token] = f"contoso/{body['repositories'][0]}"
        expires = datetime.now(timezone.utc) + timedelta(seconds=self.github.token_lives)
        self._answer(201, {"token": token, "expires_at": expires.strftime("%Y-%m-%dT%H:%M:%SZ")})

    def _is_app(self) -> bool:
        if self.github.app is None:
            return False
        app_id, public_key = self.github.app
        try:
            claims = jwt.decode(self.headers["Authorization"].split(" ")[1], public_key, algorithms=["RS256"])
        except jwt.InvalidTokenError:
            return False
        return bool(claims["iss"] == app_id)

    def _note(self) -> None:
        with self.github.lock:
            self.github.requests.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))

    def _answer(self, status: int, body: dict[str, Any] | None, headers: Mapping[str, str] | None = None) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        try:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except OSError:
            pass  # the client has gone

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def running() -> Iterator[GitHub]:
    """The server for the length of a `with` block."""
    github = GitHub()
    handler = type("Handler", (_Handler,), {"github": github})
    server = _Server(("127.0.0.1", 0), handler)
    github.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield github
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
