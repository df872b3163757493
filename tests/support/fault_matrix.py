"""Steps of aml-run under faults of the emulator: what was asked for, what the step left, and what goes on in the cloud after it."""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests
from support.emulator import RunningEmulator, sign_in
from support.steps import Outcome, write_parameters
from support.training import COMPUTE, IMAGE, PLAIN, TrainingRepository

from aml_emulator.faults import names
from aml_emulator.http import Call
from aml_emulator.request_log import read
from aml_emulator.state import StateDirectory

ENDS = ("Completed", "Failed", "Canceled")
RESOURCE_GROUP = "rg-tests"
_VERSION = {"api-version": "2024-10-01"}

JOB = """\
$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json
type: command
name: {name}
command: {command}
code: {code}
compute: azureml:{compute}
environment: {{image: {image}, conda_file: environment.yml}}
outputs: {{model: {{type: uri_folder}}}}
"""
PLAIN_JOB = """\
$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json
type: command
name: {name}
command: {command}
code: ../shared
compute: azureml:{compute}
environment: {{image: {image}, conda_file: environment.yml}}
"""
LOG = """\
import json, os, urllib.request
address = os.environ["MLFLOW_TRACKING_URI"].replace("azureml://", "https://") + "/api/2.0/mlflow/runs/log-metric"
body = {"run_id": os.environ["MLFLOW_RUN_ID"], "key": "accuracy", "value": 0.9, "timestamp": 0}
headers = {"Authorization": "Bearer " + os.environ["MLFLOW_TRACKING_TOKEN"], "Content-Type": "application/json"}
urllib.request.urlopen(urllib.request.Request(address, json.dumps(body).encode(), headers))
print("trained", flush=True)
"""
"""A script that logs a metric without a package: the step does not look for a late one then."""
TRAIN = """\
import pathlib, sys
print("trained", flush=True)
pathlib.Path("outputs/model.txt").write_text("a model")
pathlib.Path(sys.argv[1], "weights.txt").write_text("weights")
for file in pathlib.Path().glob("part-*.txt"):
    pathlib.Path(sys.argv[1], file.name).write_text(file.read_text())
# {number}
"""
"""A job that takes a moment; it prints, leaves an artifact and a declared output."""
TRAINS = "python train.py ${{outputs.model}}"
WAITS = "echo training; sleep 600"

Fault = Mapping[str, Any]


