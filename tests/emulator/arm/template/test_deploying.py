"""Templates deployed on a running emulator by REST: what is made, what is told, and what fails on the way."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from emulator.arm.template.conftest import IDENTITIES, LOGS, Deploy, Rest, identity, names, wait
from emulator.arm.template.language import nested, template
from support.emulator import RunningEmulator
from support.workbench import workbench

Fresh = Callable[[], str]


def logs(name: str, **members: Any) -> dict[str, Any]:
    resource = {"type": LOGS, "apiVersion": "2025-07-01", "name": name, "location": "westeurope", "properties": {}}
    return {**resource, **members}


def test_resources_are_made_in_order_and_give_outputs(rest: Rest, fresh: Fresh, deploy: Deploy) -> None:
    group = fresh()
    found = deploy(
        group,
        template(
            parameters={"prefix": {"type": "string"}, "count": {"type": "int", "defaultValue": 2}},
            variables={"first": "[concat(parameters('prefix'), '-', uniqueString(resourceGroup().id))]"},
            resources=[
                identity("[variables('first')]", tags={"made": "[deployment().name]"}),
                logs(
                    "[concat(parameters('prefix'), '-logs')]",
                    properties={
                        "retentionInDays": "[mul(parameters('count'), 15)]",
                        "features": {"client": "[reference(variables('first')).clientId]"},
                    },
                ),
                identity("[concat('copy', copyIndex(1))]", copy={"name": "copies", "count": "[parameters('count')]"}),
                identity("never", condition="[greater(parameters('count'), 5)]"),
            ],
            outputs={
                "full": {"type": "object", "value": "[reference(variables('first'), '2024-11-30', 'Full')]"},
                "ids": {
                    "type": "array",
                    "copy": {
                        "count": "[parameters('count')]",
                        "input": "[resourceId('" + IDENTITIES + "', concat('copy', copyIndex(1)))]",
                    },
                },
                "none": {"type": "string", "condition": "[equals(1, 2)]", "value": "[div(1, 0)]"},
                "key": {"type": "securestring", "value": "hidden"},
            },
        ),
        prefix="app",
    )
    assert found["provisioningState"] == "Succeeded", found
    assert names(rest, group)[1:] == ["copy1", "copy2"]
    first = names(rest, group)[0]
    shown = rest("GET", f"{group}/providers/{IDENTITIES}/{first}").json()
    assert shown["tags"] == {"made": "d"}
    made = rest("GET", f"{group}/providers/{LOGS}/app-logs").json()
    assert made["properties"]["features"] == {"client": shown["properties"]["clientId"]}
    assert made["properties"]["retentionInDays"] == 30
    outputs = found["outputs"]
    assert outputs["full"]["value"]["properties"] == shown["properties"]
    assert outputs["full"]["value"]["resourceId"] == f"{IDENTITIES}/{first}"
    assert outputs["ids"] == {"type": "Array", "value": [f"{group}/providers/{IDENTITIES}/copy{n}" for n in (1, 2)]}
    assert outputs["key"] == {"type": "SecureString"}
    assert set(outputs) == {"full", "ids", "key"}
    assert {item["id"].rpartition("/")[2] for item in found["outputResources"]} == {first, "app-logs", "copy1", "copy2"}
    assert found["parameters"] == {"prefix": {"type": "String", "value": "app"}, "count": {"type": "Int", "value": 2}}
    assert found["mode"] == "Incremental"


def test_a_deployment_is_listed_with_its_operations_and_template(rest: Rest, fresh: Fresh, deploy: Deploy) -> None:
    group = fresh()
    wanted = template(resources=[identity("one")], outputs={"x": {"type": "int", "value": 1}})
    deploy(group, wanted, name="first")
    deployment_id = f"{group}/providers/Microsoft.Resources/deployments/first"
    operations = rest("GET", f"{group}/deployments/first/operations").json()["value"]
    assert [item["properties"]["provisioningOperation"] for item in operations] == [
        "Create",
        "EvaluateDeploymentOutput",
    ]
    assert operations[0]["properties"]["targetResource"] == {
        "id": f"{group}/providers/{IDENTITIES}/one",
        "resourceType": IDENTITIES,
        "resourceName": "one",
    }
    assert operations[0]["properties"]["statusCode"] == "Created"
    single = rest("GET", f"{group}/deployments/first/operations/{operations[0]['operationId']}").json()
    assert single == operations[0]
    assert rest("POST", f"{deployment_id}/exportTemplate").json() == {"template": wanted}
    assert [
        item["name"] for item in rest("GET", f"{group}/providers/Microsoft.Resources/deployments").json()["value"]
    ] == ["first"]
    failed = rest(
        "GET", f"{group}/providers/Microsoft.Resources/deployments", **{"$filter": "provisioningState eq 'Failed'"}
    )
    assert failed.json()["value"] == []
    listed = {item["type"] for item in rest("GET", f"{group}/resources").json()["value"]}
    assert listed == {IDENTITIES}
    assert rest("HEAD", deployment_id).status_code == 204
    assert rest("DELETE", deployment_id).status_code == 204
    assert rest("HEAD", deployment_id).status_code == 404
    assert (rest("GET", deployment_id).status_code, rest("GET", deployment_id).json()["error"]["code"]) == (
        404,
        "DeploymentNotFound",
    )
    assert names(rest, group) == ["one"]


def test_the_second_deployment_of_a_name_answers_200_and_shows_its_own_operations(
    rest: Rest, fresh: Fresh, deploy: Deploy
) -> None:
    group = fresh()
    deploy(group, template(resources=[identity("one")]))
    deploy(group, template(resources=[identity("two")]))
    operations = rest("GET", f"{group}/deployments/d/operations").json()["value"]
    assert [item["properties"]["targetResource"]["resourceName"] for item in operations] == ["two"]
    assert names(rest, group) == ["one", "two"]


def test_what_fails_in_the_middle_leaves_what_was_made_and_tells_why(rest: Rest, fresh: Fresh, deploy: Deploy) -> None:
    group = fresh()
    found = deploy(
        group,
        template(
            resources=[
                identity("before"),
                logs("badly", location="westmoon", dependsOn=["before"]),
                identity("after", dependsOn=["badly"]),
                identity("last", dependsOn=["after"]),
                identity("beside"),
            ],
            outputs={"x": {"type": "string", "value": "[reference('after').clientId]"}},
        ),
    )
    assert found["provisioningState"] == "Failed"
    assert names(rest, group) == ["before", "beside"]
    bad_id = f"{group}/providers/{LOGS}/badly"
    error = found["error"]
    assert (error["code"], error["target"]) == (
        "DeploymentFailed",
        f"{group}/providers/Microsoft.Resources/deployments/d",
    )
    assert error["message"] == (
        "At least one resource deployment operation failed. Please list deployment operations for details. Please see "
        "https://aka.ms/arm-deployment-operations for usage details."
    )
    assert [(item["code"], item["target"]) for item in error["details"]] == [
        ("LocationNotAvailableForResourceType", bad_id)
    ]
    assert "outputs" not in found
    states = {
        item["properties"]["targetResource"]["resourceName"]: item["properties"]
        for item in rest("GET", f"{group}/deployments/d/operations").json()["value"]
    }
    assert {name: item["provisioningState"] for name, item in states.items()} == {
        "before": "Succeeded",
        "badly": "Failed",
        "beside": "Succeeded",
    }
    assert states["badly"]["statusCode"] == "BadRequest"
    assert states["badly"]["statusMessage"]["error"]["code"] == "LocationNotAvailableForResourceType"
    assert {item["id"].rpartition("/")[2] for item in found["outputResources"]} == {"before", "beside"}


def test_an_expression_that_fails_when_it_runs_is_told_with_its_place(fresh: Fresh, deploy: Deploy) -> None:
    group = fresh()
    found = deploy(
        group,
        template(
            resources=[identity("one"), logs("two-logs", properties={"x": "[reference('one').nothing]"})],
        ),
    )
    detail = found["error"]["details"][0]
    assert detail["code"] == "InvalidTemplate"
    assert detail["message"].startswith(
        f"Unable to process template language expressions for resource '{group}/providers/{LOGS}/two-logs' at line '1' and column '"
    )
    assert "'The language expression property 'nothing' doesn't exist, available properties are '" in detail["message"]


def test_outputs_that_cannot_be_evaluated_fail_the_deployment(rest: Rest, fresh: Fresh, deploy: Deploy) -> None:
    group = fresh()
    found = deploy(
        group,
        template(
            resources=[identity("one")],
            outputs={
                "good": {"type": "int", "value": 1},
                "bad": {"type": "string", "value": "[reference('one').nothing]"},
                "wrong": {"type": "string", "value": "[add(1, 1)]"},
            },
        ),
    )
    assert (found["provisioningState"], found["error"]["code"]) == ("Failed", "DeploymentOutputEvaluationFailed")
    assert found["error"]["message"].startswith("Unable to evaluate template outputs: 'bad,wrong'.")
    assert [item["target"] for item in found["error"]["details"]] == ["bad", "wrong"]
    assert names(rest, group) == ["one"]


def test_a_nested_template_sees_what_is_around_it_or_its_own_parameters(
    rest: Rest, fresh: Fresh, deploy: Deploy
) -> None:
    group, other = fresh(), fresh()
    declared = {"who": {"type": "string", "defaultValue": "inner"}}
    tags = {"who": "[parameters('who')]", "group": "[resourceGroup().name]"}
    found = deploy(
        group,
        template(
            parameters=declared,
            resources=[
                nested("outer", template(parameters=declared, resources=[identity("out", tags=tags)])),
                nested(
                    "inner",
                    template(
                        parameters=declared,
                        resources=[identity("ins", tags=tags)],
                        outputs={"id": {"type": "string", "value": "[reference('ins').clientId]"}},
                    ),
                    resourceGroup=other.rpartition("/")[2],
                    dependsOn=["outer"],
                    properties={
                        "expressionEvaluationOptions": {"scope": "inner"},
                        "parameters": {"who": {"value": "[concat('given-', reference('outer').provisioningState)]"}},
                    },
                ),
            ],
            outputs={"id": {"type": "string", "value": "[reference('inner').outputs.id.value]"}},
        ),
        who="parent",
    )
    assert found["provisioningState"] == "Succeeded", found
    group_name, other_name = group.rpartition("/")[2], other.rpartition("/")[2]
    assert rest("GET", f"{group}/providers/{IDENTITIES}/out").json()["tags"] == {"who": "parent", "group": group_name}
    shown = rest("GET", f"{other}/providers/{IDENTITIES}/ins").json()
    assert shown["tags"] == {"who": "given-Succeeded", "group": other_name}
    assert found["outputs"]["id"]["value"] == shown["properties"]["clientId"]
    assert {item["id"] for item in found["outputResources"]} == {
        f"{group}/providers/{IDENTITIES}/out",
        f"{other}/providers/{IDENTITIES}/ins",
    }
    assert (
        rest("GET", f"{other}/providers/Microsoft.Resources/deployments/inner").json()["properties"]["correlationId"]
        == (found["correlationId"])
    )


def test_a_nested_deployment_that_fails_fails_the_one_around_it(fresh: Fresh, deploy: Deploy) -> None:
    group = fresh()
    found = deploy(group, template(resources=[nested("n", template(resources=[logs("badly", location="westmoon")]))]))
    detail = found["error"]["details"][0]
    assert (detail["code"], detail["target"].rpartition("/")[2]) == ("ResourceDeploymentFailure", "n")
    assert detail["message"].endswith("because it reached terminal provisioning state 'Failed'.")
    assert detail["details"][0]["code"] == "DeploymentFailed"
    assert detail["details"][0]["details"][0]["code"] == "LocationNotAvailableForResourceType"


def test_a_template_of_the_subscription_makes_a_group_and_what_is_in_it(
    rest: Rest, emulator: RunningEmulator, deploy: Deploy, registered: None
) -> None:
    subscription, name = f"/subscriptions/{emulator.identity['subscriptionId']}", f"rg-{uuid.uuid4().hex[:8]}"
    found = deploy(
        subscription,
        template(
            resources=[
                {
                    "type": "Microsoft.Resources/resourceGroups",
                    "apiVersion": "2024-03-01",
                    "name": name,
                    "location": "northeurope",
                },
                nested(
                    "inside",
                    template(resources=[identity("inside", location="[resourceGroup().location]")]),
                    resourceGroup=name,
                    dependsOn=[f"[subscriptionResourceId('Microsoft.Resources/resourceGroups', '{name}')]"],
                    properties={"expressionEvaluationOptions": {"scope": "inner"}},
                ),
            ]
        ),
        name=name,
        location="westeurope",
    )
    assert found["provisioningState"] == "Succeeded", found
    assert (
        rest("GET", f"{subscription}/resourceGroups/{name}/providers/{IDENTITIES}/inside").json()["location"]
        == "northeurope"
    )


def test_complete_mode_deletes_what_the_template_does_not_name(rest: Rest, fresh: Fresh, deploy: Deploy) -> None:
    group = fresh()
    deploy(group, template(resources=[identity("kept"), identity("gone"), logs("also-gone")]))
    found = deploy(group, template(resources=[identity("kept"), identity("off", condition=False)]), mode="complete")
    assert (found["provisioningState"], found["mode"]) == ("Succeeded", "Complete")
    assert (names(rest, group), names(rest, group, LOGS)) == (["kept"], [])
    deleted = [
        item["properties"]["targetResource"]["resourceName"]
        for item in rest("GET", f"{group}/deployments/d/operations").json()["value"]
        if item["properties"]["provisioningOperation"] == "Delete"
    ]
    assert sorted(deleted) == ["also-gone", "gone"]
    assert rest("HEAD", f"{group}/providers/Microsoft.Resources/deployments/d").status_code == 204


def test_a_deployment_is_cancelled_before_it_is_over(rest: Rest, fresh: Fresh) -> None:
    group = fresh()
    # So many, one after the other, that it is not over before it is cancelled, however slow the requests are.
    many = template(
        resources=[identity("[concat('one', copyIndex())]", copy={"name": "ones", "count": 700, "mode": "serial"})]
    )
    parts = nested("[concat('part', copyIndex())]", many, copy={"name": "parts", "count": 5, "mode": "serial"})
    deployment_id = f"{group}/providers/Microsoft.Resources/deployments/long"
    body = {"properties": {"mode": "Incremental", "template": template(resources=[parts])}}
    assert rest("PUT", deployment_id, json=body).status_code == 201
    again = rest("PUT", deployment_id, json=body)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "DeploymentActive")
    assert rest("DELETE", deployment_id).json()["error"]["code"] == "DeploymentActive"
    assert rest("POST", f"{deployment_id}/cancel").status_code == 204
    found = wait(rest, deployment_id)["properties"]
    assert (found["provisioningState"], found["error"]["code"]) == ("Canceled", "DeploymentCanceled")
    assert len(found.get("outputResources", [])) < 5 * 700
    assert rest("POST", f"{deployment_id}/cancel").status_code == 409


def test_secrets_are_kept_nowhere(rest: Rest, fresh: Fresh, deploy: Deploy, emulator: RunningEmulator) -> None:
    group, secret = fresh(), f"hush-{uuid.uuid4().hex}"
    declared = {
        "password": {"type": "securestring"},
        "object": {"type": "secureObject"},
        "hardCoded": {"type": "secureString", "defaultValue": f"{secret}-default"},
    }
    inner = template(parameters={"open": {"type": "string"}}, resources=[])
    found = deploy(
        group,
        template(
            parameters=declared,
            resources=[
                identity("before"),
                nested(
                    "n",
                    inner,
                    properties={
                        "expressionEvaluationOptions": {"scope": "inner"},
                        "parameters": {"open": {"value": "[parameters('password')]"}},
                    },
                ),
                logs("badly", location="[parameters('object').deep[0]]"),
            ],
            outputs={"leak": {"type": "string", "value": "[concat('x', parameters('password'))]"}},
        ),
        password=secret,
        object={"deep": [f"{secret}-object"]},
    )
    assert found["provisioningState"] == "Failed"
    assert found["parameters"] == {
        "password": {"type": "SecureString"},
        "object": {"type": "SecureObject"},
        "hardCoded": {"type": "SecureString"},
    }
    assert "***" in found["error"]["details"][0]["message"]
    body = {
        "properties": {
            "mode": "Incremental",
            "template": template(parameters=declared),
            "parameters": {"password": {"value": secret}, "object": {"value": {"a": secret}}},
        }
    }
    rest("POST", f"{group}/providers/Microsoft.Resources/deployments/d/validate", json=body)
    rest("POST", f"{group}/providers/Microsoft.Resources/deployments/d/whatIf", json=body)
    kept = [path for path in emulator.state.rglob("*") if path.is_file() and "environments" not in path.parts]
    assert {"requests.jsonl", "state.sqlite3"} <= {path.name for path in kept}
    assert [path for path in kept if secret.encode() in path.read_bytes()] == []


def test_a_secret_of_a_key_vault_is_a_parameter(rest: Rest, fresh: Fresh, deploy: Deploy) -> None:
    group, vault = fresh(), f"kv{uuid.uuid4().hex[:12]}"
    properties = {
        "tenantId": str(uuid.uuid4()),
        "sku": {"family": "A", "name": "standard"},
        "enabledForTemplateDeployment": True,
    }
    vault_id = f"{group}/providers/Microsoft.KeyVault/vaults/{vault}"
    assert rest("PUT", vault_id, json={"location": "westeurope", "properties": properties}).status_code in (200, 201)
    assert rest("PUT", f"{vault_id}/secrets/name", json={"properties": {"value": "from-the-vault"}}).status_code in (
        200,
        201,
    )
    deployment_id = f"{group}/providers/Microsoft.Resources/deployments/kv"
    body = {
        "mode": "Incremental",
        "template": template(
            parameters={"name": {"type": "securestring"}}, resources=[identity("[parameters('name')]")]
        ),
    }
    for secret, status in (("name", 201), ("other", 400)):
        given = {"name": {"reference": {"keyVault": {"id": vault_id}, "secretName": secret}}}
        answer = rest("PUT", deployment_id, json={"properties": {**body, "parameters": given}})
        assert answer.status_code == status, answer.text
        if status == 201:
            wait(rest, deployment_id)
    assert answer.json()["error"]["code"] == "KeyVaultParameterReferenceSecretRetrieveFailed"
    assert names(rest, group) == ["from-the-vault"]


def test_a_deployment_that_a_stop_of_the_emulator_cut_off_is_told_as_failed(tmp_path: Path) -> None:
    deployment_id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Resources/deployments/cut"
    with workbench(tmp_path) as bench:
        for name, state in (("cut", "Running"), ("over", "Succeeded")):
            record = {"properties": {"provisioningState": state}}
            bench.emulator.resources.put(f"{deployment_id.rpartition('/')[0]}/{name}", record)
    with workbench(tmp_path) as bench:
        found = bench.emulator.resources.all_of("Microsoft.Resources/deployments")
        states = {item.name: item.properties["provisioningState"] for item in found}
        assert states == {"cut": "Failed", "over": "Succeeded"}
        assert found[0].properties["error"]["code"] == "DeploymentInterrupted"
