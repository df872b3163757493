"""Reading run history and MLflow: the shapes that the services answer with."""

from collections.abc import Mapping
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from aml_actions.run_history import RunHistory
from aml_actions.tracking import Point, Tracking, number, rest_address
from aml_actions.workspace import WorkspaceRef

WORKSPACE = WorkspaceRef("sub", "rg", "ws")
BASE = f"https://region.example/history/v1.0{WORKSPACE.arm_id}"


class Recorded:
    """Answers of a service by URL; what is not there is a 404."""

    def __init__(self, answers: Mapping[str, dict[str, Any]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def get(self, url: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        self.asked.append(url)
        if url not in self.answers:
            error = HttpResponseError("not found")
            error.status_code = 404
            raise error
        return self.answers[url]


def history(answers: Mapping[str, dict[str, Any]]) -> RunHistory:
    return RunHistory(Recorded(answers), "https://region.example/", WORKSPACE)  # type: ignore[arg-type]


def test_a_failed_job_has_its_reason_in_the_details() -> None:
    details = history(
        {
            f"{BASE}/runs/ant/details": {
                "status": "Failed",
                "logFiles": {"user_logs/std_log.txt": "https://blob.example/x?sig=SECRET"},
                "error": {
                    "error": {
                        "code": "UserError",
                        "message": "Execution failed.",
                        "innerError": {"code": "BadArgument", "innerError": {"code": "ImageBuildFailed"}},
                    }
                },
                "warnings": [{"source": "x", "message": "low disk"}, {"message": ""}],
            }
        }
    ).details("ant")
    assert details.status == "Failed"
    assert details.error is not None
    assert (details.error.code, details.error.message) == ("ImageBuildFailed", "Execution failed.")
    assert details.warnings == ("low disk",)
    assert "SECRET" not in repr(details)


def test_a_job_that_runs_has_none() -> None:
    details = history(
        {f"{BASE}/runs/ant/details": {"status": "Running", "error": None, "warnings": None, "logFiles": None}}
    ).details("ant")
    assert (details.error, details.warnings, dict(details.log_files)) == (None, (), {})


def test_children_come_in_pages() -> None:
    found = history(
        {
            f"{BASE}/runs/p/children": {
                "value": [{"runId": "1", "displayName": "prepare", "status": "Completed", "error": None}],
                "nextLink": "https://region.example/next",
            },
            "https://region.example/next": {
                "value": [
                    {
                        "runId": "2",
                        "displayName": None,
                        "name": "train",
                        "status": "Failed",
                        "error": {"error": {"code": "UserError", "message": "no"}},
                        "properties": {"best_child_run_id": "3"},
                    }
                ]
            },
        }
    ).children("p")
    assert [(one.name, one.display_name, one.status) for one in found] == [
        ("1", "prepare", "Completed"),
        ("2", "train", "Failed"),
    ]
    assert found[1].error is not None
    assert found[1].properties["best_child_run_id"] == "3"


def test_names_are_quoted_in_the_address() -> None:
    files = {f"{BASE}/experiments/a%2Fb%20c/runs/ant/artifacts": {"value": [{"path": "b"}, {"path": "a"}, {}]}}
    assert history(files).artifacts("a/b c", "ant") == ["a", "b"]


def test_what_a_job_logged() -> None:
    uri = "azureml://region.example/mlflow/v1.0/subscriptions/s/resourceGroups/g"
    url = "https://region.example/mlflow/v2.0/subscriptions/s/resourceGroups/g/api/2.0/mlflow/runs/get"
    answer = {
        "run": {
            "data": {
                "metrics": [{"key": "loss", "value": "NaN"}, {"key": "acc", "value": 0.5}],
                "params": [{"key": "kernel", "value": "linear"}],
            }
        }
    }
    logged = Tracking(Recorded({url: answer}), uri).logged("ant")  # type: ignore[arg-type]
    assert logged.metrics == {"loss": "NaN", "acc": 0.5}
    assert logged.params == {"kernel": "linear"}


@pytest.mark.parametrize("answers", [{}, {"https://h/mlflow/v2.0/x/api/2.0/mlflow/runs/get": {"run": {"data": {}}}}])
def test_a_job_that_logged_nothing(answers: dict[str, Any]) -> None:
    logged = Tracking(Recorded(answers), "azureml://h/mlflow/v1.0/x").logged("ant")  # type: ignore[arg-type]
    assert (logged.metrics, logged.params) == ({}, {})


@pytest.mark.parametrize(
    ("sent", "value"),
    [(0.5, 0.5), (3, 3), ("0.25", 0.25), ("NaN", "NaN"), ("Infinity", "Infinity"), ("-Infinity", "-Infinity")],
)
def test_every_value_of_a_metric_can_be_written_as_json(sent: object, value: object) -> None:
    assert number(sent) == value


def test_the_rest_api_of_a_workspace() -> None:
    uri = "azureml://eastus.api.azureml.ms/mlflow/v1.0/subscriptions/s/resourceGroups/g/providers/p/workspaces/w"
    assert rest_address(uri) == (
        "https://eastus.api.azureml.ms/mlflow/v2.0/subscriptions/s/resourceGroups/g/providers/p/workspaces/w"
    )


class Paged:
    """The history of a metric in pages, each behind the token of the one before."""

    def __init__(self, pages: list[list[dict[str, Any]]]) -> None:
        self.pages = pages

    def get(self, url: str, params: Mapping[str, str]) -> dict[str, Any]:
        assert url.endswith("/api/2.0/mlflow/metrics/get-history")
        assert (params["run_id"], params["metric_key"]) == ("ant", "loss")
        number = int(params.get("page_token", "0"))
        more = {"next_page_token": str(number + 1)} if number + 1 < len(self.pages) else {}
        return {"metrics": self.pages[number], **more}


def test_the_history_of_a_metric_comes_in_pages_and_has_finite_numbers_in_the_order_of_steps() -> None:
    pages = [
        [{"value": 1.0, "step": 2, "timestamp": 5}, {"value": "NaN", "step": 3}, {"value": "Infinity", "step": 4}],
        [{"value": 3.0, "step": "1", "timestamp": "9"}, {"value": 2.0, "timestamp": 1}],
        [{"value": 4.0, "step": 2, "timestamp": 4}],
    ]
    found = Tracking(Paged(pages), "azureml://region.example/mlflow/v1.0/x").history("ant", "loss")  # type: ignore[arg-type]
    assert found == [Point(0, 1, 2.0), Point(1, 9, 3.0), Point(2, 4, 4.0), Point(2, 5, 1.0)]


def test_a_job_with_its_tags_times_and_nodes() -> None:
    found = history(
        {
            f"{BASE}/runs/ant": {
                "tags": {"team": "blue"},
                "properties": {"best_child_run_id": "ant_3", "attempt": 1},
                "createdUtc": "2026-11-25T12:00:00.0000000+00:00",
                "startTimeUtc": "2026-11-25T12:01:00.5Z",
                "endTimeUtc": None,
                "target": "cpu-cluster",
                "compute": None,
                "computeRequest": {"nodeCount": 2, "gpuCount": 0},
            }
        }
    ).run("ant")
    assert (found.tags, found.properties["attempt"]) == ({"team": "blue"}, "1")
    usage = found.usage
    assert (usage.queued_seconds, usage.running_seconds, usage.compute, usage.nodes) == (60.5, None, "cpu-cluster", 2)
