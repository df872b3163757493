"""Counts what a program reads over the network: a proxy that it is told of by HTTPS_PROXY, and that sees TLS records alone."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from types import TracebackType

_PIECE = 256 * 1024


class Wire:
    """Passes connections on and counts the bytes that come back, by port of the server."""

    def __init__(self) -> None:
        self.received: Counter[int] = Counter()
        self._lock = threading.Lock()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"

    def __enter__(self) -> Wire:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        """Answer CONNECT, the only request there is behind HTTPS_PROXY."""
        request = b""
        while b"\r\n\r\n" not in request:
            piece = client.recv(4096)
            if not piece:
                return
            request += piece
        host, _, port = request.split(b" ", 2)[1].decode().rpartition(":")
        server = socket.create_connection((host, int(port)))
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        threading.Thread(target=self._pass_on, args=(client, server, None), daemon=True).start()
        self._pass_on(server, client, int(port))

    def _pass_on(self, source: socket.socket, target: socket.socket, port: int | None) -> None:
        try:
            while piece := source.recv(_PIECE):
                target.sendall(piece)
                if port is not None:
                    with self._lock:
                        self.received[port] += len(piece)
        except OSError:
            pass  # either side may end a connection as it likes
        finally:
            target.close()
