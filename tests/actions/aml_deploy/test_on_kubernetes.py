"""Whole steps for files with a deployment_compute_target, against the emulator: attached computes, served models."""

import json

import pytest
import requests

from .conftest import endpoint

CLUSTER = (
    "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/clusters/providers"
    "/Microsoft.ContainerService/managedClusters/blue"
)
AKS_FILE = {
    "description": "Scores",
    "tags": {"team": "risk"},
    "properties": {"ticket": "RISK-17"},
    "app_insights_enabled": True,
    "authentication_enabled": True,
    "cpu_cores": 0.2,
    "memory_gb": 0.7,
    "gpu_cores": 0,
    "autoscale_enabled": True,
    "autoscale_min_replicas": 1,
    "autoscale_max_replicas": 3,
    "autoscale_refresh_seconds": 5,
    "autoscale_target_utilization": 60,
    "scoring_timeout_ms": 30000,
    "replica_max_concurrent_requests": 2,
    "max_request_wait_time": 1000,
    "period_seconds": 11,
    "initial_delay_seconds": 12,
    "timeout_seconds": 3,
    "success_threshold": 1,
    "failure_threshold": 4,
    "test_enabled": True,
}
"""Every key that a legacy file for AKS could hold and that has an effect."""


@pytest.fixture(scope="module")
def kubernetes(azure):
    """An attached Kubernetes compute with the name `kube`."""
    from azure.ai.ml.entities import KubernetesCompute

    azure.compute.begin_attach(KubernetesCompute(name="kube", resource_id=CLUSTER, namespace="models")).result()
    return "kube"


@pytest.fixture(scope="module")
def others(emulator, azure, kubernetes):
    """A cluster for jobs and an inference cluster of SDK v1 in the same workspace."""
    from azure.ai.ml.entities import AmlCompute

    from aml_actions import cloud, credentials
    from aml_actions.rest import AzureRest

    azure.compute.begin_create_or_update(
        AmlCompute(name="cpu-cluster", size="Standard_DS3_v2", max_instances=1)
    ).result()
    signed_in = credentials.parse(emulator.credentials)
    found = cloud.find(signed_in)
    rest = AzureRest(credentials.token_credential(signed_in, found), found)
    body = {"location": "westeurope", "properties": {"computeType": "AKS", "resourceId": CLUSTER, "properties": {}}}
    rest._send("PUT", f"{azure.ref.arm_id}/computes/old-aks", params={"api-version": "2024-10-01"}, json=body)
    return rest


def deployment(azure, name):
    (one,) = azure.online_deployments.list(name)
    return one


