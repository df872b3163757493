"""MLflow's REST API, call by call: what is refused, and in whose words."""

from __future__ import annotations

import re

import pytest
import requests
from support.emulator import RunningEmulator

from .conftest import Api


def refused(answer: requests.Response, status: int, code: str) -> str:
    """The message of an error in MLflow's shape."""
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error_code", "message"}
    assert answer.json()["error_code"] == code
    message: str = answer.json()["message"]
    return message


def test_without_a_token_nobody_tracks(emulator: RunningEmulator, tracking_uri: str) -> None:
    for token in (None, "Bearer forged.token.here"):
        answer = requests.post(
            f"{tracking_uri}/api/2.0/mlflow/experiments/search",
            json={},
            headers={"Authorization": token} if token else {},
            verify=emulator.env["REQUESTS_CA_BUNDLE"],
            timeout=60,
        )
        assert answer.status_code == 401


@pytest.mark.parametrize(
    ("path", "fields", "what"),
    [
        ("runs/log-metric", {"key": "x", "value": "high"}, "invalid value 'high'"),
        ("runs/log-metric", {"key": "x"}, "invalid value None"),
        ("runs/log-metric", {"key": "x", "value": True}, "invalid value True"),
        ("runs/log-metric", {"value": 1}, "'key'"),
        ("runs/log-metric", {"key": "k" * 251, "value": 1}, "maximum length of 250"),
        ("runs/log-metric", {"key": "x", "value": 1, "step": "many"}, "'step'"),
        ("runs/log-parameter", {"key": "x", "value": "v" * 6001}, "maximum length of 6000"),
        ("runs/log-parameter", {"key": "x", "value": 1}, "'value'"),
        ("runs/set-tag", {"key": "x", "value": "v" * 8001}, "maximum length of 8000"),
        ("runs/update", {"status": "DONE"}, "Invalid run status 'DONE'"),
        ("runs/log-batch", {"metrics": [{"key": "x", "value": 1}] * 1001}, "at most 1000 metrics. Got 1001"),
        ("runs/log-batch", {"params": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]}, "Duplicate parameter"),
        ("runs/log-model", {"model_json": "{"}, "no JSON"),
    ],
)
def test_a_wrong_value_is_refused_by_name(api: Api, run_id: str, path: str, fields: dict, what: str) -> None:
    assert what in refused(api("POST", path, run_id=run_id, **fields), 400, "INVALID_PARAMETER_VALUE")


def test_what_is_not_there_is_not_found(api: Api, run_id: str) -> None:
    assert "nobody" in refused(api("GET", "runs/get", run_id="nobody"), 404, "RESOURCE_DOES_NOT_EXIST")
    refused(api("GET", "experiments/get", experiment_id="nothing"), 404, "RESOURCE_DOES_NOT_EXIST")
    refused(api("GET", "experiments/get-by-name", experiment_name="nothing"), 404, "RESOURCE_DOES_NOT_EXIST")
    refused(api("POST", "runs/delete-tag", run_id=run_id, key="nothing"), 404, "RESOURCE_DOES_NOT_EXIST")
    refused(api("POST", "runs/search", experiment_ids=["nothing"]), 404, "RESOURCE_DOES_NOT_EXIST")


def test_a_refused_batch_leaves_nothing_behind(api: Api, run_id: str) -> None:
    api("POST", "runs/log-parameter", run_id=run_id, key="kernel", value="linear")
    answer = api(
        "POST",
        "runs/log-batch",
        run_id=run_id,
        metrics=[{"key": "loss", "value": 1, "timestamp": 1, "step": 0}],
        params=[{"key": "penalty", "value": "1"}, {"key": "kernel", "value": "rbf"}],
        tags=[{"key": "team", "value": "x"}],
    )
    assert "already logged with value='linear'" in refused(answer, 400, "INVALID_PARAMETER_VALUE")
    data = api("GET", "runs/get", run_id=run_id).json()["run"]["data"]
    assert data["metrics"] == []
    assert data["params"] == [{"key": "kernel", "value": "linear"}]
    assert "team" not in {tag["key"] for tag in data["tags"]}


def test_numbers_that_json_does_not_have_travel_as_protocol_buffers_write_them(api: Api, run_id: str) -> None:
    for value in ("NaN", "Infinity", "-Infinity"):
        api("POST", "runs/log-metric", run_id=run_id, key=value, value=value, timestamp="1700000000000", step="3")
    metrics = api("GET", "runs/get", run_id=run_id).json()["run"]["data"]["metrics"]
    assert {metric["key"]: metric["value"] for metric in metrics} == {
        name: name for name in ("NaN", "Infinity", "-Infinity")
    }
    assert {metric["step"] for metric in metrics} == {3}


def test_a_deleted_run_takes_no_more_values_until_it_is_restored(api: Api, run_id: str) -> None:
    api("POST", "runs/delete", run_id=run_id)
    refused(api("POST", "runs/log-metric", run_id=run_id, key="x", value=1), 400, "INVALID_PARAMETER_VALUE")
    api("POST", "runs/restore", run_id=run_id)
    assert api("POST", "runs/log-metric", run_id=run_id, key="x", value=1).status_code == 200


