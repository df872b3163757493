"""What-if: what a deployment would change, told without changing it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import requests
from emulator.arm.template.conftest import IDENTITIES, LOGS, Deploy, identity
from emulator.arm.template.language import template

Rest = Callable[..., requests.Response]
Fresh = Callable[[], str]


def what_if(rest: Rest, group: str, wanted: dict[str, Any], **properties: Any) -> dict[str, dict[str, Any]]:
    body = {"properties": {"mode": "Incremental", "template": wanted, **properties}}
    accepted = rest("POST", f"{group}/providers/Microsoft.Resources/deployments/w/whatIf", json=body)
    assert (accepted.status_code, accepted.content) == (202, b""), accepted.text
    path, _, query = accepted.headers["Location"].partition("/subscriptions")[2].partition("?")
    answer = rest("GET", f"/subscriptions{path}", **{"api-version": query.partition("=")[2]}).json()
    assert answer["status"] == "Succeeded", answer
    return {change["resourceId"].rpartition("/")[2]: change for change in answer["properties"]["changes"]}


def logs(name: str, days: int, **members: Any) -> dict[str, Any]:
    properties = {"sku": {"name": "PerGB2018"}, "retentionInDays": days, **members}
    return {
        "type": LOGS,
        "apiVersion": "2025-07-01",
        "name": name,
        "location": "West Europe",
        "tags": {"a": "1"},
        "properties": properties,
    }


def test_what_would_be_made_changed_left_and_ignored_is_told(rest: Rest, fresh: Fresh, deploy: Deploy) -> None:
    group = fresh()
    deploy(group, template(resources=[logs("same", 30), logs("other", 30), identity("beside")]))
    wanted = template(resources=[logs("same", 30), {**logs("other", 60), "tags": {"b": "2"}}, identity("new")])
    found = what_if(rest, group, wanted)
    assert {name: change["changeType"] for name, change in found.items()} == {
        "same": "NoChange",
        "other": "Modify",
        "new": "Create",
        "beside": "Ignore",
    }
    delta = {
        item["path"]: (item["propertyChangeType"], item.get("before"), item.get("after"))
        for item in found["other"]["delta"]
    }
    assert delta == {
        "properties.retentionInDays": ("Modify", 30, 60),
        "tags.a": ("Delete", "1", None),
        "tags.b": ("Create", None, "2"),
    }
    assert "before" not in found["new"]
    assert found["new"]["after"]["location"] == "westeurope"
    assert "after" not in found["beside"]
    names = [item["name"] for item in rest("GET", f"{group}/providers/{IDENTITIES}").json()["value"]]
    assert names == ["beside"]
    assert rest("GET", f"{group}/providers/{LOGS}/other").json()["properties"]["retentionInDays"] == 30


def test_in_complete_mode_what_is_not_named_would_be_deleted(rest: Rest, fresh: Fresh, deploy: Deploy) -> None:
    group = fresh()
    deploy(group, template(resources=[identity("one"), identity("two")]))
    found = what_if(rest, group, template(resources=[identity("one")]), mode="Complete")
    assert {name: change["changeType"] for name, change in found.items()} == {"one": "NoChange", "two": "Delete"}


def test_ids_alone_are_told_when_they_are_asked_for(rest: Rest, fresh: Fresh, deploy: Deploy) -> None:
    group = fresh()
    deploy(group, template(resources=[identity("one")]))
    found = what_if(
        rest,
        group,
        template(resources=[identity("one"), identity("two")]),
        whatIfSettings={"resultFormat": "ResourceIdOnly"},
    )
    assert {name: (change["changeType"], set(change)) for name, change in found.items()} == {
        "one": ("Deploy", {"resourceId", "changeType"}),
        "two": ("Create", {"resourceId", "changeType"}),
    }


def test_nested_deployments_and_values_of_resources_that_are_not_there_are_looked_into(
    rest: Rest, fresh: Fresh
) -> None:
    group = fresh()
    inside = logs(
        "inside", 30, features={"x": f"[reference(resourceId('{IDENTITIES}', 'first'), '2024-11-30').clientId]"}
    )
    inner = {"mode": "Incremental", "template": template(resources=[inside])}
    outer = {"type": "Microsoft.Resources/deployments", "apiVersion": "2025-04-01", "name": "n", "properties": inner}
    found = what_if(rest, group, template(resources=[identity("first"), outer]))
    assert {name: change["changeType"] for name, change in found.items()} == {"first": "Create", "inside": "Create"}
    assert found["inside"]["after"]["properties"]["features"]["x"].startswith("[reference(")


def test_a_secret_that_stays_the_same_is_no_change_and_is_not_shown(rest: Rest, fresh: Fresh, deploy: Deploy) -> None:
    group, vault, secret = fresh(), f"kv{uuid.uuid4().hex[:12]}", f"hush-{uuid.uuid4().hex}"
    properties = {"tenantId": "[subscription().tenantId]", "sku": {"family": "A", "name": "standard"}}
    wanted = template(
        parameters={"value": {"type": "securestring"}},
        resources=[
            {
                "type": "Microsoft.KeyVault/vaults",
                "apiVersion": "2025-05-01",
                "name": vault,
                "location": "westeurope",
                "properties": properties,
            },
            {
                "type": "Microsoft.KeyVault/vaults/secrets",
                "apiVersion": "2025-05-01",
                "name": f"{vault}/s",
                "dependsOn": [vault],
                "properties": {"value": "[parameters('value')]"},
            },
        ],
    )
    assert deploy(group, wanted, value=secret)["provisioningState"] == "Succeeded"
    same = what_if(rest, group, wanted, parameters={"value": {"value": secret}})
    other = what_if(rest, group, wanted, parameters={"value": {"value": f"{secret}-new"}})
    assert (same["s"]["changeType"], same[vault]["changeType"]) == ("NoChange", "NoChange")
    assert other["s"]["delta"] == [{"path": "properties.value", "propertyChangeType": "Modify"}]
    assert secret not in json.dumps([same, other])


def test_a_result_that_was_never_asked_for_is_not_found(rest: Rest, fresh: Fresh) -> None:
    subscription = fresh().partition("/resourceGroups")[0]
    answer = rest("GET", f"{subscription}/providers/Microsoft.Resources/whatIfResults/none")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "WhatIfResultNotFound")
