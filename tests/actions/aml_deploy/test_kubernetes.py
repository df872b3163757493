"""What is asked of Azure for a service on Kubernetes: every key of a legacy file for AKS, as it goes over the wire."""

import pytest

from aml_actions.errors import ActionError
from aml_deploy.kubernetes import Kubernetes
from aml_deploy.models import ModelVersion
from aml_deploy.order import Order
from aml_deploy.parameters import DeployParameters
from aml_deploy.sources import Code, Sources

COMPUTE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/computes/aks"
STAMP = {"managed-by": "github-actions", "repository": "org/shop"}


@pytest.fixture
def order(tmp_path):
    conda = tmp_path / "environment.yml"
    conda.write_text("dependencies: [python=3.11]\n")

    def build(registered=None, **parameters):
        given = DeployParameters(deployment_compute_target="aks", **parameters)
        return Order(
            endpoint="credit",
            model=ModelVersion("credit", "3", "/subscriptions/x", registered or {}),
            target=Kubernetes("aks", COMPUTE, given, registered or {}),
            sources=Sources(Code(tmp_path, "score.py", "code/deploy/score.py", conda), None),
            parameters=given,
            stamp=STAMP,
            run_id="77",
            run_attempt="1",
        )

    return build


@pytest.fixture
def wire(order):
    """Return the body of the request that makes the deployment; files are replaced by ids, as an upload does."""

    def build(**parameters):
        entity = order(**parameters).deployment_entity("v3-77-1")
        entity.code_configuration.code = "/codes/1"
        entity.environment = "/environments/1"
        return entity._to_rest_object(location="westeurope").as_dict()

    return build


def test_the_endpoint_is_on_the_compute(order):
    body = order(description="Scores", tags={"team": "risk"}).endpoint_entity()._to_rest_online_endpoint("westeurope")
    sent = body.as_dict()
    assert sent["properties"]["compute"] == COMPUTE
    assert sent["properties"]["authMode"] == "Key"
    assert sent["properties"]["description"] == "Scores"
    assert sent["tags"] == {"team": "risk", **STAMP}


@pytest.mark.parametrize(
    ("given", "mode"),
    [
        ({}, "key"),
        ({"authentication_enabled": True}, "key"),
        ({"authentication_enabled": False}, "key"),
        ({"token_auth_enabled": True}, "aml_token"),
        ({"token_auth_enabled": True, "authentication_enabled": False}, "aml_token"),
    ],
)
def test_callers_send_keys_or_tokens(order, given, mode):
    assert order(**given).endpoint_entity().auth_mode == mode


def test_a_file_with_the_compute_alone_gets_what_sdk_v1_made_of_it(wire):
    body = wire()
    assert body["sku"]["capacity"] == 1
    properties = body["properties"]
    assert properties["endpointComputeType"] == "Kubernetes"
    assert properties["containerResourceRequirements"] == {
        "containerResourceRequests": {"cpu": "0.1", "memory": "0.5Gi"}
    }
    assert properties["scaleSettings"] == {
        "scaleType": "TargetUtilization",
        "minInstances": 1,
        "maxInstances": 10,
        "pollingInterval": "PT1S",
        "targetUtilizationPercentage": 70,
    }
    assert properties["requestSettings"] == {
        "requestTimeout": "PT1M",
        "maxConcurrentRequestsPerInstance": 1,
        "maxQueueWait": "PT0.5S",
    }
    assert properties["livenessProbe"] == {
        "initialDelay": "PT5M10S",
        "period": "PT10S",
        "timeout": "PT2S",
        "successThreshold": 1,
        "failureThreshold": 3,
    }
    assert "readinessProbe" not in properties
    assert "instanceType" not in properties


