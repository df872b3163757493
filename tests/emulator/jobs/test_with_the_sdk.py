"""Jobs as a data scientist has them: submitted by azure-ai-ml, tracked by MLflow, downloaded again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from support.emulator import RunningEmulator

from .conftest import Submit

PLAIN = "dependencies: [python=3.11, pip, {pip: [mlflow-skinny]}]"
PLUGIN = "dependencies: [python=3.11, pip, {pip: ['azureml-mlflow==1.62.*']}]"

TRAIN = """
import json, math, pathlib, sys
import mlflow

folder, penalty = sys.argv[1:]
with mlflow.start_run() as run:
    mlflow.log_params({"kernel": "linear", "penalty": penalty})
    for step in range(3):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_metrics({"accuracy": 0.9, "broken": math.nan})
    mlflow.set_tag("team", "x")
    mlflow.log_text("hello", "notes/hello.txt")
    back = mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/notes/hello.txt")
pathlib.Path(folder, "model.json").write_text(json.dumps({"w": 2}))
pathlib.Path("outputs/model.json").write_text(json.dumps({"w": 2}))
print("run", run.info.run_id, back, mlflow.get_tracking_uri().split(":")[0])
"""


@pytest.mark.parametrize(
    ("conda", "scheme"), [(PLAIN, "https"), (PLUGIN, "azureml")], ids=["mlflow alone", "with Azure's plugin"]
)
def test_a_training_job_runs_and_what_it_logged_is_found(
    emulator: RunningEmulator,
    ml: Any,
    submit: Submit,
    rest: Any,
    workspace_id: str,
    tmp_path: Path,
    conda: str,
    scheme: str,
) -> None:
    from azure.ai.ml import Output

    job = submit(
        "python train.py ${{outputs.model}} ${{inputs.penalty}}",
        {"train.py": TRAIN},
        conda,
        inputs={"penalty": 0.5},
        outputs={"model": Output(type="uri_folder")},
        tags={"origin": "test"},
        display_name="first try",
    )
    ml.jobs.stream(job.name)  # raises when the job fails
    assert ml.jobs.get(job.name).status == "Completed"

    ml.jobs.download(job.name, download_path=tmp_path)
    ml.jobs.download(job.name, download_path=tmp_path, output_name="model")
    kept = tmp_path / "artifacts"
    assert (kept / "user_logs" / "std_log.txt").read_text().splitlines()[-1] == f"run {job.name} hello {scheme}"
    assert (kept / "notes" / "hello.txt").read_text() == "hello"
    assert json.loads((kept / "outputs" / "model.json").read_text()) == {"w": 2}
    assert json.loads((tmp_path / "named-outputs" / "model" / "model.json").read_text()) == {"w": 2}

    found = rest("GET", f"/mlflow/v2.0{workspace_id}/api/2.0/mlflow/runs/get", run_id=job.name).json()["run"]
    assert found["info"]["status"] == "FINISHED"
    assert found["info"]["run_name"] == "first try"
    data = {
        kind: {item["key"]: item["value"] for item in found["data"][kind]} for kind in ("params", "metrics", "tags")
    }
    assert data["params"] == {"kernel": "linear", "penalty": "0.5"}
    assert data["metrics"] == {"loss": pytest.approx(1 / 3), "accuracy": 0.9, "broken": "NaN"}
    assert (data["tags"]["team"], data["tags"]["origin"]) == ("x", "test")


def test_a_script_cannot_say_that_its_job_is_finished_before_it_is(submit: Submit, ml: Any) -> None:
    script = """
import mlflow, sys
with mlflow.start_run():
    mlflow.log_metric("accuracy", 0.9)
sys.exit("the run context ended well, the job did not")
"""
    job = submit("python train.py", {"train.py": script}, PLAIN)
    with pytest.raises(Exception, match="the job did not"):
        ml.jobs.stream(job.name)
    assert ml.jobs.get(job.name).status == "Failed"


def test_a_failing_script_is_told_by_the_stream_with_its_last_lines(submit: Submit, ml: Any) -> None:
    job = submit("python train.py", {"train.py": "raise ValueError('the data is broken')"})
    with pytest.raises(Exception, match="exited with status code 1") as caught:
        ml.jobs.stream(job.name)
    assert "ValueError: the data is broken" in str(caught.value)


def test_a_registered_data_asset_is_brought_to_the_job(submit: Submit, ml: Any, tmp_path: Path) -> None:
    from azure.ai.ml import Input
    from azure.ai.ml.entities import Data

    (tmp_path / "rows.csv").write_text("1,2,3")
    ml.data.create_or_update(Data(name="rows", version="1", path=str(tmp_path / "rows.csv"), type="uri_file"))
    job = submit("cat ${{inputs.rows}}", {"x": ""}, inputs={"rows": Input(type="uri_file", path="azureml:rows:1")})
    ml.jobs.stream(job.name)
    ml.jobs.download(job.name, download_path=tmp_path / "found")
    assert (tmp_path / "found" / "artifacts" / "user_logs" / "std_log.txt").read_text() == "1,2,3"


def test_a_running_job_is_canceled(submit: Submit, ml: Any) -> None:
    job = submit("sleep 300", {"x": ""})
    ml.jobs.begin_cancel(job.name).result()
    assert ml.jobs.get(job.name).status == "Canceled"
    with pytest.raises(HttpResponseError, match="terminal status Canceled"):
        ml.jobs.begin_cancel(job.name).result()


def test_a_time_limit_cancels_the_job(submit: Submit, ml: Any) -> None:
    from azure.ai.ml.entities import CommandJobLimits

    job = submit("sleep 300", {"x": ""}, limits=CommandJobLimits(timeout=1))
    ml.jobs.stream(job.name)
    assert ml.jobs.get(job.name).status == "Canceled"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"instance_count": 2}, "on several nodes"),
        ({"instance_count": 2, "distribution": {"type": "ray"}}, "the distribution 'Ray'"),
    ],
)
def test_a_job_that_is_spread_in_a_way_that_does_not_run_here_is_refused_and_not_stored(
    submit: Submit, ml: Any, settings: dict[str, Any], words: str
) -> None:
    before = {job.name for job in ml.jobs.list()}
    with pytest.raises(HttpResponseError, match=words):
        submit("true", {"x": ""}, **settings)
    assert {job.name for job in ml.jobs.list()} == before


def test_the_job_signs_in_as_its_managed_identity(submit: Submit, ml: Any, tmp_path: Path) -> None:
    script = """
import json, os, urllib.request
url = os.environ["MSI_ENDPOINT"] + "?api-version=2017-09-01&resource=https://storage.azure.com"
request = urllib.request.Request(url, headers={"secret": os.environ["MSI_SECRET"]})
print(json.load(urllib.request.urlopen(request))["token_type"])
"""
    job = submit("python t.py", {"t.py": script})
    ml.jobs.stream(job.name)
    ml.jobs.download(job.name, download_path=tmp_path)
    assert (tmp_path / "artifacts" / "user_logs" / "std_log.txt").read_text() == "Bearer\n"
