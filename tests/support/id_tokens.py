"""GitHub's part of OpenID Connect for tests: tokens that only the emulator's GitHub could have signed, and a server that gives them."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

from support.emulator import RunningEmulator

from aml_emulator.github.id_tokens import IdTokens
from aml_emulator.state import StateDirectory

AUDIENCE = "api://AzureADTokenExchange"


def issuer(emulator: RunningEmulator) -> IdTokens:
    """The issuer of a running emulator: the same address, the same key."""
    parts = SimpleNamespace(base_url=emulator.base_url, state=StateDirectory(emulator.state))
    return IdTokens(parts)  # type: ignore[arg-type]


def run_of(repository: str, *, environment: str = "", ref: str = "refs/heads/main") -> dict[str, str]:
    """What the issuer knows of a run."""
    found = {"repository": repository, "repository_owner": repository.partition("/")[0], "ref": ref, "run_id": "4711"}
    return {**found, **({"environment": environment} if environment else {})}


@dataclass
class TokenServer:
    """Answers as GitHub's endpoint for id tokens does, or as it is told.

    `answers` are given first, each as status, headers and text; then tokens of the emulator's issuer. `asked` holds the
    query and the Authorization header of each request.
    """

    url: str
    answers: list[tuple[int, Mapping[str, str], str]] = field(default_factory=list)
    asked: list[tuple[dict[str, list[str]], str]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)


@contextmanager
def token_server(emulator: RunningEmulator, run: Mapping[str, str]) -> Iterator[TokenServer]:
    """A server with the emulator's certificate, so that who trusts the one trusts the other."""
    signer = issuer(emulator)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            found.asked.append((query, self.headers.get("Authorization", "")))
            if found.answers:
                status, headers, text = found.answers.pop(0)
            else:
                found.tokens.append(signer.issue(run, query["audience"][0]))
                status, headers, text = 200, {}, json.dumps({"count": 1, "value": found.tokens[-1]})
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(text.encode()))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pki = emulator.state / "pki"
    context.load_cert_chain(pki / "server.pem", pki / "server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    found = TokenServer(f"https://127.0.0.1:{server.server_port}/idtoken?api-version=2.0")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
