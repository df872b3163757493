"""Every key of the legacy action that is refused, or has no effect, on each of the two targets."""

import pytest

from aml_deploy import rules, rules_kubernetes, rules_managed
from aml_deploy.kubernetes_parameters import KubernetesParameters
from aml_deploy.legacy import location_warning, review
from aml_deploy.parameters import DeployParameters
from aml_deploy.service_parameters import ServiceParameters

MANAGED = {"authentication_enabled": True}
KUBERNETES = {"deployment_compute_target": "aks"}
AUTOSCALE = {"autoscale_enabled": True}
GPU_SIZE = {"instance_type": "Standard_NC4as_T4_v3"}

REFUSED = [
    (MANAGED, {"runtime": "spark-py"}, "runtime"),
    (MANAGED, {"create_image": "docker"}, "create_image"),
    (MANAGED, {"create_image": "function_http"}, "create_image"),
    (MANAGED, {"enable_gpu": True}, "enable_gpu"),
    (MANAGED, {"gpu_cores": 1}, "gpu_cores"),
    (MANAGED, {"ssl_enabled": True, "ssl_cert_pem_file": "c.pem"}, "ssl_cert_pem_file"),
    (MANAGED, {"ssl_key_pem_file": "k.pem"}, "ssl_key_pem_file"),
    (MANAGED, {"ssl_cname": "a.example"}, "ssl_cname"),
    (MANAGED, {"scoring_timeout_ms": 180_001}, "scoring_timeout_ms"),
    (MANAGED, {"token_auth_enabled": True}, "token_auth_enabled"),  # beside authentication_enabled: true
    (KUBERNETES, {"runtime": "spark-py"}, "runtime"),
    (KUBERNETES, {"create_image": "docker"}, "create_image"),
    (KUBERNETES, {"token_auth_enabled": True, "authentication_enabled": True}, "token_auth_enabled"),
    (KUBERNETES, {"autoscale_enabled": False}, "autoscale_enabled"),
    (KUBERNETES, {**AUTOSCALE, "num_replicas": 2}, "autoscale_enabled"),
    (KUBERNETES, {**AUTOSCALE, "instance_count": 2}, "autoscale_enabled"),
    (KUBERNETES, {"autoscale_min_replicas": 1}, "autoscale_min_replicas"),
    (KUBERNETES, {"autoscale_max_replicas": 2}, "autoscale_max_replicas"),
    (KUBERNETES, {"autoscale_refresh_seconds": 1}, "autoscale_refresh_seconds"),
    (KUBERNETES, {"autoscale_target_utilization": 70}, "autoscale_target_utilization"),
    (KUBERNETES, {"autoscale_min_replicas": 1, "num_replicas": 2}, "autoscale_min_replicas"),
    (KUBERNETES, {**AUTOSCALE, "autoscale_min_replicas": 3, "autoscale_max_replicas": 2}, "autoscale_min_replicas"),
    (KUBERNETES, {**AUTOSCALE, "autoscale_min_replicas": 11}, "autoscale_min_replicas"),
    (KUBERNETES, {"num_replicas": 2, "instance_count": 3}, "instance_count"),
]
IGNORED = [
    (MANAGED, {"cuda_version": "9.1"}, "cuda_version"),
    (MANAGED, {"model_data_collection_enabled": True}, "model_data_collection_enabled"),
    (MANAGED, {"profiling_enabled": True}, "profiling_enabled"),
    (MANAGED, {"profiling_dataset": "data"}, "profiling_dataset"),
    (MANAGED, {"dns_name_label": "label"}, "dns_name_label"),
    (MANAGED, {"ssl_enabled": True}, "ssl_enabled"),
    (MANAGED, {"autoscale_enabled": True}, "autoscale_enabled"),
    (MANAGED, {"autoscale_min_replicas": 1}, "autoscale_min_replicas"),
    (MANAGED, {"autoscale_max_replicas": 2}, "autoscale_max_replicas"),
    (MANAGED, {"autoscale_refresh_seconds": 1}, "autoscale_refresh_seconds"),
    (MANAGED, {"autoscale_target_utilization": 70}, "autoscale_target_utilization"),
    (MANAGED, {"num_replicas": 3}, "num_replicas"),
    (MANAGED, {"namespace": "scoring"}, "namespace"),
    (MANAGED, {"enable_gpu": True, **GPU_SIZE}, "enable_gpu"),
    (MANAGED, {"gpu_cores": 1, **GPU_SIZE}, "gpu_cores"),
    (MANAGED, {"authentication_enabled": False}, "authentication_enabled"),
    (KUBERNETES, {"cuda_version": "9.1"}, "cuda_version"),
    (KUBERNETES, {"model_data_collection_enabled": True}, "model_data_collection_enabled"),
    (KUBERNETES, {"profiling_enabled": True}, "profiling_enabled"),
    (KUBERNETES, {"profiling_dataset": "data"}, "profiling_dataset"),
    (KUBERNETES, {"location": "westeurope"}, "location"),
    (KUBERNETES, {"dns_name_label": "label"}, "dns_name_label"),
    (KUBERNETES, {"ssl_enabled": True}, "ssl_enabled"),
    (KUBERNETES, {"ssl_cert_pem_file": "c.pem"}, "ssl_cert_pem_file"),
    (KUBERNETES, {"ssl_key_pem_file": "k.pem"}, "ssl_key_pem_file"),
    (KUBERNETES, {"ssl_cname": "a.example"}, "ssl_cname"),
    (KUBERNETES, {"namespace": "scoring"}, "namespace"),
    (KUBERNETES, {"gpu_cores": 1}, "gpu_cores"),
    (KUBERNETES, {"enable_gpu": True, "custom_base_image": "registry/cuda:12"}, "enable_gpu"),
    (KUBERNETES, {"authentication_enabled": False}, "authentication_enabled"),
]
QUIET = [
    (MANAGED, {"deployment_compute_target": ""}),
    (MANAGED, {"runtime": "python"}),
    (MANAGED, {"enable_gpu": False, "gpu_cores": 0}),
    (MANAGED, {"enable_gpu": True, "custom_base_image": "registry/cuda:12", **GPU_SIZE}),
    (MANAGED, {"model_data_collection_enabled": False}),
    (MANAGED, {"profiling_enabled": False}),
    (MANAGED, {"ssl_enabled": False}),
    (MANAGED, {"autoscale_enabled": False}),
    (MANAGED, {"scoring_timeout_ms": 180_000, "initial_delay_seconds": 5}),
    (MANAGED, {"extra_docker_file_steps": "steps"}),
    (KUBERNETES, {}),
    (KUBERNETES, {"authentication_enabled": True}),
    (KUBERNETES, {"authentication_enabled": False, "token_auth_enabled": True}),
    (KUBERNETES, {"token_auth_enabled": True}),
    (KUBERNETES, {"scoring_timeout_ms": 600_000}),
    (KUBERNETES, {"num_replicas": 2}),
    (KUBERNETES, {"num_replicas": 2, "instance_count": 2}),
    (KUBERNETES, {"instance_count": 2}),
    (KUBERNETES, {"autoscale_enabled": False, "num_replicas": 2}),
    (KUBERNETES, {"autoscale_enabled": False, "instance_count": 2}),
    (KUBERNETES, {**AUTOSCALE, "autoscale_min_replicas": 2, "autoscale_max_replicas": 2}),
    (KUBERNETES, {"enable_gpu": True, "gpu_cores": 1, "custom_base_image": "registry/cuda:12"}),
    (KUBERNETES, {"enable_gpu": False, "gpu_cores": 0, "ssl_enabled": False, "location": ""}),
]
JUDGED_ELSEWHERE = {"location", "skip_deployment"}
WITH_EFFECT_ON_KUBERNETES = {"deployment_compute_target", "gpu_cores", "num_replicas"}


