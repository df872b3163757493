"""Which runs may ask for id tokens, and as whom."""

from __future__ import annotations

from pathlib import Path

import jwt
import pytest
from emulator.github.runs.conftest import FULL_NAME, Hosting, workflow

from aml_emulator.github.definition import parse_workflow
from aml_emulator.github.id_tokens import environment_of, subject

SHOW = """\
echo "url [${ACTIONS_ID_TOKEN_REQUEST_URL-}] token [${ACTIONS_ID_TOKEN_REQUEST_TOKEN-}]"
printf '%s' "${ACTIONS_ID_TOKEN_REQUEST_TOKEN-}" > @FILE@
"""


def test_a_run_with_the_permission_gets_a_request_token_that_its_log_hides_and_that_ends_with_it(
    hosting: Hosting, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    script = SHOW.replace("@FILE@", str(file))
    hosting.commit(
        {".github/workflows/a.yml": workflow("push", script + "sleep 600", more="permissions: {id-token: write}")}
    )
    [run_id] = hosting.push()
    hosting.says(run_id, "token [***]")
    issuer = hosting.emulator.github.id_tokens
    assert f"url [{issuer.issuer}/idtoken?api-version=2.0&run={run_id}]" in hosting.log(run_id)
    hosting.until(run_id, lambda record: file.exists() and file.stat().st_size > 0)
    run = issuer.run_of(file.read_text())
    record = hosting.run(run_id)
    assert run == {
        "repository": FULL_NAME,
        "repository_owner": "local",
        "repository_id": "1",
        "ref": "refs/heads/main",
        "sha": record.sha,
        "actor": record.actor,
        "event_name": "push",
        "run_id": str(run_id),
        "run_number": "1",
        "run_attempt": "1",
        "workflow": "Try",
        "workflow_ref": f"{FULL_NAME}/.github/workflows/a.yml@refs/heads/main",
        "workflow_sha": record.sha,
        "job_workflow_ref": f"{FULL_NAME}/.github/workflows/a.yml@refs/heads/main",
        "job_workflow_sha": record.sha,
    }
    claims = jwt.decode(issuer.issue(run, "a"), issuer.key.public, algorithms=["RS256"], audience="a")
    assert claims["sub"] == f"repo:{FULL_NAME}:ref:refs/heads/main"
    hosting.emulator.github.runs.cancel(run_id)
    hosting.ended(run_id)
    assert issuer.run_of(file.read_text()) is None


def test_a_run_without_the_permission_gets_nothing(hosting: Hosting, tmp_path: Path) -> None:
    script = SHOW.replace("@FILE@", str(tmp_path / "token"))
    hosting.commit({".github/workflows/a.yml": workflow("push", script, more="permissions: {contents: write}")})
    [run_id] = hosting.push()
    assert hosting.ended(run_id).conclusion == "success"
    assert "url [] token []" in hosting.log(run_id)


def test_a_job_with_an_environment_is_known_by_it(hosting: Hosting, tmp_path: Path) -> None:
    file = tmp_path / "token"
    text = workflow("push", SHOW.replace("@FILE@", str(file)), more="permissions: {id-token: write}")
    hosting.commit({".github/workflows/a.yml": text.replace("    steps:", "    environment: {name: prod}\n    steps:")})
    [run_id] = hosting.push()
    record = hosting.ended(run_id)
    assert (record.conclusion, record.environment) == ("success", "prod")
    claims = jwt.decode(file.read_text(), options={"verify_signature": False})
    assert claims["run"]["environment"] == "prod"


@pytest.mark.parametrize(
    ("top", "jobs", "expected"),
    [
        ("permissions: {id-token: write}", ["environment: prod"], "prod"),
        ("permissions: {id-token: write}", ["environment: {name: prod, url: x}", "environment: prod"], "prod"),
        ("permissions: {id-token: write}", ["environment: dev", "environment: prod"], ""),
        ("permissions: {id-token: write}", ["environment: prod", ""], ""),
        ("", ["environment: prod, permissions: {id-token: write}", "environment: dev"], "prod"),
        ("permissions: {id-token: write}", ["environment: prod", "permissions: {contents: read}"], "prod"),
        ("", ["environment: prod"], ""),
        ("permissions: read-all", ["environment: prod"], ""),
        ("permissions: {id-token: write}", ["environment: '${{ inputs.stage }}'"], ""),
    ],
)
def test_a_run_has_the_environment_that_all_jobs_that_may_ask_name(top: str, jobs: list[str], expected: str) -> None:
    lines = [f"  j{number}: {{runs-on: x, steps: []{', ' if job else ''}{job}}}" for number, job in enumerate(jobs)]
    assert environment_of(parse_workflow("\n".join(["on: push", top, "jobs:", *lines]), "a.yml")) == expected


@pytest.mark.parametrize(
    ("ref", "environment", "expected"),
    [
        ("refs/heads/main", "", "repo:o/r:ref:refs/heads/main"),
        ("refs/tags/v1", "", "repo:o/r:ref:refs/tags/v1"),
        ("refs/heads/main", "prod", "repo:o/r:environment:prod"),
        ("refs/heads/main", "a:b", "repo:o/r:environment:a%3Ab"),
    ],
)
def test_the_subject_is_the_environment_or_the_ref(ref: str, environment: str, expected: str) -> None:
    assert subject("o/r", ref, environment) == expected
