"""A repository without any secret for Azure: a workflow with `id-token: write` makes a workspace, run by act on the emulator."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from emulator.github.conftest import commit, git
from support.emulator import command, running
from support.homes import actions_home  # noqa: F401 - a fixture

from aml_actions.publish import publish

ROOT = Path(__file__).parents[2]
NAME = "octo/iris"
WORKFLOW = """\
on: push
permissions: {contents: read, id-token: write}
jobs:
  make:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: org/actions/aml-workspace@v1
        with: {azure_credentials: "${{ secrets.AZURE_CREDENTIALS }}"}
"""


def test_a_workflow_makes_a_workspace_once_azure_trusts_its_branch(
    tmp_path: Path,
    actions_home: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AML_ACTIONS_HOME", str(actions_home))
    root, actions = tmp_path / "iris", tmp_path / "actions"
    publish(actions, source=ROOT, ref=None)
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    parameters = {"name": "ws-oidc", "resource_group": "rg-oidc", "location": "westeurope", "create_workspace": True}
    commit(root, {".github/workflows/a.yml": WORKFLOW, ".cloud/.azure/workspace.json": json.dumps(parameters)}, "first")
    with running(tmp_path / "state") as emulator:

        def says(code: int, *arguments: str) -> str:
            done = command(*arguments, state=emulator.state)
            assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
            return done.stdout

        secret = f"AZURE_CREDENTIALS={says(0, 'credentials', '--without-secret')}"
        says(0, "github", "add", NAME, str(root), "--secret", secret, "--actions", str(actions))
        refused = says(1, "github", "push", NAME, "--wait")
        assert "(AADSTS70025)" in refused
        assert f"subject repo:{NAME}:ref:refs/heads/main" in refused
        says(0, "federate", "--subject", f"repo:{NAME}:ref:refs/heads/main")
        done = says(0, "github", "push", NAME, "--wait")
        assert "workspace ws-oidc" in done
        assert not any(word in refused + done for word in ("add-mask", "eyJ")), "no token is in what a run says"
