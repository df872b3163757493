"""Requests to an endpoint: who may ask, who answers, and how answers and failures are passed on."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from aml_emulator.http import Reply
from aml_emulator.ml.endpoint_credentials import scoring_audience
from aml_emulator.tokens import ML_AUDIENCES, STORAGE_AUDIENCE

from .conftest import Serving


@pytest.fixture(scope="module")
def flowers(serving: Serving) -> Iterator[str]:
    """An endpoint with three quarters of its traffic on blue and one on green."""
    endpoint = serving.endpoint("flowers", blue=75, green=25)
    for name in ("blue", "green"):
        assert serving.deploy(endpoint, name)["status"] == "Succeeded"
    yield endpoint
    for name in ("blue", "green"):
        serving.emulator.serving.remove(f"{endpoint}/deployments/{name}")


def text(reply: Reply) -> str:
    return reply.encoded().decode()


def test_a_request_is_answered_by_the_entry_script(serving: Serving, flowers: str) -> None:
    reply = serving.ask(flowers, {"data": [1, 2]}, "blue", x_ms_client_request_id="my-request_1")
    assert reply.status == 200
    assert json.loads(text(reply)) == {"y": [2, 4], "who": "blue"}
    assert reply.media_type == "application/json"
    assert reply.headers["azureml-model-deployment"] == "blue"
    assert reply.headers["x-ms-client-request-id"] == "my-request_1"
    assert reply.headers["x-request-id"]
    assert reply.headers["x-ms-server-version"].startswith("azmlinfsrv/")
    assert int(reply.headers["ms-azureml-model-time"]) >= 0


def test_the_traffic_is_split_by_its_weights(serving: Serving, flowers: str) -> None:
    answers = Counter(serving.ask(flowers, {"data": []}).headers["azureml-model-deployment"] for _ in range(200))
    assert set(answers) == {"blue", "green"}
    assert 25 <= answers["green"] <= 80  # 50 expected; outside once in a million runs


def test_a_header_chooses_a_deployment_without_traffic(serving: Serving) -> None:
    endpoint = serving.endpoint("dark")
    assert serving.deploy(endpoint, "blue")["status"] == "Succeeded"
    nobody = serving.ask(endpoint, {"data": [1]})
    assert nobody.status == 404
    assert "No valid deployments to route to" in text(nobody)
    assert serving.ask(endpoint, {"data": [1]}, "blue").status == 200
    unknown = serving.ask(endpoint, {"data": [1]}, "nothing")
    assert (unknown.status, "no deployment 'nothing'" in text(unknown)) == (404, True)


@pytest.mark.parametrize("key", ["primary-flowers", "secondary-flowers"])
def test_both_keys_open_the_endpoint(serving: Serving, flowers: str, key: str) -> None:
    assert serving.ask(flowers, {"data": []}, key=key).status == 200


def test_without_the_right_key_nobody_is_answered(serving: Serving, flowers: str) -> None:
    wrong = serving.ask(flowers, {"data": []}, key="primary-other")
    assert (wrong.status, text(wrong).splitlines()[0]) == (401, "key_auth_access_denied")
    path = "/inference/flowers/score"
    for headers in ({}, {"authorization": "Basic eDp5"}, {"authorization": "Bearer "}):
        reply = serving.bench.ask("POST", path, b"{}", **headers)
        assert (reply.status, text(reply).splitlines()[0]) == (401, "key_auth_bad_header_forbidden")
    assert serving.bench.ask("POST", "/inference/nothing/score", b"{}").status == 404


def test_a_token_endpoint_takes_its_own_tokens_only(serving: Serving) -> None:
    endpoint = serving.endpoint("tokens", "AMLToken", blue=100)
    assert serving.deploy(endpoint, "blue")["status"] == "Succeeded"
    issue = serving.emulator.tokens.issue
    good = issue(scoring_audience(endpoint), seconds=60)
    assert serving.ask(endpoint, {"data": [1]}, key=good).status == 200
    other = f"{endpoint}2"
    for bad in (
        issue(scoring_audience(other)),
        issue(ML_AUDIENCES[0]),
        issue(scoring_audience(endpoint), seconds=-60),
        "primary-tokens",
    ):
        assert serving.ask(endpoint, {"data": [1]}, key=bad).status == 401
    serving.emulator.resources.change(endpoint, lambda body: body["properties"].update(authMode="AADToken"))
    assert serving.ask(endpoint, {"data": [1]}, key=issue(ML_AUDIENCES[1])).status == 200
    assert serving.ask(endpoint, {"data": [1]}, key=issue(STORAGE_AUDIENCE)).status == 401


def test_an_error_of_the_script_is_a_failed_dependency_with_the_original_status(serving: Serving, flowers: str) -> None:
    raised = serving.ask(flowers, {}, "blue")  # no "data": KeyError
    assert raised.status == 424
    assert raised.headers["ms-azureml-model-error-statuscode"] == "500"
    assert raised.headers["ms-azureml-model-error-reason"] == "model_error"
    assert raised.headers["x-ms-run-function-failed"] == "True"
    refused = serving.ask(flowers, {"refuse": True}, "blue")
    assert refused.status == 424
    assert refused.headers["ms-azureml-model-error-statuscode"] == "400"
    assert text(refused).startswith('{"error": "no such flower"}')
    deployment = f"{flowers}/deployments/blue"
    assert "KeyError: 'data'" in serving.emulator.serving.logs(deployment)


def test_a_request_that_takes_too_long_is_given_up(serving: Serving) -> None:
    endpoint = serving.endpoint("slow")
    settings = {"requestTimeout": "PT0.3S", "maxConcurrentRequestsPerInstance": 4}
    assert serving.deploy(endpoint, "blue", requestSettings=settings)["status"] == "Succeeded"
    began = time.monotonic()
    reply = serving.ask(endpoint, {"data": [], "sleep": 2}, "blue")
    assert (reply.status, text(reply).splitlines()[0]) == (408, "upstream request timeout")
    assert time.monotonic() - began < 1.5


def test_more_requests_than_the_deployment_takes_are_turned_away(serving: Serving) -> None:
    endpoint = serving.endpoint("busy")
    settings = {"requestTimeout": "PT10S", "maxConcurrentRequestsPerInstance": 1}
    assert serving.deploy(endpoint, "blue", requestSettings=settings)["status"] == "Succeeded"
    statuses: list[int] = []
    request = {"data": [], "sleep": 0.5}
    threads = [
        threading.Thread(target=lambda: statuses.append(serving.ask(endpoint, request, "blue").status))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 200, 429, 429]
    assert serving.ask(endpoint, {"data": []}, "blue").status == 200


def test_a_server_that_dies_is_started_again_by_the_next_request(serving: Serving) -> None:
    endpoint = serving.endpoint("mortal")
    assert serving.deploy(endpoint, "blue")["status"] == "Succeeded"
    assert serving.ask(endpoint, {"die": True}, "blue").status == 502
    deadline = time.monotonic() + 10
    while (reply := serving.ask(endpoint, {"data": [1]}, "blue")).status != 200:
        assert time.monotonic() < deadline, text(reply)
        time.sleep(0.05)
    assert json.loads(text(reply))["y"] == [2]


def test_the_interface_is_described(serving: Serving, flowers: str) -> None:
    found = serving.bench.ask("GET", "/inference/flowers/swagger.json", authorization="Bearer primary-flowers")
    assert found.status == 200
    assert "/score" in json.loads(text(found))["paths"]
    assert serving.bench.ask("GET", "/inference/flowers/swagger.json").status == 401


def test_the_caller_s_key_is_not_shown_to_the_script(serving: Serving) -> None:
    endpoint = serving.endpoint("curious")
    script = """
from azureml_inference_server_http.api.aml_request import AMLRequest, rawhttp
def init(): pass
@rawhttp
def run(request): return {name: value for name, value in request.headers}
"""
    assert serving.deploy(endpoint, "blue", {"score.py": script})["status"] == "Succeeded"
    reply = serving.ask(endpoint, {}, "blue", x_mine="yes")
    seen = {name.lower(): value for name, value in json.loads(text(reply)).items()}
    assert seen["x-mine"] == "yes"
    assert seen["x-request-id"] == reply.headers["x-request-id"]
    assert "authorization" not in seen
