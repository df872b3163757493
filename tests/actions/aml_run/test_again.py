"""A service that breaks off is asked again; one that decides is not."""

from __future__ import annotations

import pytest
from azure.ai.ml.exceptions import AssetException
from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError

from aml_run.again import PAUSES, asked, broke_off


def http_error(status: int | None) -> HttpResponseError:
    error = HttpResponseError("refused")
    error.status_code = status
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ServiceRequestError("reset"), True),
        (ServiceResponseError("reset"), True),
        (http_error(502), True),
        (http_error(None), True),
        (http_error(503), False),
        (http_error(409), False),
        (http_error(403), False),
        (ValueError("a defect"), False),
        (None, False),
    ],
)
def test_only_what_failed_on_its_way_broke_off(error: BaseException | None, expected: bool) -> None:
    assert broke_off(error) is expected


def test_what_the_sdk_has_wrapped_is_found() -> None:
    wrapped = AssetException(message="Error with code", no_personal_data_message="", target="Code")  # type: ignore[arg-type]
    wrapped.__context__ = ServiceResponseError("reset")
    assert broke_off(wrapped)


@pytest.mark.parametrize("status", [404, 409, 502, None])
def test_a_question_is_asked_again_until_the_service_is_not_behind_any_more(status: int | None) -> None:
    answers: list[object] = [http_error(status), http_error(status), "found"]
    slept: list[float] = []

    def question() -> object:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert asked(question, slept.append) == "found"
    assert slept == list(PAUSES[:2])


def test_it_is_not_asked_for_ever() -> None:
    count = 0

    def question() -> object:
        nonlocal count
        count += 1
        raise http_error(404)

    with pytest.raises(HttpResponseError):
        asked(question, lambda seconds: None)
    assert count == len(PAUSES) + 1


@pytest.mark.parametrize("status", [400, 401, 403, 503])
def test_a_decision_is_taken_for_one(status: int) -> None:
    slept: list[float] = []

    def question() -> object:
        raise http_error(status)

    with pytest.raises(HttpResponseError):
        asked(question, slept.append)
    assert slept == []
