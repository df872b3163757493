"""aml-run as a step of a workflow: real jobs in real environments."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.runner_log import commands
from support.training import COMPUTE, IMAGE, PLAIN, RUN_CONFIG, TRACKED, TrainingRepository

TRAIN = """\
import argparse, os, pathlib
import mlflow

parser = argparse.ArgumentParser()
parser.add_argument("--penalty", type=float)
parser.add_argument("--note")
arguments = parser.parse_args()
print("note:", arguments.note)
print("variable:", os.environ["EXAMPLE"])
mlflow.log_params({"penalty": arguments.penalty, "kernel": "<b>linear</b> | x"})
for step in range(3):
    mlflow.log_metric("loss", 1 / (step + 1), step=step)
mlflow.log_metric("accuracy", 0.98765)
pathlib.Path("outputs").mkdir(exist_ok=True)
pathlib.Path("outputs/model.pkl").write_text("weights")
"""

FAILS = """\
import sys
print("epoch 1")
print("Traceback (most recent call last):")
print("ValueError: no data in /mnt/data")
sys.exit(3)
"""

LOGS_AS_SDK_V1 = """\
import json, os, ssl, urllib.parse, urllib.request
import mlflow

host = urllib.parse.urlsplit(os.environ["MLFLOW_TRACKING_URI"]).netloc
address = f"https://{host}/metric/v2.0{os.environ['AZUREML_WORKSPACE_SCOPE']}/runs/{os.environ['MLFLOW_RUN_ID']}/batch"

