"""The answers hold what Azure's answers always held in recorded traffic (`../shared/data`, see its README)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

Rest = Callable[..., requests.Response]

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "data" / "recorded-shapes.json"

# What a recorded resource had because of what its user asked for, and of what kind of job it was.
OWN = {
    "/tags/foo",
    "/tags/_aml_system_ComputeTargetStatus",
    "/tags/azureml.nodeid",
    "/tags/azureml.pipeline",
}
OWN_PREFIXES = (
    "/properties/flavors/",
    "/properties/properties/",
    "/properties/tags/",
    "/inputs/pipeline",
    "/outputs/pipeline",
    "/parameters/pipeline",
    "/properties/azureml.",
    "/properties/run",
    "/logFiles/",
)


@pytest.fixture(scope="module")
def recorded() -> list[dict[str, Any]]:
    if not RECORDED.exists():
        pytest.skip(f"there are no recorded shapes at {RECORDED}")
    found: list[dict[str, Any]] = json.loads(RECORDED.read_text())
    return found


@pytest.fixture(scope="module")
def filled(ml: MLClient, rest: Rest, workspace_id: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A workspace with one of everything; ids by kind."""
    from azure.ai.ml.entities import AmlCompute, Data, ManagedOnlineEndpoint, Model

    folder = tmp_path_factory.mktemp("source") / "src"
    folder.mkdir()
    (folder / "file.txt").write_text("x")
    ml.compute.begin_create_or_update(AmlCompute(name="shaped", size="Standard_DS3_v2")).result()
    ml.models.create_or_update(Model(name="shaped", path=str(folder)))
    ml.data.create_or_update(Data(name="shaped", path=str(folder), type="uri_folder"))
    ml.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name="shaped", auth_mode="key")).result()
    batch = {"authMode": "AADToken", "description": "text"}
    assert rest("PUT", f"{workspace_id}/batchEndpoints/shaped-batch", json={"properties": batch}).status_code == 201
    conda = {"image": "ubuntu", "condaFile": "dependencies:\n  - python=3.11\n"}
    rest("PUT", f"{workspace_id}/environments/shaped/versions/1", json={"properties": conda})
    job = {"jobType": "Command", "command": "true", "environmentId": f"{workspace_id}/environments/shaped/versions/1"}
    assert rest("PUT", f"{workspace_id}/jobs/shaped", json={"properties": job}).status_code == 201
    spec = {
        "type": "command",
        "command": "true",
        "environment": f"azureml:{workspace_id}/environments/shaped/versions/1",
    }
    component = f"{workspace_id}/components/shaped/versions/1"
    assert rest("PUT", component, json={"properties": {"componentSpec": spec}}).status_code == 201
    pipeline = {"jobType": "Pipeline", "jobs": {"a": {"type": "command", "componentId": component}}}
    assert rest("PUT", f"{workspace_id}/jobs/shaped-pipeline", json={"properties": pipeline}).status_code == 201
    return {"workspace": workspace_id, "history": f"/history/v1.0{workspace_id}"}


@pytest.mark.parametrize(
    ("method", "recorded_path", "status", "path"),
    [
        ("GET", "/workspaces/{ws}", 200, "{workspace}"),
        ("GET", "/workspaces/{ws}", 404, "{workspace}-none"),
        ("GET", "/computes/{computes}", 200, "{workspace}/computes/shaped"),
        ("GET", "/workspaces/{ws}/datastores", 200, "{workspace}/datastores"),
        ("GET", "/datastores/{datastores}", 200, "{workspace}/datastores/workspaceblobstore"),
        ("GET", "/datastores/{datastores}", 404, "{workspace}/datastores/none"),
        ("POST", "/listSecrets", 200, "{workspace}/datastores/workspaceblobstore/listSecrets"),
        ("GET", "/environments/{environments}/versions/{versions}", 200, "{workspace}/environments/shaped/versions/1"),
        ("GET", "/environments/{environments}", 404, "{workspace}/environments/none"),
        ("GET", "/models/{models}", 200, "{workspace}/models/shaped"),
        ("GET", "/models/{models}", 404, "{workspace}/models/none"),
        ("GET", "/models/{models}/versions/{versions}", 200, "{workspace}/models/shaped/versions/1"),
        ("GET", "/data/{data}", 200, "{workspace}/data/shaped"),
        ("GET", "/data/{data}/versions/{versions}", 200, "{workspace}/data/shaped/versions/1"),
        ("GET", "/onlineEndpoints/{onlineEndpoints}", 200, "{workspace}/onlineEndpoints/shaped"),
        ("GET", "/batchEndpoints/{batchEndpoints}", 200, "{workspace}/batchEndpoints/shaped-batch"),
        ("GET", "/jobs/{jobs}", 200, "{workspace}/jobs/shaped"),
        ("GET", "/jobs/{jobs}", 200, "{workspace}/jobs/shaped-pipeline"),
        ("GET", "/components/{components}", 200, "{workspace}/components/shaped"),
        ("GET", "/components/{components}", 404, "{workspace}/components/none"),
        ("GET", "/jobs/{jobs}", 404, "{workspace}/jobs/none"),
        ("GET", "/runs/{runs}", 200, "{history}/runs/shaped"),
        ("GET", "/runs/{runs}/details", 200, "{history}/runs/shaped/details"),
        ("GET", "/runs/{runs}/details", 200, "{history}/runs/shaped-pipeline/details"),
    ],
)
def test_nothing_that_azure_always_sends_is_missing(
    recorded: list[dict[str, Any]],
    rest: Rest,
    filled: dict[str, str],
    method: str,
    recorded_path: str,
    status: int,
    path: str,
) -> None:
    answer = rest(method, path.format(**filled))
    assert answer.status_code == status
    shapes = [
        shape["response"]
        for shape in recorded
        if (shape["method"], shape["status"]) == (method, status)
        and shape["path"].endswith(recorded_path)
        and "/registries/" not in shape["path"]
        and shape.get("response")
    ]
    assert shapes
    for shape in shapes:
        missing = [key for key in _missing(shape, answer.json()) if key not in OWN and not key.startswith(OWN_PREFIXES)]
        assert missing == []


def _missing(shape: dict[str, Any], value: object, path: str = "") -> Iterator[str]:
    """Keys that every recording had (`seen` marks the others) and this answer has not."""
    if isinstance(value, dict):
        for key, inner in shape.get("props", {}).items():
            if "seen" in inner or key.startswith("/subscriptions/"):
                continue
            if key not in value:
                yield f"{path}/{key}"
            else:
                yield from _missing(inner, value[key], f"{path}/{key}")
    elif isinstance(value, list) and isinstance(shape.get("items"), dict):
        for item in value:
            yield from _missing(shape["items"], item, f"{path}[]")
