"""The service object of a test, asked over real HTTP."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from aml_deploy.deployment_logs import DeploymentLogs
from aml_deploy.service import DeployedService, WebserviceException


class Scoring:
    """A scoring address that answers what a test tells it to, and remembers what it was asked."""

    def __init__(self):
        self.asked, self.answers = [], []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(handler):
                body = handler.rfile.read(int(handler.headers["Content-Length"]))
                self.asked.append((dict(handler.headers), body))
                status, headers, text = self.answers.pop(0) if self.answers else (200, {}, '{"predict": [1]}')
                handler.send_response(status)
                for name, value in headers.items():
                    handler.send_header(name, value)
                handler.send_header("Content-Length", str(len(text.encode())))
                handler.end_headers()
                handler.wfile.write(text.encode())

            def log_message(handler, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}/score"


@pytest.fixture
def scoring():
    one = Scoring()
    yield one
    one.server.shutdown()
    one.server.server_close()


@pytest.fixture
def slept():
    return []


@pytest.fixture
def fetched():
    return []


@pytest.fixture
def service(scoring, slept, fetched):
    def credentials():
        fetched.append(1)
        return f"primary-{len(fetched)}", f"secondary-{len(fetched)}"

    return DeployedService(
        name="credit",
        deployment="v3-1",
        scoring_uri=scoring.address,
        swagger_uri="https://credit.example/swagger.json",
        credentials=credentials,
        logs=lambda: DeploymentLogs("a\nb\nc\n", "init\n"),
        sleep=slept.append,
    )


@pytest.mark.parametrize("data", ['{"data": [1]}', b'{"data": [1]}', {"data": [1]}])
def test_text_bytes_and_dictionaries_all_reach_the_new_deployment(service, scoring, data):
    assert service.run(data) == {"predict": [1]}
    headers, body = scoring.asked[0]
    assert json.loads(body) == {"data": [1]}
    assert headers["azureml-model-deployment"] == "v3-1"
    assert headers["Authorization"] == "Bearer primary-1"
    assert headers["Content-Type"] == "application/json"


def test_an_answer_that_is_a_json_text_comes_as_text(service, scoring):
    scoring.answers = [(200, {}, '"[1, 2]"')]
    assert service.run("{}") == "[1, 2]"


def test_a_key_that_was_exchanged_is_fetched_anew_once(service, scoring):
    scoring.answers = [(401, {}, "")]
    assert service.run("{}") == {"predict": [1]}
    assert [headers["Authorization"] for headers, _ in scoring.asked] == ["Bearer primary-1", "Bearer primary-2"]


def test_a_key_that_stays_wrong_is_told(service, scoring):
    scoring.answers = [(401, {}, "no")] * 3
    with pytest.raises(WebserviceException, match=r"401 .*key or token was refused"):
        service.run("{}")
    assert len(scoring.asked) == 2


def test_a_deployment_that_is_not_routed_yet_is_asked_again(service, scoring, slept):
    scoring.answers = [(404, {}, ""), (503, {}, "")]
    assert service.run("{}") == {"predict": [1]}
    assert slept == [2.0, 4.0]


def test_patience_ends(service, scoring, slept):
    scoring.answers = [(503, {}, "busy")] * 9
    with pytest.raises(WebserviceException, match=r"503.*busy"):
        service.run("{}")
    assert len(scoring.asked) == 5
    assert slept == [2.0, 4.0, 8.0, 16.0]


def test_a_failing_entry_script_is_told_with_its_own_words(service, scoring):
    scoring.answers = [
        (
            424,
            {
                "ms-azureml-model-error-statuscode": "500",
                "ms-azureml-model-error-reason": "model_error",
                "x-request-id": "r-1",
            },
            "could not convert string to float",
        )
    ]
    with pytest.raises(WebserviceException) as caught:
        service.run("{}")
    assert (
        str(caught.value)
        == "The entry script answered 500 model_error: could not convert string to float (request r-1)"
    )
    assert len(scoring.asked) == 1


def test_an_answer_that_is_not_json_is_told(service, scoring):
    scoring.answers = [(200, {}, "<html>")]
    with pytest.raises(WebserviceException, match="not JSON: <html>"):
        service.run("{}")


def test_a_redirect_never_takes_the_key_along(service, scoring):
    scoring.answers = [(302, {"Location": "http://127.0.0.1:1/steal"}, "")]
    with pytest.raises(WebserviceException, match="302"):
        service.run("{}")
    assert len(scoring.asked) == 1


def test_nobody_at_the_address_is_told(service, slept):
    service.scoring_uri = "http://127.0.0.1:1/score"
    with pytest.raises(WebserviceException, match="does not answer"):
        service.run("{}")
    assert len(slept) == 4


def test_what_the_object_of_sdk_v1_had_is_there(service):
    assert (service.name, service.state) == ("credit", "Healthy")
    assert service.get_keys() == ("primary-1", "secondary-1")
    assert service.get_logs(num_lines=2) == "b\nc"
    assert service.get_logs(init=True) == "init"
    with pytest.raises(WebserviceException, match="get_keys"):
        service.get_token()
    service.delete()
    assert service.delete_asked
