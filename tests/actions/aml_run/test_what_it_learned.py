"""What a job taught, in the summary: real jobs, a registered champion, curves, matrices."""

import json
import re
from typing import Any

import pytest
from support.steps import Outcome
from support.training import COMPUTE, IMAGE, RUN_CONFIG, TRACKED, TrainingRepository

TRAIN = """\
import json, os, pathlib
import mlflow

mlflow.log_params({"penalty": 0.5})
for epoch in range(120):
    mlflow.log_metric("train/loss", 1 / (epoch + 1), step=epoch)
for number in range(3):
    mlflow.log_metric("again", number)
mlflow.log_metrics({"accuracy": float(os.environ["ACCURACY"]), "loss": float(os.environ["LOSS"]), "only here": 1.0})
outputs = pathlib.Path("outputs")
outputs.mkdir(exist_ok=True)
(outputs / "model.pkl").write_text(os.environ["ACCURACY"])
(outputs / "roc curve.png").write_bytes(b"png")
matrix = {"class_labels": ["no | yes", "<b>yes</b>"], "matrix": [[3, 1], [0, 4]]}
document = {"schema_type": "confusion_matrix", "schema_version": "1.0.0", "data": matrix}
(outputs / "confusion_matrix.json").write_text(json.dumps(document))
"""

HOSTILE = """\
import json, os, pathlib, ssl, urllib.parse, urllib.request

job = os.environ["MLFLOW_RUN_ID"]
host = urllib.parse.urlsplit(os.environ["MLFLOW_TRACKING_URI"]).netloc
address = f"https://{host}/metric/v2.0{os.environ['AZUREML_WORKSPACE_SCOPE']}/runs/{job}/batch"

def log(name, kind, *values):
    # What `Run.log` of azureml-core sends; SDK v1 takes any name.
    rows = [{"data": {name: value}} for value in values]
    body = {"values": [{"name": name, "columns": {name: kind}, "value": rows}]}
    headers = {"Authorization": "Bearer " + os.environ["MLFLOW_TRACKING_TOKEN"], "Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(address, json.dumps(body).encode(), headers), context=ssl.create_default_context(
        cafile=os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE")))

fence = "`" * 3
log("a | b", "double", 1, 2, 3)
log("line\\n\\n# heading", "double", 1, 2)
log(f"x\\n{fence}\\n<script>alert(1)</script>", "double", 1, 2)
log('quote"] --> %%{init: {}}%%', "double", 1, 2)
log("@octocat <img src=x onerror=alert(1)>", "string", "[click](javascript:alert(1)) ![](http://evil.example/x.png)")
matrix = {"class_labels": ["</details>", "| x |", "@octocat"], "matrix": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}
pathlib.Path("outputs").mkdir(exist_ok=True)
pathlib.Path("outputs/matrix").write_text(json.dumps({"schema_type": "confusion_matrix", "schema_version": "v1", "data": matrix}))
log("Confusion | matrix", "artifact", f"aml://artifactId/ExperimentRun/dcid.{job}/outputs/matrix")
"""

MANY = """\
import json, os, ssl, urllib.parse, urllib.request

host = urllib.parse.urlsplit(os.environ["MLFLOW_TRACKING_URI"]).netloc
address = f"https://{host}/mlflow/v2.0{os.environ['AZUREML_WORKSPACE_SCOPE']}/api/2.0/mlflow/runs/log-batch"
metrics = [{"key": f"metric {n:04}", "value": n, "timestamp": 1, "step": 0} for n in range(1000)]
headers = {"Authorization": "Bearer " + os.environ["MLFLOW_TRACKING_TOKEN"], "Content-Type": "application/json"}
body = json.dumps({"run_id": os.environ["MLFLOW_RUN_ID"], "metrics": metrics}).encode()
urllib.request.urlopen(urllib.request.Request(address, body, headers), context=ssl.create_default_context(
    cafile=os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE")))
"""

