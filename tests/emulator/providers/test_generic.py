"""What every kind of resource answers: reads, lists, changes, deletions, and what becomes of members that are hidden."""

from __future__ import annotations

import pytest
from emulator.providers import bodies
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from aml_emulator.http import ServiceError
from aml_emulator.providers.generic import Put, register_type, write_only

KIND = "Microsoft.Test/things"


def test_a_resource_is_read_listed_changed_and_deleted(rest, make, home) -> None:
    path = f"{home}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
    made = make("Microsoft.ManagedIdentity/userAssignedIdentities/one", {**bodies.IDENTITY, "tags": {"a": "1"}})
    assert rest("GET", f"{path}/ONE".replace("Microsoft.ManagedIdentity", "microsoft.managedidentity")).json() == made
    assert rest("HEAD", f"{path}/one").status_code == 204
    assert rest("HEAD", f"{path}/two").status_code == 404
    assert [item["name"] for item in rest("GET", path).json()["value"]] == ["one"]
    subscription = home.split("/")[2]
    everywhere = f"/subscriptions/{subscription}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
    listed = rest("GET", everywhere, **{"$top": "100000"}).json()["value"]  # other modules' are there too
    assert made["id"] in [item["id"] for item in listed]
    patched = rest("PATCH", f"{path}/one", json={"tags": {"a": None, "b": "2"}}).json()
    assert patched["tags"] == {"b": "2"}
    assert patched["properties"] == made["properties"]
    assert [item["name"] for item in rest("GET", f"{home}/resources").json()["value"]] == ["one"]
    assert rest("DELETE", f"{path}/one").status_code == 200
    assert rest("DELETE", f"{path}/one").status_code == 204
    missing = rest("GET", f"{path}/one")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "ResourceNotFound")
    nowhere = rest("GET", f"{path}/one".replace(home, f"{home}-other"))
    assert (nowhere.status_code, nowhere.json()["error"]["code"]) == (404, "ResourceGroupNotFound")


def test_a_kind_of_ones_own(local) -> None:
    """What another part of the emulator does with `register_type`."""
    gone: list[str] = []

    def check(put: Put) -> None:
        put.fields.text("url", required=True)
        put.once("number", lambda: 7)

    register_type(
        local.router,
        local.parts,
        KIND,
        name_pattern="[a-z]+",
        on_put=check,
        on_delete=lambda _, resource: gone.append(resource.name),
        hidden=("properties.url", "properties.list.secret"),
    )
    register_type(local.router, local.parts, f"{KIND}/parts", name_pattern="[a-z]+")
    assert write_only(KIND.upper()) == ("properties.url", "properties.list.secret")
    assert write_only(f"{KIND}/parts") == ()
    sent = {"url": "https://x/?code=1", "list": [{"secret": "s", "name": "n"}], "none": None, "number": 9}
    made = local.put(f"{KIND}/one", {"location": "West Europe", "properties": sent})
    assert made["properties"] == {"list": [{"name": "n"}], "number": 7, "provisioningState": "Succeeded"}
    assert local.parts.resources.get(made["id"]).properties["url"] == sent["url"]
    patched = local.call("PATCH", made["id"], {"properties": {"more": True}}).body
    assert patched["properties"]["more"] is True
    assert local.parts.resources.get(made["id"]).properties["url"] == sent["url"]
    local.put(f"{KIND}/one/parts/p", {})
    local.call("DELETE", local.group)
    assert gone == ["one"]
    assert local.parts.resources.get(f"{made['id']}/parts/p") is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_PATHS = {
    "Microsoft.Storage/storageAccounts/stexample": bodies.STORAGE,
    "Microsoft.KeyVault/vaults/kv-example": bodies.VAULT,
    "Microsoft.ContainerRegistry/registries/crexample": bodies.REGISTRY,
    "Microsoft.OperationalInsights/workspaces/log-example": bodies.LOGS,
    "Microsoft.Web/serverfarms/plan-example": bodies.PLAN,
    "Microsoft.Network/virtualNetworks/vnet-example": bodies.NETWORK,
    "Microsoft.ManagedIdentity/userAssignedIdentities/id-example": bodies.IDENTITY,
}
_SITE = "Microsoft.Web/sites/func-example"
_WORKSPACE = "Microsoft.MachineLearningServices/workspaces/mlw-example"
_ENDPOINT = "Microsoft.Network/privateEndpoints/pe-example"
_SETTING = "Microsoft.KeyVault/vaults/kv-example/providers/Microsoft.Insights/diagnosticSettings/to-log"


def _good(local, path: str) -> dict:
    """A request that is accepted, with what it refers to."""
    for other, body in _PATHS.items():
        local.put(other, body)
    here = f"{local.group}/providers"
    plan, identity = (
        f"{here}/Microsoft.Web/serverfarms/plan-example",
        (f"{here}/Microsoft.ManagedIdentity/userAssignedIdentities/id-example"),
    )
    logs = f"{here}/Microsoft.OperationalInsights/workspaces/log-example"
    local.put("Microsoft.Insights/components/ai-example", bodies.insights(logs))
    subnet = f"{here}/Microsoft.Network/virtualNetworks/vnet-example/subnets/snet-pe"
    made = {
        _SITE: bodies.site(plan, identity, "https://127.0.0.1:8444/stexample/package", {"A": "b"}),
        _WORKSPACE: bodies.workspace(local.group, "stexample", "kv-example", "ai-example", "crexample"),
        _ENDPOINT: bodies.endpoint(subnet, f"{here}/Microsoft.KeyVault/vaults/kv-example", "vault"),
        _SETTING: bodies.diagnostics(logs),
        "Microsoft.Insights/components/ai-example": bodies.insights(logs),
        **_PATHS,
    }[path]
    local.put(path, made)
    return made


@pytest.mark.parametrize(
    "path", [*_PATHS, _SITE, _WORKSPACE, _ENDPOINT, _SETTING, "Microsoft.Insights/components/ai-example"]
)
@limits(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_value_anywhere_is_taken_or_refused_and_never_a_defect(local, path: str, data: st.DataObject) -> None:
    """One member of a good request, at any depth, is replaced by any JSON."""
    found = data.draw(_with_a_change(_good(local, path)))
    try:
        local.put(path, found)
    except ServiceError as error:
        assert error.status in (400, 404, 409, 501)


@st.composite
def _with_a_change(draw: st.DrawFn, value: object) -> object:
    if isinstance(value, dict) and value and draw(st.integers(0, 4)):
        key = draw(st.sampled_from(sorted(value)))
        return {**value, key: draw(_with_a_change(value[key]))}
    if isinstance(value, list) and value and draw(st.booleans()):
        return [draw(_with_a_change(value[0])), *value[1:]]
    return draw(_JSON)