@pytest.mark.parametrize(
    ("given", "path", "value"),
    [
        ({"cpu_cores": 1.5}, "containerResourceRequirements.containerResourceRequests.cpu", "1.5"),
        ({"memory_gb": 2.0}, "containerResourceRequirements.containerResourceRequests.memory", "2Gi"),
        ({"gpu_cores": 1}, "containerResourceRequirements.containerResourceRequests.gpu", "1"),
        ({"gpu_cores": 1}, "containerResourceRequirements.containerResourceLimits", {"gpu": "1"}),
        ({"gpu_cores": 0}, "containerResourceRequirements.containerResourceLimits", None),
        ({"instance_type": "gpu-pool"}, "instanceType", "gpu-pool"),
        ({"instance_type": "gpu-pool"}, "containerResourceRequirements", None),
        (
            {"instance_type": "gpu-pool", "cpu_cores": 1.0},
            "containerResourceRequirements",
            {"containerResourceRequests": {"cpu": "1", "memory": "0.5Gi"}},
        ),
        ({"autoscale_enabled": True, "autoscale_min_replicas": 2}, "scaleSettings.minInstances", 2),
        ({"autoscale_enabled": True, "autoscale_max_replicas": 3}, "scaleSettings.maxInstances", 3),
        ({"autoscale_enabled": True, "autoscale_refresh_seconds": 90}, "scaleSettings.pollingInterval", "PT1M30S"),
        (
            {"autoscale_enabled": True, "autoscale_target_utilization": 50},
            "scaleSettings.targetUtilizationPercentage",
            50,
        ),
        ({"num_replicas": 3}, "scaleSettings", {"scaleType": "Default"}),
        ({"autoscale_enabled": False, "num_replicas": 3}, "scaleSettings", {"scaleType": "Default"}),
        ({"instance_count": 3}, "scaleSettings", {"scaleType": "Default"}),
        ({"scoring_timeout_ms": 300_000}, "requestSettings.requestTimeout", "PT5M"),
        ({"replica_max_concurrent_requests": 4}, "requestSettings.maxConcurrentRequestsPerInstance", 4),
        ({"max_request_wait_time": 1000}, "requestSettings.maxQueueWait", "PT1S"),
        ({"max_request_wait_time": 0}, "requestSettings.maxQueueWait", "PT0.001S"),
        ({"initial_delay_seconds": 20}, "livenessProbe.initialDelay", "PT20S"),
        ({"period_seconds": 11}, "livenessProbe.period", "PT11S"),
        ({"timeout_seconds": 5}, "livenessProbe.timeout", "PT5S"),
        ({"success_threshold": 2}, "livenessProbe.successThreshold", 2),
        ({"failure_threshold": 9}, "livenessProbe.failureThreshold", 9),
        ({"app_insights_enabled": True}, "appInsightsEnabled", True),
        ({"description": "Scores"}, "description", "Scores"),
        ({"properties": {"ticket": 7}}, "properties", {"ticket": "7"}),
    ],
)
def test_each_key_goes_over_the_wire(wire, given, path, value):
    found = wire(**given)["properties"]
    for part in path.split("."):
        found = found.get(part) if found else None
    assert found == value


@pytest.mark.parametrize(
    ("given", "capacity"),
    [
        ({"num_replicas": 3}, 3),
        ({"instance_count": 2}, 2),
        ({"autoscale_enabled": True, "autoscale_min_replicas": 4}, 4),
    ],
)
def test_the_number_of_replicas_is_the_capacity(wire, given, capacity):
    assert wire(**given)["sku"]["capacity"] == capacity


def test_what_the_model_was_registered_with_counts_when_the_file_says_nothing(wire):
    registered = {"cpu_cores": "2", "memory_gb": "8.0"}
    requests = wire(registered=registered, memory_gb=1.5)["properties"]["containerResourceRequirements"]
    assert requests["containerResourceRequests"] == {"cpu": "2", "memory": "1.5Gi"}


@pytest.mark.parametrize(
    ("given", "machines", "facts"),
    [
        (
            {"num_replicas": 2, "gpu_cores": 1},
            "2 replicas on Kubernetes compute aks (0.1 CPU, 0.5 GB, 1 GPU)",
            {"compute": "aks", "instance_type": None, "instance_count": 2, "autoscale": None},
        ),
        (
            {"instance_type": "large"},
            "1 to 10 replicas on Kubernetes compute aks (large)",
            {
                "compute": "aks",
                "instance_type": "large",
                "instance_count": 1,
                "autoscale": {"min_replicas": 1, "max_replicas": 10},
            },
        ),
    ],
)
def test_where_it_runs_is_told(order, given, machines, facts):
    target = order(**given).target
    assert target.machines == machines
    assert target.facts() == facts


def test_an_endpoint_of_another_kind_or_on_another_compute_is_refused(order):
    from azure.ai.ml.entities import KubernetesOnlineEndpoint, ManagedOnlineEndpoint

    target = order().target
    target.refuse(KubernetesOnlineEndpoint(name="credit", compute=COMPUTE.replace("/aks", "/AKS")))
    with pytest.raises(ActionError) as managed:
        target.refuse(ManagedOnlineEndpoint(name="credit"))
    assert "The endpoint credit is a managed endpoint" in str(managed.value)
    assert "remove deployment_compute_target" in str(managed.value)
    with pytest.raises(ActionError) as elsewhere:
        target.refuse(KubernetesOnlineEndpoint(name="credit", compute=COMPUTE.replace("/aks", "/other")))
    assert "The endpoint credit is on compute other" in str(elsewhere.value)
    for caught in (managed, elsewhere):
        assert "az ml online-endpoint delete --yes --name credit" in str(caught.value)
