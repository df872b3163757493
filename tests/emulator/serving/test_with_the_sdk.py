"""A deployment as a data scientist has it: made by azure-ai-ml, asked over HTTPS."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from azure.core.exceptions import HttpResponseError
from support.emulator import RunningEmulator

from .conftest import SCORE, SERVER


def test_a_model_is_rolled_out_beside_the_old_one_and_takes_over(
    emulator: RunningEmulator, ml: Any, tmp_path: Path
) -> None:
    from azure.ai.ml.entities import (
        CodeConfiguration,
        Environment,
        ManagedOnlineDeployment,
        ManagedOnlineEndpoint,
        Model,
    )

    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "score.py").write_text(SCORE)
    (tmp_path / "code" / "broken.py").write_text("import nothing_like_this")
    (tmp_path / "conda.yml").write_text(SERVER)
    (tmp_path / "request.json").write_text('{"data": [1, 2]}')
    environment = Environment(image="mcr.microsoft.com/azureml/minimal", conda_file=tmp_path / "conda.yml")
    models = []
    for weight in (2, 3):
        (tmp_path / "model.json").write_text(json.dumps({"w": weight}))
        models.append(ml.models.create_or_update(Model(name="line", path=str(tmp_path / "model.json"))))

    endpoint = ml.online_endpoints.begin_create_or_update(
        ManagedOnlineEndpoint(name="rolled-out", auth_mode="key")
    ).result()

    def deploy(name: str, model: Any, script: str = "score.py") -> Any:
        return ml.online_deployments.begin_create_or_update(
            ManagedOnlineDeployment(
                name=name,
                endpoint_name=endpoint.name,
                model=model,
                environment=environment,
                code_configuration=CodeConfiguration(code=str(tmp_path / "code"), scoring_script=script),
                instance_type="Standard_DS3_v2",
                instance_count=1,
            )
        ).result()

    def route(**traffic: int) -> None:
        endpoint.traffic = traffic
        ml.online_endpoints.begin_create_or_update(endpoint).result()

    def score(**headers: str) -> requests.Response:
        key = ml.online_endpoints.get_keys(endpoint.name).secondary_key
        return requests.post(
            endpoint.scoring_uri,
            json={"data": [1, 2]},
            headers={"Authorization": f"Bearer {key}", **headers},
            verify=emulator.env["REQUESTS_CA_BUNDLE"],
            timeout=60,
        )

    assert deploy("blue", models[0]).provisioning_state == "Succeeded"
    route(blue=100)
    assert score().json()["y"] == [2, 4]

    deploy("green", models[1])
    assert score().json()["y"] == [2, 4]  # no traffic yet
    assert score(**{"azureml-model-deployment": "green"}).json()["y"] == [3, 6]
    assert json.loads(ml.online_endpoints.invoke(endpoint.name, request_file=str(tmp_path / "request.json")))["y"] == [
        2,
        4,
    ]
    route(green=100, blue=0)
    assert score().json()["y"] == [3, 6]
    ml.online_deployments.begin_delete("blue", endpoint.name).result()
    assert score().json()["y"] == [3, 6]

    with pytest.raises(HttpResponseError, match=r"\(ResourceNotReady\) User container has crashed or terminated"):
        deploy("broken", models[0], "broken.py")
    assert ml.online_deployments.get("broken", endpoint.name).provisioning_state == "Failed"
    assert "No module named 'nothing_like_this'" in ml.online_deployments.get_logs("broken", endpoint.name, lines=200)

    ml.online_endpoints.begin_delete(endpoint.name).result()
    assert score_status(endpoint.scoring_uri, emulator) == 404


def score_status(uri: str, emulator: RunningEmulator) -> int:
    return requests.post(uri, json={}, verify=emulator.env["REQUESTS_CA_BUNDLE"], timeout=60).status_code


def test_scaling_a_deployment_starts_its_server_anew_and_never_mends_a_failed_one_by_saying_so(
    ml: Any, rest: Any, workspace_id: str, tmp_path: Path
) -> None:
    from azure.ai.ml.entities import CodeConfiguration, Environment, ManagedOnlineDeployment, ManagedOnlineEndpoint

    (tmp_path / "score.py").write_text("import os\ndef init(): pass\ndef run(raw): return os.environ['WORKER_COUNT']")
    (tmp_path / "broken.py").write_text("import nothing_like_this")
    (tmp_path / "conda.yml").write_text(SERVER)
    environment = Environment(image="mcr.microsoft.com/azureml/minimal", conda_file=tmp_path / "conda.yml")
    ml.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name="scaled", auth_mode="key")).result()
    for name, script in (("blue", "score.py"), ("broken", "broken.py")):
        poller = ml.online_deployments.begin_create_or_update(
            ManagedOnlineDeployment(
                name=name,
                endpoint_name="scaled",
                environment=environment,
                code_configuration=CodeConfiguration(code=str(tmp_path), scoring_script=script),
                instance_type="Standard_DS3_v2",
                instance_count=1,
            )
        )
        with contextlib.suppress(HttpResponseError):
            poller.result()

    def scale(name: str, count: int) -> str:
        address = f"{workspace_id}/onlineEndpoints/scaled/deployments/{name}"
        answer = rest("PATCH", address, json={"sku": {"name": "Default", "capacity": count}})
        assert answer.status_code == 202, answer.text
        while (state := ml.online_deployments.get(name, "scaled").provisioning_state) == "Updating":
            time.sleep(0.1)
        found: str = state
        return found

    assert scale("blue", 2) == "Succeeded"
    (tmp_path / "request.json").write_text("{}")
    asked = ml.online_endpoints.invoke("scaled", request_file=str(tmp_path / "request.json"), deployment_name="blue")
    assert json.loads(asked) == "2"
    assert scale("broken", 2) == "Failed"
