"""Vaults and the secrets that templates put into them: kept for the function host, never given back by ARM."""

from __future__ import annotations

import json
import uuid

import pytest
from emulator.providers import bodies

from aml_emulator.http import ServiceError
from aml_emulator.providers import key_vault
from aml_emulator.request_log import read
from aml_emulator.state import StateDirectory

VAULT = "Microsoft.KeyVault/vaults/kv-example"


def test_a_secret_is_not_given_back_and_not_logged(make, rest, home, emulator) -> None:
    vault = f"Microsoft.KeyVault/vaults/kv-{uuid.uuid4().hex[:8]}"
    secret, value = f"{vault}/secrets/github-app-key", f"value-{uuid.uuid4().hex}"
    made = make(vault, bodies.VAULT)
    assert made["properties"].items() >= bodies.VAULT["properties"].items()
    put = make(secret, {"properties": {**bodies.SECRET["properties"], "value": value}})
    name = vault.rpartition("/")[2]
    assert put["properties"]["secretUri"] == f"https://{name}.vault.azure.local/secrets/github-app-key"
    assert put["properties"]["attributes"]["enabled"] is True
    for answer in (put, rest("GET", f"{home}/providers/{secret}").json()):
        assert value not in json.dumps(answer)
        assert "value" not in answer["properties"]
    log = StateDirectory(emulator.state).requests
    (asked,) = read(log, method="put", path=f"{name}/secrets/")
    assert asked["body"]["properties"]["value"] == "***"
    assert value not in log.read_text()


def test_the_function_host_reads_a_secret_by_its_address(local) -> None:
    uri = local.put(VAULT, bodies.VAULT)["properties"]["vaultUri"]
    first = local.put(f"{VAULT}/secrets/token", {"properties": {"value": "one\ntwo"}})["properties"]
    assert key_vault.secret(local.parts, f"{uri}secrets/token") == "one\ntwo"
    second = local.put(f"{VAULT}/secrets/token", {"properties": {"value": "three"}})["properties"]
    assert key_vault.secret(local.parts, f"{uri}secrets/token/") == "three"
    assert key_vault.secret(local.parts, first["secretUriWithVersion"]) == "one\ntwo"
    assert key_vault.secret(local.parts, second["secretUriWithVersion"]) == "three"
    assert key_vault.secret(local.parts, "https://KV-example.vault.azure.net/secrets/Token") == "three"
    assert key_vault.secret_named(local.parts, "kv-example", "token") == "three"


@pytest.mark.parametrize(
    "uri",
    [
        "https://kv-example.vault.azure.local/secrets/other",
        "https://kv-other.vault.azure.local/secrets/token",
        "https://kv-example.evil.example/secrets/token",
        "http://kv-example.vault.azure.local/secrets/token",
        "https://kv-example.vault.azure.local/keys/token",
        "https://kv-example.vault.azure.local/secrets/token/0123",
        "https://[",
        "",
    ],
)
def test_an_address_that_names_no_secret_gives_none(local, uri: str) -> None:
    local.put(VAULT, bodies.VAULT)
    local.put(f"{VAULT}/secrets/token", {"properties": {"value": "x"}})
    assert key_vault.secret(local.parts, uri) is None


@pytest.mark.parametrize("attributes", [{"enabled": False}, {"exp": 1}, {"nbf": 4_000_000_000}])
def test_a_secret_that_may_not_be_used_is_none(local, attributes: dict[str, object]) -> None:
    local.put(VAULT, bodies.VAULT)
    local.put(f"{VAULT}/secrets/token", {"properties": {"value": "x", "attributes": attributes}})
    assert key_vault.secret_named(local.parts, "kv-example", "token") is None


def test_a_change_without_a_value_keeps_it(local) -> None:
    local.put(VAULT, bodies.VAULT)
    path = f"{local.group}/providers/{VAULT}/secrets/token"
    first = local.call("PUT", path, {"properties": {"value": "x"}}).body["properties"]
    patched = local.call("PATCH", path, {"properties": {"contentType": "text/plain"}}).body["properties"]
    assert patched["contentType"] == "text/plain"
    assert patched["secretUriWithVersion"] == first["secretUriWithVersion"]
    assert key_vault.secret_named(local.parts, "kv-example", "token") == "x"


@pytest.mark.parametrize("gone", ["secret", "vault", "group"])
def test_nothing_of_a_secret_is_left_when_it_is_deleted(local, gone: str) -> None:
    local.put(VAULT, bodies.VAULT)
    local.put(f"{VAULT}/secrets/token", {"properties": {"value": "x"}})
    path = {"secret": f"/providers/{VAULT}/secrets/token", "vault": f"/providers/{VAULT}", "group": ""}[gone]
    local.call("DELETE", local.group + path)
    assert local.parts.database.rows("SELECT * FROM vault_secrets") == []


def test_a_vault_name_is_taken_once(local) -> None:
    local.put(VAULT, bodies.VAULT)
    other = local.group + "2"
    local.call("PUT", other, {"location": "westeurope"})
    with pytest.raises(ServiceError) as refused:
        local.call("PUT", f"{other}/providers/{VAULT}", bodies.VAULT)
    assert (refused.value.status, refused.value.code) == (409, "VaultAlreadyExists")


@pytest.mark.parametrize(
    ("path", "changes", "code"),
    [
        ("Microsoft.KeyVault/vaults/1kv", {}, "VaultNameNotValid"),
        ("Microsoft.KeyVault/vaults/kv--x", {}, "VaultNameNotValid"),
        (VAULT, {"tenantId": None}, "InvalidRequestContent"),
        (VAULT, {"sku": {"family": "A", "name": "gold"}}, "InvalidRequestContent"),
        (VAULT, {"enablePurgeProtection": False}, "BadRequest"),
        (VAULT, {"softDeleteRetentionInDays": 5}, "InvalidRequestContent"),
        (VAULT, {"softDeleteRetentionInDays": "ninety"}, "InvalidRequestContent"),
    ],
)
def test_what_the_service_refuses_of_a_vault(local, path: str, changes: dict[str, object], code: str) -> None:
    with pytest.raises(ServiceError) as refused:
        local.put(path, {**bodies.VAULT, "properties": {**bodies.VAULT["properties"], **changes}})
    assert (refused.value.status, refused.value.code) == (400, code)


def test_a_secret_needs_a_value_and_a_vault(local) -> None:
    with pytest.raises(ServiceError) as refused:
        local.put(f"{VAULT}/secrets/token", bodies.SECRET)
    assert (refused.value.status, refused.value.code) == (404, "ParentResourceNotFound")
    local.put(VAULT, bodies.VAULT)
    with pytest.raises(ServiceError) as refused:
        local.put(f"{VAULT}/secrets/token", {"properties": {"contentType": "text/plain"}})
    assert refused.value.status == 400
