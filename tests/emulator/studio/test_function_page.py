from __future__ import annotations

import json

from aml_emulator.functions.records import FAILED, SUCCESS, Package

GROUP = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/mlops-group"


def add_app(studio, name: str = "func-bridge", **properties) -> str:
    site = f"{GROUP}/providers/Microsoft.Web/sites/{name}"
    runtime = {"functionAppConfig": {"runtime": {"name": "python", "version": "3.12"}}}
    studio.emulator.resources.put(site, {"location": "westeurope", "properties": {**runtime, **properties}})
    return site


def add_functions(studio, site: str) -> None:
    studio.emulator.functions.records.use(site, Package("p", build=True))
    grid = {"type": "eventGridTrigger", "name": "event"}
    web = {"type": "httpTrigger", "name": "req", "authLevel": "FUNCTION", "methods": ["POST"]}
    timer = {"type": "timerTrigger", "name": "timer"}
    found = [("take", grid, None, ""), ("hello", web, "/api/hello", ""), ("nightly", timer, None, "not emulated")]
    studio.emulator.functions.records.found(
        site,
        [
            {"name": name, "bindings": [trigger], "address": address, "isDisabled": name == "hello", "refusal": refusal}
            for name, trigger, address, refusal in found
        ],
    )


def test_a_function_app_shows_its_functions(studio) -> None:
    add_functions(studio, add_app(studio))
    text = studio.page("/function-apps/func-bridge").text
    for words in ("Idle", "Python 3.12", "take Event Grid", "/functions/func-bridge/api/hello", "POST", "with a key"):
        assert words in text
    assert "hello switched off by a setting" in text
    assert "nightly not emulated timer" in text


def test_what_was_published(studio) -> None:
    site = add_app(studio)
    records = studio.emulator.functions.records
    for number, (status, text) in enumerate([(SUCCESS, ""), (FAILED, "no such package")]):
        records.begin(f"d-{number}", site, deployer="somebody", build=True)
        records.update(f"d-{number}", status, text)
    page = studio.page("/function-apps/func-bridge")
    assert "d-1 no such package Failed somebody" in page.text
    assert "d-0 Succeeded somebody" in page.text
    assert "No code has been published" in page.text
    records.begin("d-2", site, deployer="somebody", build=True)
    page = studio.page("/function-apps/func-bridge")
    assert "Publishing" in page.text
    assert "data-live" in page.markup


def test_the_log_is_text_with_its_times(studio) -> None:
    add_app(studio)
    log = studio.emulator.state.functions / "func-bridge" / "app.log"
    log.parent.mkdir(parents=True)
    line = {
        "time": "2026-11-25T08:00:01.000Z",
        "level": "Error",
        "category": "Host",
        "message": "\x1b[31mno\x1b[0m <b>",
    }
    log.write_text(f"Resolved 9 packages\n{json.dumps(line)}\n")
    page = studio.page("/function-apps/func-bridge")
    assert "Resolved 9 packages 08:00:01 Error no <b>" in page.text
    assert "<b>" not in page.markup


def test_an_app_that_is_stopped_or_has_changed(studio) -> None:
    site = add_app(studio, state="Stopped")
    studio.emulator.functions.records.use(site, Package("p", build=True))
    page = studio.page("/function-apps/func-bridge")
    assert "Stopped" in page.text
    assert "The host has not looked at the code" in page.text


def test_the_list_of_function_apps_leads_to_each(studio) -> None:
    assert "No function app has been created yet" in studio.page("/function-apps").text
    add_functions(studio, add_app(studio))
    add_app(studio, "func-empty")
    page = studio.page("/function-apps")
    assert {"/function-apps/func-bridge", "/function-apps/func-empty"} <= page.links
    assert "func-empty No code" in page.text
    assert "take hello nightly" in page.text


def test_an_app_that_is_not_there_is_a_page_that_says_so(studio) -> None:
    assert "There is no function app “nope”" in studio.page("/function-apps/nope", 404).text