@dataclass
class Cloud:
    """The emulator's side of a test: its faults, the requests that it got, its jobs."""

    emulator: RunningEmulator
    workspace: str
    _headers: dict[str, str] = field(default_factory=dict)

    def faults(self, faults: Iterable[Fault]) -> None:
        """Ask for these faults and no others."""
        self._signed_in()  # before the faults of signing in, which are not for us
        file = self.emulator.state / "faults.json"
        part = file.with_suffix(".part")
        part.write_text(json.dumps(list(faults)), encoding="utf-8")
        part.replace(file)

    def used(self) -> list[dict[str, Any]]:
        """The faults in their order, with their uses."""
        listed = self._get("/emulator/faults")
        assert not listed["file_problem"], listed["file_problem"]
        return [one for one in listed["value"] if one["source"] == "file"]

    @property
    def workspace_id(self) -> str:
        """ARM id of the workspace."""
        return (
            f"/subscriptions/{self.emulator.identity['subscriptionId']}/resourceGroups/{RESOURCE_GROUP}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{self.workspace}"
        )

    def run(self, job: str) -> dict[str, Any]:
        """What run history keeps about a job."""
        return self._get(f"/history/v1.0{self.workspace_id}/runs/{job}")

    def jobs(self) -> dict[str, str]:
        """The states of all jobs."""
        found: dict[str, str] = {}
        url: str | None = f"{self.workspace_id}/jobs"
        while url:
            page = self._get(url)
            found |= {one["name"]: one["properties"]["status"] for one in page["value"]}
            url = page.get("nextLink")
        return found

    def cancel(self, job: str) -> None:
        """Cancel a job that a test leaves."""
        answer = requests.post(
            f"{self.emulator.base_url}{self.workspace_id}/jobs/{job}/cancel",
            params=_VERSION,
            headers=self._signed_in(),
            verify=self.emulator.env["REQUESTS_CA_BUNDLE"],
            timeout=60,
        )
        assert answer.status_code in (200, 202), answer.text

    def going_on(self, seconds: float = 5.0) -> dict[str, str]:
        """The jobs that have not ended, and do not within some seconds: a cancel that was accepted takes its time."""
        deadline = time.monotonic() + seconds
        while (left := {job: state for job, state in self.jobs().items() if state not in ENDS}) and (
            time.monotonic() < deadline
        ):
            time.sleep(0.1)
        return left

    def requests(self) -> list[dict[str, Any]]:
        """All requests so far."""
        return list(read(StateDirectory(self.emulator.state).requests))

    def _signed_in(self) -> dict[str, str]:
        if not self._headers:
            token = sign_in(self.emulator).json()["access_token"]
            self._headers = {"Authorization": f"Bearer {token}", names.HEADER: names.NONE}
        return self._headers

    def _get(self, path: str) -> dict[str, Any]:
        answer = requests.get(
            path if "://" in path else self.emulator.base_url + path,
            params=None if "api-version" in path else _VERSION,
            headers=self._signed_in(),
            verify=self.emulator.env["REQUESTS_CA_BUNDLE"],
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def operations_of(request: Mapping[str, Any]) -> set[str]:
    """The names of the operations that a request of the log is, without those that are all requests."""
    path, query = str(request["path"]), dict(request["query"])
    call = Call(str(request["method"]), path, path, query, "", {}, b"")
    port: names.Port = "main" if re.match(_MAIN_PORT, path) else "blob"
    return {
        name
        for name, kinds in names.OPERATIONS.items()
        if not name.startswith("any") and any(kind.match(port, call) for kind in kinds)
    }


_MAIN_PORT = r"/(subscriptions|history|mlflow|metric|artifact|data|metadata|discovery|emulator|[0-9a-f-]{36}/(oauth2|v2\.0))(/|$)"
"""Paths of the emulator's main port; all others are those of storage accounts."""


@dataclass
class Bench:
    """A repository whose jobs meet faults."""

    repository: TrainingRepository
    cloud: Cloud
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def job(
        self, name: str, command: str = TRAINS, compute: str = COMPUTE, *, code: Mapping[str, str] | None = None
    ) -> str:
        """Write the definition of a job with code that Azure does not have yet, and return the path of its file."""
        number = next(self._numbers)
        folder = f"jobs/{name}"
        self.repository.write(
            {
                f"{folder}/job.yml": JOB.format(name=name, command=command, code="code", compute=compute, image=IMAGE),
                f"{folder}/environment.yml": PLAIN,
                f"{folder}/code/train.py": TRAIN.format(number=f"{name} {number}"),
                **{f"{folder}/code/{path}": text for path, text in (code or {}).items()},
            }
        )
        return f"{folder}/job.yml"

    def plain_job(self, name: str, command: str, compute: str, limit: int) -> str:
        """Write the definition of a job without code, which the service cancels after `limit` seconds, and return its path."""
        folder = f"jobs/{name}"
        limits = f"limits: {{timeout: {limit}}}\n" if limit else ""
        text = PLAIN_JOB.format(name=name, command=command, compute=compute, image=IMAGE) + limits
        self.repository.write(
            {f"{folder}/job.yml": text, f"{folder}/environment.yml": PLAIN, "jobs/shared/log.py": LOG}
        )
        return f"{folder}/job.yml"

    def step(self, parameters: object, faults: Sequence[Fault], **env: str) -> tuple[Outcome, list[dict[str, Any]]]:
        """Run aml-run under faults; return what it left, and the faults with their uses. There are no faults afterwards."""
        self.cloud.faults(faults)
        try:
            outcome = self.repository.step("aml-run", parameters, env=env)
            return outcome, self.cloud.used()
        finally:
            self.cloud.faults([])

    def write(self, parameters: object) -> None:
        """Write run.json."""
        write_parameters(self.repository.root, "run.json", parameters)


def check(outcome: Outcome, emulator: RunningEmulator) -> None:
    """Assert what holds of every step, whatever went wrong: no traceback, no secret, no signed URL, no unforeseen error."""
    secret = emulator.identity["clientSecret"]
    log = "\n".join(line for line in outcome.log.splitlines() if not line.startswith("::add-mask::"))
    everything = "\n".join([log, outcome.summary, repr(outcome.outputs)])
    assert "Traceback (most recent call last)" not in everything, everything
    assert "an error that it does not know" not in everything, everything
    assert secret not in everything
    assert "sig=" not in everything, everything
    assert "Bearer " not in everything