SWEEP = f"""\
type: sweep
compute: azureml:{COMPUTE}
trial:
  code: src
  command: python trial.py --lr ${{{{search_space.lr}}}}
  environment: {{image: '{IMAGE}:latest', conda_file: environment.yml}}
search_space:
  lr: {{type: choice, values: [0.1, 0.4]}}
sampling_algorithm: grid
objective: {{goal: maximize, primary_metric: accuracy}}
limits: {{max_total_trials: 2, max_concurrent_trials: 2}}
"""
TRIAL = """\
import argparse
import mlflow
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
lr = parser.parse_args().lr
mlflow.log_param("lr", lr)
for step in range(4):
    mlflow.log_metric("accuracy", (1 - lr) * (step + 1) / 4, step=step)
"""
MODEL = "credit-risk"
MODEL_FILE = {
    "model_name": MODEL,
    "model_file_name": "model.pkl",
    "metrics_max": ["accuracy"],
    "metrics_min": ["loss"],
    "force_registration": True,
}


def train(repository: TrainingRepository, accuracy: float, loss: float, **parameters: Any) -> Outcome:
    config = RUN_CONFIG.replace("EXAMPLE: value", f'ACCURACY: "{accuracy}", LOSS: "{loss}"')
    repository.training(TRAIN, conda=TRACKED, run_config=config)
    done = repository.step("aml-run", parameters)
    assert done.code == 0, done.log
    return done


def register(repository: TrainingRepository, job: Outcome, **changes: Any) -> str:
    done = repository.step("aml-registermodel", {**MODEL_FILE, **changes}, run_id=job.outputs["run_id"])
    assert done.code == 0, done.log
    return done.outputs["model_id"]


def rows(summary: str) -> list[list[str]]:
    """Every row of every table, its cells stripped."""
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in summary.splitlines()
        if line.startswith("|")
    ]


def test_everything_of_a_training_is_in_the_summary(repository: TrainingRepository) -> None:
    done = train(repository, 0.9, 0.25)
    run_id = done.outputs["run_id"]
    table = rows(done.summary)

    # The outputs: the legacy ones as ever, and the plain one beside them.
    assert json.loads(done.outputs["metrics"])["accuracy"] == 0.9
    assert json.loads(done.outputs["run_metrics"]) == {run_id: json.loads(done.outputs["metrics"])}

    # Metrics, parameters, tags.
    assert ["accuracy", "0.9"] in table
    assert ["penalty", "0.5"] in table
    assert ["GITHUB\\_REPOSITORY", "octo/credit-risk"] in table

    # Time and nodes, from run history.
    names = [row[0] for row in table]
    assert ["Nodes", "1"] in table
    assert {"Duration", "Waited in the queue", "Node-hours"} <= set(names)
    usage = done.result["usage"]
    assert usage["nodes"] == 1
    assert usage["node_hours"] == pytest.approx(usage["running_seconds"] / 3600, abs=1e-4)
    assert usage["compute"] == [COMPUTE]
    assert "Node size" not in names  # the emulator does not know it

    # Curves of what has steps, at most 50 points; what has one value is none.
    charts = re.findall(r"```mermaid\n(.*?)```", done.summary, re.DOTALL)
    assert len(charts) == 2
    assert 'title "train/loss"' in charts[0]
    assert 'x-axis "step" 0 --> 119' in charts[0]
    assert charts[0].count(",") == 49
    assert 'x-axis "value number" 1 --> 3' in charts[1]
    assert "line [0, 1, 2]" in charts[1]

    # The confusion matrix, and the picture in Studio.
    assert ["**no \\| yes**", "3", "1"] in table
    assert "<b>yes" not in done.summary
    assert f"[outputs/roc curve.png]({done.outputs['run_url']})" in done.summary
    assert "sig=" not in done.summary + done.log

    # Nobody named a champion.
    assert "Compared with" not in done.summary
    assert done.result["comparison"] is None


