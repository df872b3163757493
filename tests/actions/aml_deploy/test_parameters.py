"""Parameter files as the users of the legacy action have them."""

import pytest
from pydantic import ValidationError

from aml_deploy.parameters import DeployParameters

ACI_SAMPLE = {
    "name": "github-action-service",
    "inference_source_directory": "tests/deploy/",
    "inference_entry_script": "score.py",
    "conda_file": "environment.yml",
    "test_enabled": True,
    "test_file_path": "tests/deploy/test.py",
    "delete_service_after_deployment": True,
    "model_data_collection_enabled": False,
    "app_insights_enabled": True,
    "cpu_cores": 0.1,
    "memory_gb": 0.5,
    "authentication_enabled": True,
}


def test_a_legacy_file_is_taken_as_it_is():
    assert DeployParameters(**ACI_SAMPLE).memory_gb == 0.5


@pytest.mark.parametrize("name", ["ab", "a" * 33, "1st", "ends-", "under_score", "dot.ted", "sp ace", "-dash"])
def test_a_name_that_azure_refuses_is_refused_here(name):
    with pytest.raises(ValidationError):
        DeployParameters(name=name)


@pytest.mark.parametrize("name", ["abc", "Service-1", "a-b--c", "a" * 32])
def test_a_name_that_azure_takes_is_taken(name):
    assert DeployParameters(name=name).name == name


@pytest.mark.parametrize(
    "given",
    [
        {"test_enabled": "true"},
        {"cpu_cores": 0},
        {"cpu_cores": True},
        {"num_replicas": None},  # as in aks_deploy.json of the legacy repository, which its own schema refused
        {"instance_count": 0},
        {"instance_count": 1.5},
        {"runtime": "r"},
        {"create_image": True},
        {"scoring_timeout_ms": 0},
        {"max_request_wait_time": -1},
        {"autoscale_target_utilization": 101},
        {"num_replicas": 0},
        {"custom_base_image": "my image"},
        {"delete_service_after_test": False},  # an unknown key that stands in public repositories
        {"tags": ["a"]},
    ],
)
def test_a_wrong_value_or_an_unknown_key_is_refused(given):
    with pytest.raises(ValidationError):
        DeployParameters(**given)


def test_the_name_of_a_compute_may_be_surrounded_by_blanks():
    assert DeployParameters(deployment_compute_target=" aks ").compute_name == "aks"
    assert DeployParameters(deployment_compute_target="").compute_name == ""


def test_every_key_tells_what_it_means_and_shows_an_example():
    for key, field in DeployParameters.model_fields.items():
        assert field.description, key
        assert field.examples, key
