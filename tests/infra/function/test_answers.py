"""What each answer of GitHub means for the event."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest
from bridge.answers import Next, judge
from bridge.github_api import Answer


@pytest.mark.parametrize(
    ("status", "message", "headers", "next_", "reason"),
    [
        (204, "", {}, Next.DONE, "accepted"),
        (500, "", {}, Next.AGAIN, "github_unavailable"),
        (502, "", {}, Next.AGAIN, "github_unavailable"),
        (503, "", {"retry-after": "3"}, Next.AGAIN, "github_unavailable"),
        (408, "", {}, Next.AGAIN, "github_unavailable"),
        (429, "", {}, Next.AGAIN, "rate_limited"),
        (403, "You have exceeded a secondary rate limit.", {}, Next.AGAIN, "rate_limited"),
        (403, "Forbidden", {"x-ratelimit-remaining": "0"}, Next.AGAIN, "rate_limited"),
        (403, "Forbidden", {"retry-after": "1"}, Next.AGAIN, "rate_limited"),
        (403, "Resource not accessible by integration", {}, Next.LATER, "forbidden"),
        (401, "Bad credentials", {}, Next.LATER, "unauthorized"),
        (404, "Not Found", {}, Next.LATER, "not_found"),
        (307, "Temporary Redirect", {}, Next.LATER, "moved"),
        (451, "", {}, Next.LATER, "unexpected_answer"),
        (422, "Validation Failed", {}, Next.NEVER, "refused"),
        (400, "Problems parsing JSON", {}, Next.NEVER, "refused"),
        (413, "", {}, Next.NEVER, "refused"),
        (422, "The endpoint has been spammed.", {}, Next.LATER, "rate_limited"),
    ],
)
def test_an_answer_is_retried_left_to_a_redelivery_or_given_up(
    status: int, message: str, headers: dict[str, str], next_: Next, reason: str
) -> None:
    verdict = judge(Answer(status, headers, {"message": message} if message else None))
    assert (verdict.next, verdict.reason) == (next_, reason)


def test_a_rate_limit_may_say_until_when_to_be_quiet() -> None:
    in_an_hour = time.time() + 3600  # not when the tests are collected, which may be long before this one runs
    for headers in (
        {"retry-after": formatdate(in_an_hour, usegmt=True)},
        {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(in_an_hour))},
    ):
        verdict = judge(Answer(429, headers, None))
        assert verdict.quiet
        assert verdict.wait is not None
        assert 3000 <= verdict.wait <= 3600


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        ({"retry-after": "7"}, 7, 7),
        ({"retry-after": "soon"}, 60, 60),
        ({}, 60, 60),
    ],
)
def test_a_rate_limit_says_how_long_to_be_quiet(headers: dict[str, str], low: float, high: float) -> None:
    verdict = judge(Answer(429, headers, None))
    assert verdict.quiet
    assert verdict.wait is not None
    assert low <= verdict.wait <= high


def test_a_page_of_a_proxy_in_place_of_json_is_no_message() -> None:
    assert judge(Answer(502, {}, None)).text == "GitHub answered 502."
    assert judge(Answer(502, {}, ["x"])).text == "GitHub answered 502."
