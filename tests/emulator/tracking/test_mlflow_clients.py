"""The real MLflow clients track in a workspace from outside a job: the plain one, and Azure's plugin."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from support.emulator import running, sign_in

from .conftest import PLAIN, PLUGIN, RunScript

PROGRAM = """
    import json, math, pathlib, sys
    import mlflow

    mlflow.set_experiment(EXPERIMENT)
    with mlflow.start_run(run_name="first try") as run:
        mlflow.log_params({"kernel": "linear", "penalty": 1.0})
        for step in range(5):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_metrics({"accuracy": 0.9, "broken": math.nan, "endless": math.inf})
        mlflow.set_tags({"team": "x", "mlflow.note.content": "a note"})
        mlflow.log_text("hello", "notes/hello.txt")
        mlflow.log_dict({"a": 1}, "d.json")
        pathlib.Path("f.bin").write_bytes(bytes(range(256)))
        mlflow.log_artifact("f.bin", "raw")
        with mlflow.start_run(nested=True, run_name="child"):
            mlflow.log_metric("accuracy", 0.5)

    client = mlflow.MlflowClient()
    found = client.get_run(run.info.run_id)
    experiment = [run.info.experiment_id]
    client.set_terminated(run.info.run_id, "FINISHED")
    with mlflow.start_run(run_id=run.info.run_id):
        pass
    try:
        client.log_param(run.info.run_id, "kernel", "rbf")
        changed = "changed"
    except mlflow.exceptions.MlflowException as error:
        changed = error.error_code
    deleted = client.create_run(experiment[0])
    client.delete_run(deleted.info.run_id)
    raw = pathlib.Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="raw/f.bin"))
    print(json.dumps({
        "run_id": run.info.run_id,
        "name": found.info.run_name,
        "status": client.get_run(run.info.run_id).info.status,
        "params": found.data.params,
        "accuracy": found.data.metrics["accuracy"],
        "nan": math.isnan(found.data.metrics["broken"]),
        "inf": math.isinf(found.data.metrics["endless"]),
        "team": found.data.tags["team"],
        "losses": [[m.step, m.value] for m in client.get_metric_history(run.info.run_id, "loss")],
        "top": sorted(f.path for f in client.list_artifacts(run.info.run_id)),
        "notes": [f.path for f in client.list_artifacts(run.info.run_id, "notes")],
        "text": mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/notes/hello.txt"),
        "raw": raw.read_bytes() == bytes(range(256)),
        "changed": changed,
        "good": [r.info.run_name for r in client.search_runs(experiment, "metrics.accuracy > 0.7 and params.kernel = 'linear'")],
        "ordered": [r.info.run_name for r in client.search_runs(experiment, order_by=["metrics.accuracy ASC"])],
        "children": [r.info.run_name for r in client.search_runs(experiment, f"tags.mlflow.parentRunId = '{run.info.run_id}'")],
        "paged": [len(client.search_runs(experiment, max_results=1)), bool(client.search_runs(experiment, max_results=1).token)],
        "deleted": [r.info.run_id for r in client.search_runs(experiment, run_view_type=2)] == [deleted.info.run_id],
        "experiments": [e.name for e in client.search_experiments(filter_string=f"name = '{EXPERIMENT}'")],
    }))
"""


NEW_WORKSPACE = """
import os
from azure.ai.ml import MLClient
from azure.ai.ml.entities import Workspace
from azure.identity import DefaultAzureCredential
from azure.mgmt.resource.resources import ResourceManagementClient

subscription, arm = os.environ["AZURE_SUBSCRIPTION_ID"], os.environ["REGISTRY_DISCOVERY_ENDPOINT_URL"]
scopes = [f"{arm.rstrip('/')}/.default"]
groups = ResourceManagementClient(DefaultAzureCredential(), subscription, base_url=arm, credential_scopes=scopes)
groups.resource_groups.create_or_update("rg", {"location": "westeurope"})
MLClient(DefaultAzureCredential(), subscription, "rg").workspaces.begin_create(Workspace(name="only")).result()
"""


def check(printed: str) -> str:
    """What the program must have found, whichever client it used; the run's id."""
    found = json.loads(printed.strip().splitlines()[-1])
    assert found["name"] == "first try"
    assert found["status"] == "FINISHED"
    assert found["params"] == {"kernel": "linear", "penalty": "1.0"}
    assert (found["accuracy"], found["nan"], found["inf"], found["team"]) == (0.9, True, True, "x")
    assert found["losses"] == [[step, 1 / (step + 1)] for step in range(5)]
    assert found["top"] == ["d.json", "notes", "raw"]
    assert found["notes"] == ["notes/hello.txt"]
    assert (found["text"], found["raw"]) == ("hello", True)
    assert found["changed"] == "INVALID_PARAMETER_VALUE"
    assert found["good"] == ["first try"]
    assert found["ordered"] == ["child", "first try"]
    assert found["children"] == ["child"]
    assert found["paged"] == [1, True]
    assert found["deleted"]
    assert len(found["experiments"]) == 1
    run_id: str = found["run_id"]
    return run_id


def with_experiment(name: str) -> str:
    return f"    EXPERIMENT = {name!r}\n{PROGRAM}"


def test_the_plain_client_tracks_in_the_workspace_that_its_uri_names(run_script: RunScript, tracking_uri: str) -> None:
    check(run_script(PLAIN, with_experiment("plain"), MLFLOW_TRACKING_URI=tracking_uri))


def test_the_plain_client_that_knows_the_emulators_address_only_tracks_in_its_only_workspace(
    run_script: RunScript, tmp_path: Path
) -> None:
    program = """
        import mlflow
        with mlflow.start_run():  # no experiment is named: it is the one called Default
            mlflow.log_metric("accuracy", 0.9)
            mlflow.log_text("hello", "hello.txt")
        print(mlflow.MlflowClient().search_runs(["0"])[0].data.metrics["accuracy"])
        print(mlflow.get_experiment_by_name("Default").name)
    """
    with running(tmp_path / "emulator") as alone:
        subprocess.run([sys.executable, "-c", NEW_WORKSPACE], env=alone.environment(), check=True, capture_output=True)
        token = sign_in(alone).json()["access_token"]
        variables = {**alone.env, "MLFLOW_TRACKING_URI": alone.base_url, "MLFLOW_TRACKING_TOKEN": token}
        assert run_script(PLAIN, program, **variables).split()[-2:] == ["0.9", "Default"]


def test_azures_plugin_tracks_with_the_uri_that_the_workspace_gives(run_script: RunScript, ml) -> None:
    uri = ml.workspaces.get(ml.workspace_name).mlflow_tracking_uri
    assert uri.startswith("azureml://")
    run_id = check(
        run_script(PLUGIN, with_experiment("plugin"), MLFLOW_TRACKING_URI=uri, AZUREML_CURRENT_CLOUD="AzureLocal")
    )
    assert run_id


def test_a_model_logged_with_mlflow_3_is_refused_by_name(run_script: RunScript, tracking_uri: str) -> None:
    program = """
        import mlflow
        try:
            mlflow.MlflowClient().create_logged_model("0", name="m")
        except mlflow.exceptions.MlflowException as error:
            print(error.error_code, error.message)
    """
    printed = run_script(PLAIN, program, MLFLOW_TRACKING_URI=tracking_uri)
    assert "ENDPOINT_NOT_FOUND" in printed
    assert "The emulator does not do this part of MLflow's API" in printed
