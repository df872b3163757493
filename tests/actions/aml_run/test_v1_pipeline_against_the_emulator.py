"""A pipeline of SDK v1 as a step of a workflow: its steps run, with their data, parameters and files."""

import json
from pathlib import Path
from typing import Any

from support.training import COMPUTE, IMAGE, PLAIN, TRACKED, TrainingRepository

PIPELINE = """\
pipeline:
  name: Prepare and train
  parameters:
    Penalty: {type: float, default: 0.5}
    Note: {type: string, default: two words; $HOME `id`}
  data_references:
    raw: {datastore: workspaceblobstore, path_on_datastore: %s}
  default_compute: COMPUTE
  steps:
    TrainStep:
      type: PythonScriptStep
      name: model training
      script_name: train.py
      source_directory: /code/train
      runconfig: code/envs/tracked.yml
      parameters: {penalty: {source: Penalty}}
      inputs: {clean: {source: clean_data}}
      arguments: [--data, 'input:clean']
    PrepareStep:
      type: PythonScriptStep
      script_name: prepare.py
      source_directory: code/prepare
      runconfig: code/envs/plain.yml
      parameters: {note: {source: Note}, fixed: '010'}
      inputs: {data: {source: raw, bind_mode: download}}
      outputs: {clean: {destination: clean_data}}
      arguments: [--data, 'input:data', --note, 'parameter:note', --quoted, "it's"]
""".replace("COMPUTE", COMPUTE)

RUN_CONFIG = f"""\
environment:
  environmentVariables: {{EXAMPLE: 'yes'}}
  python: {{condaDependenciesFile: %s}}
  docker: {{baseImage: {IMAGE}}}
"""

PREPARE = """\
import argparse, os, pathlib
parser = argparse.ArgumentParser()
for name in ("--data", "--note", "--quoted"):
    parser.add_argument(name)
arguments = parser.parse_args()
print("note:", arguments.note)
print("quoted:", arguments.quoted)
print("fixed:", os.environ["AML_PARAMETER_fixed"])
print("variable:", os.environ["EXAMPLE"])
folder = pathlib.Path(os.environ["AZUREML_DATAREFERENCE_clean"])
folder.mkdir(parents=True, exist_ok=True)
rows = pathlib.Path(arguments.data).read_text().split()
(folder / "rows.txt").write_text("\\n".join(row for row in rows if row != "bad"))
"""

TRAIN = """\
import argparse, os, pathlib
import mlflow
parser = argparse.ArgumentParser()
parser.add_argument("--data")
arguments = parser.parse_args()
rows = (pathlib.Path(arguments.data) / "rows.txt").read_text().split()
mlflow.log_metric("rows", len(rows))
mlflow.log_metric("penalty", float(os.environ["AML_PARAMETER_penalty"]))
pathlib.Path("outputs").mkdir(exist_ok=True)
pathlib.Path("outputs/model.pkl").write_text("weights")
"""


def uploaded(client: Any, file: Path) -> str:
    """Upload a file to the default datastore and return its path there."""
    from azure.ai.ml.entities import Data

    made = client.data.create_or_update(Data(name=file.stem, path=str(file), type="uri_file"))
    return str(made.path).split("/paths/", 1)[1]


def with_pipeline(repository: TrainingRepository, path: str) -> None:
    repository.write(
        {
            "code/train/pipeline.yml": PIPELINE % path,
            "code/train/train.py": TRAIN,
            "code/prepare/prepare.py": PREPARE,
            "code/envs/plain.yml": RUN_CONFIG % "plain-conda.yml",
            "code/envs/tracked.yml": RUN_CONFIG % "tracked-conda.yml",
            "code/envs/plain-conda.yml": PLAIN,
            "code/envs/tracked-conda.yml": TRACKED,
        }
    )


def test_a_pipeline_of_the_legacy_actions_trains_as_it_is(
    repository: TrainingRepository, client: Any, tmp_path: Path
) -> None:
    (tmp_path / "measured.txt").write_text("1 2 bad 3")
    with_pipeline(repository, uploaded(client, tmp_path / "measured.txt"))
    done = repository.step("aml-run", {"download_artifacts": True})
    assert done.code == 0, done.log

    assert "code/train/pipeline.yml as a v2 job YAML (its paths are relative to the repository)" in done.log
    assert "the path /code/train is taken from the root of the repository" in done.log
    printed = "".join(file.read_text() for file in Path(done.outputs["artifact_path"]).rglob("user_logs/std_log.txt"))
    assert {"note: two words; $HOME `id`", "quoted: it's", "fixed: 010", "variable: yes"} <= set(printed.splitlines())

    job = client.jobs.get(done.outputs["run_id"])
    assert (job.type, job.status, job.description) == ("pipeline", "Completed", "Prepare and train")
    children = {child.display_name: child for child in client.jobs.list(parent_job_name=job.name)}
    assert set(children) == {"prepare.py", "model training"}
    metrics = json.loads(done.outputs["run_metrics"])
    assert metrics == {children["model training"].name: {"rows": 3.0, "penalty": 0.5}}


def test_a_value_of_the_parameters_file_reaches_the_script(
    repository: TrainingRepository, client: Any, tmp_path: Path
) -> None:
    (tmp_path / "once.txt").write_text("1")
    with_pipeline(repository, uploaded(client, tmp_path / "once.txt"))
    done = repository.step("aml-run", {"set": {"inputs.Penalty": 2.5}})
    assert done.code == 0, done.log
    assert [one["penalty"] for one in json.loads(done.outputs["run_metrics"]).values()] == [2.5]


def test_a_pipeline_with_mistakes_submits_nothing_and_no_other_file_is_run(repository: TrainingRepository) -> None:
    with_pipeline(repository, "nowhere")
    repository.write(
        {
            "code/own.yml": "pipeline:\n  parameters:\n    Lr:\n    type: float\n    default: 1\n  steps:\n    a: {type: AdlaStep}\n"
        }
    )
    repository.training("print('never')")
    done = repository.step("aml-run", {"pipeline_yaml_file": "/code/own.yml"})
    assert done.code == 1
    (annotation,) = done.annotations
    assert "Lr: {type: float, default: 1}" in annotation
    assert "AdlaStep" in annotation
    assert done.outputs == {}
    assert "never" not in done.log
