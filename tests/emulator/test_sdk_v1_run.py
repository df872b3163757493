"""Training scripts that log with SDK v1's `Run`: a real job with azureml-core, and what can be read of it afterwards."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from support import small_template
from support.emulator import RunningEmulator

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

Rest = Callable[..., requests.Response]

SCRIPT = Path(__file__).with_name("sdk_v1_script")

pytestmark = pytest.mark.xdist_group("small_template")  # its environment is built once


@pytest.fixture(scope="module")
def job(ml: MLClient, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Name of a job that ran the script."""
    from azure.ai.ml import command
    from azure.ai.ml.entities import Environment

    conda_file = tmp_path_factory.mktemp("environment") / "environment.yml"
    conda_file.write_text(small_template.train_environment())
    environment = Environment(name="sdk-v1", image="ubuntu", conda_file=conda_file)
    job = command(command="python train.py", code=SCRIPT, environment=environment, experiment_name="sdk-v1")
    name = str(ml.jobs.create_or_update(job).name)
    deadline = time.monotonic() + 300
    while (status := ml.jobs.get(name).status) not in ("Completed", "Failed", "Canceled"):
        assert time.monotonic() < deadline, status
        time.sleep(0.2)
    if status != "Completed":
        ml.jobs.stream(name)
    return name


