"""Answers that depend on what others do on the endpoint at the same moment."""

import io
from types import SimpleNamespace

import pytest
from azure.core.exceptions import HttpResponseError

from aml_actions.workflow import Workflow
from aml_deploy.endpoints import BUSY_RETRIES, OnlineEndpoints


def refusal(status, text):
    error = HttpResponseError(text)
    error.status_code = status
    return error


BUSY = [
    refusal(409, "Cannot create a deployment because it is in Updating provisioning state"),
    refusal(409, "Conflict"),
    refusal(400, "Cannot create a deployment in endpoint e because it is in Updating provisioning state"),
]
FINAL = [
    refusal(409, "An endpoint with this name already exists"),
    refusal(400, "The request is invalid."),
    refusal(403, "because it is in Updating provisioning state"),
]


@pytest.fixture
def slept():
    return []


@pytest.fixture
def deleting(slept):
    """Return a deletion whose first answers are the given ones, and the number of times it was asked for."""

    def build(answers):
        asked = []

        def begin_delete(name):
            asked.append(name)
            if len(asked) <= len(answers):
                raise answers[len(asked) - 1]
            return SimpleNamespace(
                wait=lambda timeout: None, done=lambda: True, status=lambda: "x", result=lambda: None
            )

        client = SimpleNamespace(online_endpoints=SimpleNamespace(begin_delete=begin_delete))
        return OnlineEndpoints(client, Workflow(io.StringIO()), sleep=slept.append), asked

    return build


@pytest.mark.parametrize("busy", BUSY)
def test_while_another_operation_runs_the_request_is_repeated(deleting, slept, busy):
    endpoints, asked = deleting([busy, busy])
    endpoints.delete("e")
    assert len(asked) == 3
    assert slept == [15.0, 15.0]


@pytest.mark.parametrize("final", FINAL)
def test_a_refusal_that_does_not_end_by_itself_is_not_repeated(deleting, slept, final):
    endpoints, asked = deleting([final])
    with pytest.raises(HttpResponseError):
        endpoints.delete("e")
    assert (len(asked), slept) == (1, [])


def test_patience_with_others_ends(deleting):
    endpoints, asked = deleting([BUSY[0]] * 99)
    with pytest.raises(HttpResponseError):
        endpoints.delete("e")
    assert len(asked) == BUSY_RETRIES + 1
