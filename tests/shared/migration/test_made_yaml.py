"""The YAML that takes the place of files of SDK v1: the SDK reads it, and it means the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from aml_actions.discovery import find_actions
from aml_actions.migration import finding, writing
from aml_actions.migration.changes import Migration
from aml_actions.migration.repository import Repository

USES = {
    "run": "jobs: {a: {permissions: {}, steps: [{uses: Azure/aml-run@v1, with: {azure_credentials: x}}]}}\n",
    "deploy": "jobs: {a: {permissions: {}, steps: [{uses: Azure/aml-deploy@v1, with: {model_name: iris, model_version: '3'}}]}}\n",
}
RUN_CONFIG = """\
script: train.py
arguments: [--epochs, 010, --flag, yes]
target: cluster
environment:
  python: {condaDependenciesFile: environment.yml}
  docker: {baseImage: registry.example.com/train:1}
"""
CONDA = "dependencies:\n  - python=3.11\n  - pip: [azureml-inference-server-http]\n"
SCORE = "def init():\n    pass\n\ndef run(data):\n    return data\n"


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def migrate(root: Path) -> Migration:
    """Migrate, and write it."""
    repository = Repository(root)
    found = finding.find(repository, find_actions(), "org/actions@v1")
    writing.write(repository, found.changes)
    return found


def job(path: Path) -> Any:
    from azure.ai.ml import load_job

    return load_job(path)


def test_the_small_template_becomes_a_job_and_a_deployment(small: Path) -> None:
    from azure.ai.ml import load_online_deployment, load_online_endpoint

    migrate(small)
    made = job(small / "code/train/job.yml")
    assert made.command == "python train.py --kernel linear --penalty 1.0"
    assert made.compute == "githubcluster"
    assert made.environment.conda_file["dependencies"][0] == "python=3.11"
    assert (Path(made.base_path) / made.code).resolve() == small / "code/train"
    assert json.loads((small / ".cloud/.azure/run.json").read_text()) == {"job_file": "code/train/job.yml"}
    endpoint: Any = load_online_endpoint(small / ".cloud/.azure/deploy.endpoint.yml")
    deployment: Any = load_online_deployment(small / ".cloud/.azure/deploy.deployment.yml")
    assert (endpoint.name, endpoint.auth_mode) == ("my-model-master", "key")
    assert deployment.endpoint_name == endpoint.name
    assert deployment.instance_type == "Standard_DS1_v2"
    assert deployment.code_configuration.scoring_script == "score.py"
    folder = Path(deployment.base_path) / deployment.code_configuration.code
    assert folder.resolve() == small / "code/deploy"
    assert deployment.environment.conda_file["dependencies"][0] == "python=3.11"


def test_the_enterprise_template_is_told_what_it_really_ran(enterprise: Path) -> None:
    from azure.ai.ml import load_online_deployment, load_online_endpoint

    found = migrate(enterprise)
    told = {(one.file, one.line): one for one in found.decisions}
    assert "`type` and `default` stand beside" in told["pipelines/train_pipeline.yml", 4].what
    assert (
        "the abandoned action ran code/train/run_config.yml all the same" in told[".cloud/.azure/run.json", None].what
    )
    assert "`service_scoring_uri` has another address" in told[".github/workflows/deploy_model.yml", 34].what
    endpoint: Any = load_online_endpoint(enterprise / ".cloud/.azure/deploy_aks.endpoint.yml")
    deployment: Any = load_online_deployment(enterprise / ".cloud/.azure/deploy_aks.deployment.yml")
    assert endpoint.compute == "akscompute"
    assert deployment.liveness_probe.initial_delay == 310
    assert deployment.request_settings.request_timeout_ms == 60000
    assert deployment.resources.requests.cpu == "0.1"
    managed: Any = load_online_deployment(enterprise / ".cloud/.azure/deploy_aci.deployment.yml")
    assert (managed.endpoint_name, managed.instance_type) == ("igniteacrservice", "Standard_DS1_v2")
    # The environment of the run configuration that the pipeline names is mended all the same.
    assert "python=3.11" in (enterprise / "code/train/environment.yml").read_text()


def test_a_mended_pipeline_becomes_a_pipeline_job_beside_it(enterprise: Path) -> None:
    file = enterprise / "pipelines/train_pipeline.yml"
    file.write_text(file.read_text().replace("    type: int\n    default: 3\n", "      type: int\n      default: 3\n"))
    migrate(enterprise)
    made = job(enterprise / "pipelines/job.yml")
    assert json.loads((enterprise / ".cloud/.azure/run.json").read_text()) == {"job_file": "pipelines/job.yml"}
    (step,) = yaml.safe_load((enterprise / "pipelines/job.yml").read_text())["jobs"].values()
    assert step["component"]["code"] == "../code/train"
    assert step["component"]["environment"]["conda_file"] == "../code/train/environment.yml"
    assert made.type == "pipeline"


def test_a_run_configuration_in_dot_azureml_becomes_a_job_of_the_folder_above(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            ".github/workflows/a.yml": USES["run"],
            ".cloud/.azure/run.json": '{"runconfig_yaml_file": "src/.azureml/run.yml"}',
            "src/.azureml/run.yml": RUN_CONFIG,
            "src/.azureml/environment.yml": CONDA,
            "src/train.py": "",
        },
    )
    migrate(tmp_path)
    made = yaml.safe_load((tmp_path / "src/job.yml").read_text())
    assert (made["code"], made["environment"]["conda_file"]) == (".", ".azureml/environment.yml")
    assert made["command"] == "python train.py --epochs 010 --flag yes"
    assert job(tmp_path / "src/job.yml").compute == "cluster"


def test_a_dockerfile_text_becomes_a_folder_beside_the_job(tmp_path: Path) -> None:
    config = """\
