"""Log Analytics, Application Insights, diagnostic settings and registries: the records that a template makes and refers to."""

from __future__ import annotations

import json
import re

import pytest
from emulator.providers import bodies

from aml_emulator.http import ServiceError

LOGS = "Microsoft.OperationalInsights/workspaces/log-example"
INSIGHTS = "Microsoft.Insights/components/appi-example"
REGISTRY = "Microsoft.ContainerRegistry/registries/crexample"
SETTING = "providers/Microsoft.Insights/diagnosticSettings/to-log"


@pytest.fixture
def logs_id(local) -> str:
    return local.put(LOGS, bodies.LOGS)["id"]


def test_insights_on_a_log_workspace_has_a_connection_string_that_leads_to_no_outside_host(local, logs_id) -> None:
    made = local.put(INSIGHTS, bodies.insights(logs_id))["properties"]
    assert made.items() >= bodies.insights(logs_id)["properties"].items()
    key = made["InstrumentationKey"]
    assert made["ConnectionString"].startswith(f"InstrumentationKey={key};IngestionEndpoint=https://127.0.0.1:8443/")
    assert set(re.findall(r"https://([^/;]+)", made["ConnectionString"])) == {"127.0.0.1:8443"}
    again = local.put(INSIGHTS, bodies.insights(logs_id))["properties"]
    assert again == made


def test_a_log_workspace_has_an_id_and_keys_that_stay(local, logs_id) -> None:
    keys = local.call("POST", f"{logs_id}/sharedKeys").body
    assert set(keys) == {"primarySharedKey", "secondarySharedKey"}
    assert local.call("POST", f"{logs_id}/listKeys").body == keys
    customer = local.call("GET", logs_id).body["properties"]["customerId"]
    assert local.put(LOGS, bodies.LOGS)["properties"]["customerId"] == customer
    assert keys["primarySharedKey"] not in json.dumps(local.call("GET", logs_id).body)


def test_insights_needs_its_log_workspace(local) -> None:
    missing = f"{local.group}/providers/Microsoft.OperationalInsights/workspaces/nowhere"
    with pytest.raises(ServiceError) as refused:
        local.put(INSIGHTS, bodies.insights(missing))
    assert (refused.value.status, refused.value.code) == (404, "ResourceNotFound")
    with pytest.raises(ServiceError) as refused:
        local.put(INSIGHTS, bodies.insights("log-example"))
    assert refused.value.code == "LinkedInvalidPropertyId"


@pytest.mark.parametrize("kind", ["vault", "container of blobs"])
def test_diagnostic_settings_are_put_on_any_resource(local, logs_id, kind: str) -> None:
    if kind == "vault":
        scope = local.put("Microsoft.KeyVault/vaults/kv-example", bodies.VAULT)["id"]
    else:
        scope = local.put("Microsoft.Storage/storageAccounts/stexample", bodies.STORAGE)["id"] + "/blobServices/default"
    made = local.call("PUT", f"{scope}/{SETTING}", bodies.diagnostics(logs_id))
    assert made.status == 201
    assert made.body["type"] == "Microsoft.Insights/diagnosticSettings"
    assert made.body["id"] == f"{scope}/{SETTING}"
    assert made.body["properties"] == bodies.diagnostics(logs_id)["properties"]
    listed = local.call("GET", f"{scope}/providers/microsoft.insights/diagnosticSettings").body["value"]
    assert [item["name"] for item in listed] == ["to-log"]
    local.call("DELETE", scope)
    with pytest.raises(ServiceError) as gone:
        local.call("GET", f"{scope}/{SETTING}")
    assert gone.value.status == 404


def test_what_the_service_refuses_of_a_diagnostic_setting(local, logs_id) -> None:
    scope = local.put("Microsoft.KeyVault/vaults/kv-example", bodies.VAULT)["id"]
    good = bodies.diagnostics(logs_id)["properties"]
    for properties, status, code in (
        ({key: value for key, value in good.items() if key != "workspaceId"}, 400, "BadRequest"),
        ({"workspaceId": logs_id}, 400, "BadRequest"),
        ({**good, "workspaceId": f"{logs_id}x"}, 404, "ResourceNotFound"),
        ({**good, "workspaceId": scope}, 400, "LinkedInvalidPropertyId"),
        ({**good, "logs": [{"categoryGroup": "allLogs", "category": "Audit", "enabled": True}]}, 400, None),
        ({**good, "logs": [{"categoryGroup": "allLogs"}]}, 400, None),
    ):
        with pytest.raises(ServiceError) as refused:
            local.call("PUT", f"{scope}/{SETTING}", {"properties": properties})
        assert refused.value.status == status, properties
        assert code in (None, refused.value.code)
    with pytest.raises(ServiceError) as refused:
        local.call("PUT", f"{scope}-other/{SETTING}", bodies.diagnostics(logs_id))
    assert (refused.value.status, refused.value.code) == (404, "ResourceNotFound")


def test_two_settings_do_not_send_the_same_to_one_place(local, logs_id) -> None:
    scope = local.put("Microsoft.KeyVault/vaults/kv-example", bodies.VAULT)["id"]
    local.call("PUT", f"{scope}/{SETTING}", bodies.diagnostics(logs_id))
    with pytest.raises(ServiceError) as refused:
        local.call("PUT", f"{scope}/{SETTING}-2", bodies.diagnostics(logs_id))
    assert (refused.value.status, refused.value.code) == (409, "Conflict")


def test_a_registry_lists_credentials_of_its_admin_user_only(local) -> None:
    made = local.put(REGISTRY, bodies.REGISTRY)
    assert made["properties"]["loginServer"] == "crexample.azurecr.local"
    assert made["sku"] == {"name": "Basic", "tier": "Basic"}
    with pytest.raises(ServiceError) as refused:
        local.call("POST", f"{made['id']}/listCredentials")
    assert "admin user" in refused.value.message
    enabled = {**bodies.REGISTRY, "properties": {"adminUserEnabled": True}}
    local.put(REGISTRY, enabled)
    found = local.call("POST", f"{made['id']}/listCredentials").body
    assert found["username"] == "crexample"
    assert [item["name"] for item in found["passwords"]] == ["password", "password2"]
    assert local.call("POST", f"{made['id']}/listCredentials").body == found


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("Microsoft.ContainerRegistry/registries/cr-x", bodies.REGISTRY, "InvalidResourceName"),
        (REGISTRY, {**bodies.REGISTRY, "sku": {"name": "Classic"}}, "InvalidRequestContent"),
        (REGISTRY, {"location": "westeurope"}, "InvalidRequestContent"),
        ("Microsoft.OperationalInsights/workspaces/log", bodies.LOGS, "InvalidResourceName"),
        (LOGS, {**bodies.LOGS, "properties": {"retentionInDays": 10_000}}, "InvalidRequestContent"),
        (INSIGHTS, {"location": "westeurope", "properties": {"Application_Type": "web"}}, "InvalidRequestContent"),
    ],
)
def test_what_the_services_refuse(local, path: str, body: dict[str, object], code: str) -> None:
    with pytest.raises(ServiceError) as refused:
        local.put(path, body)
    assert (refused.value.status, refused.value.code) == (400, code)
