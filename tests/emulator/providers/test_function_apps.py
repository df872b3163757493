"""Function apps as templates make them: where they are reached, their settings, their keys, and what the function host is told."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from emulator.providers import bodies

from aml_emulator.http import ServiceError
from aml_emulator.providers.web import keys, settings
from aml_emulator.request_log import read
from aml_emulator.state import StateDirectory

SITE = "Microsoft.Web/sites/func-example"
PLAN = "Microsoft.Web/serverfarms/plan-example"
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities/id-func"
SETTINGS = {"GITHUB_API_URL": "https://api.github.com", "PLAIN": "hunter22"}


class Host:
    """What the function host is told, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def configured(self, site_id: str) -> None:
        self.told.append(("configured", site_id))

    def removed(self, site_id: str) -> None:
        self.told.append(("removed", site_id))

    def functions(self, site_id: str) -> list[dict[str, Any]]:
        return [{"name": "aml_event_to_github", "config": {"bindings": [{"type": "eventGridTrigger"}]}}]


@pytest.fixture
def host(local) -> Host:
    local.parts.functions = Host()
    return local.parts.functions


@pytest.fixture
def body(local) -> dict[str, Any]:
    """A request for a function app whose plan, identity and container are there."""
    plan = local.put(PLAN, bodies.PLAN)["id"]
    identity = local.put(IDENTITY, bodies.IDENTITY)["id"]
    account = local.put("Microsoft.Storage/storageAccounts/stexample", bodies.STORAGE)
    container = f"{account['properties']['primaryEndpoints']['blob']}app-package"
    return bodies.site(plan, identity, container, SETTINGS)


def test_an_app_says_where_it_is_published_and_reached(local, host: Host, body: dict[str, Any]) -> None:
    made = local.put(SITE, body)
    hosts = {item["hostType"]: item["name"] for item in made["properties"]["hostNameSslStates"]}
    assert hosts == {
        "Standard": "127.0.0.1:8443/functions/func-example",
        "Repository": "127.0.0.1:8443/scm/func-example",
    }
    assert made["properties"]["defaultHostName"] == hosts["Standard"]
    assert hosts["Repository"] in made["properties"]["enabledHostNames"]
    assert made["properties"]["functionAppConfig"] == body["properties"]["functionAppConfig"]
    assert made["properties"]["state"] == "Running"
    assert host.told == [("configured", made["id"])]


def test_the_identities_of_an_app(local, body: dict[str, Any]) -> None:
    made = local.put(SITE, body)["identity"]
    own = local.call("GET", f"{local.group}/providers/{IDENTITY}").body["properties"]
    assert made["type"] == "SystemAssigned, UserAssigned"
    (assigned,) = made["userAssignedIdentities"].values()
    assert assigned == {"principalId": own["principalId"], "clientId": own["clientId"]}
    assert local.put(SITE, body)["identity"] == made


def test_settings_are_listed_only_when_they_are_asked_for(local, body: dict[str, Any]) -> None:
    made = local.put(SITE, body)
    shown = [made, local.call("GET", made["id"]).body, local.call("GET", f"{made['id']}/config/web").body]
    shown.append(local.call("GET", f"{made['id']}/config/appsettings").body)
    shown.append(local.call("GET", f"{local.group}/providers/Microsoft.Web/sites").body)
    assert "hunter22" not in json.dumps(shown)
    assert local.call("POST", f"{made['id']}/config/appsettings/list").body["properties"] == SETTINGS
    assert settings.app_settings(local.parts, made["id"]) == SETTINGS


def test_settings_change_with_the_app_or_by_themselves(local, host: Host, body: dict[str, Any]) -> None:
    site_id = local.put(SITE, body)["id"]
    local.call("PUT", f"{site_id}/config/appsettings", {"properties": {"ONE": "1", "YES": True}})
    assert settings.app_settings(local.parts, site_id) == {"ONE": "1", "YES": "true"}
    without = copy.deepcopy(body)
    del without["properties"]["siteConfig"]["appSettings"]
    local.put(SITE, without)
    assert settings.app_settings(local.parts, site_id) == {"ONE": "1", "YES": "true"}
    local.put(SITE, body)
    assert settings.app_settings(local.parts, site_id) == SETTINGS
    assert host.told == [("configured", site_id)] * 4


