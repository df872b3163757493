"""What is asked of Azure for a set of parameters."""

import pytest

from aml_deploy.models import ModelVersion
from aml_deploy.order import BASE_IMAGE, Order
from aml_deploy.parameters import DeployParameters
from aml_deploy.sizing import Size
from aml_deploy.sources import Sources

STAMP = {"managed-by": "github-actions", "repository": "org/shop", "commit": "c0ffee", "workflow-run": "https://x/1"}


@pytest.fixture
def order(tmp_path):
    conda = tmp_path / "environment.yml"
    conda.write_text("dependencies: [python=3.11]\n")

    def build(**parameters):
        return Order(
            endpoint="credit",
            model=ModelVersion("credit", "3", "/subscriptions/x", {}),
            size=Size("Standard_DS3_v2", "asked for"),
            sources=Sources(tmp_path, "score.py", "code/deploy/score.py", conda, None, ()),
            parameters=DeployParameters(**parameters),
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
    made = order(scoring_timeout_ms=60000, initial_delay_seconds=310).deployment_entity("d")
    assert made.request_settings._to_rest_object().as_dict() == {"requestTimeout": "PT1M"}
    assert made.liveness_probe._to_rest_object().as_dict() == {"initialDelay": "PT5M10S"}


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