@pytest.fixture(scope="module")
def seen(ml: MLClient, job: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the script saw."""
    folder = tmp_path_factory.mktemp("download")
    ml.jobs.download(job, download_path=folder, all=True)
    found = json.loads((folder / "artifacts" / "outputs" / "seen.json").read_text())
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def metric(rest: Rest, workspace_id: str, job: str) -> Callable[[str], dict[str, Any]]:
    """Give all of a metric, as the metric service answers it."""

    def full(name: str) -> dict[str, Any]:
        answer = rest("POST", f"/metric/v2.0{workspace_id}/runs/{job}/full", json={"metricName": name})
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert isinstance(found, dict)
        return found

    return full


def test_a_script_in_a_job_gets_the_run_and_its_workspace(
    seen: dict[str, Any], job: str, emulator: RunningEmulator, group: str
) -> None:
    assert seen["run"] == {"id": job, "experiment": "sdk-v1", "parent": None, "status": "Running"}
    subscription = emulator.identity["subscriptionId"]
    assert seen["workspace"] == [subscription, group.rsplit("/", 1)[-1], "workspace", "westeurope"]


def test_a_script_asks_nobody_but_the_emulator(seen: dict[str, Any]) -> None:
    assert seen["hosts"] == ["127.0.0.1"]


def test_a_script_reads_the_metrics_that_it_logged(seen: dict[str, Any], job: str) -> None:
    metrics = seen["metrics"]
    assert math.isnan(metrics.pop("not a number"))
    artifact = f"aml://artifactId/ExperimentRun/dcid.{job}"
    assert metrics == {
        "Kernel type": "linear",
        "Accuracy": 0.9,
        "count": 3,
        "converged": True,
        "loss": [1.0, 0.5, 1 / 3, 0.25],
        "stepped": [0, 1, 4, 9],
        "scores": [1.0, 0.5, 1.0],
        "row": {"epoch": [1, 2], "note": ["a", "b"]},
        "table": {"x": [1, 2], "y": [3.5, 4.5]},
        "Confusion matrix": f"{artifact}/Confusion matrix",
        "figure": f"{artifact}/pixel.gif",
    }


def test_numbers_are_metrics_of_mlflow_too(rest: Rest, workspace_id: str, job: str) -> None:
    run = rest("GET", f"/mlflow{workspace_id}/api/2.0/mlflow/runs/get", run_id=job).json()["run"]
    values = {one["key"]: one["value"] for one in run["data"]["metrics"]}
    assert values == {
        "Accuracy": 0.9,
        "count": 3.0,
        "loss": 0.25,
        "stepped": 9.0,
        "scores": 1.0,
        "not a number": "NaN",
    }


@pytest.mark.parametrize(
    ("name", "points"),
    [
        ("loss", [(0, 1.0), (0, 0.5), (0, 1 / 3), (0, 0.25)]),
        ("stepped", [(0, 0.0), (10, 1.0), (20, 4.0), (30, 9.0)]),
        ("scores", [(0, 1.0), (0, 0.5), (0, 1.0)]),
    ],
)
def test_curves_keep_their_order_their_steps_and_equal_values(
    rest: Rest, workspace_id: str, job: str, name: str, points: list[tuple[int, float]]
) -> None:
    history = f"/mlflow{workspace_id}/api/2.0/mlflow/metrics/get-history"
    found = rest("GET", history, run_id=job, metric_key=name).json()["metrics"]
    assert [(one["step"], one["value"]) for one in found] == points


def test_texts_and_tables_are_read_from_the_metric_service(metric: Callable[[str], dict[str, Any]]) -> None:
    text = metric("Kernel type")
    assert text["columns"] == {"Kernel type": "string"}
    assert text["properties"] == {"uxMetricType": "azureml.v1.scalar"}
    assert [value["data"] for value in text["value"]] == [{"Kernel type": "linear"}]
    row = metric("row")
    assert row["columns"] == {"epoch": "int", "note": "string"}
    assert [value["data"] for value in row["value"]] == [{"epoch": 1, "note": "a"}, {"epoch": 2, "note": "b"}]


def test_the_metric_service_lists_the_metrics_in_the_order_of_logging(rest: Rest, workspace_id: str, job: str) -> None:
    listed = rest("POST", f"/metric/v2.0{workspace_id}/runs/{job}/list", json={}).json()["value"]
    names = [one["metricKey"]["name"] for one in listed]
    assert names[:4] == ["Kernel type", "Accuracy", "count", "converged"]
    assert {"row", "table", "Confusion matrix", "figure"} < set(names)


def test_what_mlflow_logs_is_a_metric_of_the_service_too(
    rest: Rest, workspace_id: str, job: str, metric: Callable[[str], dict[str, Any]]
) -> None:
    value = {"run_id": job, "key": "logged with mlflow", "value": 0.5, "step": 7, "timestamp": 1700000000000}
    assert rest("POST", f"/mlflow{workspace_id}/api/2.0/mlflow/runs/log-metric", json=value).status_code == 200
    found = metric("logged with mlflow")
    assert [(one["step"], one["data"]) for one in found["value"]] == [(7, {"logged with mlflow": 0.5})]
    listed = rest("POST", f"/metric/v2.0{workspace_id}/runs/{job}/list", json={}).json()["value"]
    assert "logged with mlflow" in [one["metricKey"]["name"] for one in listed]


def test_a_metric_that_no_run_has_is_not_found(rest: Rest, workspace_id: str, job: str) -> None:
    answer = rest("POST", f"/metric/v2.0{workspace_id}/runs/{job}/full", json={"metricName": "absent"})
    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == f"Metric absent of run {job} was not found."


def test_a_text_among_numbers_is_refused_and_the_rest_is_kept(
    rest: Rest, workspace_id: str, job: str, metric: Callable[[str], dict[str, Any]]
) -> None:
    def scalar(name: str, kind: str, value: object) -> dict[str, Any]:
        return {"name": name, "columns": {name: kind}, "value": [{"data": {name: value}}]}

    body = {"values": [scalar("Accuracy", "string", "good"), scalar("later", "int", 1)], "reportErrors": True}
    answer = rest("POST", f"/metric/v2.0{workspace_id}/runs/{job}/batch", json=body)
    assert answer.status_code == 207
    [error] = answer.json()["errors"]
    assert error["metric"]["name"] == "Accuracy"
    assert "is of the type double; a value of the type string" in error["errorResponse"]["error"]["message"]
    assert [value["data"] for value in metric("Accuracy")["value"]] == [{"Accuracy": 0.9}]
    assert [value["data"] for value in metric("later")["value"]] == [{"later": 1}]


def test_tags_and_properties_are_those_of_the_job(ml: MLClient, seen: dict[str, Any], job: str) -> None:
    assert seen["tags"] == {"purpose": "test", "bare": ""}
    assert seen["properties"]["colour"] == "blue"
    found = ml.jobs.get(job)
    assert (found.tags, found.properties["colour"]) == ({"purpose": "test", "bare": ""}, "blue")


def test_files_that_a_script_uploads_are_artifacts(seen: dict[str, Any]) -> None:
    assert seen["downloaded"] == "this is a note.txt"
    assert {
        "Confusion matrix",
        "notes/a note.txt",
        "pixel.gif",
        "uploaded/a note.txt",
        "uploaded/b.txt",
    } <= set(seen["files"])


def test_children_have_states_and_metrics_of_their_own(seen: dict[str, Any], job: str, rest: Rest, workspace_id: str):
    children = seen["children"]
    assert sorted(one["status"] for one in children.values()) == ["Canceled", "Completed", "Failed"]
    assert {one["parent"] for one in children.values()} == {job}
    [error] = [one["error"] for one in children.values() if one["status"] == "Failed"]
    assert error["error"]["message"] == "it broke"
    [completed] = [name for name, one in children.items() if one["status"] == "Completed"]
    assert seen["metrics of all"][completed] == {"depth": 1}
    assert seen["metrics of all"][job]["Kernel type"] == "linear"
    listed = rest("GET", f"/history/v1.0{workspace_id}/runs/{job}/children").json()["value"]
    assert {one["runId"] for one in listed} == set(children)


def test_complete_leaves_the_status_to_the_job(ml: MLClient, job: str) -> None:
    assert ml.jobs.get(job).status == "Completed"


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("model", "The emulator does not do this: models and services of SDK v1"),
        ("data store", "The emulator does not do this: data stores of SDK v1"),
        ("secret", "The emulator does not do this: secrets of the workspace"),
    ],
)
def test_what_is_not_served_is_refused_with_a_sentence(seen: dict[str, Any], what: str, sentence: str) -> None:
    assert sentence in seen["refused"][what]


def test_the_portal_address_is_the_page_of_the_job_in_the_studio(
    seen: dict[str, Any], emulator: RunningEmulator, job: str
) -> None:
    page = requests.get(seen["portal"], verify=emulator.env["REQUESTS_CA_BUNDLE"], timeout=60)
    assert page.status_code == 200
    assert job in page.text


def test_the_studio_shows_texts_and_tables_that_a_script_logged(
    seen: dict[str, Any], emulator: RunningEmulator, job: str
) -> None:
    page = requests.get(f"{emulator.base_url}/runs/{job}", verify=emulator.env["REQUESTS_CA_BUNDLE"], timeout=60).text
    assert '<th scope="row">Kernel type</th><td>linear</td>' in page
    assert '<th scope="col">epoch</th><th scope="col">note</th>' in page
    assert "<tr><td>2</td><td>b</td></tr>" in page
