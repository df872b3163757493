import pytest

from aml_deploy.legacy import IGNORED, REFUSED, location_warning, review
from aml_deploy.parameters import DeployParameters, ServiceParameters

QUIET = {"authentication_enabled": True}

REFUSALS = [
    ({"deployment_compute_target": "aks"}, "deployment_compute_target"),
    ({"runtime": "spark-py"}, "runtime"),
    ({"extra_docker_file_steps": "steps"}, "extra_docker_file_steps"),
    ({"create_image": "docker"}, "create_image"),
    ({"create_image": "function_http"}, "create_image"),
    ({"enable_gpu": True}, "enable_gpu"),
    ({"gpu_cores": 1}, "gpu_cores"),
    ({"ssl_enabled": True, "ssl_cert_pem_file": "c.pem"}, "ssl_cert_pem_file"),
    ({"ssl_key_pem_file": "k.pem"}, "ssl_key_pem_file"),
    ({"ssl_cname": "a.example"}, "ssl_cname"),
    ({"token_auth_enabled": True}, "token_auth_enabled"),  # beside authentication_enabled: true
]
WARNINGS = [
    ({"cuda_version": "9.1"}, "cuda_version"),
    ({"model_data_collection_enabled": True}, "model_data_collection_enabled"),
    ({"profiling_enabled": True}, "profiling_enabled"),
    ({"profiling_dataset": "data"}, "profiling_dataset"),
    ({"dns_name_label": "label"}, "dns_name_label"),
    ({"ssl_enabled": True}, "ssl_enabled"),
    ({"autoscale_enabled": True}, "autoscale_enabled"),
    ({"autoscale_min_replicas": 1}, "autoscale_min_replicas"),
    ({"autoscale_max_replicas": 2}, "autoscale_max_replicas"),
    ({"autoscale_refresh_seconds": 1}, "autoscale_refresh_seconds"),
    ({"autoscale_target_utilization": 70}, "autoscale_target_utilization"),
    ({"num_replicas": 3}, "num_replicas"),
    ({"namespace": "scoring"}, "namespace"),
    ({"enable_gpu": True, "instance_type": "Standard_NC4as_T4_v3"}, "enable_gpu"),
    ({"gpu_cores": 1, "instance_type": "Standard_NC4as_T4_v3"}, "gpu_cores"),
    ({"authentication_enabled": False}, "authentication_enabled"),
]
JUDGED_ELSEWHERE = {"location", "skip_deployment"}


@pytest.mark.parametrize(("given", "key"), REFUSALS)
def test_what_cannot_be_done_is_refused_by_name_with_a_way_out(given, key):
    found = review(DeployParameters(**{**QUIET, **given}), {})
    (error,) = [one for one in found.errors if one.what.startswith(key)]
    assert error.fix
    assert f"{key}: " in (error.value or "")


@pytest.mark.parametrize(("given", "key"), WARNINGS)
def test_what_has_no_effect_is_warned_about_by_name(given, key):
    found = review(DeployParameters(**{**QUIET, **given}), {})
    assert found.errors == ()
    (warning,) = found.warnings
    assert warning.startswith(f"{key} has no effect: ")


@pytest.mark.parametrize(
    "given",
    [
        {"deployment_compute_target": ""},
        {"runtime": "python"},
        {"enable_gpu": False, "gpu_cores": 0},
        {"enable_gpu": True, "instance_type": "Standard_NC4as_T4_v3", "custom_base_image": "registry/cuda:12"},
        {"model_data_collection_enabled": False},
        {"profiling_enabled": False},
        {"ssl_enabled": False},
        {"autoscale_enabled": False},
        {"scoring_timeout_ms": 1000, "initial_delay_seconds": 5},
    ],
)
def test_what_is_off_or_supported_says_nothing(given):
    found = review(DeployParameters(**{**QUIET, **given}), {})
    assert (found.errors, found.warnings) == ((), ())


def test_a_service_that_was_open_is_not_open_any_more_and_says_so():
    (unset,) = review(DeployParameters(), {}).warnings
    (off,) = review(DeployParameters(authentication_enabled=False), {}).warnings
    assert "open to everybody" in unset
    assert "THE SERVICE IS NOT OPEN" in off
    assert review(DeployParameters(token_auth_enabled=True), {}).warnings == ()


def test_every_key_that_shapes_nothing_has_a_rule():
    without_meaning = set(DeployParameters.model_fields) - set(ServiceParameters.model_fields) - JUDGED_ELSEWHERE
    ruled = {rule.key for rule in (*REFUSED, *IGNORED)}
    assert without_meaning <= ruled


def test_secrets_of_the_legacy_action_are_named_never_shown():
    secrets = {
        "CONTAINER_REGISTRY_ADRESS": "registry.example",
        "CONTAINER_REGISTRY_PASSWORD": "pass-word-1",
        "PRIMARY_KEY": "key-key-key",
        "CMK_KEY_NAME": "vault-key-1",
    }
    found = review(DeployParameters(**QUIET), secrets)
    texts = [*map(str, found.errors), *found.warnings]
    assert any("CMK_KEY_NAME" in str(error) for error in found.errors)
    assert any(text.startswith("CONTAINER_REGISTRY_ADRESS, CONTAINER_REGISTRY_PASSWORD not used") for text in texts)
    assert any(text.startswith("PRIMARY_KEY not used") for text in texts)
    assert not any(value in text for value in secrets.values() for text in texts)


def test_the_region_of_the_workspace_may_be_written_in_both_ways():
    assert location_warning("West Europe", "westeurope") is None
    assert location_warning(None, "westeurope") is None
    assert "westeurope, not in eastus" in (location_warning("eastus", "westeurope") or "")
