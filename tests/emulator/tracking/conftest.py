"""MLflow's own clients, in environments built as those of jobs are, and the REST API without a client."""

from __future__ import annotations

import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from support.emulator import ROOT, RunningEmulator

from aml_emulator.environments.builder import EnvironmentBuilder

PLAIN = "dependencies: [python=3.11, pip, {pip: [mlflow-skinny]}]"
PLUGIN = "dependencies: [python=3.11, pip, {pip: ['azureml-mlflow==1.62.*']}]"

RunScript = Callable[..., str]
Api = Callable[..., requests.Response]


@pytest.fixture(scope="module")
def tracking_uri(emulator: RunningEmulator, workspace_id: str) -> str:
    """Address of the workspace for a client without Azure's plugin."""
    return f"{emulator.base_url}/mlflow{workspace_id}"


@pytest.fixture(scope="module")
def run_script(emulator: RunningEmulator, token: str, tmp_path_factory: pytest.TempPathFactory) -> RunScript:
    """`run_script(conda_file, program, **variables)`: what a program prints that uses MLflow outside a job."""
    builder = EnvironmentBuilder(ROOT / ".build" / "test-environments", ROOT / ".build" / "uv-cache")

    def run(conda_file: str, program: str, **variables: str) -> str:
        folder = tmp_path_factory.mktemp("script")
        python = builder.build(conda_file, folder / "build.log").bin / "python"
        script: Path = folder / "script.py"
        script.write_text(textwrap.dedent(program))
        done = subprocess.run(
            [python, script],
            cwd=folder,
            env=emulator.environment({"MLFLOW_TRACKING_TOKEN": token, **variables}),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


@pytest.fixture(scope="module")
def api(emulator: RunningEmulator, tracking_uri: str, token: str) -> Api:
    """`api(method, path, **fields)`: one call of the REST API of the workspace."""

    def call(method: str, path: str, base: str = tracking_uri, **fields: Any) -> requests.Response:
        return requests.request(
            method,
            f"{base}/api/2.0/mlflow/{path}",
            params=fields if method == "GET" else None,
            json=None if method == "GET" else fields,
            headers={"Authorization": f"Bearer {token}"},
            verify=emulator.env["REQUESTS_CA_BUNDLE"],
            timeout=60,
        )

    return call


@pytest.fixture
def run_id(api: Api, request: pytest.FixtureRequest) -> str:
    """A run that a client has just begun, in an experiment of the test's own."""
    name = request.node.name
    api("POST", "experiments/create", name=name)
    experiment = api("GET", "experiments/get-by-name", experiment_name=name).json()["experiment"]["experiment_id"]
    made = api("POST", "runs/create", experiment_id=experiment, start_time=1700000000000)
    assert made.status_code == 200, made.text
    found: str = made.json()["run"]["info"]["run_id"]
    return found