@pytest.mark.parametrize(("target", "given", "key"), REFUSED)
def test_what_cannot_be_done_is_refused_by_name_with_a_way_out(target, given, key):
    found = review(DeployParameters(**{**target, **given}), {}, ".cloud/.azure/deploy.json")
    (error,) = [one for one in found.errors if one.key == key]
    assert error.what.startswith(f"{key} is refused. ")
    assert f"{key}: " in (error.value or "")
    assert error.fix
    assert error.file == ".cloud/.azure/deploy.json"


@pytest.mark.parametrize(("target", "given", "key"), IGNORED)
def test_what_has_no_effect_is_warned_about_by_name(target, given, key):
    found = review(DeployParameters(**{**target, **given}), {}, ".cloud/.azure/deploy.json")
    assert found.errors == []
    (warning,) = found.warnings
    assert warning.what.startswith(f"{key} has no effect: ")
    assert (warning.key, warning.file) == (key, ".cloud/.azure/deploy.json")
    assert warning.fix


@pytest.mark.parametrize(("target", "given"), QUIET)
def test_what_is_off_or_supported_says_nothing(target, given):
    found = review(DeployParameters(**{**target, **given}), {})
    assert (found.errors, found.warnings) == ([], [])


def test_a_service_that_was_open_is_not_open_any_more_and_says_so():
    (unset,) = review(DeployParameters(), {}).warnings
    (off,) = review(DeployParameters(authentication_enabled=False), {}).warnings
    (off_on_kubernetes,) = review(DeployParameters(authentication_enabled=False, **KUBERNETES), {}).warnings
    assert "open to everybody" in unset.what
    assert unset.value is None
    assert "THE SERVICE IS NOT OPEN" in off.what
    assert "THE SERVICE IS NOT OPEN" in off_on_kubernetes.what
    assert review(DeployParameters(token_auth_enabled=True), {}).warnings == []


