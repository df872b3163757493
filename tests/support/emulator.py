"""A real emulator for tests: the process that `aml-emulator up` starts, on free ports, with a state of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class RunningEmulator:
    """Where an emulator is, and what brings an unmodified program to it.

    `credentials` is the text of the secret AZURE_CREDENTIALS; `env` is what `aml-emulator env` prints.
    """

    base_url: str
    blob_url: str
    state: Path
    credentials: str
    env: dict[str, str]

    @property
    def identity(self) -> dict[str, str]:
        """The credentials, parsed."""
        return json.loads(self.credentials)

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """This process's environment with the emulator's variables and some more: for a subprocess."""
        return {**_surroundings(), **self.env, **(more or {})}


def command(*arguments: str, state: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run `aml-emulator` with a state directory; output is captured."""
    return subprocess.run(
        [sys.executable, "-m", "aml_emulator", *arguments, "--state", str(state)],
        env={**_surroundings(), **(env or {})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def share_environments(state: Path) -> None:
    """Have an emulator keep its Python environments where every other one under test finds them built."""
    shared = ROOT / ".build" / "test-environments"
    shared.mkdir(parents=True, exist_ok=True)
    state.mkdir(parents=True, exist_ok=True)
    if not (state / "environments").exists():
        (state / "environments").symlink_to(shared, target_is_directory=True)


def start(state: Path, *, port: int = 0) -> RunningEmulator:
    """Start an emulator on free ports, or on a given one."""
    share_environments(state)
    cache = os.environ.get("UV_CACHE_DIR") or str(ROOT / ".build" / "uv-cache")
    started = command("up", "--port", str(port), state=state, env={"UV_CACHE_DIR": cache})
    assert started.returncode == 0, f"aml-emulator up failed:\n{started.stdout}\n{started.stderr}"
    status = json.loads(_output(command("status", "--json", state=state)))
    return RunningEmulator(
        base_url=status["url"],
        blob_url=status["blob_url"],
        state=state,
        credentials=_output(command("credentials", state=state)),
        env=json.loads(_output(command("env", "--format", "json", state=state))),
    )


def stop(state: Path) -> None:
    """Stop an emulator; one that is down is fine."""
    _output(command("down", state=state))


@contextmanager
def running(state: Path) -> Iterator[RunningEmulator]:
    """An emulator for the length of a `with` block."""
    try:
        yield start(state)
    finally:
        stop(state)


def sign_in(emulator: RunningEmulator, **changes: str | None) -> requests.Response:
    """Ask for a token with the service principal's secret; `changes` replaces form fields, or drops them with None."""
    identity = emulator.identity
    tenant = changes.pop("tenant", identity["tenantId"])
    form = {
        "grant_type": "client_credentials",
        "client_id": identity["clientId"],
        "client_secret": identity["clientSecret"],
        "scope": f"{emulator.base_url}/.default",
        **changes,
    }
    return requests.post(
        f"{emulator.base_url}/{tenant}/oauth2/v2.0/token",
        data={name: value for name, value in form.items() if value is not None},
        verify=emulator.env["REQUESTS_CA_BUNDLE"],
        timeout=60,
    )


def _output(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, f"{' '.join(map(str, done.args))} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _surroundings() -> dict[str, str]:
    """This process's environment, without the one variable that MLClient writes into it: the cloud of an earlier test."""
    return {name: value for name, value in os.environ.items() if name != "AZUREML_CURRENT_CLOUD"}
