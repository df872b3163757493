"""A running emulator whose faults are taken back after each test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from support.emulator import RunningEmulator, command

Fault = Callable[..., str]
Get = Callable[..., requests.Response]


@pytest.fixture
def fault(emulator: RunningEmulator) -> Iterator[Fault]:
    """`fault("add", "jobs.get", "--status", "503")`: what the command prints; all faults end with the test."""

    def run(*arguments: str) -> str:
        done = command("fault", *arguments, state=emulator.state)
        assert done.returncode == 0, done.stderr
        return done.stdout

    yield run
    run("clear")


@pytest.fixture
def listed(fault: Fault) -> Callable[[], list[dict[str, Any]]]:
    """The faults as `fault list --json` tells them."""
    return lambda: json.loads(fault("list", "--json"))


@pytest.fixture
def get(emulator: RunningEmulator, token: str) -> Get:
    """`get(path, headers)`: one signed request on a connection of its own, no retries."""

    def ask(path: str, method: str = "GET", **headers: str) -> requests.Response:
        signed = {"Authorization": f"Bearer {token}"} | {name.replace("_", "-"): text for name, text in headers.items()}
        return requests.request(
            method,
            f"{emulator.base_url}{path}",
            headers=signed,
            verify=emulator.env["REQUESTS_CA_BUNDLE"],
            timeout=30,
        )

    return ask