def test_every_key_that_shapes_nothing_has_a_rule_on_each_target():
    everywhere = (*rules.CREATE_IMAGE, *rules.REFUSED, *rules.IGNORED)
    for target, effective in (
        (rules_managed, {"deployment_compute_target"}),
        (rules_kubernetes, WITH_EFFECT_ON_KUBERNETES),
    ):
        ruled = {rule.key for rule in (*everywhere, *target.REFUSED, *target.IGNORED)}
        without_meaning = set(DeployParameters.model_fields) - set(ServiceParameters.model_fields) - JUDGED_ELSEWHERE
        assert without_meaning - effective <= ruled
    assert set(KubernetesParameters.model_fields) <= set(DeployParameters.model_fields)


def test_when_nothing_is_deployed_nothing_is_judged_but_the_image():
    quiet = review(
        DeployParameters(skip_deployment=True, runtime="spark-py", ssl_cname="a.example"), {"CMK_KEY_NAME": "k"}
    )
    assert (quiet.errors, quiet.warnings) == ([], [])
    (error,) = review(DeployParameters(skip_deployment=True, create_image="docker"), {}).errors
    assert error.key == "create_image"


SECRETS = {
    "CONTAINER_REGISTRY_ADRESS": "registry.example",
    "CONTAINER_REGISTRY_ADDRESS": "registry.example",
    "CONTAINER_REGISTRY_USERNAME": "somebody",
    "CONTAINER_REGISTRY_PASSWORD": "pass-word-1",
    "PRIMARY_KEY": "key-key-key",
    "SECONDARY_KEY": "key-key-two",
    "CMK_VAULT_BASE_URL": "https://vault.example",
    "CMK_KEY_NAME": "vault-key-1",
    "CMK_KEY_VERSION": "version-1",
    "FUNCTION_BLOB_INPUT": "in/path",
    "FUNCTION_BLOB_OUTPUT": "out/path",
    "FUNCTION_HTTP_AUTH_LEVEL": "anonymous",
    "FUNCTION_SERVICE_BUS_QUEUE_INPUT": "queue-in",
    "FUNCTION_SERVICE_BUS_QUEUE_OUTPUT": "queue-out",
}


def test_secrets_of_the_legacy_action_are_named_never_shown():
    for given in (MANAGED, KUBERNETES, {"token_auth_enabled": True}, {"create_image": "function_blob"}):
        found = review(DeployParameters(**given), SECRETS)
        texts = [str(one) for one in (*found.errors, *found.warnings)]
        assert any("CMK_VAULT_BASE_URL, CMK_KEY_NAME, CMK_KEY_VERSION" in text for text in texts)
        assert not any(value in text for value in SECRETS.values() for text in texts)


@pytest.mark.parametrize(
    "name", ["CONTAINER_REGISTRY_ADRESS", "CONTAINER_REGISTRY_ADDRESS", "CONTAINER_REGISTRY_USERNAME"]
)
def test_registry_passwords_are_not_used_and_the_role_is_named(name):
    (warning,) = review(DeployParameters(**MANAGED), {name: "x"}).warnings
    assert warning.what.startswith(f"{name} not used")
    assert "AcrPull" in (warning.fix or "")


def test_a_key_of_ones_own_encrypts_no_managed_deployment_and_was_never_used_on_kubernetes():
    (error,) = review(DeployParameters(**MANAGED), {"CMK_KEY_NAME": "k"}).errors
    assert error.what.startswith("CMK_KEY_NAME: a deployment cannot be encrypted")
    on_kubernetes = review(DeployParameters(**KUBERNETES), {"CMK_KEY_NAME": "k"})
    assert on_kubernetes.errors == []
    assert on_kubernetes.warnings[0].what.startswith("CMK_KEY_NAME not used")


def test_request_keys_are_used_unless_callers_send_tokens():
    keys = {"PRIMARY_KEY": "one", "SECONDARY_KEY": "two"}
    assert review(DeployParameters(**MANAGED), keys).warnings == []
    (warning,) = review(DeployParameters(token_auth_enabled=True), keys).warnings
    assert warning.what.startswith("PRIMARY_KEY, SECONDARY_KEY not used")


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("function_blob", "FUNCTION_BLOB_INPUT, FUNCTION_BLOB_OUTPUT"),
        ("function_http", "FUNCTION_HTTP_AUTH_LEVEL"),
        ("function_service_bus_queue", "FUNCTION_SERVICE_BUS_QUEUE_INPUT, FUNCTION_SERVICE_BUS_QUEUE_OUTPUT"),
    ],
)
def test_the_variables_of_a_function_are_refused_with_it(kind, names):
    functions = {name: value for name, value in SECRETS.items() if name.startswith("FUNCTION")}
    found = review(DeployParameters(create_image=kind, **MANAGED), functions)
    assert [one.what.split(":")[0].split(" is refused")[0] for one in found.errors] == ["create_image", names]
    assert review(DeployParameters(**MANAGED), functions).errors == []


def test_the_region_of_the_workspace_may_be_written_in_both_ways():
    assert location_warning("West Europe", "westeurope") is None
    assert location_warning(None, "westeurope") is None
    assert "westeurope, not in eastus" in (location_warning("eastus", "westeurope") or "")
