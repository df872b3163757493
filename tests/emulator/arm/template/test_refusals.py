"""Templates and requests that are refused, or only validated: nothing is made then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from emulator.arm.template.conftest import IDENTITIES, VERSION, Rest, identity, names, wait
from emulator.arm.template.language import nested, template
from support.emulator import RunningEmulator

Fresh = Callable[[], str]


def test_a_kind_that_the_emulator_does_not_have_is_refused_before_anything_is_made(rest: Rest, fresh: Fresh) -> None:
    group = fresh()
    unknown = {"type": "Microsoft.Compute/virtualMachines", "apiVersion": VERSION, "name": "vm"}
    hidden = nested("n", template(resources=[{**unknown, "type": "Microsoft.Sql/servers", "name": "s"}]))
    body = {"properties": {"mode": "Incremental", "template": template(resources=[identity("first"), unknown, hidden])}}
    answer = rest("PUT", f"{group}/providers/Microsoft.Resources/deployments/d", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (501, "NotEmulated")
    assert "Microsoft.Compute/virtualMachines, Microsoft.Sql/servers" in answer.json()["error"]["message"]
    assert names(rest, group) == []


def test_a_kind_in_a_template_whose_parameters_are_not_known_yet_is_refused_too(rest: Rest, fresh: Fresh) -> None:
    group = fresh()
    inner = template(
        parameters={"id": {"type": "string"}},
        resources=[{"type": "Microsoft.Sql/servers/databases", "apiVersion": VERSION, "name": "[parameters('id')]"}],
    )
    given = {"id": {"value": "[reference('first').clientId]"}}
    options = {"expressionEvaluationOptions": {"scope": "inner"}, "parameters": given}
    resources = [identity("first"), nested("n", inner, properties=options)]
    body = {"properties": {"mode": "Incremental", "template": template(resources=resources)}}
    answer = rest("PUT", f"{group}/providers/Microsoft.Resources/deployments/d", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (501, "NotEmulated")
    assert "Microsoft.Sql/servers/databases" in answer.json()["error"]["message"]
    assert names(rest, group) == []


def test_a_namespace_that_is_not_registered_is_told_in_azures_words(
    rest: Rest, fresh: Fresh, emulator: RunningEmulator
) -> None:
    group, namespace = fresh(), "Microsoft.Network"
    provider = f"/subscriptions/{emulator.identity['subscriptionId']}/providers/{namespace}"
    zone = {
        "type": f"{namespace}/privateDnsZones",
        "apiVersion": "2024-06-01",
        "name": "a.example",
        "location": "global",
    }
    body = {"properties": {"mode": "Incremental", "template": template(resources=[identity("first"), zone])}}
    deployment_id = f"{group}/providers/Microsoft.Resources/deployments/d"
    rest("POST", f"{provider}/unregister")
    answer = rest("PUT", deployment_id, json=body)
    message = (
        f"The subscription is not registered to use namespace '{namespace}'. See https://aka.ms/rps-not-found for how to register "
        "subscriptions."
    )
    assert answer.status_code == 409
    assert answer.json()["error"] == {
        "code": "MissingSubscriptionRegistration",
        "message": message,
        "details": [{"code": "MissingSubscriptionRegistration", "target": namespace, "message": message}],
    }
    assert names(rest, group) == []
    rest("POST", f"{provider}/register")
    assert rest("PUT", deployment_id, json=body).status_code == 201
    assert wait(rest, deployment_id)["properties"]["provisioningState"] == "Succeeded"


def test_a_template_that_is_wrong_is_refused_with_line_and_path(
    rest: Rest, fresh: Fresh, emulator: RunningEmulator, token: str
) -> None:
    group = fresh()
    text = """{
  // comments are allowed
  "properties": {
    "mode": "Incremental",
    "template": {
      "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
      "contentVersion": "1.0.0.0",
      "parameters": { "needed": { "type": "string" } },
      "resources": [ { "type": "Microsoft.Network/privateDnsZones", "apiVersion": "2024-06-01", "name": "[variables('zone')]" } ]
    },
    "parameters": %s
  }
}"""

    def put(parameters: str) -> dict[str, Any]:
        answer = requests.put(
            f"{emulator.base_url}{group}/providers/Microsoft.Resources/deployments/d?api-version=2024-03-01",
            data=text % parameters,
            headers={"Authorization": f"Bearer {token}"},
            verify=emulator.env["REQUESTS_CA_BUNDLE"],
            timeout=60,
        )
        assert answer.status_code == 400, answer.text
        return answer.json()["error"]

    missing = put("{}")
    assert missing["code"] == "InvalidTemplate"
    assert missing["message"] == (
        "Deployment template validation failed: 'The value for the template parameter 'needed' at line '8' and column '33' is not "
        "provided. Please see https://aka.ms/arm-create-parameter-file for usage details.'."
    )
    assert missing["additionalInfo"] == [
        {
            "type": "TemplateViolation",
            "info": {"lineNumber": 8, "linePosition": 33, "path": "properties.template.parameters.needed"},
        }
    ]
    wrong = put('{ "needed": { "value": "x" } }')
    assert wrong["message"] == (
        "Deployment template validation failed: 'The template variable 'zone' is not found. Please see "
        "https://aka.ms/arm-template/#variables for usage details.'."
    )
    assert wrong["additionalInfo"][0]["info"]["path"] == "properties.template.resources[0].name"
    assert wrong["additionalInfo"][0]["info"]["lineNumber"] == 9


@pytest.mark.parametrize(
    ("properties", "code", "part"),
    [
        ({}, "InvalidRequestContent", "must have a template"),
        ({"template": []}, "InvalidRequestContent", "must have a template"),
        ({"template": {"resources": []}}, "InvalidRequestContent", "Required property '$schema' not found in JSON"),
        (
            {"template": template(extra=1)},
            "InvalidRequestContent",
            "Could not find member 'extra' on object of type 'Template'",
        ),
        ({"template": template(), "mode": "Sometimes"}, "InvalidDeploymentMode", "'Sometimes'"),
        ({"template": template(), "parameters": []}, "InvalidTemplate", "must be an object"),
        ({"template": template(parameters=[1])}, "InvalidTemplate", "must be an object"),
        ({"template": template(variables="x")}, "InvalidTemplate", "must be an object"),
        ({"template": template(functions={"a": 1})}, "InvalidTemplate", "must be an array"),
        ({"template": template(outputs=[1])}, "InvalidTemplate", "must be an object"),
        (
            {"template": template(outputs={"x": {"value": 1}})},
            "InvalidTemplate",
            "output 'x' is not valid: its type ''",
        ),
        (
            {"template": template(resources=[identity("one", properties={"x": "[div(1, 0)]"})])},
            "InvalidTemplate",
            "userAssignedIdentities/one' at line '1' and column '",
        ),
        (
            {"template": template(resources=[nested("n", template(), properties={"mode": "Complete"})])},
            "InvalidTemplate",
            "nested deployments support only 'Incremental'",
        ),
    ],
)
def test_a_request_that_is_none_is_refused(
    rest: Rest, fresh: Fresh, properties: dict[str, Any], code: str, part: str
) -> None:
    deployment_id = f"{fresh()}/providers/Microsoft.Resources/deployments/d"
    answer = rest("PUT", deployment_id, json={"properties": {"mode": "Incremental", **properties}})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code), answer.text
    assert part in answer.json()["error"]["message"]
    assert (
        rest(
            "POST", f"{deployment_id}/validate", json={"properties": {"mode": "Incremental", **properties}}
        ).status_code
        == 400
    )


def test_a_template_is_validated_without_making_anything(rest: Rest, fresh: Fresh) -> None:
    group = fresh()
    body = {"properties": {"mode": "Incremental", "template": template(resources=[identity("one")])}}
    answer = rest("POST", f"{group}/providers/Microsoft.Resources/deployments/d/validate", json=body)
    assert answer.status_code == 200
    assert answer.json()["properties"]["validatedResources"] == [{"id": f"{group}/providers/{IDENTITIES}/one"}]
    assert names(rest, group) == []
    assert rest("HEAD", f"{group}/providers/Microsoft.Resources/deployments/d").status_code == 404
