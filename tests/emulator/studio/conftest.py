"""An emulator with its real stores, not served: requests go through the real router to the Studio's handlers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from aml_emulator import ids
from aml_emulator.context import Emulator
from aml_emulator.http import Call, Reply, Router
from aml_emulator.ml.datastores import containers, create_defaults
from aml_emulator.server import build
from aml_emulator.state import StateDirectory
from aml_emulator.tracking.store import artifact_prefix

_VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """A page taken apart: every element with its attributes, its text, and whether every tag is closed."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.markup = markup
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.pieces: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> closes <{self.open[-1]}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    @property
    def text(self) -> str:
        """What a person reads, with single spaces."""
        return " ".join(" ".join(self.pieces).split())

    def all(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        """Attributes of the elements of that name and with those attributes (`class_` holds one of the classes)."""

        def matches(found: dict[str, str]) -> bool:
            wanted = dict(attributes)
            one = wanted.pop("class_", None)
            return (one is None or one in found.get("class", "").split()) and wanted.items() <= found.items()

        return [found for name, found in self.elements if name == tag and matches(found)]

    @property
    def links(self) -> set[str]:
        """Where the links lead."""
        return {found["href"] for found in self.all("a")}


class Studio:
    """The Studio as a browser sees it, and short ways to put things into the emulator."""

    def __init__(self, emulator: Emulator, router: Router) -> None:
        self.emulator, self._router = emulator, router
        self.workspace = self.add_workspace("mlops")

    def get(self, address: str) -> Reply:
        parts = urlsplit(address)
        found = self._router.find("GET", parts.path)
        assert found, f"no route for {address}"
        handler, authentication, params = found
        assert authentication == "none"
        query = {name.lower(): value for name, value in parse_qsl(parts.query)}
        return handler(Call("GET", unquote(parts.path), parts.path, query, parts.query, {}, params=params))

    def page(self, address: str, status: int = 200) -> Page:
        reply = self.get(address)
        assert reply.status == status
        assert reply.media_type == "text/html; charset=utf-8"
        page = Page(reply.encoded().decode())
        assert page.open == []
        return page

    def json(self, address: str) -> dict[str, Any]:
        reply = self.get(address)
        assert reply.status == 200
        found: dict[str, Any] = json.loads(reply.encoded())
        return found

    def add_workspace(self, name: str) -> str:
        workspace = ids.workspace_id("11111111-2222-3333-4444-555555555555", "mlops-group", name)
        properties = {"workspaceId": f"{len(name):08x}-aaaa-4bbb-8ccc-{name.encode().hex()[:12]:0>12}"}
        self.emulator.resources.put(workspace, {"location": "westeurope", "properties": properties})
        create_defaults(self.emulator, workspace, "mlstore", "tests")
        return workspace

    def add_job(
        self,
        name: str,
        status: str = "Completed",
        *,
        experiment: str = "iris",
        workspace: str | None = None,
        display_name: str | None = None,
        seconds: float = 72,
        parent: str | None = None,
        error: dict[str, Any] | None = None,
        exit_code: int | None = None,
        **properties: Any,
    ) -> str:
        workspace = workspace or self.workspace
        body = {"jobType": "Command", "command": "python train.py", "status": status, **properties}
        self.emulator.resources.put(ids.child_id(workspace, "jobs", name), {"properties": body})
        tracking = self.emulator.tracking
        tracking.create_run(
            workspace,
            experiment,
            run_id=name,
            status="NotStarted",
            display_name=display_name or name,
            is_job=True,
            parent_id=parent,
        )
        for step in ("Preparing", "Running"):
            tracking.update_run(name, status=step)
        now = datetime.now(timezone.utc)
        finished = status in ("Completed", "Failed", "Canceled")
        tracking.update_run(
            name,
            status=status,
            start=now - timedelta(seconds=seconds),
            end=now if finished else None,
            error=error,
            exit_code=exit_code,
        )
        return name

    def add_artifact(self, job: str, path: str, content: bytes) -> Path:
        container = containers(self.emulator, self.workspace).artifacts
        return self.emulator.blobs.put(container, f"{artifact_prefix(job)}/{path}", content).path

    def add_model(self, name: str, version: str, uri: str, **properties: Any) -> None:
        body = {"modelUri": uri, "modelType": "custom_model", **properties}
        self.emulator.resources.put(f"{self.workspace}/models/{name}/versions/{version}", {"properties": body})

    def add_endpoint(self, name: str, traffic: dict[str, int], state: str = "Succeeded", **properties: Any) -> None:
        body = {
            "authMode": "Key",
            "provisioningState": state,
            "traffic": traffic,
            "scoringUri": f"{self.emulator.base_url}/inference/{name}/score",
            **properties,
        }
        self.emulator.resources.put(f"{self.workspace}/onlineEndpoints/{name}", {"properties": body})

    def add_deployment(self, endpoint: str, name: str, state: str = "Succeeded", **properties: Any) -> str:
        body = {"provisioningState": state, "instanceType": "Standard_DS3_v2", **properties}
        deployment = f"{self.workspace}/onlineEndpoints/{endpoint}/deployments/{name}"
        self.emulator.resources.put(deployment, {"sku": {"name": "Default", "capacity": 2}, "properties": body})
        return deployment


@pytest.fixture(scope="session")
def fresh_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An emulator's directory before anything happened: making its keys is what takes time."""
    root = tmp_path_factory.mktemp("studio") / "state"
    state = StateDirectory(root)
    state.create()
    emulator, _ = build(state, 8443, 8444)
    emulator.database.close()
    return root


@pytest.fixture
def studio(fresh_state: Path, tmp_path: Path) -> Iterator[Studio]:
    root = tmp_path / "state"
    shutil.copytree(fresh_state, root)
    emulator, router = build(StateDirectory(root), 8443, 8444)
    yield Studio(emulator, router)
    emulator.database.close()
