"""Endpoints and deployments on a Kubernetes compute, made by azure-ai-ml and asked over HTTPS."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from support.emulator import RunningEmulator

from .conftest import SCORE, SERVER

Rest = Callable[..., requests.Response]
Deploy = Callable[..., Any]

CLUSTER = (
    "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/clusters/providers"
    "/Microsoft.ContainerService/managedClusters/blue"
)


@pytest.fixture(scope="module")
def cluster(ml: Any) -> str:
    """Name of an attached cluster."""
    from azure.ai.ml.entities import KubernetesCompute

    ml.compute.begin_attach(KubernetesCompute(name="kube", resource_id=CLUSTER, namespace="models")).result()
    return "kube"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with code, environment, model and request."""
    made = tmp_path_factory.mktemp("kubernetes")
    (made / "code").mkdir()
    (made / "code" / "score.py").write_text(SCORE)
    (made / "code" / "count.py").write_text(
        "import os\ndef init(): pass\ndef run(raw): return os.environ['WORKER_COUNT']"
    )
    (made / "conda.yml").write_text(SERVER)
    (made / "model.json").write_text('{"w": 2}')
    (made / "request.json").write_text('{"data": [1, 2]}')
    return made


@pytest.fixture(scope="module")
def deploy(ml: Any, folder: Path) -> Deploy:
    """`deploy(endpoint, name, **more)`: a Kubernetes deployment that has come up."""
    from azure.ai.ml.entities import CodeConfiguration, Environment, KubernetesOnlineDeployment, Model

    environment = Environment(image="mcr.microsoft.com/azureml/minimal", conda_file=folder / "conda.yml")
    model = ml.models.create_or_update(Model(name="line", path=str(folder / "model.json")))

    def make(endpoint: str, name: str, script: str = "score.py", **more: Any) -> Any:
        wanted = KubernetesOnlineDeployment(
            name=name,
            endpoint_name=endpoint,
            model=model,
            environment=environment,
            code_configuration=CodeConfiguration(code=str(folder / "code"), scoring_script=script),
            **more,
        )
        return ml.online_deployments.begin_create_or_update(wanted).result()

    return make


def test_a_model_is_served_with_the_settings_that_it_was_given(
    emulator: RunningEmulator, ml: Any, cluster: str, deploy: Deploy, folder: Path
) -> None:
    from azure.ai.ml.entities import (
        KubernetesOnlineDeployment,
        KubernetesOnlineEndpoint,
        OnlineRequestSettings,
        ProbeSettings,
        ResourceRequirementsSettings,
        ResourceSettings,
    )

    made = ml.online_endpoints.begin_create_or_update(
        KubernetesOnlineEndpoint(name="kube-flowers", compute=cluster, auth_mode="key", tags={"team": "x"})
    ).result()
    assert isinstance(made, KubernetesOnlineEndpoint)
    assert made.compute.endswith("/computes/kube")
    assert made.scoring_uri == f"{emulator.base_url}/api/v1/endpoint/kube-flowers/score"

    deploy(
        "kube-flowers",
        "blue",
        instance_count=2,
        resources=ResourceRequirementsSettings(
            requests=ResourceSettings(cpu="0.1", memory="0.5Gi"), limits=ResourceSettings(cpu="500m", memory="1Gi")
        ),
        request_settings=OnlineRequestSettings(request_timeout_ms=240_000, max_concurrent_requests_per_instance=3),
        liveness_probe=ProbeSettings(initial_delay=310, period=10, timeout=2, failure_threshold=3, success_threshold=1),
        environment_variables={"WHO": "blue"},
    )
    found = ml.online_deployments.get("blue", "kube-flowers")
    assert isinstance(found, KubernetesOnlineDeployment)
    assert (found.provisioning_state, found.instance_count, found.instance_type) == (
        "Succeeded",
        2,
        "defaultinstancetype",
    )
    assert (found.resources.requests.cpu, found.resources.limits.memory) == ("0.1", "1Gi")
    assert (found.request_settings.request_timeout_ms, found.liveness_probe.initial_delay) == (240_000, 310)
    assert found.scale_settings.type == "default"

    made.traffic = {"blue": 100}
    assert ml.online_endpoints.begin_create_or_update(made).result().traffic == {"blue": 100}
    request = str(folder / "request.json")
    assert json.loads(ml.online_endpoints.invoke("kube-flowers", request_file=request)) == {"y": [2, 4], "who": "blue"}


