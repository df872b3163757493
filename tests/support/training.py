"""A training repository, and a workspace with a cluster to run it in: what most tests of actions begin with."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.emulator import RunningEmulator
from support.steps import Outcome, run_step, write_parameters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from azure.ai.ml import MLClient

COMPUTE = "cpu-cluster"
IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"
PLAIN = "name: plain\ndependencies:\n- python=3.11\n"
"""A conda file whose environment is made in a moment."""
TRACKED = "name: tracked\ndependencies:\n- python=3.11\n- pip:\n  - mlflow-skinny\n"
"""The smallest one with which a script can log metrics."""

RUN_CONFIG = f"""\
script: train.py
arguments: ["--penalty", 1.0, "--note", "it's $HOME; `id`"]
target: {COMPUTE}
nodeCount: 1
environment:
  environmentVariables: {{EXAMPLE: value}}
  python: {{condaDependenciesFile: environment.yml}}
  docker: {{baseImage: {IMAGE}}}
"""


@dataclass
class TrainingRepository:
    """A checked-out repository on the runner, its workspace in the emulator chosen by aml-workspace."""

    root: Path
    emulator: RunningEmulator
    scratch: Path
    workspace: str
    steps: int = field(default=0)

    def write(self, files: Mapping[str, str]) -> None:
        """Write files of the repository."""
        for name, text in files.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text, encoding="utf-8")

    def training(self, script: str, *, conda: str = PLAIN, run_config: str = RUN_CONFIG) -> None:
        """Write the training code where the legacy actions expect it."""
        self.write(
            {
                "code/train/train.py": script,
                "code/train/environment.yml": conda,
                "code/train/run_config.yml": run_config,
            }
        )

    def step(
        self,
        action: str,
        parameters: Any = None,
        *,
        file: str = "",
        env: Mapping[str, str] | None = None,
        **inputs: str,
    ) -> Outcome:
        """Run an action as a step of this repository's workflow.

        Args:
            action: such as ``aml-run``.
            parameters: content of its parameters file; None leaves the file as it is.
            file: name of that file, if not the default one.
            env: further variables of the step, such as secrets.
            inputs: of the action.
        """
        name = file or {"aml-registermodel": "registermodel.json"}.get(action, f"{action.removeprefix('aml-')}.json")
        if parameters is not None:
            write_parameters(self.root, name, parameters)
        self.steps += 1
        return run_step(
            action,
            self.root,
            self.scratch / f"step {self.steps}",
            inputs={"azure_credentials": self.emulator.credentials, **inputs},
            env={"REQUESTS_CA_BUNDLE": self.emulator.env["REQUESTS_CA_BUNDLE"], **(env or {})},
        )


def training_repository(folder: Path, emulator: RunningEmulator, workspace: str) -> TrainingRepository:
    """Return an empty repository whose workspace and cluster exist.

    Args:
        folder: empty.
        emulator: where they are made.
        workspace: its name; a workspace of that name in another repository is the same one.
    """
    repository = TrainingRepository(folder / "repository", emulator, folder / "runner", workspace)
    repository.root.mkdir(parents=True)
    made = repository.step(
        "aml-workspace",
        {"name": workspace, "resource_group": "rg-tests", "create_workspace": True, "location": "westeurope"},
    )
    assert made.code == 0, made.log
    made = repository.step("aml-compute", {"name": COMPUTE, "compute_type": "amlcluster"})
    assert made.code == 0, made.log
    return repository


@contextmanager
def azure_client(emulator: RunningEmulator, workspace: str) -> Iterator[MLClient]:
    """Give the unmodified SDK's client, to see what the steps left in the cloud."""
    import pytest
    from azure.ai.ml import MLClient
    from azure.identity import ClientSecretCredential

    identity = emulator.identity
    with pytest.MonkeyPatch.context() as patch:
        for name, value in emulator.env.items():
            patch.setenv(name, value)
        credential = ClientSecretCredential(
            identity["tenantId"],
            identity["clientId"],
            identity["clientSecret"],
            authority=emulator.base_url,
            disable_instance_discovery=True,
        )
        yield MLClient(credential, identity["subscriptionId"], "rg-tests", workspace, show_progress=False)
