"""The v2 pipeline job that a v1 pipeline becomes, as the SDK reads and sends it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from aml_run import definition, job_file
from aml_run.definition import Translated
from aml_run.parameters import RunParameters

IMAGE = "registry.example.com/train:1"
PIPELINE = """\
pipeline:
  name: Prepare and train
  parameters:
    Penalty: {type: float, default: 0.5}
    Note: {type: string, default: 'two words'}
    Verbose: {type: bool, default: true}
    Epochs: {type: int, default: '007'}
    Empty: {type: string, default: ''}
  data_references:
    raw: {datastore: workspaceblobstore, path_on_datastore: iris/raw.csv}
    lookup: {dataset_name: lookup-tables}
  default_compute: cpu-cluster
  steps:
    PrepareStep:
      type: PythonScriptStep
      script_name: prepare.py
      source_directory: code/prepare
      runconfig: envs/run.yml
      parameters: {note: {source: Note}, FIXED: '010', empty: {source: Empty}}
      inputs:
        data: {source: raw, bind_mode: download}
        tables: {source: lookup}
      outputs:
        clean: {destination: clean_data, bind_mode: upload}
        kept: {destination: kept_data, datastore: archive}
      arguments: [--data, 'input:data', --out, 'output:clean', --note, 'parameter:note', --fixed, "it's"]
      allow_reuse: false
    TrainStep:
      type: PythonScriptStep
      name: model training
      script_name: train.py
      source_directory: code/train
      runconfig: envs/run.yml
      compute: gpu-cluster
      parameters: {penalty: {source: Penalty}, epochs: {source: Epochs}, verbose: {source: Verbose}}
      inputs: {clean: {source: clean_data}}
      arguments: [--data, 'input:clean', --penalty, 'parameter:penalty']
"""
RUN_CONFIG = f"""\
communicator: OpenMpi
nodeCount: 2
mpi: {{processCountPerNode: 4}}
maxRunDurationSeconds: 600
docker: {{shmSize: 4g}}
environment:
  environmentVariables: {{EXAMPLE: 'yes'}}
  python: {{condaDependenciesFile: environment.yml}}
  docker: {{baseImage: '{IMAGE}'}}