script: train.py
target: cluster
environment:
  python: {userManagedDependencies: true}
  docker:
    baseDockerfile: |
      FROM python:3.11
      RUN pip install scikit-learn
"""
    files = {
        ".github/workflows/a.yml": USES["run"],
        "code/train/run_config.yml": config,
        "code/train/train.py": "",
        "code/train/run_config-image/Dockerfile": "FROM mine\n",
    }
    found = migrate(write(tmp_path, files))
    made = yaml.safe_load((tmp_path / "code/train/job.yml").read_text())
    assert made["environment"]["build"]["path"] == "run_config-image-2"
    assert (tmp_path / "code/train/run_config-image-2/Dockerfile").read_text().startswith("FROM python:3.11\n")
    assert (tmp_path / "code/train/run_config-image/Dockerfile").read_text() == "FROM mine\n"
    assert job(tmp_path / "code/train/job.yml").environment.build.dockerfile_path == "Dockerfile"
    assert not [change for change in found.changes if "/tmp" in change.path]


def test_two_parameters_files_that_name_one_run_configuration_share_its_job(tmp_path: Path) -> None:
    workflow = "".join(
        f"    - uses: Azure/aml-run@v1\n      with: {{parameters_file: {name}.json}}\n" for name in ("a", "b", "c")
    )
    files = {
        ".github/workflows/a.yml": f"jobs:\n  j:\n    permissions: {{}}\n    steps:\n{workflow}",
        "code/train.py": "",
        "code/one.yml": RUN_CONFIG,
        "code/two.yml": RUN_CONFIG.replace("cluster", "another"),
        "code/environment.yml": CONDA,
        ".cloud/.azure/a.json": '{"runconfig_yaml_file": "code/one.yml", "tags": {"n": 1}}',
        ".cloud/.azure/b.json": '{"runconfig_yaml_file": "code/two.yml"}',
        ".cloud/.azure/c.json": '{"runconfig_yaml_file": "code/one.yml"}',
    }
    migrate(write(tmp_path, files))
    named = {name: json.loads((tmp_path / f".cloud/.azure/{name}.json").read_text()) for name in "abc"}
    assert named == {
        "a": {"job_file": "code/job.yml", "tags": {"n": 1}},
        "b": {"job_file": "code/two.job.yml"},
        "c": {"job_file": "code/job.yml"},
    }
    assert job(tmp_path / "code/two.job.yml").compute == "another"


WITH_COMMENTS = """\
{
    // what we train
    "experiment_name": "iris",  // short
    "runconfig_yaml_file": "code/train/run_config.yml", /* v1 */
    "pipeline_yaml_file": "code/train/pipeline.yml",
    "tags": {"runconfig_yaml_file": "stays", "a": 1},
    "runconfig_python_file": "x.py",
    "wait_for_completion": true,
}
"""
COMMENTS_AFTER = """\
{
    // what we train
    "experiment_name": "iris",  // short
    "job_file": "code/train/job.yml", /* v1 */
    "tags": {"runconfig_yaml_file": "stays", "a": 1},
    "wait_for_completion": true,
}
"""
PARAMETERS = [
    ("run.json", "{}", '{\n    "job_file": "code/train/job.yml"\n}'),
    ("run.json", '{"experiment_name": "iris"}', '{"job_file": "code/train/job.yml","experiment_name": "iris"}'),
    (
        "run.json",
        '{\r\n  "experiment_name": "iris"\r\n}\r\n',
        '{\r\n  "job_file": "code/train/job.yml",\r\n  "experiment_name": "iris"\r\n}\r\n',
    ),
    (
        "run.json",
        '{"experiment_name": "iris", "runconfigYamlFile": "code/train/run_config.yml", "runconfig_python_file": "y"}',
        '{"experiment_name": "iris", "job_file": "code/train/job.yml"}',
    ),
    ("run.json", WITH_COMMENTS, COMMENTS_AFTER),
    (
        "run.yml",
        "# ours\nexperiment_name: iris\nrunconfig_yaml_file: code/train/run_config.yml\nrunconfig_python_file: x\n",
        '# ours\nexperiment_name: iris\njob_file: "code/train/job.yml"\n',
    ),
]


@pytest.mark.parametrize(("name", "before", "after"), PARAMETERS)
def test_the_parameters_file_names_the_job_and_keeps_the_rest(
    tmp_path: Path, name: str, before: str, after: str
) -> None:
    files = {
        ".github/workflows/a.yml": USES["run"],
        "code/train/run_config.yml": RUN_CONFIG,
        "code/train/environment.yml": CONDA,
        "code/train/train.py": "",
    }
    write(tmp_path, files)
    file = tmp_path / ".cloud/.azure" / name
    file.parent.mkdir(parents=True)
    file.write_bytes(before.encode())
    migrate(tmp_path)
    assert file.read_bytes().decode() == after


def test_files_of_sdk_v1_that_nothing_names_are_reported_and_left(tmp_path: Path) -> None:
    files = {
        ".github/workflows/a.yml": USES["run"],
        ".cloud/.azure/run.json": '{"job_file": "code/job.yml"}',
        "code/job.yml": "type: command\ncommand: echo\nenvironment: azureml:e@latest\ncompute: azureml:c\n",
        "old/train.runconfig": RUN_CONFIG,
        "old/pipeline.yml": "pipeline: {name: x, steps: {}}\n",
        "old/docker-compose.yml": "services: {a: {image: b}}\n",
    }
    found = migrate(write(tmp_path, files))
    assert [change.path for change in found.changes] == [".github/workflows/a.yml"]
    reported = {one.file for one in found.decisions if "no parameters file names it" in one.what}
    assert reported == {"old/train.runconfig", "old/pipeline.yml"}


def test_a_python_file_that_makes_the_job_with_sdk_v1_is_reported(tmp_path: Path) -> None:
    files = {
        ".github/workflows/a.yml": USES["run"],
        "code/train/run_config.py": "\nfrom azureml.core import ScriptRunConfig\n\ndef main(workspace):\n    return 1\n",
    }
    found = migrate(write(tmp_path, files))
    assert [(one.file, one.line) for one in found.decisions if "makes the job with SDK v1" in one.what] == [
        ("code/train/run_config.py", 2)
    ]


DEPLOY = {
    "name": "my-service",
    "cpu_cores": 2.0,
    "memory_gb": 4.0,
    "app_insights_enabled": True,
    "description": "Scores",
    "tags": {"team": "risk", "n": 1},
    "scoring_timeout_ms": 60000,
    "period_seconds": 20,
    "authentication_enabled": True,
}


def test_a_deployment_keeps_size_probes_and_tags(tmp_path: Path) -> None:
    from azure.ai.ml import load_online_deployment, load_online_endpoint

    files = {
        ".github/workflows/a.yml": USES["deploy"],
        ".cloud/.azure/deploy.json": json.dumps(DEPLOY),
        "code/deploy/score.py": SCORE,
        "code/deploy/environment.yml": CONDA,
    }
    before = json.dumps(DEPLOY)
    migrate(write(tmp_path, files))
    assert (tmp_path / ".cloud/.azure/deploy.json").read_text() == before
    endpoint: Any = load_online_endpoint(tmp_path / ".cloud/.azure/deploy.endpoint.yml")
    deployment: Any = load_online_deployment(tmp_path / ".cloud/.azure/deploy.deployment.yml")
    assert (endpoint.name, endpoint.description, endpoint.tags) == ("my-service", "Scores", {"team": "risk", "n": "1"})
    assert deployment.model == "iris@latest"
    assert deployment.instance_type == "Standard_DS2_v2"
    assert deployment.app_insights_enabled is True
    assert deployment.liveness_probe.period == 20
    assert deployment.request_settings.request_timeout_ms == 60000


def test_steps_of_a_dockerfile_become_a_folder_beside_the_code(tmp_path: Path) -> None:
    from azure.ai.ml import load_online_deployment

    files = {
        ".github/workflows/a.yml": USES["deploy"],
        ".cloud/.azure/deploy.json": '{"name": "my-service", "extra_docker_file_steps": "steps"}',
        "code/deploy/score.py": SCORE,
        "code/deploy/environment.yml": CONDA,
        "code/deploy/steps": "ENV A=b\n",
    }
    migrate(write(tmp_path, files))
    deployment: Any = load_online_deployment(tmp_path / ".cloud/.azure/deploy.deployment.yml")
    assert deployment.environment.build.dockerfile_path == "Dockerfile"
    named = yaml.safe_load((tmp_path / ".cloud/.azure/deploy.deployment.yml").read_text())["environment"]["build"][
        "path"
    ]
    assert (tmp_path / ".cloud/.azure" / named).resolve() == tmp_path / "code/deploy-image"
    assert (tmp_path / "code/deploy-image/Dockerfile").read_text().endswith("ENV A=b\n")
    assert (tmp_path / "code/deploy-image/conda.yml").read_text() == CONDA


def test_a_deployment_that_the_action_refuses_is_only_reported(tmp_path: Path) -> None:
    files = {
        ".github/workflows/a.yml": USES["deploy"],
        ".cloud/.azure/deploy.json": '{"name": "my-service", "runtime": "spark-py"}',
        "code/deploy/score.py": SCORE,
        "code/deploy/environment.yml": CONDA,
    }
    found = migrate(write(tmp_path, files))
    assert [change.path for change in found.changes] == [".github/workflows/a.yml"]
    assert any(one.file == ".cloud/.azure/deploy.json" and "runtime" in one.what for one in found.decisions)


@pytest.mark.parametrize(
    ("action", "output", "what"),
    [
        ("aml-run", "run_metrics", "is JSON now"),
        ("aml-run", "published_pipeline_endpoint", "belongs to a batch endpoint"),
        ("aml-deploy", "acr_address", "is never set"),
        ("aml-deploy", "service_scoring_uri", "has another address"),
    ],
)
def test_outputs_that_mean_something_else_are_reported_where_they_are_read(
    tmp_path: Path, action: str, output: str, what: str
) -> None:
    text = f"""\
permissions: {{}}
jobs:
  a:
    outputs:
      x: ${{{{ steps.s.outputs.{output} }}}}
    steps:
      - id: s
        uses: Azure/{action}@v1
"""
    found = finding.find(
        Repository(write(tmp_path, {".github/workflows/a.yml": text})), find_actions(), "org/actions@v1"
    )
    assert [(one.line, one.what) for one in found.decisions if what in one.what] == [
        (5, next(one.what for one in found.decisions if f"`{output}`" in one.what))
    ]
