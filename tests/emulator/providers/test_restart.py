"""What templates made is there again when the emulator starts on other ports, with addresses that are right."""

from __future__ import annotations

from pathlib import Path

from emulator.providers import bodies
from emulator.providers.conftest import LocalEmulator

from aml_emulator.providers import key_vault
from aml_emulator.providers.web import keys, settings
from aml_emulator.server import build
from aml_emulator.state import StateDirectory


def test_addresses_follow_the_ports_and_secrets_stay(tmp_path: Path) -> None:
    state = StateDirectory(tmp_path / "state")
    first = LocalEmulator(state)
    plan = first.put("Microsoft.Web/serverfarms/plan", bodies.PLAN)["id"]
    identity = first.put("Microsoft.ManagedIdentity/userAssignedIdentities/id-func", bodies.IDENTITY)["id"]
    blobs = first.put("Microsoft.Storage/storageAccounts/stexample", bodies.STORAGE)["properties"]["primaryEndpoints"]
    site = bodies.site(plan, identity, f"{blobs['blob']}package", {"BLOBS": blobs["blob"]})
    site_id = first.put("Microsoft.Web/sites/func-example", site)["id"]
    first.put("Microsoft.KeyVault/vaults/kv-example", bodies.VAULT)
    first.put("Microsoft.KeyVault/vaults/kv-example/secrets/token", {"properties": {"value": "x"}})
    before = keys.host_keys(first.parts, site_id)
    first.parts.database.close()

    second, _ = build(state, 9443, 9444)
    found = second.resources.get(site_id)
    assert found is not None
    assert found.properties["defaultHostName"] == "127.0.0.1:9443/functions/func-example"
    assert settings.app_settings(second, site_id) == {"BLOBS": "https://127.0.0.1:9444/stexample/"}
    assert keys.host_keys(second, site_id) == before
    assert key_vault.secret_named(second, "kv-example", "token") == "x"
    second.database.close()
