"""A secret shows up nowhere, in none of the forms that a program may print it in."""

import base64
import json
from urllib.parse import quote

import pytest

from aml_emulator.github.masking import Scrubber

SECRET = 'p4ss"word/with+odd=é'


@pytest.mark.parametrize("prefix", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("suffix", ["", "z", "yz"])
def test_a_secret_inside_base64_is_masked_at_every_alignment(prefix: str, suffix: str) -> None:
    shown = Scrubber([SECRET]).scrub(base64.b64encode((prefix + SECRET + suffix).encode()).decode())
    assert "***" in shown
    longest = max(shown.split("***"), key=len)
    assert len(longest) <= 8, shown  # what is left belongs to the prefix, the suffix, or the group at the edge


@pytest.mark.parametrize("form", [str, lambda s: json.dumps({"a": s}), lambda s: quote(s, safe=""), lambda s: f"x{s}y"])
def test_a_secret_is_masked_in_its_usual_forms(form) -> None:  # type: ignore[no-untyped-def]
    shown = Scrubber([SECRET]).scrub(form(SECRET))
    assert "***" in shown
    assert "p4ss" not in shown
    assert "odd" not in shown


def test_every_line_of_a_secret_of_several_lines_is_masked() -> None:
    assert Scrubber(["first line\nsecond line\n"]).scrub("a second line b") == "a *** b"


def test_braces_of_a_json_secret_stay_readable() -> None:
    assert Scrubber(['{\n  "a": "bcdefgh"\n}']).scrub("{ }") == "{ }"


def test_the_client_secret_inside_credentials_is_masked_but_not_the_ids() -> None:
    credentials = json.dumps({"clientId": "11111111-aaaa", "clientSecret": "deep-secret", "subscriptionId": "2222"})
    scrubber = Scrubber([credentials])
    assert scrubber.scrub("deep-secret of 11111111-aaaa in 2222") == "*** of 11111111-aaaa in 2222"
    assert scrubber.scrub(credentials) == "***"


def test_a_secret_that_contains_another_is_masked_whole() -> None:
    assert Scrubber(["abc", "abcdef"]).scrub("abcdef abc") == "*** ***"


def test_nothing_is_masked_without_secrets() -> None:
    assert Scrubber(["", "  "]).scrub("text") == "text"