def test_a_job_stands_beside_the_champion_of_the_model_file(repository: TrainingRepository) -> None:
    champion = train(repository, 0.8, 0.4)
    model = register(repository, champion)
    done = train(repository, 0.9, 0.5)
    table = rows(done.summary)
    assert f"#### Compared with [{model}](" in done.summary
    assert ["accuracy", "0.9", "0.8", "+0.1", "✅ better"] in table
    assert ["loss", "0.5", "0.4", "+0.1", "❌ worse"] in table
    assert ["only here", "1", "1", "0", ""] in table
    assert table.index(["loss", "0.5", "0.4", "+0.1", "❌ worse"]) < table.index(["only here", "1", "1", "0", ""])
    assert f"`{champion.outputs['run_id']}`" in done.summary
    compared = done.result["comparison"]
    assert (compared["champion"], compared["job"]) == (model, champion.outputs["run_id"])
    assert compared["metrics"]["loss"]["better"] is False

    # An older version, another job, and nothing, if so told.
    newer = register(repository, done)
    assert newer != model
    again = train(repository, 0.85, 0.5, compare_with=model)
    assert ["accuracy", "0.85", "0.8", "+0.05", "✅ better"] in rows(again.summary)
    again = train(repository, 0.85, 0.5, compare_with=done.outputs["run_id"])
    assert ["accuracy", "0.85", "0.9", "-0.05", "❌ worse"] in rows(again.summary)
    assert ["loss", "0.5", "0.5", "0", "equal"] in rows(again.summary)
    again = train(repository, 0.85, 0.5, compare_with="")
    assert "Compared with" not in again.summary
    assert again.result["comparison"] is None


def test_a_model_without_a_version_is_no_warning_and_no_comparison(repository: TrainingRepository) -> None:
    repository.write({".cloud/.azure/registermodel.json": json.dumps({"model_name": "not-yet-there"})})
    done = train(repository, 0.9, 0.5)
    assert "There is no registered model not-yet-there yet to compare with." in done.summary
    assert "::warning" not in done.log


@pytest.mark.parametrize("name", ["no-such-thing", "no-such-thing:7"])
def test_a_champion_that_was_asked_for_and_is_not_there_is_a_warning(repository: TrainingRepository, name: str) -> None:
    done = train(repository, 0.9, 0.5, compare_with=name)
    assert f"compare_with: There is no registered model or job {name} yet" in done.log.replace("%3A", ":")
    assert "::warning" in done.log
    assert done.result["comparison"]["problem"]


def test_champions_with_which_nothing_can_be_compared(repository: TrainingRepository) -> None:
    # One that was registered from the repository, without a job.
    repository.write({"outputs/model.pkl": "weights"})
    local = repository.step("aml-registermodel", {"model_name": "local-model", "model_file_name": "outputs/model.pkl"})
    assert local.code == 0, local.log
    done = train(repository, 0.9, 0.5, compare_with="local-model")
    assert "local-model:1 did not come from a job; there are no metrics to compare with." in done.summary

    # A job that logged nothing.
    repository.training("print('silent')")
    silent = repository.step("aml-run", {}).outputs["run_id"]
    done = train(repository, 0.9, 0.5, compare_with=silent)
    assert f"Job {silent}, from which {silent} came, logged no metrics" in done.summary.replace("\\_", "_")


def test_a_re_run_that_attaches_to_the_champion_s_own_job_says_so(repository: TrainingRepository) -> None:
    config = RUN_CONFIG.replace("EXAMPLE: value", 'ACCURACY: "0.95", LOSS: "0.1"')
    repository.training(TRAIN, conda=TRACKED, run_config=config)
    run = {"GITHUB_RUN_ID": "90210"}
    first = repository.step("aml-run", {}, env=run)
    model = register(repository, first, model_name="attached")
    second = repository.step("aml-run", {"compare_with": "attached"}, env={**run, "GITHUB_RUN_ATTEMPT": "2"})
    assert second.code == 0, second.log
    assert second.outputs["run_id"] == first.outputs["run_id"]
    assert f"{model} came from this very job." in second.summary


PIPELINE = f"""\
type: pipeline
settings: {{default_compute: "azureml:{COMPUTE}"}}
jobs:
  prepare:
    type: command
    code: .
    command: echo prepared
    environment: {{image: "{IMAGE}:latest", conda_file: environment.yml}}
  fit:
    type: command
    code: .
    command: ACCURACY=0.9 LOSS=0.1 python train.py
    environment: {{image: "{IMAGE}:latest", conda_file: environment.yml}}
"""


