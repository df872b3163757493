"""What people put into the secret AZURE_CREDENTIALS."""

import json

import pytest
from support.steps import CREDENTIALS

from aml_actions.credentials import parse
from aml_actions.errors import ActionError


def refused(value):
    with pytest.raises(ActionError) as caught:
        parse(value if isinstance(value, str) else json.dumps(value))
    return str(caught.value)


def test_the_output_of_az_is_accepted_with_its_other_keys():
    given = {**CREDENTIALS, "sqlManagementEndpointUrl": "https://x/", "galleryEndpointUrl": "https://y/", "number": 1}
    found = parse(json.dumps(given, indent=2))
    assert (found.client_id, found.subscription_id) == (CREDENTIALS["clientId"], CREDENTIALS["subscriptionId"])
    assert found.resource_manager_endpoint == ""


def test_the_endpoints_of_another_cloud_are_kept():
    found = parse(json.dumps({**CREDENTIALS, "resourceManagerEndpointUrl": " https://management.usgovcloudapi.net/ "}))
    assert found.resource_manager_endpoint == "https://management.usgovcloudapi.net/"


def test_an_empty_secret_names_forks_and_environments():
    assert "pull requests from forks" in refused("")
    assert "environment" in refused(" \n")


@pytest.mark.parametrize(
    "value", ["just-the-password", "{'clientId': 'x'}", '{"clientId": "x"', '{"clientSecret": "hunter22",}']
)
def test_what_is_not_json_is_never_quoted(value):
    message = refused(value)
    assert "not JSON" in message
    for part in ("just-the-password", "hunter22", "clientId': "):
        assert part not in message


@pytest.mark.parametrize("value", [[], "text", 5, None, True])
def test_json_that_is_no_object(value):
    assert "not an object" in refused(json.dumps(value))


def test_every_missing_key_is_told_at_once_with_the_keys_that_are_there():
    message = refused({"appId": "x", "password": "hunter22", "tenant": "y"})
    for key in CREDENTIALS:
        assert f"lacks the key {key}" in message
    assert "appId, password, tenant" in message
    assert "--json-auth" in message
    assert "hunter22" not in message


@pytest.mark.parametrize(
    ("value", "named"),
    [("", "an empty string"), (5, "a JSON number"), (None, "a JSON null"), (["hunter22"], "a JSON array")],
)
def test_a_key_with_a_wrong_value(value, named):
    message = refused({**CREDENTIALS, "clientSecret": value})
    assert "clientSecret must be a text" in message
    assert named in message
    assert "hunter22" not in message


def test_a_token_is_not_sent_without_tls():
    assert "must be an https address" in refused({**CREDENTIALS, "resourceManagerEndpointUrl": "http://127.0.0.1:8443"})


def test_the_secret_is_not_in_the_representation():
    """An error page of any tool that prints the object must not hold it."""
    assert CREDENTIALS["clientSecret"] not in repr(parse(json.dumps(CREDENTIALS)))
