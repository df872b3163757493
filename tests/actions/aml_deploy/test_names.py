import re

import pytest

from aml_deploy.kubernetes import Kubernetes
from aml_deploy.names import default_endpoint_name, deployment_name
from aml_deploy.parameters import DeployParameters

AZURE = re.compile(r"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$")


@pytest.mark.parametrize(
    ("repository", "branch", "name"),
    [
        ("Credit_Default", "main", "credit-default-main"),
        ("model", "v1.2", "model-v1-2"),
        ("a" * 40, "main", "a" * 32),
        ("a" * 31, "main", "a" * 31),  # the cut leaves no dash at the end
        ("3d-shapes", "main", "ml-3d-shapes-main"),
        ("m", "", "mxx"),
        ("modèle", "été", "mod-le-t"),
    ],
)
def test_a_repository_and_a_branch_always_give_a_name_that_azure_takes(repository, branch, name):
    assert default_endpoint_name(repository, branch) == name
    assert AZURE.match(name)
    assert 3 <= len(name) <= 32


def test_a_deployment_tells_its_model_and_its_run():
    assert deployment_name("3", "19238471234", "1", []) == "v3-19238471234-1"


def test_two_steps_of_one_run_get_two_deployments():
    taken = ["V3-19238471234-1", "v3-19238471234-1-2"]
    assert deployment_name("3", "19238471234", "1", taken) == "v3-19238471234-1-3"


@pytest.mark.parametrize("version", ["2024.10.11-beta", "x" * 60, "1", "---", "Ünïcode"])
@pytest.mark.parametrize("run", ["", "19238471234"])
def test_any_model_version_gives_a_name_that_azure_takes(version, run):
    name = deployment_name(version, run, "1", ())
    assert AZURE.match(name), name
    assert 3 <= len(name) <= 32


@pytest.mark.parametrize("version", ["2024.10.11-beta", "1"])
@pytest.mark.parametrize("endpoint", ["e" * 32, "abc"])
def test_on_kubernetes_the_names_of_endpoint_and_deployment_fit_together(version, endpoint):
    target = Kubernetes("aks", "/id", DeployParameters(deployment_compute_target="aks"), {})
    longest = target.longest_deployment_name(endpoint)
    name = deployment_name(version, "1" * 30, "1", (), longest)
    assert AZURE.match(name), name
    assert 6 <= len(name) + len(endpoint) <= 62
    assert len(name) <= 32
