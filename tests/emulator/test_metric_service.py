"""The metric service and the artifact service, and what clients change in runs: requests that SDK v1 makes, one at a time."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from support.emulator import RunningEmulator

from aml_emulator.database import Database
from aml_emulator.metric_service.store import MetricStore
from aml_emulator.metric_service.wire import metric_from
from aml_emulator.tracking.store import TrackingStore

Rest = Callable[..., requests.Response]


@pytest.fixture
def run(rest: Rest, workspace_id: str) -> str:
    """Id of a run that is no job, in the experiment `metrics`."""
    experiment = rest("POST", f"/history/v1.0{workspace_id}/experiments/metrics")
    assert experiment.status_code == 200, experiment.text
    body = {"experiment_id": experiment.json()["experimentId"]}
    made = rest("POST", f"/mlflow{workspace_id}/api/2.0/mlflow/runs/create", json=body)
    return str(made.json()["run"]["info"]["run_id"])


@pytest.fixture
def metrics(rest: Rest, workspace_id: str, run: str) -> Callable[[str, Any], requests.Response]:
    """`metrics(operation, body)`: a request to the metric service about the run."""
    return lambda operation, body: rest("POST", f"/metric/v2.0{workspace_id}/runs/{run}/{operation}", json=body)


def scalar(name: str, value: object, kind: str = "double", **more: object) -> dict[str, Any]:
    """A metric with one value, as SDK v1 sends it."""
    one = {"metricId": str(uuid.uuid4()), "createdUtc": "2026-01-02T03:04:05.678Z", "data": {name: value}, **more}
    return {"name": name, "columns": {name: kind}, "value": [one], "properties": {"uxMetricType": "azureml.v1.scalar"}}


def values_of(answer: requests.Response) -> list[Any]:
    assert answer.status_code == 200, answer.text
    return [next(iter(one["data"].values())) for one in answer.json()["value"]]


def test_a_request_that_is_sent_again_counts_once(
    metrics: Callable[..., requests.Response], rest: Rest, workspace_id: str, run: str
) -> None:
    body = {"values": [scalar("loss", 0.5)]}
    assert [metrics("batch", body).status_code for _ in range(2)] == [200, 200]
    assert values_of(metrics("full", {"metricName": "loss"})) == [0.5]
    history = f"/mlflow{workspace_id}/api/2.0/mlflow/metrics/get-history"
    assert len(rest("GET", history, run_id=run, metric_key="loss").json()["metrics"]) == 1


def test_whole_numbers_and_others_make_one_metric(metrics: Callable[..., requests.Response]) -> None:
    assert metrics("batch", {"values": [scalar("mixed", 1, "int"), scalar("mixed", 1.5)]}).status_code == 200
    found = metrics("full", {"metricName": "mixed"})
    assert values_of(found) == [1, 1.5]
    assert found.json()["columns"] == {"mixed": "double"}


def test_values_are_asked_for_between_two_times(metrics: Callable[..., requests.Response]) -> None:
    days = [scalar("daily", day, "int", createdUtc=f"2026-01-0{day}T00:00:00Z") for day in (3, 1, 2)]
    metrics("batch", {"values": days})
    assert values_of(metrics("full", {"metricName": "daily"})) == [1, 2, 3]
    asked = {"metricName": "daily", "startTime": "2026-01-02T00:00:00Z", "endTime": "2026-01-02T12:00:00Z"}
    assert values_of(metrics("full", asked)) == [2]


@pytest.mark.parametrize(
    ("metric", "sentence"),
    [
        ({"columns": {}, "value": []}, "A metric must be an object with a 'name'."),
        ({"name": "m"}, "The metric 'm' must have 'columns' (an object) and 'value' (a list)."),
        (scalar("m", 1, "decimal"), "The metric 'm' has columns of the types ['decimal']."),
        (scalar("m", "high"), "The column 'm' of the metric 'm' is of the type double; 'high' is no number."),
        (scalar("m", 1, step="first"), "The step 'first' of the metric 'm' must be a whole number."),
        (scalar("m", 1, createdUtc="noon"), "'createdUtc' of the metric 'm' is no time of ISO 8601: 'noon'."),
        ({"name": "m", "columns": {"a": "int"}, "value": [{"data": {"b": 1}}]}, "has the columns ['b'], not ['a']"),
        ({"name": "m", "columns": {"a": "int"}, "value": [1]}, "must be an object with 'data'"),
    ],
)
def test_a_metric_that_is_wrong_is_refused_with_the_reason(
    metrics: Callable[..., requests.Response], metric: dict[str, Any], sentence: str
) -> None:
    answer = metrics("batch", {"values": [metric]})
    assert answer.status_code == 400
    assert sentence in answer.json()["error"]["message"]
    assert metrics("list", {}).json()["value"] == []


def test_a_run_of_nobody_has_no_metrics(rest: Rest, workspace_id: str) -> None:
    answer = rest("POST", f"/metric/v2.0{workspace_id}/runs/absent/list", json={})
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "Run absent was not found.")


def test_the_metrics_of_a_run_go_with_it(tmp_path: Path) -> None:
    database = Database(tmp_path / "state.sqlite3")
    tracking = TrackingStore(database, "https://127.0.0.1:8443")
    store = MetricStore(database, tracking)
    first, second = (tracking.create_run("workspace", "experiment").id for _ in range(2))
    for run in (first, second):
        store.log(run, metric_from(scalar("Kernel type", "linear", "string")))
    tracking.delete_run(first)
    assert store.definitions(first) == []
    assert store.metric(first, "Kernel type") is None
    assert [metric.name for metric in store.definitions(second)] == ["Kernel type"]


# Artifacts


def test_an_artifact_is_stored_extended_and_read(rest: Rest, workspace_id: str, run: str) -> None:
    artifacts = f"/artifact/v2.0{workspace_id}/artifacts"
    place = f"ExperimentRun/dcid.{run}/logs/a.txt"
    assert rest("POST", f"{artifacts}/content/{place}", json=1).status_code == 200
    assert rest("POST", f"{artifacts}/content/{place}", json=2, append="true").status_code == 200
    assert rest("GET", f"{artifacts}/content/{place}").text == "12"
    assert rest("GET", f"{artifacts}/metadata/{place}").json()["path"] == "logs/a.txt"
    below = rest("GET", f"{artifacts}/ExperimentRun/dcid.{run}/logs/").json()["value"]
    assert [one["path"] for one in below] == ["logs/a.txt"]


@pytest.mark.parametrize(
    ("place", "status", "sentence"),
    [
        ("content/ExperimentRun/dcid.{run}/absent", 404, "Artifact absent of run {run} was not found."),
        ("content/ExperimentRun/dcid.absent/a", 404, "Run absent was not found."),
        ("content/LocalUpload/folder/a", 501, "artifacts of 'LocalUpload/folder'"),
        ("write/ExperimentRun/dcid.{run}/..%2F..%2Fa", 400, "must not hold '..'"),
    ],
)
def test_an_artifact_that_cannot_be_had_is_refused(
    rest: Rest, workspace_id: str, run: str, place: str, status: int, sentence: str
) -> None:
    answer = rest("GET", f"/artifact/v2.0{workspace_id}/artifacts/{place.format(run=run)}")
    assert answer.status_code == status
    assert sentence.format(run=run) in answer.json()["error"]["message"]


# What clients change in runs


def test_a_new_token_of_a_run_is_accepted(rest: Rest, workspace_id: str, run: str, emulator: RunningEmulator) -> None:
    found = rest("GET", f"/history/v1.0{workspace_id}/experiments/metrics/runs/{run}/token").json()
    assert found["expiryTimeUtc"] > "2026"
    bearer = {"Authorization": f"Bearer {found['token']}"}
    assert rest("GET", f"/history/v1.0{workspace_id}/runs/{run}", headers=bearer).status_code == 200


def test_a_run_without_a_parent_is_not_made_by_a_change(rest: Rest, workspace_id: str) -> None:
    answer = rest("PATCH", f"/history/v1.0{workspace_id}/experiments/metrics/runs/new", json={"tags": {"a": "b"}})
    assert answer.status_code == 404
    assert "no parent is named" in answer.json()["error"]["message"]


def test_what_happens_to_a_run_moves_it_to_its_state_and_no_further(rest: Rest, workspace_id: str, run: str) -> None:
    address = f"/history/v1.0{workspace_id}/experiments/metrics/runs/child-{run}"
    assert rest("PATCH", address, json={"parentRunId": run, "status": "NotStarted"}).json()["parentRunId"] == run
    seen = []
    for event in ("Queued", "Start", "Heartbeat", "Completed", "Failed"):
        body = {"name": f"Microsoft.MachineLearning.Run.{event}", "data": {}}
        assert rest("POST", f"{address}/events", json=body).status_code == 200
        seen.append(rest("GET", address).json()["status"])
    assert seen == ["Queued", "Running", "Running", "Completed", "Completed"]
    assert rest("GET", address).json()["endTimeUtc"]


def test_an_event_that_is_not_known_is_refused_by_name(rest: Rest, workspace_id: str, run: str) -> None:
    body = {"name": "Microsoft.MachineLearning.Run.Warning", "data": {}}
    answer = rest("POST", f"/history/v1.0{workspace_id}/experiments/metrics/runs/{run}/events", json=body)
    assert answer.status_code == 501
    assert "the event 'Warning' of a run" in answer.json()["error"]["message"]


def test_runs_are_queried_by_what_the_emulator_knows(rest: Rest, workspace_id: str, run: str) -> None:
    address = f"/history/v1.0{workspace_id}/experiments/metrics/runs:query"
    found = rest("POST", address, json={"filter": f"RootRunId eq {run} and Status eq Running"}).json()["value"]
    assert [one["runId"] for one in found] == [run]
    assert rest("POST", address, json={"filter": f"RootRunId eq {run} and RunId ne {run}"}).json()["value"] == []
    for wrong in ("Target eq local", "RunId startswith a"):
        assert rest("POST", address, json={"filter": wrong}).status_code == 501


def test_the_metrics_of_an_old_sdk_are_refused_with_the_way_out(rest: Rest, workspace_id: str, run: str) -> None:
    address = f"/history/v1.0{workspace_id}/experiments/metrics/runs/{run}/batch/metrics"
    answer = rest("POST", address, json={"values": []})
    assert answer.status_code == 400
    assert "Use a newer version" in answer.json()["error"]["message"]
