"""Online endpoints by the real SDK: names, keys, tokens and traffic, without a deployment that serves."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

import jwt
import pytest
import requests
from support.emulator import RunningEmulator

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

Rest = Callable[..., requests.Response]


def _name() -> str:
    return f"ep-{uuid.uuid4().hex[:8]}"


def test_an_endpoint_is_created_found_and_deleted(ml: MLClient, emulator: RunningEmulator) -> None:
    from azure.ai.ml.entities import ManagedOnlineEndpoint
    from azure.core.exceptions import ResourceNotFoundError

    name = _name()
    wanted = ManagedOnlineEndpoint(name=name, auth_mode="key", description="text", tags={"a": "b"})
    made = ml.online_endpoints.begin_create_or_update(wanted).result()
    assert made.scoring_uri == f"{emulator.base_url}/inference/{name}/score"
    assert (made.provisioning_state, made.description, made.tags["a"]) == ("Succeeded", "text", "b")
    assert name in [endpoint.name for endpoint in ml.online_endpoints.list()]
    ml.online_endpoints.begin_delete(name).result()
    with pytest.raises(ResourceNotFoundError):
        ml.online_endpoints.get(name)


def test_a_missing_endpoint_is_told_in_the_front_ends_words_and_deleted_without_complaint(
    rest: Rest, workspace_id: str
) -> None:
    answer = rest("GET", f"{workspace_id}/onlineEndpoints/none")
    assert (answer.status_code, answer.json()["error"]["details"][0]["code"]) == (404, "NoSuchEndpoint")
    assert rest("DELETE", f"{workspace_id}/onlineEndpoints/none").status_code == 204


def test_keys_are_kept_and_changed_one_at_a_time(ml: MLClient, rest: Rest, workspace_id: str) -> None:
    from azure.ai.ml.entities import ManagedOnlineEndpoint

    name = _name()
    ml.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name=name, auth_mode="key")).result()
    before = ml.online_endpoints.get_keys(name)
    assert before.primary_key != before.secondary_key
    ml.online_endpoints.begin_regenerate_keys(name, key_type="primary").result()
    after = ml.online_endpoints.get_keys(name)
    assert after.primary_key != before.primary_key
    assert after.secondary_key == before.secondary_key
    assert before.primary_key not in rest("GET", f"{workspace_id}/onlineEndpoints/{name}").text


def test_an_endpoint_of_tokens_gives_tokens_and_no_keys(ml: MLClient, rest: Rest, workspace_id: str) -> None:
    from azure.ai.ml.entities import ManagedOnlineEndpoint

    name = _name()
    ml.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name=name, auth_mode="aml_token")).result()
    found = ml.online_endpoints.get_keys(name)
    claims = jwt.decode(found.access_token, options={"verify_signature": False})
    assert claims["exp"] == pytest.approx(found.expiry_time_utc, abs=5)
    keys = rest("POST", f"{workspace_id}/onlineEndpoints/{name}/listKeys").json()
    assert keys == {"primaryKey": None, "secondaryKey": None}


def test_a_name_belongs_to_one_workspace_of_the_region(ml: MLClient, rest: Rest, group: str) -> None:
    from azure.ai.ml.entities import ManagedOnlineEndpoint, Workspace

    name = _name()
    ml.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name=name, auth_mode="key")).result()
    ml.workspaces.begin_create(Workspace(name="second-workspace", location="westeurope")).result()
    other = f"{group}/providers/Microsoft.MachineLearningServices/workspaces/second-workspace"
    body = {"location": "westeurope", "properties": {"authMode": "Key"}}
    answer = rest("PUT", f"{other}/onlineEndpoints/{name.upper()}", json=body)
    assert answer.status_code == 409
    assert "An endpoint with this name already exists" in answer.json()["error"]["message"]


@pytest.mark.parametrize("name", ["ab", "1abc", "with_underscore", "double--dash", "ends-", "x" * 33])
def test_a_name_that_azure_refuses_is_refused(rest: Rest, workspace_id: str, name: str) -> None:
    body = {"location": "westeurope", "properties": {"authMode": "Key"}}
    answer = rest("PUT", f"{workspace_id}/onlineEndpoints/{name}", json=body)
    assert answer.status_code == 400
    assert f"'{name}'" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("properties", "status", "words"),
    [
        ({"authMode": "Password"}, 400, "Allowed: Key, AMLToken, AADToken"),
        ({"authMode": "Key", "traffic": {"blue": 100}}, 400, "which endpoint refused does not have"),
        ({"authMode": "Key", "traffic": {"blue": -1}}, 400, "whole numbers from 0 to 100"),
        ({"authMode": "Key", "mirrorTraffic": {"blue": 10}}, 501, "mirrored traffic"),
        ({"authMode": "Key", "compute": "azureml:none"}, 404, "Cannot find Kubernetes compute 'none'"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(
    rest: Rest, workspace_id: str, properties: dict[str, object], status: int, words: str
) -> None:
    body = {"location": "westeurope", "properties": properties}
    answer = rest("PUT", f"{workspace_id}/onlineEndpoints/refused", json=body)
    assert answer.status_code == status
    assert words in answer.json()["error"]["message"]
    assert rest("GET", f"{workspace_id}/onlineEndpoints/refused").status_code == 404


def test_an_endpoint_that_is_being_changed_is_left_alone(rest: Rest, workspace_id: str) -> None:
    path = f"{workspace_id}/onlineEndpoints/{_name()}"
    body = {"location": "westeurope", "properties": {"authMode": "Key"}}
    assert rest("PUT", path, json=body).status_code == 201
    answer = rest("PUT", path, json=body)
    assert answer.status_code == 409
    assert "because it is in Creating provisioning state" in answer.json()["error"]["message"]


def test_a_deployment_that_refers_to_nothing_is_refused(ml: MLClient, rest: Rest, workspace_id: str) -> None:
    from azure.ai.ml.entities import ManagedOnlineEndpoint

    name = _name()
    ml.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name=name, auth_mode="key")).result()
    environment = f"{workspace_id}/environments/none/versions/1"
    code = {"codeId": f"{workspace_id}/codes/none/versions/1", "scoringScript": "score.py"}
    cases: list[tuple[dict[str, object], int, str]] = [
        ({}, 400, "needs a code configuration"),
        ({"model": "azureml:none:1"}, 404, "Model none:1 was not found"),
        ({"codeConfiguration": code}, 400, "needs a code configuration"),
        ({"codeConfiguration": code, "environmentId": environment}, 404, "Code none:1 was not found"),
        ({"codeConfiguration": {"codeId": "x"}, "environmentId": environment}, 400, "names no scoring script"),
        ({"instanceType": "Standard_Nope"}, 400, "The request is invalid."),
        ({"endpointComputeType": "Kubernetes"}, 400, "its deployments are of type Managed"),
    ]
    for properties, status, words in cases:
        body = {"location": "westeurope", "properties": properties, "sku": {"name": "Default", "capacity": 1}}
        answer = rest("PUT", f"{workspace_id}/onlineEndpoints/{name}/deployments/blue", json=body)
        assert (answer.status_code, words in answer.json()["error"]["message"]) == (status, True), answer.text
    assert rest("GET", f"{workspace_id}/onlineEndpoints/{name}/deployments").json()["value"] == []
    body = {"properties": {"instanceType": "Standard_Nope"}, "sku": {"name": "Default", "capacity": 1}}
    refused = rest("PUT", f"{workspace_id}/onlineEndpoints/{name}/deployments/blue", json=body).json()["error"]
    assert '"VmSize": ["Not supported VM Size: Standard_Nope"]' in refused["details"][0]["message"]
    body = {"properties": {}, "sku": {"name": "Default", "capacity": 0}}
    refused = rest("PUT", f"{workspace_id}/onlineEndpoints/{name}/deployments/blue", json=body)
    assert refused.status_code == 400