def test_a_long_history_comes_in_pages_and_thinned(api: Api, run_id: str) -> None:
    steps = [{"key": "loss", "value": step, "timestamp": step, "step": step} for step in range(1000)]
    assert api("POST", "runs/log-batch", run_id=run_id, metrics=steps).status_code == 200
    first = api("GET", "metrics/get-history", run_id=run_id, metric_key="loss", max_results=600).json()
    rest = api(
        "GET",
        "metrics/get-history",
        run_id=run_id,
        metric_key="loss",
        max_results=600,
        page_token=first["next_page_token"],
    )
    assert [metric["step"] for metric in first["metrics"] + rest.json()["metrics"]] == list(range(1000))
    assert "next_page_token" not in rest.json()
    thinned = api(
        "GET", "metrics/get-history-bulk-interval", run_ids=[run_id], metric_key="loss", max_results=11
    ).json()
    assert [metric["step"] for metric in thinned["metrics"]] == [round(part * 99.9) for part in range(11)]
    assert {metric["run_id"] for metric in thinned["metrics"]} == {run_id}


def test_an_experiment_is_renamed_deleted_and_restored(api: Api) -> None:
    made = api("POST", "experiments/create", name="spring", tags=[{"key": "team", "value": "x"}]).json()[
        "experiment_id"
    ]
    refused(api("POST", "experiments/create", name="spring"), 400, "RESOURCE_ALREADY_EXISTS")
    assert api("POST", "experiments/update", experiment_id=made, new_name="summer").status_code == 200
    api("POST", "experiments/delete", experiment_id=made)
    refused(api("POST", "runs/create", experiment_id=made), 400, "INVALID_PARAMETER_VALUE")
    found = api("POST", "experiments/search", view_type="DELETED_ONLY", filter="tags.team = 'x'").json()["experiments"]
    assert [(item["name"], item["lifecycle_stage"]) for item in found] == [("summer", "deleted")]
    api("POST", "experiments/restore", experiment_id=made)
    assert api("GET", "experiments/get", experiment_id=made).json()["experiment"]["lifecycle_stage"] == "active"


def test_a_data_set_that_a_run_used_is_kept_with_it(api: Api, run_id: str) -> None:
    dataset = {"name": "iris", "digest": "abc", "source_type": "local", "source": "{}"}
    tags = [{"key": "mlflow.data.context", "value": "training"}]
    assert (
        api("POST", "runs/log-inputs", run_id=run_id, datasets=[{"dataset": dataset, "tags": tags}]).status_code == 200
    )
    inputs = api("GET", "runs/get", run_id=run_id).json()["run"]["inputs"]["dataset_inputs"]
    assert inputs == [{"dataset": dataset, "tags": tags}]


def test_a_run_is_not_seen_from_another_workspace(
    api: Api, client, emulator: RunningEmulator, workspace_id: str, run_id: str
) -> None:
    from azure.ai.ml.entities import Workspace

    client.workspaces.begin_create(Workspace(name="other", location="westeurope")).result()
    other = f"{emulator.base_url}/mlflow{workspace_id.rsplit('/', 1)[0]}/other"
    try:
        refused(api("GET", "runs/get", base=other, run_id=run_id), 404, "RESOURCE_DOES_NOT_EXIST")
        refused(
            api("POST", "runs/log-metric", base=other, run_id=run_id, key="x", value=1), 404, "RESOURCE_DOES_NOT_EXIST"
        )
        several = api("POST", "experiments/search", base=emulator.base_url)
        assert "several workspaces" in refused(several, 400, "INVALID_PARAMETER_VALUE")
        assert api("GET", "runs/get", base=emulator.base_url, run_id=run_id).status_code == 200
    finally:
        client.workspaces.begin_delete("other", delete_dependent_resources=False, permanently_delete=True).result()


def test_what_the_emulator_does_not_do_it_says(api: Api) -> None:
    message = refused(api("POST", "model-versions/search"), 404, "ENDPOINT_NOT_FOUND")
    assert "POST model-versions/search" in message
    assert api("POST", "logged-models/search").json() == {"models": []}


def test_an_artifact_path_stays_within_its_run(
    emulator: RunningEmulator, tracking_uri: str, token: str, run_id: str
) -> None:
    for path in ("elsewhere/x.txt", f"ExperimentRun/dcid.{run_id}/a/../../x.txt", "ExperimentRun/dcid.nobody/x.txt"):
        answer = requests.put(
            f"{tracking_uri}/api/2.0/mlflow-artifacts/artifacts/{path.replace('..', '%2E%2E')}",
            data=b"x",
            headers={"Authorization": f"Bearer {token}"},
            verify=emulator.env["REQUESTS_CA_BUNDLE"],
            timeout=60,
        )
        assert answer.status_code in (400, 404), f"{path}: {answer.status_code}"


def test_the_link_that_mlflow_prints_leads_to_the_page_of_the_run(
    emulator: RunningEmulator, tracking_uri: str, run_id: str
) -> None:
    """Only a browser sees the part behind the #: the page's script reads it, by the expression that is tried here."""
    page = _get(emulator, f"{tracking_uri}/").text
    scripts = re.findall(r'<script[^>]* src="([^"]+)"', page)
    script = "".join(_get(emulator, f"{emulator.base_url}{source}").text for source in scripts)
    [expression] = re.findall(r"location\.hash\.match\(/(.+)/\)", script)
    found = re.search(expression.replace(r"\/", "/"), f"#/experiments/1/runs/{run_id}")
    assert found
    assert found[2] == run_id
    assert run_id in _get(emulator, f"{emulator.base_url}/runs/{found[2]}").text


def _get(emulator: RunningEmulator, address: str) -> requests.Response:
    answer = requests.get(address, verify=emulator.env["REQUESTS_CA_BUNDLE"], timeout=60)
    assert answer.status_code == 200, address
    return answer