def test_a_step_of_a_pipeline_meets_the_step_that_gave_the_champion(repository: TrainingRepository) -> None:
    repository.training(TRAIN, conda=TRACKED)
    repository.write({"code/train/job.yml": PIPELINE})
    first = repository.step("aml-run", {"job_file": "code/train/job.yml"})
    assert first.code == 0, first.log
    model = register(repository, first, model_name="piped", pipeline_child_run_name="fit")
    repository.write({"code/train/job.yml": PIPELINE.replace("ACCURACY=0.9", "ACCURACY=0.95")})
    done = repository.step("aml-run", {"job_file": "code/train/job.yml", "compare_with": "piped"})
    assert done.code == 0, done.log
    assert f"Compared with [{model}](" in done.summary
    assert ["accuracy", "0.95", "0.9", "+0.05", "✅ better"] in rows(done.summary)
    assert ["fit", "0.95", "2", "0.1", "1", "0.00833333"] in rows(done.summary)
    assert 'title "train/loss of fit"' in done.summary
    assert "of fit" in next(line for line in done.summary.splitlines() if line.startswith("#### Confusion matrix"))
    assert "outputs/roc curve.png" in done.summary
    assert json.loads(done.outputs["metrics"]) == {}


def test_a_sweep_shows_its_best_trial(repository: TrainingRepository) -> None:
    repository.write({"jobs/job.yml": SWEEP, "jobs/environment.yml": TRACKED, "jobs/src/trial.py": TRIAL})
    first = repository.step("aml-run", {"job_file": "jobs/job.yml"})
    assert first.code == 0, first.log
    best = first.result["best_child"]
    assert json.loads(first.outputs["run_metrics"])[best]["accuracy"] == 0.9
    assert "#### Metrics of child jobs" in first.summary
    (winner,) = [row for row in rows(first.summary) if row[0].startswith("🏆")]
    assert winner[1] == "0.9"
    assert "Parameters of child jobs" in first.summary
    assert 'title "accuracy of ' in first.summary
    assert first.result["usage"]["node_hours"] > 0
    assert "queued_seconds" not in first.result["usage"]

    # The best trial meets the best trial.
    done = repository.step("aml-run", {"job_file": "jobs/job.yml", "compare_with": first.outputs["run_id"]})
    assert done.code == 0, done.log
    assert done.result["comparison"]["job"] == best
    assert done.result["comparison"]["compared_job"] == done.result["best_child"]
    assert ["accuracy", "0.9", "0.9", "0"] in rows(done.summary)


def test_no_name_and_no_value_of_a_job_is_markdown(repository: TrainingRepository) -> None:
    repository.training(HOSTILE, conda=TRACKED)
    done = repository.step("aml-run")
    assert done.code == 0, done.log
    summary = done.summary
    table = rows(summary)
    assert ["a \\| b", "3"] in table
    assert ["**&lt;/details&gt;**", "1", "0", "0"] in table
    assert not [line for line in summary.splitlines() if line.startswith("# ")]
    assert "<script" not in summary
    assert "<img" not in summary
    assert r"\[click\](javascript:alert(1))" in summary  # both brackets are escaped: no link
    assert "http://evil" not in summary
    assert "@octocat" not in summary
    # Every fence is closed where it was meant to be: an odd number of them would swallow the rest.
    fences = [line for line in summary.splitlines() if line.startswith("```")]
    assert fences == ["```mermaid", "```"] * (len(fences) // 2)
    assert "%%{" not in "".join(re.findall(r"```mermaid\n(.*?)```", summary, re.DOTALL))
    # Folded sections end where they should.
    assert summary.count("<details>") == summary.count("</details>")


def test_a_thousand_metrics_are_cut_in_the_summary_and_whole_in_the_outputs(repository: TrainingRepository) -> None:
    repository.training(MANY)
    done = repository.step("aml-run")
    assert done.code == 0, done.log
    assert len(json.loads(done.outputs["metrics"])) == 1000
    assert "The first 100 of 1000; the output `result` has all." in done.summary
    assert len(done.summary) < 20_000
