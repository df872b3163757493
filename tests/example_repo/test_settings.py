"""The template's settings files: valid, and in agreement with each other and with its code."""

import json
import re
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[2]
ACTIONS = {
    "workspace.json": "aml-workspace",
    "compute.json": "aml-compute",
    "run.json": "aml-run",
    "registermodel.json": "aml-registermodel",
    "deploy.json": "aml-deploy",
    "deploy_prod.json": "aml-deploy",
}


def settings(template: Path, name: str) -> dict[str, Any]:
    document = json.loads((template / ".cloud/.azure" / name).read_text())
    assert isinstance(document, dict)
    return document


def steps(template: Path, workflow: str) -> list[dict[str, Any]]:
    """Give the steps of all jobs of a workflow."""
    document = yaml.safe_load((template / ".github/workflows" / workflow).read_text())
    return [step for job in document["jobs"].values() for step in job["steps"]]


def conda(template: Path, name: str) -> tuple[list[str], list[Requirement]]:
    """Give the conda dependencies and the pip requirements of an environment file."""
    document = yaml.safe_load((template / name).read_text())
    plain = [item for item in document["dependencies"] if isinstance(item, str)]
    [pip] = [item["pip"] for item in document["dependencies"] if isinstance(item, dict)]
    return plain, [Requirement(line) for line in pip]


def test_every_settings_file_belongs_to_an_action(template: Path) -> None:
    assert {file.name for file in (template / ".cloud/.azure").iterdir()} == set(ACTIONS)


@pytest.mark.parametrize("name", ACTIONS)
def test_the_action_accepts_its_settings_file(name: str, template: Path) -> None:
    spec = entry_points(group="aml_actions.actions")[ACTIONS[name]].load()
    spec.parameters.model_validate(settings(template, name))


def test_a_step_finds_its_settings_file_without_being_told(template: Path) -> None:
    for action in set(ACTIONS.values()):
        assert ACTIONS[entry_points(group="aml_actions.actions")[action].load().parameters_file] == action


def test_prod_gets_what_was_tested_in_dev_under_a_name_of_its_own(template: Path) -> None:
    dev, prod = settings(template, "deploy.json"), settings(template, "deploy_prod.json")
    assert "name" not in dev
    assert {key for key in dev.keys() | prod.keys() if dev.get(key) != prod.get(key)} == {"name", "description"}


def test_the_training_runs_on_the_cluster_that_is_created(template: Path) -> None:
    run_config = yaml.safe_load((template / settings(template, "run.json")["runconfig_yaml_file"]).read_text())
    assert run_config["target"] == settings(template, "compute.json")["name"]


def test_every_file_that_a_settings_file_names_is_there(template: Path) -> None:
    run_config = template / settings(template, "run.json")["runconfig_yaml_file"]
    named = yaml.safe_load(run_config.read_text())
    assert (run_config.parent / named["script"]).is_file()
    assert (run_config.parent / named["environment"]["python"]["condaDependenciesFile"]).is_file()
    deploy = settings(template, "deploy.json")
    folder = template / deploy["inference_source_directory"]
    assert (folder / deploy["inference_entry_script"]).is_file()
    assert (folder / deploy["conda_file"]).is_file()
    assert (template / deploy["test_file_path"]).is_file()


def test_the_registered_file_is_the_one_that_training_writes_and_the_service_reads(template: Path) -> None:
    name = settings(template, "registermodel.json")["model_file_name"]
    assert f'"outputs/{name}"' in (template / "code/train/train.py").read_text()
    assert f'"{name}"' in (template / "code/deploy/score.py").read_text()


def test_training_and_service_have_the_same_python_and_the_same_scikit_learn(template: Path) -> None:
    train, deploy = conda(template, "code/train/environment.yml"), conda(template, "code/deploy/environment.yml")
    assert "python=3.11" in train[0]
    assert train[0] == deploy[0]
    for package in ("scikit-learn", "joblib"):
        [in_train], [in_deploy] = ([r for r in side[1] if r.name == package] for side in (train, deploy))
        assert str(in_train.specifier) == str(in_deploy.specifier)


@pytest.mark.parametrize("name", ["code/train/environment.yml", "code/deploy/environment.yml"])
def test_every_package_is_pinned_loosely(name: str, template: Path) -> None:
    for requirement in conda(template, name)[1]:
        assert requirement.specifier, f"{requirement.name} has no version"
        assert re.search(r"\.\*|<=|<", str(requirement.specifier)), f"{requirement} has no upper end"


def test_tracking_has_the_client_that_the_azure_plugin_works_with(template: Path) -> None:
    """azureml-mlflow 1.62 asks for mlflow-skinny<=3.15.0; a newer client would pull an older plugin in."""
    requirements = {r.name: r for r in conda(template, "code/train/environment.yml")[1]}
    assert not requirements["mlflow-skinny"].specifier.contains(Version("3.16.0"))
    assert requirements["azureml-mlflow"].specifier.contains(Version("1.62.0.post6"))


def test_the_service_has_the_inference_server(template: Path) -> None:
    assert "azureml-inference-server-http" in {r.name for r in conda(template, "code/deploy/environment.yml")[1]}


def test_the_infrastructure_is_the_one_that_the_settings_name(template: Path) -> None:
    parameters = json.loads((ROOT / "infra/params.deploy.core-infra.json").read_text())["parameters"]
    workspace = settings(template, "workspace.json")
    assert parameters["workspaceName"]["value"] == workspace["name"]
    assert parameters["computeName"]["value"] == settings(template, "compute.json")["name"]
    assert parameters["computeMaxNodes"]["value"] == settings(template, "compute.json")["max_nodes"]
    [step] = [step for step in steps(template, "setup.yml") if step.get("id") == "aml_configure"]
    assert {key: step["with"][key] for key in ("resource_group", "location")} == {
        key: workspace[key] for key in ("resource_group", "location")
    }


def test_the_workflow_that_deploys_looks_for_the_experiment_of_the_training(template: Path) -> None:
    [check] = [step for step in steps(template, "deploy_model.yml") if step.get("id") == "check"]
    assert check["env"]["OUR_EXPERIMENT"] == settings(template, "run.json")["experiment_name"]