"""
CONDA = {"name": "x", "dependencies": ["python=3.11"]}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {
        "pipelines/train.yml": PIPELINE,
        "code/prepare/prepare.py": "",
        "code/train/train.py": "",
        "envs/run.yml": RUN_CONFIG,
        "envs/environment.yml": yaml.safe_dump(CONDA),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def translated(root: Path, temp: Path | None = None) -> Translated:
    parameters = RunParameters(pipeline_yaml_file="pipelines/train.yml")
    return definition.translated(definition.choose(parameters, root), parameters, temp or root)


def loaded(root: Path) -> Any:
    found = translated(root)
    job: Any = job_file.load_text(found.text, found.name, found.folder)
    result = job._validate()
    assert result.passed, result.error_messages
    return job


def test_the_yaml_is_a_pipeline_job_whose_paths_begin_at_the_root_of_the_repository(root: Path) -> None:
    found = translated(root)
    document = yaml.safe_load(found.text)
    assert (found.folder, found.name) == (root, "pipelines/train.yml")
    assert (document["type"], document["description"]) == ("pipeline", "Prepare and train")
    assert document["settings"] == {"default_compute": "azureml:cpu-cluster"}
    component = document["jobs"]["prepare_step"]["component"]
    assert component["code"] == "code/prepare"
    assert component["environment"] == {"image": IMAGE, "conda_file": "envs/environment.yml"}


def test_the_sdk_sends_what_the_file_says(root: Path) -> None:
    sent = loaded(root)._to_rest_object().properties
    inputs = {name: value.as_dict() for name, value in sent.inputs.items()}
    assert {name: value["value"] for name, value in inputs.items() if value["jobInputType"] == "literal"} == {
        "Penalty": "0.5",
        "Note": "two words",
        "Verbose": "True",
        "Epochs": "7",
    }
    assert inputs["raw"]["jobInputType"] == "uri_file"
    assert inputs["raw"]["uri"] == "azureml://datastores/workspaceblobstore/paths/iris/raw.csv"
    assert (inputs["lookup"]["jobInputType"], inputs["lookup"]["uri"]) == ("uri_folder", "lookup-tables@latest")
    assert sent.settings["default_compute"] == "cpu-cluster"

    prepare, train = sent.jobs["prepare_step"], sent.jobs["train_step"]
    assert (prepare["display_name"], train["display_name"]) == ("prepare.py", "model training")
    assert "computeId" not in prepare
    assert train["computeId"] == "gpu-cluster"
    assert prepare["inputs"]["data"] == {
        "value": "${{parent.inputs.raw}}",
        "job_input_type": "literal",
        "mode": "Download",
    }
    assert prepare["inputs"]["tables"]["mode"] == "ReadOnlyMount"
    assert train["inputs"]["clean"]["value"] == "${{parent.jobs.prepare_step.outputs.clean}}"
    assert train["inputs"]["penalty"]["value"] == "${{parent.inputs.Penalty}}"
    assert prepare["outputs"]["clean"]["mode"] == "Upload"
    assert prepare["outputs"]["kept"]["uri"] == "azureml://datastores/archive/paths/azureml/${{name}}/${{output_name}}"
    assert prepare["environment_variables"] == {
        "EXAMPLE": "yes",
        "AML_PARAMETER_FIXED": "010",
        "AML_PARAMETER_empty": "",
    }
    assert prepare["distribution"] == {"distribution_type": "Mpi", "process_count_per_instance": 4}
    assert (prepare["resources"]["instance_count"], prepare["resources"]["shm_size"]) == (2, "4g")
    assert prepare["limits"]["timeout"] == "PT10M"


def test_each_step_is_a_component_with_typed_inputs(root: Path) -> None:
    jobs = loaded(root).jobs
    prepare, train = jobs["prepare_step"].component, jobs["train_step"].component
    assert {name: one.type for name, one in prepare.inputs.items()} == {
        "data": "uri_file",
        "tables": "uri_folder",
        "note": "string",
    }
    assert {name: one.type for name, one in train.inputs.items()} == {
        "clean": "uri_folder",
        "penalty": "number",
        "epochs": "integer",
        "verbose": "boolean",
    }
    assert {name: one.type for name, one in prepare.outputs.items()} == {"clean": "uri_folder", "kept": "uri_folder"}
    assert (prepare.is_deterministic, train.is_deterministic) == (False, True)
    assert prepare.environment.conda_file == CONDA
    assert prepare.command.endswith(
        """python prepare.py --data '${{inputs.data}}' --out '${{outputs.clean}}' --note '${{inputs.note}}' --fixed 'it'"'"'s'"""
    )


def test_a_dockerfile_of_a_run_configuration_becomes_a_build_context(root: Path, tmp_path_factory: Any) -> None:
    (root / "envs/Dockerfile").write_text("FROM python:3.11\n")
    (root / "envs/run.yml").write_text(
        "environment:\n  python: {userManagedDependencies: true}\n  docker: {baseDockerfile: Dockerfile}\n"
    )
    temp = tmp_path_factory.mktemp("runner")
    build = yaml.safe_load(translated(root, temp).text)["jobs"]["train_step"]["component"]["environment"]["build"]
    assert (Path(build["path"]) / build["dockerfile_path"]).read_text() == "FROM python:3.11\n"
    assert Path(build["path"]).parent == temp


def test_what_the_check_says_of_a_file_is_what_its_translation_says(root: Path) -> None:
    found = translated(root)
    report = definition.examined(definition.choose(RunParameters(pipeline_yaml_file="pipelines/train.yml"), root))
    assert (tuple(report.notes), tuple(report.warnings)) == (found.notes, found.warnings)
    assert report.problems == []
    assert len(found.warnings) == 1, "of the dataset"
