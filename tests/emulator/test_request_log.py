"""What was asked of the emulator can be read: by a person with a command, by a test from the file."""

from __future__ import annotations

import json

from support.emulator import RunningEmulator, command, sign_in

from aml_emulator.request_log import read
from aml_emulator.state import StateDirectory


def test_every_request_is_there_with_its_body_and_without_its_secrets(emulator: RunningEmulator) -> None:
    import requests

    token = sign_in(emulator).json()["access_token"]
    group = f"{emulator.base_url}/subscriptions/{emulator.identity['subscriptionId']}/resourcegroups/rg-request-log"
    body = {"location": "westeurope", "tags": {"a": "b", "adminUserPassword": "hunter22"}}
    made = requests.put(
        group,
        params={"api-version": "2021-04-01"},
        json=body,
        headers={"Authorization": f"Bearer {token}"},
        verify=emulator.env["REQUESTS_CA_BUNDLE"],
        timeout=30,
    )
    assert made.status_code == 201
    log = StateDirectory(emulator.state).requests
    (asked,) = read(log, method="put", path="/resourceGroups/rg-request-log$")
    assert asked["status"] == 201
    assert asked["query"] == {"api-version": "2021-04-01"}
    assert asked["body"] == {"location": "westeurope", "tags": {"a": "b", "adminUserPassword": "***"}}
    text = log.read_text()
    for secret in ("hunter22", token, emulator.identity["clientSecret"]):
        assert secret not in text


def test_the_command_prints_them(emulator: RunningEmulator) -> None:
    sign_in(emulator)
    found = command("requests", "--method", "POST", "--path", "oauth2", "--last", "1", state=emulator.state)
    assert found.returncode == 0
    assert found.stdout.split()[1:] == ["POST", f"/{emulator.identity['tenantId']}/oauth2/v2.0/token", "200"]
    whole = command("requests", "--json", "--last", "1", "--path", "oauth2", state=emulator.state)
    assert json.loads(whole.stdout)["body"] is None, "a form is no JSON, and holds a secret"
    assert command("requests", "--path", "(", state=emulator.state).returncode == 2


def test_a_log_that_is_not_there_or_was_cut_off(tmp_path) -> None:
    assert list(read(tmp_path / "none.jsonl")) == []
    (tmp_path / "cut.jsonl").write_text('{"method": "GET", "path": "/a", "status": 200}\n{"method": "G')
    assert [one["path"] for one in read(tmp_path / "cut.jsonl")] == ["/a"]
