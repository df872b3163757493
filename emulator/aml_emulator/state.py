"""Where the emulator keeps everything: one directory that survives a restart."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class ServerRecord:
    """What a running server writes down so that the command line finds it again."""

    pid: int
    port: int
    blob_port: int
    started: float

    @property
    def base_url(self) -> str:
        """Address of Entra, ARM, run history, MLflow, scoring and the Studio."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def blob_url(self) -> str:
        """Address of the blob service."""
        return f"https://127.0.0.1:{self.blob_port}"


@dataclass(frozen=True)
class StateDirectory:
    """The folders and files of one emulator."""

    root: Path

    @classmethod
    def default(cls) -> Path:
        """`$AML_EMULATOR_STATE`, else the user's state folder (XDG)."""
        if explicit := os.environ.get("AML_EMULATOR_STATE"):
            return Path(explicit)
        base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
        return Path(base) / "aml-emulator"

    def create(self) -> None:
        """Make the folders. The root is private to the user: it holds keys."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o700)
        for folder in (self.pki, self.blobs, self.jobs, self.deployments, self.functions, self.environments):
            folder.mkdir(exist_ok=True)

    @property
    def database(self) -> Path:
        """SQLite file of resources, runs and metrics."""
        return self.root / "state.sqlite3"

    @property
    def pki(self) -> Path:
        """Certificate authority, server certificate, token signing key."""
        return self.root / "pki"

    @property
    def bundle(self) -> Path:
        """The system's certificate authorities and ours in one file: what REQUESTS_CA_BUNDLE names."""
        return self.pki / "bundle.pem"

    @property
    def identity(self) -> Path:
        """The tenant, the subscription and the one service principal with its secret."""
        return self.root / "identity.json"

    @property
    def lock(self) -> Path:
        """Locked by the running server for as long as it lives: two servers never share a state."""
        return self.root / "lock"

    @property
    def blobs(self) -> Path:
        """Contents of blobs."""
        return self.root / "blobs"

    @property
    def jobs(self) -> Path:
        """Working folders of jobs."""
        return self.root / "jobs"

    @property
    def deployments(self) -> Path:
        """Working folders of deployments."""
        return self.root / "deployments"

    @property
    def functions(self) -> Path:
        """Code, logs and working folders of function apps."""
        return self.root / "functions"

    @property
    def environments(self) -> Path:
        """Python environments, one folder a hash of their definition. They are a cache: `reset` keeps them."""
        return self.root / "environments"

    @property
    def log(self) -> Path:
        """The server's own log."""
        return self.root / "server.log"

    @property
    def requests(self) -> Path:
        """Every request with its body, one JSON object a line."""
        return self.root / "requests.jsonl"

    @property
    def faults(self) -> Path:
        """Faults that are asked for by a file; whoever wants some writes it."""
        return self.root / "faults.json"

    @property
    def record_file(self) -> Path:
        """The record of the running server."""
        return self.root / "server.json"

    def read_record(self) -> ServerRecord | None:
        """The server that was last started here and has not said good-bye; its process may be gone."""
        try:
            return ServerRecord(**json.loads(self.record_file.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write_record(self, record: ServerRecord) -> None:
        """Announce a server that answers."""
        partial = self.record_file.with_suffix(".partial")
        partial.write_text(json.dumps(asdict(record)))
        partial.replace(self.record_file)

    def forget_record(self) -> None:
        """The server has stopped."""
        self.record_file.unlink(missing_ok=True)