@pytest.mark.parametrize("gone", ["app", "group"])
def test_the_host_is_told_when_an_app_is_gone(local, host: Host, body: dict[str, Any], gone: str) -> None:
    site_id = local.put(SITE, body)["id"]
    keys.host_keys(local.parts, site_id)
    with pytest.raises(ServiceError) as refused:
        local.call("DELETE", f"{local.group}/providers/{PLAN}")
    assert refused.value.status == 409
    local.call("DELETE", site_id if gone == "app" else local.group)
    assert host.told[-1] == ("removed", site_id)
    assert local.parts.database.rows("SELECT * FROM site_keys") == []
    with pytest.raises(LookupError):
        settings.app_settings(local.parts, site_id)


def test_the_functions_are_those_that_the_host_found(local, host: Host, body: dict[str, Any]) -> None:
    site_id = local.put(SITE, body)["id"]
    (found,) = local.call("GET", f"{site_id}/functions").body["value"]
    assert found["id"] == f"{site_id}/functions/aml_event_to_github"
    assert found["name"] == "func-example/aml_event_to_github"
    assert local.call("GET", f"{site_id}/functions/AML_event_to_github").body == found
    with pytest.raises(ServiceError) as refused:
        local.call("GET", f"{site_id}/functions/other")
    assert refused.value.status == 404


def test_the_keys_of_the_host_are_random_and_stay(local, body: dict[str, Any]) -> None:
    site_id = local.put(SITE, body)["id"]
    found = local.call("POST", f"{site_id}/host/default/listkeys").body
    assert set(found) == {"masterKey", "functionKeys", "systemKeys"}
    every = {found["masterKey"], found["functionKeys"]["default"], found["systemKeys"]["eventgrid_extension"]}
    assert len(every) == 3
    assert min(map(len, every)) > 50
    assert local.call("POST", f"{site_id}/host/default/listKeys").body == found
    assert keys.host_keys(local.parts, site_id).default == found["functionKeys"]["default"]


def test_publishing_with_a_password_is_switched_off(local, body: dict[str, Any]) -> None:
    site_id = local.put(SITE, body)["id"]
    path = f"{site_id}/basicPublishingCredentialsPolicies"
    assert local.call("GET", f"{path}/scm").body["properties"] == {"allow": True}
    assert local.call("PUT", f"{path}/scm", bodies.POLICY).body["properties"] == {"allow": False}
    local.put(SITE, body)
    assert local.call("GET", f"{path}/scm").body["properties"] == {"allow": False}


def test_an_app_is_stopped_and_started(local, host: Host, body: dict[str, Any]) -> None:
    site_id = local.put(SITE, body)["id"]
    for action, state in (("stop", "Stopped"), ("start", "Running"), ("restart", "Running")):
        local.call("POST", f"{site_id}/{action}")
        assert local.call("GET", site_id).body["properties"]["state"] == state
    assert len(host.told) == 4


def test_a_plan_of_flex_consumption_has_one_app(local, body: dict[str, Any]) -> None:
    local.put(SITE, body)
    with pytest.raises(ServiceError, match="exactly one app"):
        local.put(f"{SITE}-2", body)


