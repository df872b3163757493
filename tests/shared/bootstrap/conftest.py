"""A package index on this machine with one tiny package, so that the installer works for real and needs no network."""

from __future__ import annotations

import base64
import hashlib
import http.server
import io
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.homes import actions_home  # noqa: F401 - a fixture of these tests
from support.steps import ROOT

ENVIRONMENT = ROOT / "shared" / "bootstrap" / "environment.py"


def make_wheel(name: str = "tinyprobe_of_tests", version: str = "1.0") -> bytes:
    """Return a wheel with one module."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f'VERSION = "{version}"\n',
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }

    def digest(text: str) -> str:
        return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()

    files[f"{info}/RECORD"] = (
        "".join(f"{path},sha256={digest(text)},{len(text)}\n" for path, text in files.items()) + f"{info}/RECORD,,\n"
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path, (2026, 1, 1, 0, 0, 0)), text)
    return buffer.getvalue()


@dataclass
class Index:
    """A running package index.

    Attributes:
        url: for UV_DEFAULT_INDEX and PIP_INDEX_URL.
        wheel: the bytes of tinyprobe_of_tests 1.0.
        asked: paths of all requests.
    """

    url: str
    wheel: bytes
    asked: list[str] = field(default_factory=list)

    def lock(self, folder: Path, *, sha256: str | None = None, comment: str = "") -> Path:
        """Write a lock file for the package."""
        file = folder / "tiny lock.txt"
        digest = sha256 or hashlib.sha256(self.wheel).hexdigest()
        file.write_text(f"{comment}tinyprobe_of_tests==1.0 \\\n    --hash=sha256:{digest}\n", encoding="utf-8")
        return file


@pytest.fixture(scope="session")
def index() -> Iterator[Index]:
    wheel = make_wheel()
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if self.path.rstrip("/") == "/packages/tinyprobe-of-tests":
                content, kind = (
                    b'<a href="/files/tinyprobe_of_tests-1.0-py3-none-any.whl">tinyprobe_of_tests-1.0-py3-none-any.whl</a>',
                    "text/html",
                )
            elif self.path.startswith("/files/"):
                content, kind = wheel, "application/octet-stream"
            else:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Index(f"http://127.0.0.1:{server.server_address[1]}/packages", wheel, asked)
    server.shutdown()


@pytest.fixture(scope="session")
def home_with_uv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the bootstrap has fetched its pinned uv; made once, since it comes from the package index."""
    import sys

    sys.path.insert(0, str(ENVIRONMENT.parent))
    try:
        import installer
    finally:
        sys.path.remove(str(ENVIRONMENT.parent))
    home = tmp_path_factory.mktemp("with uv")
    installer.find(ROOT / "requirements" / "uv.txt", home)
    return home
