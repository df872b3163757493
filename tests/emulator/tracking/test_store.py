"""What runs log, and what is found again."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from aml_emulator.database import Database
from aml_emulator.tracking.store import Metric, ParameterChanged, Run, TrackingStore

WORKSPACE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite3"


@pytest.fixture
def store(file: Path) -> TrackingStore:
    return TrackingStore(Database(file), "https://127.0.0.1:8443")


@pytest.fixture
def run(store: TrackingStore) -> Run:
    return store.create_run(WORKSPACE, "iris")


def test_the_latest_value_is_that_of_the_highest_step_not_of_the_last_call(store: TrackingStore, run: Run) -> None:
    store.log_metrics(run.id, [Metric("loss", 0.3, 2, 1000), Metric("loss", 0.5, 1, 3000)])
    store.log_metrics(run.id, [Metric("loss", 0.9, 0, 9000)])
    assert store.metrics(run.id)["loss"].value == 0.3
    assert [(metric.step, metric.value) for metric in store.history(run.id, "loss")] == [(0, 0.9), (1, 0.5), (2, 0.3)]


def test_a_request_that_is_sent_twice_logs_once(store: TrackingStore, run: Run) -> None:
    for _ in range(2):
        store.log_metrics(run.id, [Metric("loss", 0.3, 1, 1000), Metric("loss", math.nan, 1, 1000)])
    assert len(store.history(run.id, "loss")) == 2


@pytest.mark.parametrize("value", [math.inf, -math.inf, 1e308, 5e-324, -0.0])
def test_any_number_comes_back_as_it_was(store: TrackingStore, run: Run, value: float) -> None:
    store.log_metrics(run.id, [Metric("x", value, -3, 0)])
    assert store.metrics(run.id)["x"] == Metric("x", value, -3, 0)


def test_nan_comes_back_as_nan(store: TrackingStore, run: Run) -> None:
    store.log_metrics(run.id, [Metric("x", math.nan, 0, 0)])
    assert math.isnan(store.metrics(run.id)["x"].value)
    assert math.isnan(store.history(run.id, "x")[0].value)


def test_a_parameter_never_changes_and_a_refused_batch_leaves_nothing(store: TrackingStore, run: Run) -> None:
    store.log_params(run.id, {"kernel": "linear"})
    store.log_params(run.id, {"kernel": "linear"})
    with pytest.raises(ParameterChanged, match="already logged with value='linear'"):
        store.log_params(run.id, {"penalty": "1", "kernel": "rbf"})
    assert store.params(run.id) == {"kernel": "linear"}


def test_everything_is_still_there_after_a_restart_on_another_port(file: Path, store: TrackingStore, run: Run) -> None:
    store.log_metrics(run.id, [Metric("loss", 0.3, 2, 1000)])
    store.set_tags(run.id, {"team": "x"})
    store.update_run(run.id, status="Failed", error={"error": {"code": "UserError"}}, exit_code=3)
    again = TrackingStore(Database(file), "https://127.0.0.1:9999")
    found = again.run(run.id)
    assert found is not None
    assert (found.status, found.error, found.exit_code) == ("Failed", {"error": {"code": "UserError"}}, 3)
    assert found.artifact_uri.startswith("azureml://127.0.0.1:9999/mlflow/v2.0/subscriptions/s/")
    assert again.tags(run.id) == {"team": "x"}
    assert again.metrics(run.id)["loss"].value == 0.3


def test_a_name_is_an_experiment_of_its_own_in_each_workspace(store: TrackingStore) -> None:
    here = store.experiment(WORKSPACE, "iris")
    assert store.experiment(WORKSPACE.upper().replace("/W", "/w"), "iris").id == here.id
    assert store.experiment(f"{WORKSPACE}2", "iris").id != here.id
    assert store.experiment(WORKSPACE, "other", create=False) is None


def test_a_deleted_workspace_takes_its_runs_with_it_and_no_others(store: TrackingStore, run: Run) -> None:
    kept = store.create_run(f"{WORKSPACE}2", "iris")
    store.log_metrics(run.id, [Metric("loss", 0.3, 2, 1000)])
    store.delete_workspace(WORKSPACE)
    assert store.run(run.id) is None
    assert store.history(run.id, "loss") == []
    assert store.run(kept.id) is not None


def test_a_name_of_a_run_is_taken_once(store: TrackingStore, run: Run) -> None:
    with pytest.raises(ValueError, match="exists already"):
        store.create_run(WORKSPACE, "iris", run_id=run.id)
