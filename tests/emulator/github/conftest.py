"""Small repositories on a disk, with real git, and the means to run their workflows by the real act."""

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from aml_emulator.github import events
from aml_emulator.github.checkout import Repository, find_repository
from aml_emulator.github.results import WorkflowRun
from aml_emulator.github.runner import run_workflow

CHECKOUT = "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683"

MakeRepository = Callable[[Mapping[str, str]], Repository]
Run = Callable[..., WorkflowRun]


def commit(root: Path, files: Mapping[str, str], message: str = "a commit") -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", message)


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True)


@pytest.fixture
def make_repository(tmp_path: Path) -> MakeRepository:
    def make(files: Mapping[str, str]) -> Repository:
        root = tmp_path / "repository"
        root.mkdir()
        git(root, "init", "-q", "-b", "main")
        commit(root, files)
        return find_repository(root, "local/iris")

    return make


@pytest.fixture
def actions(tmp_path: Path) -> Path:
    """A published tree with one action that greets, writes a summary, an annotation, and one output too many."""
    folder = tmp_path / "org-actions" / "greet"
    folder.mkdir(parents=True)
    (folder / "action.yml").write_text(
        """
name: Greet
description: Greets
inputs:
  who: {description: whom to greet, required: true}
  how: {description: the word, default: Hello}
outputs:
  text: {description: the greeting, value: "${{ steps.say.outputs.text }}"}
runs:
  using: composite
  steps:
    - id: say
      shell: bash
      env: {WHO: "${{ inputs.who }}", HOW: "${{ inputs.how }}"}
      run: |
        echo "text=$HOW $WHO" >> "$GITHUB_OUTPUT"
        echo "hidden=yes" >> "$GITHUB_OUTPUT"
        echo "# Greeting of $WHO" >> "$GITHUB_STEP_SUMMARY"
        echo "::warning title=Careful::$WHO was greeted"
        echo "seen: [$(env | grep ^INPUT_ || true)]"
"""
    )
    return folder.parent


@pytest.fixture
def run(make_repository: MakeRepository, actions: Path) -> Run:
    """Run the jobs of one workflow text as a push would: `run(jobs, files={...}, secrets={...}, ...)`."""

    def run_jobs(jobs: str, *, files: Mapping[str, str] | None = None, **settings: object) -> WorkflowRun:
        text = f"name: Try\non:\n  push:\n{jobs}"
        repository = make_repository({".github/workflows/try.yml": text, **(files or {})})
        settings.setdefault("environment", {"PATH": os.environ["PATH"]})
        settings.setdefault("actions", {"org/actions@v1": actions})
        return run_workflow(repository, ".github/workflows/try.yml", events.push(repository), **settings)  # type: ignore[arg-type]

    return run_jobs


def steps(body: str) -> str:
    """One job on ubuntu-latest with these steps, given as the text of a YAML list."""
    lines = "\n".join(f"      {line}" for line in body.strip("\n").splitlines())
    return f"jobs:\n  only:\n    runs-on: ubuntu-latest\n    steps:\n{lines}\n"