def _changed(body: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    changed = copy.deepcopy(body)
    place = changed
    *way, last = path.split(".")
    for step in way:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return changed


FLEX = "properties.functionAppConfig"


@pytest.mark.parametrize(
    ("path", "value", "status", "text"),
    [
        ("kind", "app,linux", 501, "web apps of kind app,linux"),
        ("properties.serverFarmId", None, 400, "properties.serverFarmId"),
        (FLEX, None, 400, "functionAppConfig"),
        (f"{FLEX}.runtime", {"name": "node", "version": "20"}, 501, "function apps in node"),
        (f"{FLEX}.runtime.version", "3.6", 400, "3.6"),
        (f"{FLEX}.scaleAndConcurrency.instanceMemoryMB", 1024, 400, "Allowed: 512, 2048, 4096"),
        (f"{FLEX}.scaleAndConcurrency.maximumInstanceCount", 0, 400, "maximumInstanceCount"),
        (f"{FLEX}.deployment.storage.type", "share", 400, "blobContainer"),
        (f"{FLEX}.deployment.storage.authentication.type", "Password", 400, "Password"),
        ("properties.siteConfig.linuxFxVersion", "Python|3.12", 400, "51021"),
        ("properties.siteConfig.alwaysOn", True, 400, "51021"),
        ("properties.siteConfig.appSettings", [{"name": "FUNCTIONS_WORKER_RUNTIME", "value": "python"}], 400, "51021"),
        ("properties.siteConfig.appSettings", [{"value": "python"}], 400, "appSettings[0].name"),
        ("properties.siteConfig.appSettings", [{"name": "A"}, {"name": "a"}], 400, "there twice"),
        ("identity", {"type": "SystemAssigned"}, 400, "not assigned to the app"),
        ("identity", {"type": "Robot"}, 400, "identity.type"),
    ],
)
def test_what_the_service_refuses_of_an_app(
    local, body: dict[str, Any], path: str, value: object, status: int, text: str
) -> None:
    with pytest.raises(ServiceError) as refused:
        local.put(SITE, _changed(body, path, value))
    assert refused.value.status == status
    assert text in refused.value.message


def test_an_identity_that_is_not_there(local, body: dict[str, Any]) -> None:
    local.call("DELETE", f"{local.group}/providers/{IDENTITY}")
    with pytest.raises(ServiceError) as refused:
        local.put(SITE, body)
    assert (refused.value.status, refused.value.code) == (400, "FailedIdentityOperation")


def test_plans(local) -> None:
    made = local.put(PLAN, bodies.PLAN)
    assert made["sku"] == {"name": "FC1", "tier": "FlexConsumption", "size": "FC1", "family": "FC"}
    classic = {**bodies.PLAN, "sku": {"name": "Y1", "tier": "Dynamic"}}
    assert local.put("Microsoft.Web/serverfarms/classic", classic)["sku"]["tier"] == "Dynamic"
    for sku, status in (({"name": "P1v3"}, 501), ({"name": "FC1", "tier": "Dynamic"}, 400), ({}, 400)):
        with pytest.raises(ServiceError) as refused:
            local.put(PLAN, {**bodies.PLAN, "sku": sku})
        assert refused.value.status == status
    with pytest.raises(ServiceError, match="Windows"):
        local.put(PLAN, {**bodies.PLAN, "properties": {}})


def test_a_classic_consumption_app(local) -> None:
    plan = local.put(PLAN, {**bodies.PLAN, "sku": {"name": "Y1", "tier": "Dynamic"}})["id"]
    body = {
        "location": "westeurope",
        "kind": "functionapp,linux",
        "properties": {
            "serverFarmId": plan,
            "reserved": True,
            "siteConfig": {
                "linuxFxVersion": "Python|3.12",
                "appSettings": [{"name": "FUNCTIONS_WORKER_RUNTIME", "value": "python"}],
            },
        },
    }
    for name in ("one", "two"):
        made = local.put(f"Microsoft.Web/sites/func-{name}", body)
        assert settings.app_settings(local.parts, made["id"]) == {"FUNCTIONS_WORKER_RUNTIME": "python"}


def test_no_value_of_a_setting_is_logged(rest, make, home, emulator, local, body: dict[str, Any]) -> None:
    make(PLAN, bodies.PLAN)
    make(IDENTITY, bodies.IDENTITY)
    text = json.dumps(body).replace(local.group, home).replace("hunter22", "hunter-of-log")
    name = f"func-{home.rpartition('-')[2]}"
    made = make(f"Microsoft.Web/sites/{name}", json.loads(text))
    put = rest("PUT", f"{made['id']}/config/appsettings", json={"properties": {"PLAIN": "hunter-of-log"}})
    assert put.status_code == 200
    log = StateDirectory(emulator.state).requests
    asked = list(read(log, method="put", path=f"sites/{name}"))
    assert [one["body"]["properties"].get("PLAIN") for one in asked] == [None, "***"]
    assert asked[0]["body"]["properties"]["siteConfig"]["appSettings"][0] == {"name": "GITHUB_API_URL", "value": "***"}
    assert "hunter-of-log" not in log.read_text()
