"""What the token of a run may do, by the `permissions:` of its workflow."""

from __future__ import annotations

import pytest

from aml_emulator.github.definition import parse_workflow
from aml_emulator.github.runs.permissions import token_permissions


def permissions(top: str, *jobs: str) -> dict[str, str]:
    lines = [f"  j{number}: {{runs-on: x, steps: []{job}}}" for number, job in enumerate(jobs or ("",))]
    return token_permissions(parse_workflow("\n".join(["on: push", top, "jobs:", *lines]), "a.yml"))


@pytest.mark.parametrize(
    ("top", "expected"),
    [
        ("", {"contents": "read", "packages": "read"}),
        ("permissions: {}", {}),
        (
            "permissions: {contents: write, pull-requests: read, issues: none}",
            {"contents": "write", "pull_requests": "read"},
        ),
        ("permissions: {id-token: write}", {"id_token": "write"}),
    ],
)
def test_a_token_may_what_the_workflow_says(top: str, expected: dict[str, str]) -> None:
    assert permissions(top) == expected


def test_a_job_that_says_what_it_may_has_nothing_of_the_workflow() -> None:
    assert permissions("permissions: {contents: write}", ", permissions: {issues: read}") == {"issues": "read"}


def test_the_one_token_may_what_any_job_may() -> None:
    top = "permissions: {contents: read}"
    assert permissions(top, "", ", permissions: {contents: write}", ", permissions: {contents: read}") == {
        "contents": "write"
    }


def test_read_all_and_write_all_are_levels_for_everything_but_identity_tokens() -> None:
    everything = permissions("permissions: write-all")
    assert set(everything.values()) == {"write"}
    assert "id_token" not in everything
    assert everything.keys() == permissions("permissions: read-all").keys()
    assert set(permissions("permissions: read-all").values()) == {"read"}