def score(azure, name):
    found = endpoint(azure, name)
    key = azure.online_endpoints.get_keys(name).primary_key
    answer = requests.post(
        found.scoring_uri, json={"data": [1, 2]}, headers={"Authorization": f"Bearer {key}"}, timeout=60
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["predict"]


def test_a_file_for_aks_with_every_key_is_served_on_the_attached_compute(repository, azure, kubernetes):
    from azure.ai.ml.entities import KubernetesOnlineDeployment, KubernetesOnlineEndpoint

    first = repository.deploy("1", deployment_compute_target=kubernetes, **AKS_FILE)
    assert first.code == 0, first.log
    assert first.warnings == []
    assert "1 to 3 replicas on Kubernetes compute kube (0.2 CPU, 0.7 GB)" in first.log
    assert "on Kubernetes compute kube" in first.summary
    assert "the service says {'predict': [10, 20]}" in first.log
    result = json.loads(first.outputs["result"])
    assert (result["compute"], result["autoscale"]) == ("kube", {"min_replicas": 1, "max_replicas": 3})

    found = endpoint(azure, repository.endpoint)
    assert isinstance(found, KubernetesOnlineEndpoint)
    assert found.compute.endswith("/computes/kube")
    assert (found.auth_mode, found.description, found.tags["team"]) == ("key", "Scores", "risk")
    made = deployment(azure, repository.endpoint)
    assert isinstance(made, KubernetesOnlineDeployment)
    assert (made.resources.requests.cpu, made.resources.requests.memory) == ("0.2", "0.7Gi")
    scale = made.scale_settings
    assert (scale.min_instances, scale.max_instances) == (1, 3)
    assert (scale.polling_interval, scale.target_utilization_percentage) == (5, 60)
    request = made.request_settings
    assert (request.request_timeout_ms, request.max_concurrent_requests_per_instance) == (30000, 2)
    assert request.max_queue_wait_ms == 1000
    probe = made.liveness_probe
    assert (probe.initial_delay, probe.period, probe.timeout) == (12, 11, 3)
    assert (probe.success_threshold, probe.failure_threshold) == (1, 4)
    assert (made.app_insights_enabled, made.properties["ticket"]) == (True, "RISK-17")
    assert score(azure, repository.endpoint) == [10, 20]

    second = repository.deploy("2", deployment_compute_target=kubernetes, num_replicas=2)
    assert second.code == 0, second.log
    assert json.loads(second.outputs["result"])["removed_deployments"] == [first.outputs["deployment_name"]]
    replaced = deployment(azure, repository.endpoint)
    assert (replaced.scale_settings.type, replaced.instance_count) == ("default", 2)
    assert (replaced.liveness_probe.initial_delay, replaced.request_settings.request_timeout_ms) == (310, 60000)
    assert endpoint(azure, repository.endpoint).compute.endswith("/computes/kube")
    assert score(azure, repository.endpoint) == [100, 200]

    managed = repository.deploy("1")
    assert managed.code == 1
    assert f"The endpoint {repository.endpoint} is a Kubernetes endpoint" in managed.error
    assert '"deployment_compute_target": "kube"' in managed.error


def test_a_smoke_test_on_kubernetes_deletes_the_service_also_when_it_fails(repository, azure, kubernetes):
    repository.write("code/test/test.py", "def main(service):\n    raise ValueError('bad')\n")
    result = repository.deploy(
        deployment_compute_target=kubernetes, test_enabled=True, delete_service_after_deployment=True
    )
    assert result.code == 1
    assert "ValueError: bad" in result.error
    assert f"Endpoint {repository.endpoint} was deleted" in result.error
    assert endpoint(azure, repository.endpoint) is None


def test_callers_of_a_service_on_kubernetes_may_send_tokens(repository, azure, kubernetes):
    repository.write(
        "code/test/test.py",
        "def main(service):\n    token, _ = service.get_token()\n    assert service.run('{\"data\": [1]}')\n",
    )
    del repository.parameters["authentication_enabled"]
    result = repository.deploy(
        deployment_compute_target=kubernetes,
        token_auth_enabled=True,
        test_enabled=True,
        delete_service_after_deployment=True,
    )
    assert result.code == 0, result.log
    assert json.loads(result.outputs["result"])["auth_mode"] == "aml_token"
    assert result.warnings == []


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (
            "kub",
            (
                "The compute kub, which deployment_compute_target names, is not in workspace",
                "rg-deploy",
                "the attached Kubernetes computes: kube",
                "did you mean kube?",
                '"resource_id" in compute.json',
            ),
        ),
        ("../kube", ("The compute ../kube, which deployment_compute_target names, is not in workspace",)),
        (
            "old-aks",
            (
                "is an inference cluster of SDK v1 (AKS)",
                "no longer creates online endpoints or deployments on computes of type AKS",
                "install the Azure ML extension",
            ),
        ),
        ("cpu-cluster", ("is a cluster for jobs (AmlCompute)", "remove deployment_compute_target")),
    ],
)
def test_another_target_is_never_taken_instead(repository, azure, others, target, told):
    result = repository.deploy(deployment_compute_target=target)
    assert result.code == 1
    for text in told:
        assert text in result.error
    assert endpoint(azure, repository.endpoint) is None


def test_a_managed_endpoint_of_that_name_is_not_used_for_kubernetes(repository, azure, kubernetes):
    from azure.ai.ml.entities import ManagedOnlineEndpoint

    azure.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name=repository.endpoint)).result()
    result = repository.deploy(deployment_compute_target=kubernetes)
    assert result.code == 1
    assert f"The endpoint {repository.endpoint} is a managed endpoint" in result.error
    assert list(azure.online_deployments.list(repository.endpoint)) == []
