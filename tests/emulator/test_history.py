"""Run history: what the SDK's log reader and MLflow's plugin for Azure read and write beside ARM."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import requests
from support.emulator import RunningEmulator

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

Rest = Callable[..., requests.Response]


@pytest.fixture(scope="module")
def job(ml: MLClient, rest: Rest, workspace_id: str) -> dict[str, Any]:
    """A job that has ended, with a log, an artifact and an output."""
    environment = f"{workspace_id}/environments/bare/versions/1"
    conda = {"image": "ubuntu", "condaFile": "dependencies:\n  - python=3.11\n"}
    assert rest("PUT", environment, json={"properties": conda}).status_code == 201
    name = f"job-{uuid.uuid4().hex[:8]}"
    properties = {
        "jobType": "Command",
        "command": "echo hello && mkdir -p outputs && echo note > outputs/note.txt && echo m > ${{outputs.model}}/m.txt",
        "environmentId": environment,
        "experimentName": "history",
        "outputs": {"model": {"jobOutputType": "uri_folder", "mode": "ReadWriteMount"}},
        "tags": {"a": "b"},
    }
    assert rest("PUT", f"{workspace_id}/jobs/{name}", json={"properties": properties}).status_code == 201
    deadline = time.monotonic() + 120
    while True:
        body: dict[str, Any] = rest("GET", f"{workspace_id}/jobs/{name}").json()
        if body["properties"]["status"] in ("Completed", "Failed", "Canceled"):
            break
        assert time.monotonic() < deadline, body
        time.sleep(0.2)
    assert body["properties"]["status"] == "Completed", rest(
        "GET", f"/history/v1.0{workspace_id}/runs/{name}/details"
    ).text
    return body


@pytest.fixture(scope="module")
def runs(workspace_id: str, job: dict[str, Any]) -> str:
    return f"/history/v1.0{workspace_id}/runs/{job['name']}"


def _read(emulator: RunningEmulator, url: str) -> str:
    """The text behind a signed address."""
    answer = requests.get(url, verify=emulator.env["REQUESTS_CA_BUNDLE"], timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_discovery_needs_no_token(emulator: RunningEmulator) -> None:
    answer = requests.get(f"{emulator.base_url}/discovery", verify=emulator.env["REQUESTS_CA_BUNDLE"], timeout=60)
    assert answer.json()["api"] == emulator.base_url


def test_details_hold_the_status_and_signed_addresses_of_the_logs(
    emulator: RunningEmulator, rest: Rest, runs: str, job: dict[str, Any]
) -> None:
    details = rest("GET", f"{runs}/details").json()
    assert (details["runId"], details["status"], details["error"]) == (job["name"], "Completed", None)
    assert details["startTimeUtc"] < details["endTimeUtc"]
    assert _read(emulator, details["logFiles"]["user_logs/std_log.txt"]).strip() == "hello"


def test_a_run_knows_its_job(rest: Rest, runs: str) -> None:
    run = rest("GET", runs).json()
    assert (run["status"], run["tags"]["a"], run["hidden"]) == ("Completed", "b", False)
    assert rest("GET", f"{runs}/children").json()["value"] == []


def test_outputs_are_named_and_their_places_told(rest: Rest, runs: str, workspace_id: str, job: dict[str, Any]) -> None:
    history = f"/history/v1.0{workspace_id}"
    metadata = rest("POST", f"{history}/rundata", json={"runId": job["name"]}).json()["runMetadata"]
    asset = metadata["outputs"]["model"]
    assert asset["type"] == "UriFolder"
    path = f"/data/v1.0{workspace_id}/dataversion/batchGetResolvedUris"
    found = rest("POST", path, json={"values": [asset["assetId"]]}).json()["values"][asset["assetId"]]
    assert found["uri"].endswith(f"/datastores/workspaceblobstore/paths/azureml/{job['name']}/model/")


def test_artifacts_are_listed_read_and_added(
    emulator: RunningEmulator, rest: Rest, runs: str, workspace_id: str
) -> None:
    of_experiment = runs.replace("/runs/", "/experiments/history/runs/")
    for base in (runs, of_experiment):
        listed = {item["path"] for item in rest("GET", f"{base}/artifacts").json()["value"]}
        assert {"outputs/note.txt", "user_logs/std_log.txt"} <= listed
    content = rest("GET", f"{of_experiment}/artifacts/contentinfo", path="outputs/note.txt").json()
    assert _read(emulator, content["contentUri"]).strip() == "note"
    request = {"paths": [{"path": "plots/new one.txt"}]}
    made = rest("POST", f"{of_experiment}/artifacts/batch/metadata", json=request).json()
    address = made["artifactContentInformation"]["plots/new one.txt"]["contentUri"]
    put = requests.put(
        address,
        data=b"drawn",
        headers={"x-ms-blob-type": "BlockBlob"},
        verify=emulator.env["REQUESTS_CA_BUNDLE"],
        timeout=60,
    )
    assert put.status_code == 201
    content = rest("GET", f"{runs}/artifacts/contentinfo", path="plots/new one.txt").json()
    assert _read(emulator, content["contentUri"]) == "drawn"
    assert rest("GET", f"{runs}/artifacts/contentinfo", path="none").status_code == 404


def test_a_run_that_is_not_there_or_of_another_workspace_is_not_found(rest: Rest, runs: str, workspace_id: str) -> None:
    answer = rest("GET", f"/history/v1.0{workspace_id}/runs/none/details")
    assert (answer.status_code, answer.json()["error"]["innerError"]["code"]) == (404, "NotFoundError")
    other = workspace_id.replace("/workspaces/workspace", "/workspaces/elsewhere")
    assert rest("GET", runs.replace(workspace_id, other)).status_code == 404


def test_a_model_of_the_jobs_output_remembers_its_job(
    ml: MLClient, rest: Rest, workspace_id: str, job: dict[str, Any]
) -> None:
    from azure.ai.ml.entities import Model
    from azure.core.exceptions import HttpResponseError

    made = ml.models.create_or_update(Model(name="from-job", path=f"azureml://jobs/{job['name']}/outputs/model/paths/"))
    assert made.job_name == job["name"]
    assert made.path.endswith(f"/datastores/workspaceblobstore/paths/azureml/{job['name']}/model/")
    note = f"azureml://jobs/{job['name']}/outputs/artifacts/paths/outputs/note.txt"
    made = ml.models.create_or_update(Model(name="from-artifact", path=note))
    assert made.path.endswith(f"/workspaceartifactstore/paths/ExperimentRun/dcid.{job['name']}/outputs/note.txt")
    with pytest.raises(HttpResponseError, match=r"there is no file below it. The job has: .*outputs/note.txt"):
        ml.models.create_or_update(Model(name="absent", path=note.replace("note.txt", "absent.txt")))
    with pytest.raises(HttpResponseError, match=r"has no output 'other'. It has: artifacts, model"):
        ml.models.create_or_update(Model(name="absent", path=f"azureml://jobs/{job['name']}/outputs/other/paths/"))
