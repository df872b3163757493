"""A repository with infra/, a resource group of its own, and the step that deploys the one to the other."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.emulator import RunningEmulator, command
from support.steps import Outcome, run_step

TOKEN = "github_pat_11ABCDEFG0_personal"
WORKSPACE = "mlops-workspace"


@dataclass
class Setup:
    """What one run of setup.yml is about.

    Attributes:
        emulator: where Azure is.
        root: the checked-out repository.
        scratch: folder for what the runner needs.
        github: address of GitHub's API, as the function finds it.
        group: resource group.
    """

    emulator: RunningEmulator
    root: Path
    scratch: Path
    github: str
    group: str = field(default_factory=lambda: f"rg-{uuid.uuid4().hex[:8]}")

    def configure(
        self, *, mapped: str = "", command: list[str] | None = None, env: dict[str, str] | None = None, **inputs: str
    ) -> Outcome:
        """Run aml-configure as setup.yml does; `mapped` are further lines of mapped_params."""
        given = {
            "azure_credentials": self.emulator.credentials,
            "resource_group": self.group,
            "location": "westeurope",
            "armtemplate_file": "infra/deploy.core-infra.json",
            "deployment_mode": "Incremental",
            "what_if": "false",
            "function_folder": "infra/function",
            "mapped_params": f"repo_name=octo/credit-risk\ngitHubApiUrl={self.github}\npatToken={TOKEN}\n{mapped}",
            **inputs,
        }
        trusted = {"REQUESTS_CA_BUNDLE": self.emulator.env["REQUESTS_CA_BUNDLE"], **(env or {})}
        folder = self.scratch / uuid.uuid4().hex
        return run_step("aml-configure", self.root, folder, inputs=given, env=trusted, command=command)

    def change(self, name: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Change a JSON file of infra/."""
        file = self.root / "infra" / name
        document = json.loads(file.read_text())
        change(document)
        file.write_text(json.dumps(document, indent=2))

    def send(self, event_type: str, **data: object) -> None:
        """Have an event come from the workspace."""
        workspace = f"{self.base}/providers/Microsoft.MachineLearningServices/workspaces/{WORKSPACE}"
        asked = ("--source", workspace, "--type", event_type, "--subject", "s", "--data", json.dumps(data))
        done = command("events", "send", *asked, state=self.emulator.state)
        assert done.returncode == 0, done.stderr

    @property
    def base(self) -> str:
        """Resource id of the group."""
        return f"/subscriptions/{self.emulator.identity['subscriptionId']}/resourceGroups/{self.group}"


def eventually(ready: Callable[[], bool], seconds: float = 30) -> bool:
    """Wait until something is so; False when it never is."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
