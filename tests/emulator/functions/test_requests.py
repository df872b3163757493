"""Requests to HTTP functions, and who may make them."""

from __future__ import annotations

import json

import pytest


def test_a_request_with_a_key_reaches_its_function(published) -> None:
    key = published.keys["functionKeys"]["default"]
    answer = published.ask("POST", "/api/hello/ann", b"some body", f"code={key}&b=c%20d")
    assert (answer.status, answer.media_type, answer.headers["x-who"]) == (201, "application/json", "hello")
    found = json.loads(answer.encoded())
    assert found["url"] == f"https://127.0.0.1:8443/functions/{published.name}/api/hello/ann?code={key}&b=c%20d"
    assert (found["name"], found["params"]["b"], found["body"]) == ("ann", "c d", "some body")
    assert "somebody says hello" in published.log()


def test_a_key_in_a_header(published) -> None:
    keys = published.keys
    for key, status in ((keys["functionKeys"]["default"], 201), (keys["masterKey"], 201), ("wrong", 401), ("", 401)):
        assert published.ask("GET", "/api/hello", x_functions_key=key).status == status


def test_levels(published) -> None:
    keys = published.keys
    assert published.ask("GET", "/api/open").status == 200
    assert published.ask("GET", "/api/owner").status == 401
    assert published.ask("GET", "/api/owner", query=f"code={keys['functionKeys']['default']}").status == 401
    answer = published.ask("GET", "/api/owner", query=f"code={keys['masterKey']}")
    assert (answer.status, answer.encoded()) == (204, b"")


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "/api/hello"), ("GET", "/api/hello/4711"), ("GET", "/api/nothing"), ("GET", "/hello"), ("POST", "/")],
)
def test_addresses_that_no_function_has(published, method: str, path: str) -> None:
    assert published.ask(method, path, x_functions_key=published.keys["masterKey"]).status == 404


def test_a_function_that_fails_tells_callers_nothing(published) -> None:
    answer = published.ask("GET", "/api/broken")
    assert (answer.status, answer.encoded()) == (500, b"")
    assert "RuntimeError: secret detail" in published.log()


def test_the_home_page_and_the_admin_addresses(published) -> None:
    assert published.ask("GET", "").status == 200
    master = published.keys["masterKey"]
    assert published.ask("GET", "/admin/functions").status == 401
    listed = json.loads(published.ask("GET", "/admin/functions", x_functions_key=master).encoded())
    assert {one["name"] for one in listed} == {"take", "hello", "variables", "owner", "broken", "nightly"}
    assert (
        json.loads(published.ask("GET", "/admin/host/status", x_functions_key=master).encoded())["state"] == "Running"
    )


def test_two_apps_know_nothing_of_each_other(cloud, published) -> None:
    other = cloud.new()
    other.publish()
    assert published.ask("GET", "/api/hello", x_functions_key=other.keys["masterKey"]).status == 401
    mine, theirs = (json.loads(app.ask("GET", "/api/open").encoded()) for app in (published, other))
    assert mine["WEBSITE_SITE_NAME"] != theirs["WEBSITE_SITE_NAME"]
    assert mine["NOTES"] != theirs["NOTES"]


def test_an_app_that_is_not_there_or_has_no_code(cloud) -> None:
    assert cloud.new().ask("GET", "/api/hello").status == 404
    assert cloud.ask("GET", "/functions/nobody/api/hello", b"", "", {}).status == 404


def test_a_stopped_app_answers_nobody(cloud) -> None:
    app = cloud.new()
    app.publish()
    cloud.call("POST", f"{app.id}/stop")
    assert app.ask("GET", "/api/open").status == 403
    assert app.deliver().status == 403
    cloud.call("POST", f"{app.id}/start")
    assert app.ask("GET", "/api/open").status == 200


def test_an_app_that_is_closed_to_the_public(cloud) -> None:
    app = cloud.new(publicNetworkAccess="Disabled")
    app.publish()
    assert app.ask("GET", "/api/open").status == 403
    assert app.deliver().status == 403
