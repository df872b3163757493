"""What an app's host is started with, and when it is started anew."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

from emulator.functions.conftest import APP, FunctionApp, event, opened, package, until
from emulator.providers import bodies


def variables(app) -> dict[str, str]:
    answer = app.ask("GET", "/api/open")
    assert answer.status == 200, answer.encoded()
    return json.loads(answer.encoded())


def test_settings_are_environment_variables_and_a_change_starts_the_host_anew(cloud) -> None:
    app = cloud.new({"GREETING": "hello", "Nested:Name": "n"})
    app.publish()
    app.deliver(event("1"))
    assert variables(app)["Nested__Name"] == "n"
    app.set(GREETING="good bye")
    app.deliver(event("2"))
    first, second = app.notes
    assert (first["greeting"], second["greeting"]) == ("hello", "good bye")
    assert first["process"] != second["process"]


def test_a_change_lets_what_was_begun_come_to_its_end(cloud) -> None:
    app = cloud.new()
    app.publish()
    statuses: list[int] = []
    slow = threading.Thread(target=lambda: statuses.append(app.deliver(event("slow", sleep=1)).status))
    slow.start()
    time.sleep(0.3)
    app.set(GREETING="new")
    assert app.deliver(event("quick")).status == 202
    assert statuses == []
    slow.join()
    assert statuses == [202]
    old = next(note["process"] for note in app.notes if note["id"] == "slow")
    until(lambda: not Path(f"/proc/{old}").exists())


def test_nothing_of_the_emulator_is_in_the_environment(published) -> None:
    found = variables(published)
    assert set(found) - {"LC_CTYPE"} == {
        *("PATH", "HOME", "LANG", "LC_ALL", "VIRTUAL_ENV", "PYTHONUNBUFFERED"),
        *("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"),
        *{name for name in found if name.lower().endswith("_proxy")},
        *("AZURE_FUNCTIONS_ENVIRONMENT", "AzureWebJobsScriptRoot"),
        *("FUNCTIONS_EXTENSION_VERSION", "FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_WORKER_RUNTIME_VERSION"),
        *("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "REGION_NAME"),
        *("WEBSITE_HOSTNAME", "WEBSITE_OWNER_NAME", "WEBSITE_RESOURCE_GROUP", "WEBSITE_SITE_NAME", "WEBSITE_SKU"),
        *("GREETING", "NOTES"),
    }
    assert found["HOME"] != os.environ.get("HOME")
    assert found["REQUESTS_CA_BUNDLE"] == str(published.cloud.parts.state.bundle)


def test_an_app_cannot_import_the_emulator_nor_the_host(cloud) -> None:
    names = ["aml_emulator", "httpx", "web", "logs", "index", "keys"]
    probe = (
        "\n\n@app.route(route='probe', auth_level=func.AuthLevel.ANONYMOUS)\ndef probe(req: func.HttpRequest) -> str:\n"
        f"    import importlib.util\n    return json.dumps([n for n in {names} if importlib.util.find_spec(n)])\n"
    )
    app = cloud.new()
    app.publish(package(APP + probe))
    assert json.loads(app.ask("GET", "/api/probe").encoded()) == []


def test_secrets_of_key_vault(cloud) -> None:
    cloud.put("Microsoft.KeyVault/vaults/kv-functions", bodies.VAULT)
    key = "-----BEGIN KEY-----\nline\n-----END KEY-----\n"
    cloud.put("Microsoft.KeyVault/vaults/kv-functions/secrets/key", {"properties": {"value": key}})
    address = cloud.call("GET", f"{cloud.group}/providers/Microsoft.KeyVault/vaults/kv-functions").body
    missing = "@Microsoft.KeyVault(VaultName=kv-functions;SecretName=none)"
    app = cloud.new(
        {
            "BY_ADDRESS": f"@Microsoft.KeyVault(SecretUri={address['properties']['vaultUri']}secrets/key/)",
            "BY_NAME": "@Microsoft.KeyVault(VaultName=kv-functions;SecretName=key)",
            "MISSING": missing,
        }
    )
    app.publish()
    found = variables(app)
    assert (found["BY_ADDRESS"], found["BY_NAME"], found["MISSING"]) == (key, key, missing)
    assert "The setting MISSING refers to a secret of Key Vault that cannot be read" in app.log()
    assert "BEGIN KEY" not in app.log()
    assert "BEGIN KEY" not in app.deployment_log()


def test_an_app_without_an_identity_is_offered_no_tokens(cloud) -> None:
    app = cloud.classic("3.11")
    assert app.publish()["status"] == 4
    found = variables(app)
    assert "IDENTITY_ENDPOINT" not in found
    assert (found["WEBSITE_SKU"], found["FUNCTIONS_WORKER_RUNTIME_VERSION"]) == ("Dynamic", "3.11")


def test_a_switched_off_function(cloud) -> None:
    app = cloud.new({"AzureWebJobs.take.Disabled": "true"})
    app.publish()
    assert app.functions["take"]["isDisabled"] is True
    assert app.deliver().status == 404
    app.set()
    assert app.functions["take"]["isDisabled"] is False
    assert app.deliver().status == 202


def test_code_that_waits_for_a_setting_is_found_once_it_is_there(cloud) -> None:
    app = cloud.new()
    app.publish(package(f"import os\nos.environ['NEEDED']\n{APP}"))
    assert app.functions == {}
    app.set(NEEDED="1")
    assert "take" in app.functions


def test_a_function_that_takes_too_long_ends_its_host(cloud) -> None:
    app = cloud.new()
    app.publish(package(host__json='{"version": "2.0", "functionTimeout": "00:00:01"}'))
    answer = app.deliver(event("long", sleep=20))
    assert answer.status == 500
    assert answer.body == b"Timeout value of 1 s was exceeded by function: take"
    assert app.deliver(event("next")).status == 202
    assert [note["id"] for note in app.notes] == ["next"]


def test_a_trigger_that_is_not_emulated_is_named(published) -> None:
    assert "start the function nightly by a timerTrigger" in published.log()
    assert "nightly" in published.functions


def test_another_route_prefix(cloud) -> None:
    app = cloud.new()
    app.publish(package(host__json='{"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}'))
    assert app.ask("GET", "/open").status == 200
    assert app.ask("GET", "/api/open").status == 404
    assert app.functions["variables"]["invoke_url_template"].endswith(f"/functions/{app.name}/open")


def test_an_app_that_is_deleted_leaves_nothing(cloud) -> None:
    app = cloud.new()
    app.publish()
    app.deliver()
    process = app.notes[-1]["process"]
    cloud.call("DELETE", app.id)
    assert not Path(f"/proc/{process}").exists()
    assert not (cloud.parts.state.functions / app.name).exists()
    assert app.deliver().status == 404
    assert app.ask("GET", "/api/open").status == 404
    again = app.make()
    assert again.functions == {}
    assert cloud.parts.functions.records.deployments(again.id) == []


def test_apps_are_there_again_after_the_emulator_was_started_again(tmp_path: Path) -> None:
    with opened(tmp_path) as cloud:
        app = cloud.new({"GREETING": "hello"})
        app.publish()
        app.deliver(event("before"))
        processes = {note["process"] for note in app.notes}
        listed = app.functions
    assert not any(Path(f"/proc/{process}").exists() for process in processes)
    with opened(tmp_path) as cloud:
        app = FunctionApp(cloud, app.name)
        assert app.functions == listed
        assert app.deliver(event("after")).status == 202
        assert [note["id"] for note in app.notes] == ["before", "after"]
        assert app.scm("GET", "deployments/latest").body["status"] == 4


def test_a_publication_that_the_emulator_did_not_live_to_end_has_failed(tmp_path: Path) -> None:
    with opened(tmp_path) as cloud:
        app = cloud.new()
        cloud.parts.functions.records.begin("d-1", app.id, deployer="x", build=True)
    with opened(tmp_path) as cloud:
        found = FunctionApp(cloud, app.name).scm("GET", "deployments/latest").body
        assert (found["status"], found["complete"]) == (3, True)
        assert "Publish again" in found["status_text"]
