"""What is asked of Azure for a set of parameters."""

import pytest

from aml_actions.errors import ActionError
from aml_deploy.managed import Managed
from aml_deploy.models import ModelVersion
from aml_deploy.order import BASE_IMAGE, Order
from aml_deploy.parameters import DeployParameters
from aml_deploy.sizing import Size
from aml_deploy.sources import Code, Sources

STAMP = {"managed-by": "github-actions", "repository": "org/shop", "commit": "c0ffee", "workflow-run": "https://x/1"}


@pytest.fixture
def order(tmp_path):
    conda = tmp_path / "environment.yml"
    conda.write_text("dependencies: [python=3.11]\n")

    def build(*, code=True, build_context=None, **parameters):
        given = DeployParameters(**parameters)
        return Order(
            endpoint="credit",
            model=ModelVersion("credit", "3", "/subscriptions/x", {}),
            target=Managed(Size("Standard_DS3_v2", "asked for"), given),
            sources=Sources(Code(tmp_path, "score.py", "code/deploy/score.py", conda) if code else None, None),
            parameters=given,
            build_context=build_context,
            stamp=STAMP,
            run_id="77",
            run_attempt="1",
        )

    return build


def test_the_deployment_is_what_the_parameters_say(order):
    made = order(
        instance_count=2,
        app_insights_enabled=True,
        description="Scores",
        tags={"team": "risk", "level": 2, "urgent": True},
        properties={"ticket": "RISK-17"},
    ).deployment_entity("v3-77-1")
    assert (made.name, made.endpoint_name, made.model) == ("v3-77-1", "credit", "azureml:credit:3")
    assert (made.instance_type, made.instance_count) == ("Standard_DS3_v2", 2)
    assert made.app_insights_enabled is True
    assert made.description == "Scores"
    assert made.tags == {"team": "risk", "level": "2", "urgent": "true", **STAMP}
    assert made.properties == {"ticket": "RISK-17"}
    assert made.environment.image == BASE_IMAGE
    assert made.environment.conda_file == {"dependencies": ["python=3.11"]}
    assert made.code_configuration.scoring_script == "score.py"


def test_settings_of_the_service_are_left_to_it_unless_they_are_given(order):
    plain = order().deployment_entity("d")
    assert (plain.request_settings, plain.liveness_probe) == (None, None)
    assert plain.scale_settings is None
    made = order(scoring_timeout_ms=60000, initial_delay_seconds=310).deployment_entity("d")
    assert made.request_settings._to_rest_object().as_dict() == {"requestTimeout": "PT1M"}
    assert made.liveness_probe._to_rest_object().as_dict() == {"initialDelay": "PT5M10S"}


@pytest.mark.parametrize(
    ("given", "part", "wire"),
    [
        ({"scoring_timeout_ms": 60000}, "request_settings", {"requestTimeout": "PT1M"}),
        ({"replica_max_concurrent_requests": 4}, "request_settings", {"maxConcurrentRequestsPerInstance": 4}),
        ({"max_request_wait_time": 1000}, "request_settings", {"maxQueueWait": "PT1S"}),
        ({"max_request_wait_time": 0}, "request_settings", {"maxQueueWait": "PT0.001S"}),
        ({"initial_delay_seconds": 310}, "liveness_probe", {"initialDelay": "PT5M10S"}),
        ({"period_seconds": 10}, "liveness_probe", {"period": "PT10S"}),
        ({"timeout_seconds": 2}, "liveness_probe", {"timeout": "PT2S"}),
        ({"success_threshold": 1}, "liveness_probe", {"successThreshold": 1}),
        ({"failure_threshold": 3}, "liveness_probe", {"failureThreshold": 3}),
    ],
)
def test_a_setting_that_is_given_is_sent_and_no_other(order, given, part, wire):
    assert getattr(order(**given).deployment_entity("d"), part)._to_rest_object().as_dict() == wire


def test_a_custom_base_image_lies_under_the_conda_environment(order):
    made = order(custom_base_image="registry.example/cuda:12").deployment_entity("d")
    assert made.environment.image == "registry.example/cuda:12"
    assert made.environment.conda_file == {"dependencies": ["python=3.11"]}


def test_lines_of_a_dockerfile_make_the_image_from_a_build_context(order, tmp_path):
    made = order(build_context=tmp_path).deployment_entity("d")
    assert (made.environment.build.path, made.environment.build.dockerfile_path) == (str(tmp_path), "Dockerfile")
    assert (made.environment.image, made.environment.conda_file) == (None, None)


def test_a_model_that_azure_serves_by_itself_gets_neither_code_nor_environment(order):
    made = order(code=False).deployment_entity("d")
    assert (made.code_configuration, made.environment, made.model) == (None, None, "azureml:credit:3")


def test_a_kubernetes_endpoint_takes_no_managed_deployment(order):
    from azure.ai.ml.entities import KubernetesOnlineEndpoint, ManagedOnlineEndpoint

    target = order().target
    target.refuse(ManagedOnlineEndpoint(name="credit"))
    with pytest.raises(ActionError) as caught:
        target.refuse(KubernetesOnlineEndpoint(name="credit", compute="/subscriptions/x/computes/aks"))
    assert "credit is a Kubernetes endpoint" in str(caught.value)
    assert '"deployment_compute_target": "aks"' in str(caught.value)
    assert "az ml online-endpoint delete --yes --name credit" in str(caught.value)


def test_callers_send_keys_or_tokens(order):
    assert order().endpoint_entity().auth_mode == "key"
    assert order(token_auth_enabled=True).endpoint_entity().auth_mode == "aml_token"


def test_a_user_cannot_disguise_what_is_ours(order):
    assert order(tags={"managed-by": "nobody"}).tags["managed-by"] == "github-actions"


@pytest.mark.parametrize(
    ("tags", "ours"),
    [
        (STAMP, True),
        ({**STAMP, "commit": "other"}, True),
        ({**STAMP, "repository": "org/other"}, False),
        ({"team": "risk"}, False),
        ({}, False),
        (None, False),
    ],
)
def test_only_what_this_repository_made_is_ours(order, tags, ours):
    assert order().made_here(tags) is ours