def log(name, *values, **columns):
    # What `Run.log`, `Run.log_list` and `Run.log_row` of azureml-core send.
    columns = columns or {name: "string"}
    rows = values if isinstance(values[0], dict) else [{name: value} for value in values]
    body = {"values": [{"name": name, "columns": columns, "value": [{"data": row} for row in rows]}]}
    headers = {"Authorization": "Bearer " + os.environ["MLFLOW_TRACKING_TOKEN"], "Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(address, json.dumps(body).encode(), headers), context=ssl.create_default_context(
        cafile=os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE")))

mlflow.log_metric("accuracy", 0.98765)
log("Kernel type", "linear")
log("classes", "a", "b")
log("by class", {"class": "a", "recall": 0.5}, {"class": "b", "recall": 1.0}, **{"class": "string", "recall": "double"})
"""

PRINTS_COMMANDS = """\
print("::error::forged annotation")
print("::add-mask::epoch")
print("::set-output name=run_id::forged")
print("::stop-commands::known")
print("::known::")
print("##[error]forged too")
print("::group::never closed")
print("epoch 1")
"""

JOB = f"""\
$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json
type: command
experiment_name: from-the-file
display_name: greet
tags: {{team: blue, GITHUB_SHA: forged}}
code: src
command: >-
  python greet.py --name ${{{{inputs.name}}}} --to ${{{{outputs.greeting}}}}
inputs:
  name: world
outputs:
  greeting:
    type: uri_folder
environment:
  image: {IMAGE}
  conda_file: environment.yml
compute: azureml:{COMPUTE}
"""

GREET = """\
import argparse, pathlib
parser = argparse.ArgumentParser()
parser.add_argument("--name")
parser.add_argument("--to")
arguments = parser.parse_args()
folder = pathlib.Path(arguments.to)
folder.mkdir(parents=True, exist_ok=True)
(folder / "greeting.txt").write_text(f"hello {arguments.name}")
print("greeted", arguments.name)
"""


def test_a_repository_of_the_legacy_actions_trains_as_it_is(repository: TrainingRepository, client: Any) -> None:
    repository.training(TRAIN, conda=TRACKED)
    done = repository.step("aml-run", {"tags": {"team": "blue"}})
    assert done.code == 0, done.log

    # The script got what the file says, and its output is in the log, after the link.
    assert "note: it's $HOME; `id`" in done.log
    assert "variable: value" in done.log
    assert done.log.index(done.outputs["run_url"]) < done.log.index("note:")

    # The translation can be kept, and the SDK's own remarks are no part of the log.
    assert "code/train/run_config.yml as a v2 job YAML (its paths are relative to code/train/)" in done.log
    assert "compute: azureml:cpu-cluster" in done.log
    assert not [line for line in done.log.splitlines() if "experimental class" in line and "::debug::" not in line]

    # Outputs, in the legacy formats.
    run_id = done.outputs["run_id"]
    assert done.outputs["experiment_name"] == "credit-risk-main"
    assert done.outputs["run_url"].startswith(f"{repository.emulator.base_url}/runs/{run_id}?wsid=")
    assert json.loads(done.outputs["run_metrics"]) == {run_id: {"accuracy": 0.98765, "loss": pytest.approx(1 / 3)}}
    assert f"| {run_id} | accuracy | 0.988 |" in done.outputs["run_metrics_markdown"]
    assert done.outputs["run_metrics_markdown"].startswith(f"## Run Details:\n\n Experiment/Pipeline ID: {run_id} ")
    assert done.result["status"] == "Completed"
    assert done.result["params"][run_id]["penalty"] == "1.0"
    assert "outputs/model.pkl" in done.result["artifacts"]
    assert done.result["duration_seconds"] > 0

    # The summary shows it; what the script logged stays text.
    assert "| accuracy | 0.98765 |" in done.summary
    assert "<b>linear" not in done.summary
    assert "&lt;b&gt;linear" in done.summary

    # The signed URLs that the log was read with are shown nowhere.
    for text in (done.log, done.summary, json.dumps(done.outputs)):
        assert "sig=" not in text

    # The job in Azure is the one that was meant.
    job = client.jobs.get(run_id)
    assert {**job.tags, "AML_RUN_DEFINITION": ""} == {
        "team": "blue",
        "GITHUB_ACTOR": "octocat",
        "GITHUB_REPOSITORY": "octo/credit-risk",
        "GITHUB_SHA": "c0ffee0000000000000000000000000000000000",
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_RUN_ID": "4711",
        "AML_RUN_DEFINITION": "",
    }
    assert job.compute.endswith(COMPUTE)


def test_texts_that_a_script_of_sdk_v1_logs_stay_rows(repository: TrainingRepository) -> None:
    repository.training(LOGS_AS_SDK_V1, conda=TRACKED)
    done = repository.step("aml-run")
    assert done.code == 0, done.log
    run_id = done.outputs["run_id"]
    assert json.loads(done.outputs["run_metrics"]) == {
        run_id: {
            "Kernel type": "linear",
            "classes": ["a", "b"],
            "by class": {"class": ["a", "b"], "recall": [0.5, 1.0]},
            "accuracy": 0.98765,
        }
    }
    for row in ("Kernel type | linear", "classes | ['a', 'b']", "accuracy | 0.988"):
        assert f"| {run_id} | {row} |" in done.outputs["run_metrics_markdown"]
    assert "| Kernel type | linear |" in done.summary


def test_a_script_that_fails_turns_the_step_red_and_says_why(repository: TrainingRepository) -> None:
    repository.training(FAILS)
    done = repository.step("aml-run")
    assert done.code == 1
    (annotation,) = done.annotations
    assert "its script ended with exit code 3" in annotation
    assert "ValueError: no data in /mnt/data" in annotation
    assert done.outputs["run_url"] in annotation
    assert "exit code 3" in done.summary
    assert "ValueError: no data in /mnt/data" in done.summary
    assert done.outputs["run_url"] in done.summary
    assert done.result["status"] == "Failed"
    assert "run_metrics" not in done.outputs
    assert "group::debug" not in done.log


def test_an_environment_that_cannot_be_had_shows_the_build_log(repository: TrainingRepository) -> None:
    repository.training(
        "print('never')", conda="dependencies:\n- python=3.11\n- pip:\n  - mlflow-skinny==0.0.987654321\n"
    )
    done = repository.step("aml-run")
    assert done.code == 1
    (annotation,) = done.annotations
    assert "its environment could not be built" in annotation
    assert "azureml-logs/20_image_build_log.txt" in annotation
    assert "0.0.987654321" in annotation.split("Last lines of")[1]
    assert "0.0.987654321" in done.summary
    assert "never" not in done.log


def test_what_a_script_prints_is_never_obeyed(repository: TrainingRepository) -> None:
    repository.training(PRINTS_COMMANDS)
    done = repository.step("aml-run")
    assert done.code == 0, done.log
    assert "::error::forged annotation" in done.log
    obeyed = commands(done.log)
    assert not [line for line in obeyed if "forged" in line or "epoch" in line or "known" in line]
    assert sum(line.startswith("::group::") for line in obeyed) == sum(line == "::endgroup::" for line in obeyed)
    assert done.outputs["run_id"] != "forged"


def test_a_v2_job_file_runs_with_its_inputs_and_outputs(repository: TrainingRepository, client: Any) -> None:
    repository.write({"jobs/job.yml": JOB, "jobs/src/greet.py": GREET, "jobs/environment.yml": PLAIN})
    done = repository.step("aml-run", {"job_file": "jobs/job.yml", "download_artifacts": True})
    assert done.code == 0, done.log
    assert "greeted world" in done.log
    assert done.outputs["experiment_name"] == "from-the-file"
    assert done.result["definition"] == "jobs/job.yml"
    assert "No metrics returned" in done.outputs["run_metrics_markdown"]
    assert json.loads(done.outputs["run_metrics"]) == {}

    folder = Path(done.outputs["artifact_path"])
    assert folder == repository.root / f"aml_artifacts_{done.outputs['run_id']}"
    assert "greeted world" in (folder / "parent/user_logs/std_log.txt").read_text()
    assert [file.read_text() for file in folder.rglob("greeting.txt")] == ["hello world"]

    job = client.jobs.get(done.outputs["run_id"])
    assert job.display_name == "greet"
    assert (job.tags["team"], job.tags["GITHUB_SHA"][:6]) == ("blue", "c0ffee")


def test_the_parameters_file_names_the_experiment(repository: TrainingRepository) -> None:
    repository.write({"jobs/job.yml": JOB, "jobs/src/greet.py": GREET, "jobs/environment.yml": PLAIN})
    done = repository.step(
        "aml-run", {"job_file": "jobs/job.yml", "experiment_name": "mine", "wait_for_completion": False}
    )
    assert done.code == 0, done.log
    assert done.outputs["experiment_name"] == "mine"
    assert done.result["status"] == "Submitted"
    assert "run_metrics" not in done.outputs
    assert "does not wait" in done.summary


def test_a_fixed_job_name_that_exists_is_refused(repository: TrainingRepository) -> None:
    repository.write(
        {"jobs/job.yml": JOB + "name: only-once\n", "jobs/src/greet.py": GREET, "jobs/environment.yml": PLAIN}
    )
    parameters = {"job_file": "jobs/job.yml"}
    first = repository.step("aml-run", parameters)
    assert (first.code, first.outputs["run_id"]) == (0, "only-once"), first.log
    second = repository.step("aml-run", parameters)
    assert second.code == 1
    assert "names a job that exists already" in second.annotations[0]
    assert "run_id" not in second.outputs


def test_a_job_file_that_the_sdk_refuses_is_one_clear_error(repository: TrainingRepository) -> None:
    job = JOB.replace("type: command", "type: command\nresorces: {}")
    repository.write({"jobs/job.yml": job, "jobs/src/greet.py": GREET, "jobs/environment.yml": PLAIN})
    done = repository.step("aml-run", {"job_file": "jobs/job.yml"})
    assert done.code == 1
    (annotation,) = done.annotations
    assert "jobs/job.yml" in annotation
    assert "resorces" in annotation + done.summary
    assert "Traceback" not in done.log


def test_a_compute_that_does_not_exist_is_named(repository: TrainingRepository) -> None:
    repository.training("print()", run_config=RUN_CONFIG.replace(COMPUTE, "no-such-cluster"))
    done = repository.step("aml-run")
    assert done.code == 1
    assert "no-such-cluster" in done.annotations[0] + done.summary
    assert "Traceback" not in done.log


def test_a_v1_file_with_mistakes_submits_nothing(repository: TrainingRepository) -> None:
    repository.training("print()", run_config=RUN_CONFIG + "dataReferences: {d: {}}\nnodeCounts: 2\n")
    (repository.root / "code/train/train.py").unlink()
    done = repository.step("aml-run")
    assert done.code == 1
    (annotation,) = done.annotations
    assert "dataReferences" in annotation
    assert "train.py" in annotation
    assert "`nodeCounts`" in done.log
    assert done.outputs == {}


def test_a_repository_without_anything_to_run(repository: TrainingRepository) -> None:
    done = repository.step("aml-run")
    assert done.code == 1
    assert "There is nothing to run." in done.annotations[0]