def test_autoscale_is_kept_and_its_fewest_replicas_run(
    ml: Any, rest: Rest, workspace_id: str, cluster: str, deploy: Deploy, folder: Path
) -> None:
    from azure.ai.ml.entities import KubernetesOnlineEndpoint, TargetUtilizationScaleSettings

    ml.online_endpoints.begin_create_or_update(KubernetesOnlineEndpoint(name="kube-scaled", compute=cluster)).result()
    wanted = TargetUtilizationScaleSettings(
        min_instances=2, max_instances=6, polling_interval=10, target_utilization_percentage=60
    )
    deploy("kube-scaled", "blue", "count.py", scale_settings=wanted)
    found = ml.online_deployments.get("blue", "kube-scaled")
    assert found.scale_settings == wanted
    assert found.instance_count == 2
    asked = ml.online_endpoints.invoke("kube-scaled", request_file=str(folder / "request.json"), deployment_name="blue")
    assert json.loads(asked) == "2"
    address = f"{workspace_id}/onlineEndpoints/kube-scaled/deployments/blue"
    answer = rest("PATCH", address, json={"sku": {"name": "Default", "capacity": 4}})
    assert answer.status_code == 400
    assert "is scaled between 2 and 6 instances by its scaleSettings" in answer.json()["error"]["message"]


def test_the_router_of_a_cluster_has_statuses_of_its_own(
    emulator: RunningEmulator, ml: Any, cluster: str, deploy: Deploy
) -> None:
    from azure.ai.ml.entities import KubernetesOnlineEndpoint, OnlineRequestSettings

    endpoint = ml.online_endpoints.begin_create_or_update(
        KubernetesOnlineEndpoint(name="kube-asked", compute=cluster, auth_mode="aml_token")
    ).result()
    deploy("kube-asked", "blue", request_settings=OnlineRequestSettings(request_timeout_ms=1000))
    token = ml.online_endpoints.get_keys("kube-asked").access_token

    def status(body: Any, token: str = token) -> int:
        return requests.post(
            endpoint.scoring_uri,
            json=body,
            headers={"Authorization": f"Bearer {token}", "azureml-model-deployment": "blue"},
            verify=emulator.env["REQUESTS_CA_BUNDLE"],
            timeout=60,
        ).status_code

    assert status({"data": [1]}) == 200
    assert status({"data": [1]}, "no-token") == 401
    assert status({"refuse": True}) == 400  # the script's own answer; a managed endpoint says 424
    assert status({}) == 502  # the script raised
    assert status({"data": [], "sleep": 3}) == 504


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"scaleSettings": {"scaleType": "TargetUtilization", "minInstances": 3, "maxInstances": 2}},
            "minInstances is 3",
        ),
        ({"scaleSettings": {"scaleType": "TargetUtilization", "maxInstances": 0}}, "maxInstances is 0"),
        (
            {"scaleSettings": {"scaleType": "TargetUtilization", "targetUtilizationPercentage": 101}},
            "targetUtilizationPercentage is 101; allowed are 1 to 100",
        ),
        ({"scaleSettings": {"scaleType": "TargetUtilization", "pollingInterval": "soon"}}, "'soon' is not a duration"),
        ({"scaleSettings": {"scaleType": "Sometimes"}}, "scaleType 'Sometimes' is unknown"),
        ({"requests": {"cpu": "half", "memory": "1Gi"}}, "resources.requests.cpu is 'half'"),
        ({"requests": {"cpu": "0", "memory": "1Gi"}}, "resources.requests.cpu is '0'"),
        ({"requests": {"cpu": "1"}}, "resources.requests.memory is missing"),
        (
            {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"cpu": "500m"}},
            "more than resources.limits.cpu, 500m",
        ),
        (
            {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "3Gi"}},
            "more than the instance type allows (2Gi)",
        ),
        (
            {"requests": {"cpu": "1", "memory": "1Gi", "gpu": "1"}},
            "resources.requests.gpu needs the same resources.limits.gpu",
        ),
        (
            {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"gpu": "1"}},
            "resources.limits.gpu is 1, more than the instance type allows (0)",
        ),
        ({"endpointComputeType": "Managed"}, "its deployments are of type Kubernetes"),
    ],
)
def test_what_the_cluster_would_not_take_is_refused_and_leaves_nothing(
    ml: Any, rest: Rest, workspace_id: str, cluster: str, deploy: Deploy, settings: dict[str, Any], words: str
) -> None:
    deployed = _deployed(ml, rest, workspace_id, cluster, deploy)
    properties = {key: value for key, value in deployed.items() if key not in ("provisioningState", "scaleSettings")}
    resources = {
        "containerResourceRequests": settings.pop("requests", None),
        "containerResourceLimits": settings.pop("limits", None),
    }
    body = {"properties": {**properties, "containerResourceRequirements": resources, **settings}}
    answer = rest("PUT", f"{workspace_id}/onlineEndpoints/kube-checked/deployments/green", json=body)
    assert (answer.status_code, words in answer.json()["error"]["message"]) == (400, True), answer.text
    assert rest("GET", f"{workspace_id}/onlineEndpoints/kube-checked/deployments/green").status_code == 404


