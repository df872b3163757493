"""A resource group of its own for each test, and the emulator's parts in this process where a test looks inside."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from support.emulator import RunningEmulator

from aml_emulator.http import Call, Reply
from aml_emulator.server import build
from aml_emulator.state import StateDirectory

Rest = Callable[..., requests.Response]


@pytest.fixture
def home(emulator: RunningEmulator, rest: Rest) -> str:
    """Id of a new resource group."""
    group_id = f"/subscriptions/{emulator.identity['subscriptionId']}/resourceGroups/rg-{uuid.uuid4().hex[:8]}"
    assert rest("PUT", group_id, json={"location": "westeurope"}).status_code == 201
    return group_id


@pytest.fixture
def make(rest: Rest, home: str) -> Callable[..., dict[str, Any]]:
    """`make("Microsoft.X/types/name", body)`: a resource of the group, which must succeed; what ARM answers."""

    def put(path: str, body: dict[str, Any]) -> dict[str, Any]:
        made = rest("PUT", f"{home}/providers/{path}", json=body)
        assert made.status_code in (200, 201), made.text
        return made.json()

    return put


@pytest.fixture
def refused(rest: Rest, home: str) -> Callable[..., tuple[int, str, str]]:
    """`refused("Microsoft.X/types/name", body)`: status, code and message of a PUT that must fail."""

    def put(path: str, body: dict[str, Any]) -> tuple[int, str, str]:
        answer = rest("PUT", f"{home}/providers/{path}", json=body)
        assert answer.status_code >= 400, answer.text
        error = answer.json()["error"]
        return answer.status_code, error["code"], error["message"]

    return put


class LocalEmulator:
    """The parts of an emulator, without a server: requests go through its router, signed by nobody."""

    def __init__(self, state: StateDirectory) -> None:
        state.create()
        self.parts, self.router = build(state, 8443, 8444)
        self.subscription = self.parts.tokens.identity.subscription_id
        self.group = f"/subscriptions/{self.subscription}/resourceGroups/rg"
        self.call("PUT", self.group, {"location": "westeurope"})

    def call(self, method: str, path: str, body: Any = None) -> Reply:
        """One request, which must succeed."""
        found = self.router.find(method, path)
        assert found is not None, f"no route for {method} {path}"
        handler, _, params = found
        sent = json.dumps(body).encode() if body is not None else b""
        return handler(Call(method, path, path, {}, "", {}, sent, params=params))

    def put(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Make a resource of the group; what ARM answers."""
        return self.call("PUT", f"{self.group}/providers/{path}", body).body


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalEmulator]:
    """An emulator in this process, with a resource group."""
    found = LocalEmulator(StateDirectory(tmp_path / "state"))
    yield found
    found.parts.database.close()
