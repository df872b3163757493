"""Deployments in an emulator of this process, really served by azureml-inference-server-http."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.workbench import Workbench, workbench

from aml_emulator.http import Reply

SERVER = "dependencies: [python=3.11, pip, {pip: ['azureml-inference-server-http==1.5.*']}]"

SCORE = """
import json, os, time

def init():
    global model
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.json")) as file:
        model = json.load(file)

def run(raw):
    request = json.loads(raw)
    if request.get("sleep"):
        time.sleep(request["sleep"])
    if request.get("die"):
        os.kill(os.getppid(), 9)  # the server itself, not its worker
        os._exit(1)
    if request.get("refuse"):
        from azureml_inference_server_http.api.aml_response import AMLResponse
        return AMLResponse({"error": "no such flower"}, 400, json_str=True)
    return {"y": [x * model["w"] for x in request["data"]], "who": os.environ.get("WHO")}
"""


class Serving:
    """A workbench with endpoints."""

    def __init__(self, bench: Workbench) -> None:
        self.bench, self.emulator = bench, bench.emulator
        self.environment = bench.environment(SERVER)

    def endpoint(self, name: str, mode: str = "Key", **traffic: int) -> str:
        """Id of an endpoint with the keys "primary-..." and "secondary-..."."""
        endpoint = f"{self.bench.workspace}/onlineEndpoints/{name}"
        self.emulator.resources.put(endpoint, {"properties": {"authMode": mode, "traffic": traffic}})
        self.emulator.database.execute(
            "INSERT OR REPLACE INTO endpoint_keys VALUES (?, ?, ?)", (endpoint, f"primary-{name}", f"secondary-{name}")
        )
        return endpoint

    def model(self, content: Mapping[str, str | bytes] | None = None, file: str | None = "model.json") -> str:
        """Id of a model: one file, or with `file=None` the folder."""
        uri = self.bench.files(content or {"model.json": json.dumps({"w": 2})})
        properties = {"modelUri": f"{uri}/{file}" if file else uri}
        name = f"{self.bench.workspace}/models/m{uuid.uuid4().hex[:6]}/versions/3"
        return self.emulator.resources.put(name, {"properties": properties}).id

    def deploy(self, endpoint: str, name: str, files: Mapping[str, str] | None = None, **more: Any) -> dict[str, Any]:
        """Deploy and wait; the operation as its status address shows it."""
        deployment = f"{endpoint}/deployments/{name}"
        properties = {
            "codeConfiguration": {"codeId": self.bench.code(files or {"score.py": SCORE}), "scoringScript": "score.py"},
            "environmentId": self.environment,
            "environmentVariables": {"WHO": name},
            "model": more.pop("model", None) or self.model(),
            "requestSettings": {"requestTimeout": "PT5S", "maxConcurrentRequestsPerInstance": 4},
            "provisioningState": "Creating",
            **more,
        }
        self.emulator.resources.put(deployment, {"sku": {"capacity": 1}, "properties": properties})
        operation = self.emulator.operations.start(deployment, "deployment")
        self.emulator.serving.deploy(deployment, operation)
        deadline = time.monotonic() + 60
        while (found := self.emulator.operations.get(operation) or {})["status"] == "InProgress":
            assert time.monotonic() < deadline, self.emulator.serving.logs(deployment)
            time.sleep(0.02)
        return found

    def state(self, endpoint: str, name: str) -> str:
        """Provisioning state of a deployment."""
        found = self.emulator.resources.get(f"{endpoint}/deployments/{name}")
        assert found is not None
        state: str = found.properties["provisioningState"]
        return state

    def ask(
        self, endpoint: str, request: Any, deployment: str | None = None, key: str | None = None, **headers: str
    ) -> Reply:
        """Score with the primary key."""
        name = endpoint.rsplit("/", 1)[-1]
        if deployment:
            headers["azureml_model_deployment"] = deployment
        return self.bench.ask(
            "POST",
            f"/inference/{name}/score",
            json.dumps(request).encode(),
            authorization=f"Bearer {key or f'primary-{name}'}",
            content_type="application/json",
            **headers,
        )


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with workbench(tmp_path_factory.mktemp("serving")) as bench:
        yield Serving(bench)


@pytest.fixture
def restarted(tmp_path: Path) -> Path:
    """A state directory for an emulator that is started more than once."""
    return tmp_path / "state"
