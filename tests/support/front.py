"""A TLS server in front of an emulator that passes everything on, but answers what a test wants answered otherwise."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests
from support.emulator import RunningEmulator

Answer = tuple[int, dict[str, Any]]


@dataclass
class Front:
    """The server's side of a test.

    Attributes:
        emulator: the emulator as it is seen through this server: its credentials lead here.
        url: address of this server.
        otherwise: given method and path, what is answered in place of the emulator; None passes the request on.
        refused: method and path of what was not passed on.
    """

    emulator: RunningEmulator
    url: str = ""
    otherwise: Callable[[str, str], Answer | None] = lambda method, path: None
    refused: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def in_front_of(emulator: RunningEmulator, target: str = "") -> Iterator[Front]:
    """The server for the length of a `with` block. It has the emulator's own certificate.

    Args:
        emulator: which one.
        target: address that requests are passed on to; empty for the emulator.
    """
    front, target = Front(emulator), target or emulator.base_url
    certificates = emulator.state / "pki"

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            own = front.otherwise(self.command, self.path)
            if own is not None:
                front.refused.append((self.command, self.path))
                self.give(own[0], {"Content-Type": "application/json"}, json.dumps(own[1]).encode())
                return
            here, there = front.url.encode(), target.encode()
            kept = ("host", "content-length", "connection", "accept-encoding")
            given = requests.request(
                self.command,
                target + self.path,
                headers={name: value for name, value in self.headers.items() if name.lower() not in kept},
                data=_renamed(body, here, there),
                verify=emulator.env["REQUESTS_CA_BUNDLE"],
                allow_redirects=False,
                timeout=120,
            )
            left = ("content-length", "connection", "transfer-encoding", "date", "server")
            headers = {
                name: _renamed(value.encode(), there, here).decode()
                for name, value in given.headers.items()
                if name.lower() not in left
            }
            self.give(given.status_code, headers, _renamed(given.content, there, here))

        def give(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = do_HEAD = answer

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    front.url = f"https://127.0.0.1:{server.server_address[1]}"
    if target == emulator.base_url:
        credentials = emulator.credentials.replace(target, front.url)
        front.emulator = replace(emulator, base_url=front.url, credentials=credentials)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield front
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _renamed(text: bytes, old: bytes, new: bytes) -> bytes:
    """The text with one server's address in place of the other's, with and without its scheme, in a form field too."""
    for change in (lambda name: name, lambda name: name.replace(b":", b"%3A").replace(b"/", b"%2F")):
        text = text.replace(change(old), change(new))
    return text.replace(old.removeprefix(b"https://"), new.removeprefix(b"https://"))
