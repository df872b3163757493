"""Repositories that an emulator of this process hosts; their workflows run by the real act."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from emulator.github.conftest import commit, git

from aml_emulator.context import Emulator
from aml_emulator.github.runs.records import COMPLETED, RunRecord
from aml_emulator.server import build
from aml_emulator.state import StateDirectory

FULL_NAME = "local/iris"


@dataclass
class Hosting:
    """An emulator with one repository."""

    state: StateDirectory
    emulator: Emulator
    root: Path

    def commit(self, files: Mapping[str, str], message: str = "a commit") -> None:
        commit(self.root, files, message)

    def branch(self, name: str) -> None:
        git(self.root, "checkout", "-q", "-b", name)

    def host(self, **settings: Mapping[str, str]) -> None:
        self.emulator.github.repositories.put(FULL_NAME, self.root, **settings)  # type: ignore[arg-type]

    def push(self, ref: str = "") -> list[int]:
        return self.emulator.github.runs.trigger(FULL_NAME, "push", {}, ref=ref)

    def dispatch(self, event_type: str, **payload: object) -> list[int]:
        brought = {"event_type": event_type, "client_payload": payload}
        return self.emulator.github.runs.trigger(FULL_NAME, "repository_dispatch", brought)

    def by_hand(self, file: str, **inputs: object) -> list[int]:
        return self.emulator.github.runs.trigger(FULL_NAME, "workflow_dispatch", {"workflow": file, "inputs": inputs})

    def run(self, run_id: int) -> RunRecord:
        found = self.emulator.github.runs.get(run_id)
        assert found is not None
        return found

    def until(self, run_id: int, ready: Callable[[RunRecord], bool], seconds: float = 60) -> RunRecord:
        deadline = time.monotonic() + seconds
        while not ready(self.run(run_id)):
            assert time.monotonic() < deadline, f"{self.run(run_id)}\n{self.log(run_id)}"
            time.sleep(0.05)
        return self.run(run_id)

    def ended(self, run_id: int) -> RunRecord:
        return self.until(run_id, lambda record: record.status == COMPLETED)

    def says(self, run_id: int, text: str) -> RunRecord:
        record = self.until(run_id, lambda found: text in self.log(run_id) or found.status == COMPLETED)
        assert text in self.log(run_id), record
        return record

    def log(self, run_id: int) -> str:
        return self.emulator.github.runs.log(run_id)

    def restart(self) -> None:
        """Another process takes over the state; this one is not told."""
        self.emulator, _ = build(self.state, 1, 2)


@pytest.fixture
def hosting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosting]:
    monkeypatch.setenv("OF_THE_SHELL", "leaked")
    state = StateDirectory(tmp_path / "state")
    state.create()
    emulator, _ = build(state, 1, 2)
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    found = Hosting(state, emulator, root)
    found.commit({"README.md": "a repository"})
    found.host()
    emulator.github.start()
    yield found
    found.emulator.github.stop()
    emulator.github.stop()


def workflow(on: str, script: str, *, more: str = "") -> str:
    """The text of a workflow of one job with one step; `on` and `more` are YAML for the top level."""
    lines = "\n".join(f"          {line}" for line in script.strip("\n").splitlines())
    return f"name: Try\non: {on}\n{more}\njobs:\n  only:\n    runs-on: ubuntu-latest\n    steps:\n      - run: |\n{lines}\n"