def _deployed(ml: Any, rest: Rest, workspace_id: str, cluster: str, deploy: Deploy) -> dict[str, Any]:
    """Properties of a deployment that is fine."""
    from azure.ai.ml.entities import KubernetesOnlineEndpoint

    path = f"{workspace_id}/onlineEndpoints/kube-checked/deployments/blue"
    if rest("GET", path).status_code == 404:
        ml.online_endpoints.begin_create_or_update(
            KubernetesOnlineEndpoint(name="kube-checked", compute=cluster)
        ).result()
        deploy("kube-checked", "blue", "count.py")
    found: dict[str, Any] = rest("GET", path).json()["properties"]
    return found


def test_names_that_kubernetes_does_not_take_together_are_refused(ml: Any, cluster: str, deploy: Deploy) -> None:
    from azure.ai.ml.entities import KubernetesOnlineEndpoint

    name = "e" * 32
    ml.online_endpoints.begin_create_or_update(KubernetesOnlineEndpoint(name=name, compute=cluster)).result()
    with pytest.raises(HttpResponseError, match=r"have 64 characters together\. Allowed on Kubernetes are 6 to 62"):
        deploy(name, "d" * 32)


def test_an_endpoint_stays_where_it_is_and_needs_a_cluster_that_serves(ml: Any, rest: Rest, workspace_id: str) -> None:
    from azure.ai.ml.entities import (
        AmlCompute,
        KubernetesCompute,
        KubernetesOnlineEndpoint,
        ManagedOnlineEndpoint,
    )

    ml.compute.begin_create_or_update(AmlCompute(name="cpu", size="Standard_DS3_v2")).result()
    ml.compute.begin_attach(KubernetesCompute(name="leaving", resource_id=CLUSTER)).result()
    with pytest.raises(HttpResponseError, match="Only a compute of type Kubernetes can serve them"):
        ml.online_endpoints.begin_create_or_update(KubernetesOnlineEndpoint(name="on-cpu", compute="cpu")).result()
    with pytest.raises(ResourceNotFoundError, match="Cannot find Kubernetes compute 'none' in workspace workspace"):
        ml.online_endpoints.begin_create_or_update(KubernetesOnlineEndpoint(name="nowhere", compute="none")).result()
    with pytest.raises(HttpResponseError, match="do not support Microsoft Entra tokens"):
        ml.online_endpoints.begin_create_or_update(
            KubernetesOnlineEndpoint(name="entra", compute="leaving", auth_mode="aad_token")
        ).result()

    kube = KubernetesOnlineEndpoint(name="stays", compute="leaving")
    ml.online_endpoints.begin_create_or_update(kube).result()
    with pytest.raises(HttpResponseError, match=r"computes/leaving and cannot be changed to managed"):
        ml.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name="stays")).result()
    ml.compute.begin_delete("leaving", action="Detach").result()
    body = {"properties": {"endpointComputeType": "Kubernetes"}}
    answer = rest("PUT", f"{workspace_id}/onlineEndpoints/stays/deployments/blue", json=body)
    assert (answer.status_code, "Cannot find Kubernetes compute" in answer.json()["error"]["message"]) == (404, True)


def test_a_managed_deployment_does_not_scale_by_utilization(ml: Any, rest: Rest, workspace_id: str) -> None:
    from azure.ai.ml.entities import ManagedOnlineEndpoint

    ml.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name="not-kube")).result()
    body = {"properties": {"scaleSettings": {"scaleType": "TargetUtilization", "maxInstances": 3}}}
    answer = rest("PUT", f"{workspace_id}/onlineEndpoints/not-kube/deployments/blue", json=body)
    assert answer.status_code == 400
    assert "scaleType of a managed deployment is 'TargetUtilization'" in answer.json()["error"]["message"]
