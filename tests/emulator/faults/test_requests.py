"""Requests that go wrong because somebody asked for it: by command, by header and by file."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from support.emulator import RunningEmulator, command, sign_in

from .conftest import Fault, Get

GROUPS = "/subscriptions/{subscription}/resourcegroups?api-version=2021-04-01"


@pytest.fixture
def groups(emulator: RunningEmulator) -> str:
    return GROUPS.format(subscription=emulator.identity["subscriptionId"])


@pytest.fixture
def file(emulator: RunningEmulator) -> Iterator[Callable[[Any], None]]:
    path = emulator.state / "faults.json"

    def write(content: Any) -> None:
        path.write_text(content if isinstance(content, str) else json.dumps(content))

    yield write
    path.unlink(missing_ok=True)


def test_the_next_requests_are_throttled_and_each_is_noted(fault: Fault, get: Get, groups: str, listed: Any) -> None:
    said = fault("add", "groups.list", "--status", "429", "--header", "Retry-After=7", "--count", "2", "--after", "1")
    assert "groups.list" in said
    assert [get(groups).status_code for _ in range(4)] == [200, 429, 429, 200]
    fault("add", "groups.list", "--status", "429", "--header", "Retry-After=7")
    answer = get(groups)
    assert (answer.headers["Retry-After"], answer.json()["error"]["code"]) == ("7", "TooManyRequests")
    assert "after 7 seconds" in answer.json()["error"]["message"]
    first, second = listed()
    assert (first["used"], [use["method"] for use in first["uses"]]) == (2, ["GET", "GET"])
    assert first["uses"][0]["path"] == groups.partition("?")[0]
    assert second["used"] == 1


def test_other_operations_go_on_as_ever(fault: Fault, get: Get, groups: str, listed: Any) -> None:
    fault("add", "jobs.get", "--status", "503", "--count", "0")
    fault("add", "any", "--status", "503", "--count", "0", "--match", "/no-such-path")
    fault("add", "any", "--status", "503", "--count", "0", "--agent", "azureml-cli")
    fault("add", "GET /resourcegroups/nothing$", "--status", "503", "--count", "0")
    assert get(groups).status_code == 200
    assert [one["used"] for one in listed()] == [0, 0, 0, 0]


def test_a_method_and_a_pattern_name_what_has_no_name(fault: Fault, get: Get, groups: str) -> None:
    fault("add", "GET /resourcegroups$", "--status", "500", "--code", "Odd", "--message", "It is odd.")
    assert get(groups).json()["error"] == {"code": "Odd", "message": "It is odd."}
    assert get(groups).status_code == 200


def test_a_burst_lasts_some_seconds_from_its_first_request_on(fault: Fault, get: Get, groups: str) -> None:
    fault("add", "groups.list", "--status", "503", "--seconds", "1.5")
    time.sleep(0.5)
    started = time.monotonic()
    assert get(groups).status_code == 503
    while get(groups).status_code == 503:
        assert time.monotonic() < started + 20
    assert time.monotonic() - started > 1.4


@pytest.mark.parametrize("how", ["before", "answer"])
def test_a_connection_is_dropped_without_an_answer(
    fault: Fault, get: Get, rest: Any, emulator: RunningEmulator, how: str
) -> None:
    group = f"/subscriptions/{emulator.identity['subscriptionId']}/resourceGroups/rg-drop-{how}"
    fault("add", "groups.create", "--drop", how)
    with pytest.raises(requests.ConnectionError):
        rest("PUT", group, json={"location": "westeurope"})
    # The request has done its work, or not: a client that is told nothing cannot know.
    assert rest("GET", group).status_code == (200 if how == "answer" else 404)
    assert rest("PUT", group, json={"location": "westeurope"}).status_code == (200 if how == "answer" else 201)


def test_a_connection_is_dropped_in_the_middle_of_a_body(fault: Fault, get: Get, groups: str) -> None:
    whole = len(get(groups).content)
    assert whole > 20
    fault("add", "groups.list", "--drop", "body", "--bytes", "10")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)) as raised:
        get(groups)
    assert "10 bytes read" in str(raised.value) or "IncompleteRead(10" in str(raised.value)
    assert len(get(groups).content) == whole


def test_an_answer_is_late_or_slow_but_right(fault: Fault, get: Get, groups: str) -> None:
    right = get(groups).json()
    size = len(get(groups).content)
    fault("add", "groups.list", "--delay", "0.7")
    started = time.monotonic()
    assert get(groups).json() == right
    assert time.monotonic() - started > 0.7
    fault("add", "groups.list", "--slow", str(size))
    started = time.monotonic()
    assert get(groups).json() == right
    assert time.monotonic() - started > 0.9


def test_a_token_is_refused_as_expired_in_the_words_of_azure(fault: Fault, get: Get, groups: str) -> None:
    fault("add", "any.read", "--status", "401")
    answer = get(groups)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "ExpiredAuthenticationToken"
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_errors_have_the_shape_of_the_service_that_was_asked(
    fault: Fault, get: Get, emulator: RunningEmulator, group: str
) -> None:
    workspace = f"{group}/providers/Microsoft.MachineLearningServices/workspaces/any"
    fault("add", "jobs.get", "--status", "429")
    error = get(f"{workspace}/jobs/one?api-version=2024-10-01").json()["error"]
    chain = next(one["info"]["value"] for one in error["additionalInfo"] if one["type"] == "InnerError")
    assert (error["code"], chain["code"], chain["innerError"]["code"]) == (
        "UserError",
        "QuotaExceeded",
        "TooManyRequests",
    )
    assert "Retry again after 20 seconds" in error["message"]
    fault("add", "runs.details", "--status", "503", "--code", "AuthorizationUnavailable")
    error = get(f"/history/v1.0{workspace}/runs/one/details").json()
    assert (error["error"]["innerError"]["code"], error["componentName"]) == ("AuthorizationUnavailable", "run-history")
    fault("add", "computes.get", "--status", "404")
    answer = get(f"{workspace}/computes/one?api-version=2024-10-01")
    assert (answer.status_code, answer.content) == (404, b"")
    fault("add", "metrics.read", "--status", "429")
    error = get(f"/mlflow/v2.0{workspace}/api/2.0/mlflow/runs/get?run_id=one").json()
    assert error["error_code"] == "REQUEST_LIMIT_EXCEEDED"
    fault("add", "token", "--status", "503")
    refused = sign_in(emulator)
    assert (refused.status_code, refused.json()["error_codes"]) == (503, [90033])
    fault("add", "jobs.list", "--status", "502")
    answer = get(f"{workspace}/jobs?api-version=2024-10-01")
    assert (answer.status_code, "<h1>502 Bad Gateway</h1>" in answer.text) == (502, True)
    fault("add", "blobs.read", "--status", "503")
    answer = requests.get(f"{emulator.blob_url}/container/name", verify=emulator.env["REQUESTS_CA_BUNDLE"], timeout=30)
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (503, "ServerBusy")


def test_a_header_has_its_own_request_fail_and_no_other(get: Get, groups: str, listed: Any) -> None:
    answer = get(groups, x_ms_emulator_fault=json.dumps({"status": 409, "code": "Conflict"}))
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "Conflict")
    assert get(groups).status_code == 200
    (noted,) = listed()
    assert (noted["source"], noted["used"], noted["uses"][0]["method"]) == ("header", 1, "GET")


def test_a_header_can_ask_to_meet_no_fault(fault: Fault, get: Get, groups: str) -> None:
    fault("add", "any", "--status", "503", "--count", "0")
    assert get(groups).status_code == 503
    assert get(groups, x_ms_emulator_fault="none").status_code == 200


@pytest.mark.parametrize(
    "text", ["{", '{"status": 200}', '{"operation": "jobs.stuck"}', '{"stale": "older", "reads": 1}']
)
def test_a_header_that_is_no_fault_is_refused(get: Get, groups: str, text: str) -> None:
    answer = get(groups, x_ms_emulator_fault=text)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidRequestContent")
    assert "x-ms-emulator-fault" in answer.json()["error"]["message"]


def test_a_file_asks_for_faults_until_it_changes(
    get: Get, groups: str, listed: Any, file: Callable[[Any], None], emulator: RunningEmulator
) -> None:
    file([{"operation": "groups.list", "status": 503, "count": 0}])
    assert [get(groups).status_code for _ in range(2)] == [503, 503]
    file({"faults": [{"operation": "groups.list", "status": 409, "count": 1}]})
    assert [get(groups).status_code for _ in range(2)] == [409, 200]
    assert [(one["source"], one["used"]) for one in listed()] == [("file", 1)]
    file('[{"operation": "grops.list", "status": 503}]')
    assert get(groups).status_code == 200
    told = command("fault", "list", state=emulator.state)
    assert (told.returncode, "There is no operation 'grops.list'" in told.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("job.get", "--status", "503"), "There is no operation 'job.get'"),
        (("GET /(", "--status", "503"), "no regular expression"),
        (("jobs.get",), "nothing would be different"),
        (("jobs.get", "--status", "200"), "from 300 to 599"),
        (("jobs.get", "--status", "503", "--count", "-1"), "count is a whole number"),
        (("jobs.get", "--delay", "1", "--message", "no"), "need a status"),
        (("jobs.get", "--status", "503", "--header", "Content-Length=3"), "cannot be a header"),
        (("jobs.get", "--drop", "--bytes", "3"), "needs drop: body"),
        (("jobs.get", "--stale", "older"), "needs seconds or reads"),
        (("jobs.get", "--status", "503", "--fails"), "has no member 'fails'"),
        (("lro.compute",), "needs seconds"),
        (("jobs.state",), "needs a state"),
        (("jobs.state", "Completed"), "is an end"),
        (("jobs.preempted",), "needs seconds"),
    ],
)
def test_what_is_no_fault_is_refused_with_a_reason(
    emulator: RunningEmulator, arguments: tuple[str, ...], said: str
) -> None:
    done = command("fault", "add", *arguments, state=emulator.state)
    assert (done.returncode, said in done.stderr) == (1, True), done.stderr


def test_tokens_expire_after_the_seconds_that_were_asked_for(
    fault: Fault, emulator: RunningEmulator, groups: str
) -> None:
    def ask(token: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{emulator.base_url}{groups}"
        return requests.get(url, headers=headers, verify=emulator.env["REQUESTS_CA_BUNDLE"], timeout=30)

    fault("tokens", "--seconds", "2", "--told", "3000")
    answer = sign_in(emulator).json()
    assert answer["expires_in"] == 3000
    assert ask(answer["access_token"]).status_code == 200
    started = time.monotonic()
    while (refused := ask(answer["access_token"])).status_code == 200:
        assert time.monotonic() < started + 20
        time.sleep(0.1)
    assert refused.json()["error"]["code"] == "ExpiredAuthenticationToken"
    assert time.monotonic() - started < 6
    fault("clear")
    assert sign_in(emulator).json()["expires_in"] == 3599


def test_the_log_of_requests_says_which_fault_a_request_met(
    fault: Fault, get: Get, groups: str, emulator: RunningEmulator, listed: Any
) -> None:
    fault("add", "groups.list", "--drop")
    with pytest.raises(requests.ConnectionError):
        get(groups)
    printed = command("requests", "--path", "resourcegroups$", "--last", "1", "--json", state=emulator.state).stdout
    assert (json.loads(printed)["status"], json.loads(printed)["fault"]) == (0, listed()[-1]["id"])
