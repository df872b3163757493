"""What a step costs beyond what it waits for: each action as the runner starts it, against the emulator.

Own time = wall time of the step less the time in which Azure (here: the emulator) worked on the job or the deployment.
Cold = the step finds no Python environment (packages are in uv's cache); warm = it finds one, as every step after the first does.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.measure import Reading, seconds, show

ROOT = Path(__file__).resolve().parents[1]
RUN = ROOT / "actions/shared/bootstrap/run.sh"
WARM_RUNS = 5
COLD_RUNS = 3

TRAIN = 'import mlflow\nwith mlflow.start_run():\n    mlflow.log_metric("accuracy", 0.9)\nopen("outputs/model.txt", "w").write("1")\n'
SCORE = 'def init():\n    pass\n\n\ndef run(raw_data):\n    return {"echo": raw_data}\n'
PARAMETERS: dict[str, dict[str, Any]] = {
    "workspace.json": {"name": "bench", "resource_group": "bench", "location": "westeurope", "create_workspace": True},
    "compute.json": {"name": "bench", "compute_type": "amlcluster"},
    "run.json": {"job_file": "job.yml"},
    "registermodel.json": {"model_name": "bench", "model_file_name": "outputs/model.txt"},
    "deploy.json": {"name": "bench-endpoint", "instance_type": "Standard_DS2_v2", "authentication_enabled": True},
}
JOB = """$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json
type: command
command: mkdir -p outputs && python train.py
code: code/train
compute: azureml:bench
experiment_name: bench
environment:
  image: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04
  conda_file: code/train/environment.yml
"""


def _conda(package: str) -> str:
    return f"dependencies:\n  - python=3.11\n  - pip:\n      - {package}\n"


FILES = {
    "job.yml": JOB,
    "code/train/train.py": TRAIN,
    "code/train/environment.yml": _conda("mlflow-skinny"),
    "code/deploy/score.py": SCORE,
    "code/deploy/environment.yml": _conda("azureml-inference-server-http"),
    **{f".cloud/.azure/{name}": json.dumps(content) for name, content in PARAMETERS.items()},
}


class Bench:
    """One emulator, one repository, and the steps in the order of the template."""

    def __init__(self, folder: Path) -> None:
        self.repository, self.home, self.state = folder / "repository", folder / "home", folder / "state"
        for name, content in FILES.items():
            file = self.repository / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        self._emulator("up", "--port", "0")
        self.variables = json.loads(self._emulator("env", "--format", "json"))
        self.credentials = self._emulator("credentials")

    def status(self) -> dict[str, Any]:
        """Where the emulator is."""
        found: dict[str, Any] = json.loads(self._emulator("status", "--json"))
        return found

    def close(self) -> None:
        """Stop the emulator."""
        self._emulator("down")

    def _emulator(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "aml_emulator", *arguments, "--state", str(self.state)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def environment(self, inputs: Mapping[str, str]) -> dict[str, str]:
        """What the runner gives a step, but for its files."""
        return {
            **{name: os.environ[name] for name in ("PATH", "UV_CACHE_DIR") if name in os.environ},
            **{name: self.variables[name] for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")},
            "HOME": str(self.home),
            "AML_ACTIONS_HOME": str(self.home),
            "GITHUB_WORKSPACE": str(self.repository),
            "GITHUB_REPOSITORY": "local/bench",
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_SHA": "0" * 40,
            "GITHUB_RUN_ID": "1",
            "AML_ACTION_INPUT_AZURE_CREDENTIALS": self.credentials,
            **{f"AML_ACTION_INPUT_{name.upper()}": value for name, value in inputs.items()},
        }

    def step(self, action: str, inputs: Mapping[str, str], *, cold: bool) -> tuple[float, dict[str, str]]:
        """Run one step, without a Python environment if `cold`; its wall seconds and its outputs.

        Raises:
            RuntimeError: the step failed.
        """
        if cold:
            shutil.rmtree(self.home / "envs", ignore_errors=True)
        output = self.repository.parent / "output"
        output.write_text("")
        environment = {**self.environment(inputs), "GITHUB_OUTPUT": str(output)}
        log: list[str] = []

        def run() -> None:
            done = subprocess.run(
                [str(RUN), action],
                cwd=self.repository,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            log.append(done.stdout)
            if done.returncode:
                raise RuntimeError(f"{action} failed:\n{done.stdout}")

        took = seconds(run)
        lines = iter(output.read_text().splitlines())
        outputs = {}
        for line in lines:
            name, _, delimiter = line.partition("<<")
            outputs[name] = "\n".join(iter(lambda: next(lines), delimiter))
        return took, outputs

    def worked(self, query: str) -> float:
        """Seconds between two moments that the emulator wrote down."""
        with closing(sqlite3.connect(self.state / "state.sqlite3")) as database:
            begun, ended = database.execute(query).fetchone()
        return (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds()

    def round(self, *, cold: bool) -> dict[str, float]:
        """Each step once; own seconds by action."""
        own = {}
        own["aml-workspace"], _ = self.step("aml-workspace", {}, cold=cold)
        own["aml-compute"], _ = self.step("aml-compute", {}, cold=cold)
        took, outputs = self.step("aml-run", {}, cold=cold)
        own["aml-run"] = took - self.worked('SELECT created, "end" FROM runs ORDER BY sequence DESC LIMIT 1')
        register = {"run_id": outputs["run_id"], "experiment_name": outputs["experiment_name"]}
        own["aml-registermodel"], outputs = self.step("aml-registermodel", register, cold=cold)
        deploy = {"model_name": outputs["model_name"], "model_version": outputs["model_version"]}
        took, _ = self.step("aml-deploy", deploy, cold=cold)
        own["aml-deploy"] = took - self.worked(
            # The creation is the operation of the newest deployment that began first: a deletion of an older one has another resource.
            "SELECT min(started), ended FROM operations WHERE resource ="
            " (SELECT id FROM resources WHERE type LIKE '%/deployments' ORDER BY sequence DESC LIMIT 1)"
        )
        return own


def main() -> None:
    """Measure every step cold, then warm."""
    with tempfile.TemporaryDirectory(prefix="bench-steps-") as folder:
        bench = Bench(Path(folder))
        try:
            bench.round(cold=False)  # fills caches: packages, the environments of the job and of the deployment
            cold = [bench.round(cold=True) for _ in range(COLD_RUNS)]
            warm = [bench.round(cold=False) for _ in range(WARM_RUNS)]
        finally:
            bench.close()
    readings = [
        Reading(f"{name}, {kind}", "s", tuple(one[name] for one in rounds))
        for name in warm[0]
        for kind, rounds in (("cold", cold), ("warm", warm))
    ]
    show("own time of each step", readings)
