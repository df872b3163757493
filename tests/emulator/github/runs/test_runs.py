"""What happens in a hosted repository starts its workflows, in the background."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from emulator.github.runs.conftest import FULL_NAME, Hosting, workflow

from aml_emulator.github.errors import InvalidWorkflow, NotStarted, WorkflowError
from aml_emulator.github.runs.records import COMPLETED, IN_PROGRESS, QUEUED

ON_DISPATCH = "{repository_dispatch: {types: [trained]}}"


def test_a_dispatch_starts_the_workflow_that_listens_and_it_reads_what_was_sent(hosting: Hosting) -> None:
    script = 'grep -o iris_1 "$GITHUB_EVENT_PATH"; echo "# Done" >> "$GITHUB_STEP_SUMMARY"'
    hosting.commit({".github/workflows/deploy.yml": workflow(ON_DISPATCH, script)})
    [run_id] = hosting.dispatch("trained", data={"runId": "iris_1"})
    record = hosting.ended(run_id)
    assert (record.conclusion, record.event, record.title, record.number) == (
        "success",
        "repository_dispatch",
        "trained",
        1,
    )
    assert "iris_1" in hosting.log(run_id)
    assert record.summary.strip() == "# Done"
    assert record.payload["client_payload"] == {"data": {"runId": "iris_1"}}
    [job] = record.jobs
    assert job.started is not None
    assert job.completed is not None
    assert record.created <= job.started <= job.completed


def test_what_nobody_listens_to_starts_nothing(hosting: Hosting) -> None:
    hosting.commit({".github/workflows/deploy.yml": workflow(ON_DISPATCH, "true")})
    assert hosting.dispatch("registered") == []
    assert hosting.push() == []
    assert hosting.emulator.github.runs.list() == []


def test_a_dispatch_starts_the_workflow_of_the_default_branch_only(hosting: Hosting) -> None:
    hosting.branch("try")
    hosting.commit({".github/workflows/deploy.yml": workflow(ON_DISPATCH, "true")})
    assert hosting.dispatch("trained") == []


def test_a_push_starts_what_its_changes_and_its_branch_ask_for(hosting: Hosting) -> None:
    on = "{push: {branches: [main], paths: ['code/**']}}"
    hosting.commit({".github/workflows/train.yml": workflow(on, "git --version")})
    assert hosting.push() == []
    hosting.commit({"code/train.py": "1"}, "Train better\n\nMuch better")
    [run_id] = hosting.push()
    assert hosting.ended(run_id).title == "Train better"
    hosting.branch("try")
    hosting.commit({"code/train.py": "2"})
    assert hosting.push("try") == []


def test_a_workflow_is_run_by_hand_with_inputs(hosting: Hosting) -> None:
    on = "{workflow_dispatch: {inputs: {size: {type: choice, options: [big, small], default: small}}}}"
    text = workflow(on, 'echo "size is $SIZE"').replace("- run", "- env: {SIZE: '${{ inputs.size }}'}\n        run")
    hosting.commit({".github/workflows/train.yml": text})
    [run_id] = hosting.by_hand("train.yml", size="big")
    assert hosting.ended(run_id).conclusion == "success"
    assert "size is big" in hosting.log(run_id)
    with pytest.raises(NotStarted, match="is one of big, small"):
        hosting.by_hand("train.yml", size="huge")
    with pytest.raises(InvalidWorkflow, match="not in the repository"):
        hosting.by_hand("other.yml")


def test_a_run_that_fails_says_so(hosting: Hosting) -> None:
    hosting.commit({".github/workflows/a.yml": workflow("push", 'echo "::error title=No::it broke"; exit 3')})
    [run_id] = hosting.push()
    record = hosting.ended(run_id)
    assert record.conclusion == "failure"
    assert [(note.title, note.message) for note in record.annotations] == [("No", "it broke")]


def test_a_broken_workflow_is_a_run_that_failed_with_the_line(hosting: Hosting) -> None:
    hosting.commit({".github/workflows/a.yml": "on: push\njobs: {only: {steps: [{run: 'true'}]}}\n"})
    [run_id] = hosting.push()
    record = hosting.ended(run_id)
    assert record.conclusion == "failure"
    assert "runs-on" in record.problems[0]
    hosting.commit({".github/workflows/a.yml": "on: push\njobs: ["})
    [run_id] = hosting.push()
    assert "not YAML" in hosting.ended(run_id).problems[0]


def test_a_run_sees_the_emulator_as_github_and_nothing_of_the_shell_the_emulator_was_started_from(
    hosting: Hosting,
) -> None:
    script = 'echo "api $GITHUB_API_URL at ${{ github.api_url }}, shell [${OF_THE_SHELL-}], bundle $REQUESTS_CA_BUNDLE"'
    hosting.commit({".github/workflows/a.yml": workflow("push", script)})
    [run_id] = hosting.push()
    assert hosting.ended(run_id).conclusion == "success"
    api = "https://127.0.0.1:1/github/api/v3"
    assert f"api {api} at {api}, shell [], bundle {hosting.state.bundle}" in hosting.log(run_id)


def test_secrets_and_variables_of_the_repository_reach_the_run_and_secrets_no_record(hosting: Hosting) -> None:
    hosting.host(secrets={"KEY": "very-secret-value"}, variables={"COLOUR": "blue"})
    script = """
        test "$KEY" = very-secret-value
        echo "$KEY and $COLOUR"
        echo "$KEY" >> "$GITHUB_STEP_SUMMARY"
        echo "out=$KEY" >> "$GITHUB_OUTPUT"
    """
    text = workflow("push", script).replace(
        "- run", "- id: leak\n        env: {KEY: '${{ secrets.KEY }}', COLOUR: '${{ vars.COLOUR }}'}\n        run"
    )
    hosting.commit({".github/workflows/a.yml": text})
    [run_id] = hosting.push()
    record = hosting.ended(run_id)
    assert record.conclusion == "success"
    assert "*** and blue" in hosting.log(run_id)
    rows = hosting.emulator.database.rows("SELECT record FROM github_runs")
    assert not any("very-secret-value" in row["record"] for row in rows)
    assert "***" in json.dumps([step.outputs["out"] for job in record.jobs for step in job.steps])


def test_a_run_has_a_token_that_may_what_its_workflow_asks_for_until_it_ends(hosting: Hosting, tmp_path: Path) -> None:
    script = f"""
        echo "token [$TOKEN]"
        echo "$TOKEN" > {tmp_path}/writing
        mv {tmp_path}/writing {tmp_path}/token
        while ! test -e {tmp_path}/seen; do sleep 0.05; done
    """
    text = workflow("push", script, more="permissions: {contents: write, id-token: write, issues: none}").replace(
        "- run", "- env: {TOKEN: '${{ github.token }}'}\n        run"
    )
    hosting.commit({".github/workflows/a.yml": text})
    [run_id] = hosting.push()
    hosting.until(run_id, lambda record: (tmp_path / "token").exists() or record.status == COMPLETED)
    token = (tmp_path / "token").read_text().strip()
    grant = hosting.emulator.github.credentials.grant(token)
    assert grant is not None
    assert grant.permissions == {"metadata": "read", "contents": "write", "id_token": "write"}
    repository = hosting.emulator.github.repositories.get(FULL_NAME)
    assert repository is not None
    assert grant.repositories == {repository.id}
    (tmp_path / "seen").touch()
    assert hosting.ended(run_id).conclusion == "success"
    assert "token [***]" in hosting.log(run_id)
    assert token not in hosting.log(run_id)
    assert hosting.emulator.github.credentials.grant(token) is None


def waiting(hosting: Hosting, *, cancels: str = "false") -> list[int]:
    """Three pushes whose runs share a group; the first is at work."""
    more = f"concurrency: {{group: 'a-${{{{ github.ref }}}}', cancel-in-progress: {cancels}}}"
    hosting.commit({".github/workflows/a.yml": workflow("push", "echo begins; sleep 600", more=more)})
    [first] = hosting.push()
    hosting.says(first, "begins")
    return [first, *hosting.push(), *hosting.push()]


def test_of_the_runs_of_a_group_one_works_and_the_newest_waits(hosting: Hosting) -> None:
    first, second, third = waiting(hosting)
    assert hosting.run(second).conclusion == "cancelled"
    assert f"run {third}" in hosting.run(second).problems[0]
    assert [hosting.run(run).status for run in (first, second, third)] == [IN_PROGRESS, COMPLETED, QUEUED]
    assert hosting.emulator.github.runs.cancel(third)
    assert hosting.run(third).conclusion == "cancelled"
    assert hosting.emulator.github.runs.cancel(first)
    assert hosting.ended(first).conclusion == "cancelled"
    assert [job.result for job in hosting.run(first).jobs] == ["cancelled"]
    assert not hosting.emulator.github.runs.cancel(first)


def test_a_group_that_does_not_wait_cancels_the_run_at_work(hosting: Hosting) -> None:
    first, second, third = waiting(hosting, cancels="\"${{ github.ref == 'refs/heads/main' }}\"")
    assert hosting.ended(first).conclusion == "cancelled"
    hosting.says(third, "begins")
    assert hosting.run(second).conclusion == "cancelled"


def test_runs_that_share_no_group_go_on_side_by_side(hosting: Hosting) -> None:
    names = ("a", "b", "c")
    hosting.commit({f".github/workflows/{name}.yml": workflow("push", "echo begins; sleep 600") for name in names})
    first, second, third = hosting.push()
    hosting.says(first, "begins")
    hosting.says(second, "begins")
    assert hosting.run(third).status == QUEUED
    hosting.emulator.github.runs.cancel(first)
    hosting.says(third, "begins")


def test_a_group_that_cannot_be_told_fails_the_run_and_says_why(hosting: Hosting) -> None:
    hosting.commit({".github/workflows/a.yml": workflow("push", "true", more="concurrency: 'x-${{ secrets.A }}'")})
    [run_id] = hosting.push()
    record = hosting.ended(run_id)
    assert record.conclusion == "failure"
    assert "'secrets' is not known before a run begins" in record.problems[0]


def test_a_group_with_the_number_of_the_run_is_its_own(hosting: Hosting) -> None:
    more = "concurrency: {group: '${{ github.workflow }}-${{ github.head_ref || github.run_id }}'}"
    hosting.commit({".github/workflows/a.yml": workflow("push", "echo begins; sleep 600", more=more)})
    [first], [second] = hosting.push(), hosting.push()
    assert hosting.run(first).groups == (f"Try-{first}",)
    hosting.says(first, "begins")
    hosting.says(second, "begins")


def test_a_group_of_a_job_makes_a_run_wait_and_replaces_none(hosting: Hosting) -> None:
    """The job of the run that came last may be skipped, so it must not cost another one its turn."""
    text = workflow("push", "echo begins; sleep 600").replace("    steps:", "    concurrency: endpoint\n    steps:")
    hosting.commit({".github/workflows/a.yml": text})
    [first] = hosting.push()
    hosting.says(first, "begins")
    [second], [third] = hosting.push(), hosting.push()
    assert [hosting.run(run).status for run in (first, second, third)] == [IN_PROGRESS, QUEUED, QUEUED]
    hosting.emulator.github.runs.cancel(first)
    hosting.says(second, "begins")
    assert hosting.run(third).status == QUEUED


def test_a_group_of_a_job_that_only_the_run_could_tell_is_left_out_and_the_log_says_so(hosting: Hosting) -> None:
    more = "    strategy: {matrix: {size: [big]}}\n    concurrency: 'x-${{ matrix.size }}'\n"
    text = workflow("push", "true").replace("    steps:", f"{more}    steps:")
    hosting.commit({".github/workflows/a.yml": text})
    [run_id] = hosting.push()
    assert hosting.ended(run_id).conclusion == "success"
    assert hosting.log(run_id).startswith("The concurrency group of the job 'only' makes nothing wait here: ")


def test_after_a_restart_what_was_at_work_is_cancelled_and_what_waited_runs(hosting: Hosting) -> None:
    first, _, third = waiting(hosting)
    hosting.restart()
    hosting.emulator.github.start()
    assert hosting.run(first).conclusion == "cancelled"
    assert "The emulator ended" in hosting.run(first).problems[0]
    hosting.says(third, "begins")


def test_stopping_leaves_no_process_and_a_run_that_was_cancelled(hosting: Hosting) -> None:
    first, _, third = waiting(hosting)
    hosting.emulator.github.stop()
    assert hosting.run(first).conclusion == "cancelled"
    assert hosting.run(third).status == QUEUED


def test_what_cannot_be_done_is_said(hosting: Hosting) -> None:
    with pytest.raises(LookupError, match="There is no repository a/b"):
        hosting.emulator.github.runs.trigger("a/b", "push", {})
    with pytest.raises(WorkflowError, match="'issues' is not emulated"):
        hosting.emulator.github.runs.trigger(FULL_NAME, "issues", {})
    with pytest.raises(WorkflowError, match="nowhere"):
        hosting.push("nowhere")
