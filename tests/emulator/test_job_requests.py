"""What a job must be to be taken: everything that it refers to exists, and nothing changes under the same name."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

Rest = Callable[..., requests.Response]

CONDA = "dependencies:\n  - python=3.11\n"


@pytest.fixture(scope="module")
def wanted(ml: MLClient, rest: Rest, workspace_id: str) -> dict[str, Any]:
    """Properties of a job that can run: an environment without packages, no code, no compute."""
    environment = f"{workspace_id}/environments/bare/versions/1"
    made = rest("PUT", environment, json={"properties": {"image": "ubuntu", "condaFile": CONDA}})
    assert made.status_code == 201, made.text
    return {"jobType": "Command", "command": "python -c 'print(1)'", "environmentId": environment}


def _put(rest: Rest, workspace_id: str, properties: dict[str, Any], name: str | None = None) -> requests.Response:
    name = name or f"job-{uuid.uuid4().hex[:8]}"
    return rest("PUT", f"{workspace_id}/jobs/{name}", json={"properties": properties})


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"command": "  "}, 400, "needs a command"),
        ({"environmentId": None}, 400, "Environment is missing"),
        ({"environmentId": "azureml:{ws}/environments/none/versions/1"}, 404, "Environment none:1 was not found"),
        ({"environmentId": "{ws}/environments/bare/versions/9"}, 404, "Environment bare:9 was not found"),
        ({"codeId": "{ws}/codes/none/versions/1"}, 404, "Code none:1 was not found"),
        ({"computeId": "{ws}/computes/none"}, 404, "Compute 'none' was not found"),
        ({"experimentName": "no spaces"}, 400, "Experiment name 'no spaces' is invalid"),
        (
            {"inputs": {"d": {"jobInputType": "uri_folder", "uri": "azureml://datastores/none/paths/x"}}},
            404,
            "datastore none",
        ),
        ({"inputs": {"d": {"jobInputType": "uri_folder", "uri": "azureml:none:1"}}}, 404, "none:1 is neither"),
        (
            {"inputs": {"d": {"jobInputType": "uri_file", "uri": "https://example.org/x.csv"}}},
            501,
            "outside this emulator",
        ),
        (
            {"outputs": {"o": {"jobOutputType": "uri_folder", "uri": "azureml://datastores/none/paths/"}}},
            404,
            "datastore none",
        ),
        ({"jobType": "Pipeline"}, 400, "at least one step"),
        (
            {"jobType": "Pipeline", "jobs": {"a": {"type": "spark"}}},
            501,
            "a step of type 'spark' in a pipeline (jobs.a)",
        ),
        ({"jobType": "Sweep"}, 400, "A trial of a sweep needs a command"),
        ({"jobType": "AutoML"}, 501, "jobs of type AutoML"),
        ({"jobType": "Spark"}, 501, "jobs of type Spark"),
    ],
)
def test_a_job_that_cannot_run_is_refused_and_leaves_nothing(
    rest: Rest, workspace_id: str, wanted: dict[str, Any], changes: dict[str, Any], status: int, words: str
) -> None:
    import json

    changes = json.loads(json.dumps(changes).replace("{ws}", workspace_id))
    answer = _put(rest, workspace_id, {**wanted, **changes}, "refused")
    assert (answer.status_code, words in answer.json()["error"]["message"]) == (status, True), answer.text
    assert rest("GET", f"{workspace_id}/jobs/refused").status_code == 404


def test_a_missing_job_is_told_with_the_code_that_tells(rest: Rest, workspace_id: str) -> None:
    error = rest("GET", f"{workspace_id}/jobs/none").json()["error"]
    inner = next(item["info"]["value"] for item in error["additionalInfo"] if item["type"] == "InnerError")
    assert (error["code"], inner["code"], inner["innerError"]["code"]) == ("UserError", "NotFound", "JobNotFound")


def test_the_same_job_again_is_the_same_job(rest: Rest, workspace_id: str, wanted: dict[str, Any]) -> None:
    name = f"job-{uuid.uuid4().hex[:8]}"
    assert _put(rest, workspace_id, wanted, name).status_code == 201
    again = _put(rest, workspace_id, {**wanted, "tags": {"a": "b"}}, name)
    assert (again.status_code, again.json()["properties"]["tags"]) == (200, {"a": "b"})
    other = _put(rest, workspace_id, {**wanted, "command": "false"}, name)
    assert other.status_code == 400
    assert "A job with this name already exists" in other.json()["error"]["message"]
    assert rest("GET", f"{workspace_id}/jobs/{name}").json()["properties"]["command"] == wanted["command"]


def test_a_job_says_where_its_page_its_logs_and_its_metrics_are(
    rest: Rest, workspace_id: str, wanted: dict[str, Any]
) -> None:
    body = _put(rest, workspace_id, wanted).json()
    properties, name = body["properties"], body["name"]
    assert f"/runs/{name}?wsid=/subscriptions/" in properties["services"]["Studio"]["endpoint"]
    assert properties["services"]["Tracking"]["endpoint"].startswith("azureml://127.0.0.1:")
    assert properties["outputs"]["default"]["uri"].endswith(f"/ExperimentRun/dcid.{name}")
    assert properties["experimentName"] == "Default"


def test_a_job_that_has_ended_cannot_be_cancelled_and_one_that_runs_can(
    ml: MLClient, rest: Rest, workspace_id: str, wanted: dict[str, Any]
) -> None:
    name = _put(rest, workspace_id, {**wanted, "command": "sleep 60"}).json()["name"]
    ml.jobs.begin_cancel(name).result()
    assert ml.jobs.get(name).status == "Canceled"
    error = rest("POST", f"{workspace_id}/jobs/{name}/cancel").json()["error"]
    assert "in terminal status Canceled" in error["message"]
    chain = next(item["info"]["value"] for item in error["additionalInfo"] if item["type"] == "InnerError")
    assert chain["innerError"]["innerError"]["code"] == "CancelPipelineRunInTerminalStatus"


def test_describing_a_job_anew_and_archiving_it(
    ml: MLClient, rest: Rest, workspace_id: str, wanted: dict[str, Any]
) -> None:
    name = _put(rest, workspace_id, {**wanted, "tags": {"kept": "yes"}}).json()["name"]
    ml.jobs.update(name, display_name="Shown", tags={"new": "tag"}, description="text")
    properties = rest("GET", f"{workspace_id}/jobs/{name}").json()["properties"]
    assert (properties["displayName"], properties["description"]) == ("Shown", "text")
    assert properties["tags"] == {"kept": "yes", "new": "tag"}
    ml.jobs.archive(name)
    assert name not in [job.name for job in ml.jobs.list()]
    ml.jobs.restore(name)
    assert name in [job.name for job in ml.jobs.list()]


def test_deleting_a_workspace_ends_its_jobs(ml: MLClient, rest: Rest, group: str, wanted: dict[str, Any]) -> None:
    from azure.ai.ml.entities import Workspace

    ml.workspaces.begin_create(Workspace(name="short-lived", location="westeurope")).result()
    other = f"{group}/providers/Microsoft.MachineLearningServices/workspaces/short-lived"
    environment = f"{other}/environments/bare/versions/1"
    rest("PUT", environment, json={"properties": {"image": "ubuntu", "condaFile": CONDA}})
    marker = f"sleep 61.{uuid.uuid4().int % 10**6}"
    name = _put(rest, other, {**wanted, "command": marker, "environmentId": environment}).json()["name"]
    deadline = time.monotonic() + 60
    while rest("GET", f"{other}/jobs/{name}").json()["properties"]["status"] != "Running":
        assert time.monotonic() < deadline, rest("GET", f"{other}/jobs/{name}").text
        time.sleep(0.1)
    assert _processes(marker)
    ml.workspaces.begin_delete("short-lived", delete_dependent_resources=False).result()
    deadline = time.monotonic() + 20
    while _processes(marker):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert rest("GET", other).status_code == 404


def _processes(command: str) -> list[int]:
    import psutil

    return [item.pid for item in psutil.process_iter(["cmdline"]) if command in " ".join(item.info["cmdline"] or [])]
