"""Every key of deploy.json, on a managed endpoint and on Kubernetes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contract.rows_compute import CLUSTER_ID
from contract.table import Gives, Row, Says, Scenario, Wire
from support.training import TrainingRepository

SCORE = """\
import json

def init():
    pass

def run(data):
    return {"predict": json.loads(data)["data"]}
"""
CONDA = "dependencies: [python=3.11, pip, {pip: [azureml-inference-server-http]}]\n"
TEST = "def check(service):\n    assert service.run('{\"data\": [1]}') == {\"predict\": [1]}\n    print('scored')\n"
FAILING_TEST = "def main(service):\n    raise AssertionError('not good enough')\n"
IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest"
MODEL = {"model_name": "served", "model_version": "{version}"}
PRIMARY, SECONDARY = "P" * 40, "S" * 40


def _model(repository: TrainingRepository) -> Mapping[str, str]:
    """A registered model, the scoring code at its default place and at another one, and tests."""
    for folder, script, conda in (
        ("code/deploy", "score.py", "environment.yml"),
        ("src/scoring", "serve.py", "env.yml"),
    ):
        repository.write({f"{folder}/{script}": SCORE, f"{folder}/{conda}": CONDA})
    repository.write(
        {
            "models/model.txt": "weights",
            "tests/service.py": TEST,
            "tests/failing.py": FAILING_TEST,
            "code/deploy/steps": "ENV GREETING=hello\n",
        }
    )
    done = repository.step("aml-registermodel", {"model_file_name": "models/model.txt", "model_name": "served"})
    assert done.code == 0, done.log
    return {"version": done.outputs["model_version"]}


def _cluster(repository: TrainingRepository) -> Mapping[str, str]:
    values = _model(repository)
    attached = repository.step("aml-compute", {"name": "aks", "resource_id": CLUSTER_ID})
    assert attached.code == 0, attached.log
    return values


def _scenario(name: str, parameters: Mapping[str, Any], **more: Any) -> Scenario:
    return Scenario(name, "aml-deploy", parameters, **{"prepare": _model, "inputs": MODEL, **more})


MANAGED = _scenario(
    "a managed endpoint with everything",
    {
        "name": "contract-managed",
        "inference_source_directory": "src/scoring/",
        "inference_entry_script": "serve.py",
        "conda_file": "env.yml",
        "runtime": "python",
        "enable_gpu": False,
        "gpu_cores": 0,
        "custom_base_image": IMAGE,
        "description": "Scores",
        "app_insights_enabled": True,
        "cpu_cores": 1.5,
        "memory_gb": 3.0,
        "instance_count": 2,
        "tags": {"team": "risk", "round": 3},
        "properties": {"ticket": "RISK-17"},
        "authentication_enabled": True,
        "scoring_timeout_ms": 60000,
        "replica_max_concurrent_requests": 4,
        "max_request_wait_time": 900,
        "period_seconds": 11,
        "initial_delay_seconds": 33,
        "timeout_seconds": 4,
        "success_threshold": 1,
        "failure_threshold": 5,
        "test_enabled": True,
        "test_file_path": "tests/service",
        "test_file_function_name": "check",
        "deployment_timeout_minutes": 30,
    },
    secrets={"PRIMARY_KEY": PRIMARY, "SECONDARY_KEY": SECONDARY},
)
WARNED = _scenario(
    "a managed endpoint with keys that mean nothing there",
    {
        "name": "contract-warned",
        "cuda_version": "9.1",
        "model_data_collection_enabled": True,
        "profiling_enabled": True,
        "profiling_dataset": "samples",
        "location": "japaneast",
        "dns_name_label": "label",
        "ssl_enabled": True,
        "autoscale_enabled": True,
        "autoscale_min_replicas": 1,
        "autoscale_max_replicas": 4,
        "autoscale_refresh_seconds": 2,
        "autoscale_target_utilization": 60,
        "num_replicas": 2,
        "namespace": "scoring",
        "authentication_enabled": False,
    },
    secrets={
        "CONTAINER_REGISTRY_ADRESS": "registry.example.com",
        "CONTAINER_REGISTRY_USERNAME": "registry-user",
        "CONTAINER_REGISTRY_PASSWORD": "registry-password",
    },
)
REFUSED = _scenario(
    "a managed endpoint with keys that cannot be followed",
    {
        "runtime": "spark-py",
        "enable_gpu": True,
        "gpu_cores": 1,
        "ssl_cert_pem_file": "cert.pem",
        "ssl_key_pem_file": "key.pem",
        "ssl_cname": "score.example.com",
        "create_image": "function_blob",
    },
    code=1,
    secrets={
        "CMK_VAULT_BASE_URL": "https://vault.example.com",
        "CMK_KEY_NAME": "cmk-key",
        "CMK_KEY_VERSION": "cmk-version",
        "FUNCTION_BLOB_INPUT": "input/{name}",
        "FUNCTION_BLOB_OUTPUT": "output/{name}",
    },
)
FUNCTION_HTTP = _scenario(
    "an Azure Function with a trigger of HTTP",
    {"create_image": "function_http", "skip_deployment": True},
    code=1,
    secrets={"FUNCTION_HTTP_AUTH_LEVEL": "anonymous"},
)
FUNCTION_QUEUE = _scenario(
    "an Azure Function with queues",
    {"create_image": "function_service_bus_queue", "skip_deployment": True},
    code=1,
    secrets={"FUNCTION_SERVICE_BUS_QUEUE_INPUT": "queue-in", "FUNCTION_SERVICE_BUS_QUEUE_OUTPUT": "queue-out"},
)
IMAGE_ONLY = _scenario("an image", {"create_image": "docker", "skip_deployment": True}, code=1)
SKIPPED = _scenario("nothing to deploy", {"skip_deployment": True})
SMOKE = _scenario(
    "a smoke test that fails",
    {
        "name": "contract-smoke",
        "authentication_enabled": True,
        "test_enabled": True,
        "test_file_path": "tests/failing.py",
        "delete_service_after_deployment": True,
    },
    code=1,
)
TOKENS = _scenario(
    "tokens, a size by its name, and further steps of the image",
    {
        "name": "contract-tokens",
        "token_auth_enabled": True,
        "instance_type": "Standard_F4s_v2",
        "extra_docker_file_steps": "steps",
    },
)
KUBERNETES = _scenario(
    "a service on Kubernetes",
    {
        "name": "contract-aks",
        "deployment_compute_target": "aks",
        "cpu_cores": 0.2,
        "memory_gb": 0.4,
        "custom_base_image": IMAGE,
        "num_replicas": 2,
        "authentication_enabled": True,
        "namespace": "scoring",
    },
    prepare=_cluster,
)
GPU = _scenario(
    "a service on Kubernetes with GPUs",
    {
        "name": "contract-gpu",
        "deployment_compute_target": "aks",
        "gpu_cores": 1,
        "instance_type": "gpunodes",
        "custom_base_image": IMAGE,
        "num_replicas": 1,
        "authentication_enabled": True,
    },
    prepare=_cluster,
)
AUTOSCALED = _scenario(
    "a service on Kubernetes that scales",
    {
        "name": "contract-scaled",
        "deployment_compute_target": "aks",
        "authentication_enabled": True,
        "autoscale_enabled": True,
        "autoscale_min_replicas": 1,
        "autoscale_max_replicas": 4,
        "autoscale_refresh_seconds": 2,
        "autoscale_target_utilization": 60,
        "period_seconds": 12,
    },
    prepare=_cluster,
)
NO_CLUSTER = _scenario("a cluster that is not attached", {"deployment_compute_target": "nowhere"}, code=1)

ENDPOINT = "/onlineEndpoints/contract-managed"
DEPLOYMENT = f"{ENDPOINT}/deployments/[^/]+"
AKS_DEPLOYMENT = "/onlineEndpoints/contract-aks/deployments/[^/]+"
SCALED_DEPLOYMENT = "/onlineEndpoints/contract-scaled/deployments/[^/]+"


def _managed(key: str, at: str, value: Any) -> Row:
    return Row(key, MANAGED, Wire("PUT", DEPLOYMENT, f"properties/{at}", value))


def _kubernetes(key: str, at: str, value: Any, scenario: Scenario = KUBERNETES) -> Row:
    path = AKS_DEPLOYMENT if scenario is KUBERNETES else SCALED_DEPLOYMENT
    return Row(key, scenario, Wire("PUT", path, f"properties/{at}", value))


def _warned(*keys: str) -> tuple[Row, ...]:
    return tuple(Row(key, WARNED, Says("warning", f"{key} has no effect")) for key in keys)


def _refused(*keys: str) -> tuple[Row, ...]:
    return tuple(Row(key, REFUSED, Says("error", f"{key} is refused")) for key in keys)


ROWS = (
    Row("name", MANAGED, Wire("PUT", ENDPOINT)),
    Row(
        "deployment_compute_target",
        KUBERNETES,
        Wire(
            "PUT", "/onlineEndpoints/contract-aks", "properties/compute", lambda found: found.endswith("/computes/aks")
        ),
    ),
    _kubernetes("deployment_compute_target", "endpointComputeType", "Kubernetes"),
    Row("deployment_compute_target", NO_CLUSTER, Says("error", "nowhere")),
    _managed("inference_source_directory", "codeConfiguration/codeId", lambda found: "/codes/" in found),
    _managed("inference_entry_script", "codeConfiguration/scoringScript", "serve.py"),
    Row(
        "conda_file",
        MANAGED,
        Wire(
            "PUT",
            "/environments/[^/]+/versions/[^/]+",
            "properties/condaFile",
            lambda found: "azureml-inference-server-http" in found,
        ),
    ),
    Row("custom_base_image", MANAGED, Wire("PUT", "/environments/[^/]+/versions/[^/]+", "properties/image", IMAGE)),
    Row(
        "extra_docker_file_steps",
        TOKENS,
        Wire("PUT", "/environments/[^/]+/versions/[^/]+", "properties/build/dockerfilePath", "Dockerfile"),
    ),
    *_refused("runtime"),
    Row("runtime", MANAGED, Gives("service_scoring_uri", lambda text: text.startswith("https://"))),
    *_refused("enable_gpu", "gpu_cores"),
    Row("enable_gpu", MANAGED, Gives("service_swagger_uri", lambda text: text.startswith("https://"))),
    Row(
        "gpu_cores",
        GPU,
        Wire(
            "PUT",
            "/onlineEndpoints/contract-gpu/deployments/[^/]+",
            "properties/containerResourceRequirements/containerResourceRequests/gpu",
            "1",
        ),
    ),
    *_warned("cuda_version", "model_data_collection_enabled", "profiling_enabled", "profiling_dataset"),
    Row("profiling_enabled", WARNED, Gives("profiling_details", "")),
    _managed("description", "description", "Scores"),
    Row("authentication_enabled", MANAGED, Wire("PUT", ENDPOINT, "properties/authMode", "Key")),
    Row("authentication_enabled", WARNED, Says("warning", "THE SERVICE IS NOT OPEN")),
    Row(
        "token_auth_enabled", TOKENS, Wire("PUT", "/onlineEndpoints/contract-tokens", "properties/authMode", "AMLToken")
    ),
    _managed("app_insights_enabled", "appInsightsEnabled", True),
    _managed("cpu_cores", "instanceType", "Standard_DS2_v2"),
    _managed("memory_gb", "instanceType", "Standard_DS2_v2"),
    _kubernetes("cpu_cores", "containerResourceRequirements/containerResourceRequests/cpu", "0.2"),
    _kubernetes("memory_gb", "containerResourceRequirements/containerResourceRequests/memory", "0.4Gi"),
    Row(
        "instance_type",
        TOKENS,
        Wire("PUT", "/onlineEndpoints/contract-tokens/deployments/[^/]+", "properties/instanceType", "Standard_F4s_v2"),
    ),
    Row("instance_count", MANAGED, Wire("PUT", DEPLOYMENT, "sku/capacity", 2)),
    Row("tags", MANAGED, Wire("PUT", DEPLOYMENT, "tags/team", "risk")),
    Row("tags", MANAGED, Wire("PUT", ENDPOINT, "tags/round", "3")),
    _managed("properties", "properties/ticket", "RISK-17"),
    Row("delete_service_after_deployment", SMOKE, Wire("DELETE", "/onlineEndpoints/contract-smoke")),
    Row("delete_service_after_deployment", SMOKE, Gives("service_scoring_uri", "")),
    Row("test_enabled", MANAGED, Says("", "Test check() of tests/service.py: passed")),
    Row("test_enabled", SMOKE, Says("error", "not good enough")),
    Row("test_file_path", MANAGED, Says("", "tests/service.py")),
    Row("test_file_function_name", MANAGED, Says("", "Test check()")),
    Row("skip_deployment", SKIPPED, Says("notice", "nothing was deployed")),
    Row("create_image", IMAGE_ONLY, Says("error", "create_image is refused")),
    *_refused("create_image"),
    *_warned("location", "dns_name_label", "ssl_enabled"),
    *_refused("ssl_cert_pem_file", "ssl_key_pem_file", "ssl_cname"),
    *_warned("autoscale_enabled", "autoscale_min_replicas", "autoscale_max_replicas"),
    *_warned("autoscale_refresh_seconds", "autoscale_target_utilization", "num_replicas", "namespace"),
    _kubernetes("autoscale_enabled", "scaleSettings/scaleType", "TargetUtilization", AUTOSCALED),
    _kubernetes("autoscale_min_replicas", "scaleSettings/minInstances", 1, AUTOSCALED),
    _kubernetes("autoscale_max_replicas", "scaleSettings/maxInstances", 4, AUTOSCALED),
    _kubernetes("autoscale_refresh_seconds", "scaleSettings/pollingInterval", "PT2S", AUTOSCALED),
    _kubernetes("autoscale_target_utilization", "scaleSettings/targetUtilizationPercentage", 60, AUTOSCALED),
    Row("num_replicas", KUBERNETES, Wire("PUT", AKS_DEPLOYMENT, "sku/capacity", 2)),
    Row("namespace", KUBERNETES, Says("warning", "namespace has no effect")),
    _managed("scoring_timeout_ms", "requestSettings/requestTimeout", "PT1M"),
    _managed("replica_max_concurrent_requests", "requestSettings/maxConcurrentRequestsPerInstance", 4),
    _managed("max_request_wait_time", "requestSettings/maxQueueWait", "PT0.9S"),
    _kubernetes("scoring_timeout_ms", "requestSettings/requestTimeout", "PT1M"),
    _managed("period_seconds", "livenessProbe/period", "PT11S"),
    _kubernetes("period_seconds", "livenessProbe/period", "PT12S", AUTOSCALED),
    _managed("initial_delay_seconds", "livenessProbe/initialDelay", "PT33S"),
    _kubernetes("initial_delay_seconds", "livenessProbe/initialDelay", "PT5M10S"),
    _managed("timeout_seconds", "livenessProbe/timeout", "PT4S"),
    _managed("success_threshold", "livenessProbe/successThreshold", 1),
    _managed("failure_threshold", "livenessProbe/failureThreshold", 5),
    _kubernetes("failure_threshold", "livenessProbe/failureThreshold", 3),
    Row("deployment_timeout_minutes", MANAGED, Gives("service_scoring_uri", lambda text: text.startswith("https://"))),
    *(
        Row(name, MANAGED, Wire("POST", f"{ENDPOINT}/regenerateKeys", "keyValue", "***"))
        for name in ("PRIMARY_KEY", "SECONDARY_KEY")
    ),
    *(
        Row(name, WARNED, Says("warning", name))
        for name in ("CONTAINER_REGISTRY_ADRESS", "CONTAINER_REGISTRY_USERNAME", "CONTAINER_REGISTRY_PASSWORD")
    ),
    *(Row(name, REFUSED, Says("error", name)) for name in ("CMK_VAULT_BASE_URL", "CMK_KEY_NAME", "CMK_KEY_VERSION")),
    *(Row(name, REFUSED, Says("error", name)) for name in ("FUNCTION_BLOB_INPUT", "FUNCTION_BLOB_OUTPUT")),
    Row("FUNCTION_HTTP_AUTH_LEVEL", FUNCTION_HTTP, Says("error", "FUNCTION_HTTP_AUTH_LEVEL")),
    *(
        Row(name, FUNCTION_QUEUE, Says("error", name))
        for name in ("FUNCTION_SERVICE_BUS_QUEUE_INPUT", "FUNCTION_SERVICE_BUS_QUEUE_OUTPUT")
    ),
)
