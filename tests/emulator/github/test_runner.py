"""Workflows really run by act: what a user gets back, and the places where act alone would say green."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aml_emulator.github import events, sandbox
from aml_emulator.github.errors import InvalidWorkflow, NotStarted, WorkflowError
from aml_emulator.github.runner import run_workflow

from .conftest import CHECKOUT, MakeRepository, Run, steps

LONG = f"300.000{os.getpid()}"
"""Seconds for `sleep`, in a spelling that no other test and no other program of this machine uses: it is looked for by name."""


def test_outputs_summaries_and_annotations_come_back(run: Run) -> None:
    body = """
- id: greet
  name: Greet the world
  uses: org/actions/greet@v1
  with: {who: world}
- id: reader
  env: {TEXT: "${{ steps.greet.outputs.text }}"}
  run: echo "length=${#TEXT}" >> "$GITHUB_OUTPUT"
"""
    told: list[str] = []
    result = run(steps(body), progress=told.append)
    assert result.succeeded, result.failures()
    assert result.outputs("greet") == {"text": "Hello world"}  # the undeclared output is not among them
    assert result.outputs("reader") == {"length": "11"}
    assert result.summary == "# Greeting of world\n"
    [warning] = result.annotations
    assert (warning.level, warning.title, warning.message) == ("warning", "Careful", "world was greeted")
    assert (warning.job, warning.step) == ("only", "greet")
    assert [(step.name, step.outcome) for step in result.steps] == [
        ("Greet the world", "success"),
        ('Run echo "length=${#TEXT}" >> "$GITHUB_OUTPUT"', "success"),
    ]
    assert all(0 < step.seconds < 60 for step in result.steps)
    assert list(result.step("greet").log) == ["warning: Careful: world was greeted", "seen: []"]
    assert told[0] == "▶ Greet the world"
    assert any(line.startswith("✔ Greet the world (") for line in told)


def test_composite_steps_see_no_input_variables(run: Run) -> None:
    result = run(steps("- uses: org/actions/greet@v1\n  with: {who: world}"))
    assert "seen: []" in result.log


def test_checkout_gives_what_is_committed_and_nothing_else(run: Run, tmp_path: Path) -> None:
    body = f"""
- run: test -z "$(ls -A)"
- uses: {CHECKOUT}
  with: {{persist-credentials: false}}
- run: ls; cat data.txt; git log --format=%s; git remote get-url origin; git rev-parse --abbrev-ref HEAD
"""
    result = run(steps(body), files={"data.txt": "the data\n"})
    assert result.succeeded, result.failures()
    assert list(result.steps[2].log) == [
        "data.txt",
        "the data",
        "a commit",
        "https://github.com/local/iris",
        "main",
    ]


def test_checkout_options_that_the_stand_in_does_not_have_are_refused(run: Run) -> None:
    with pytest.raises(InvalidWorkflow, match="the stand-in for it does not know input 'ref'"):
        run(steps(f"- uses: {CHECKOUT}\n  with: {{ref: other}}"))


def test_a_file_that_is_not_committed_is_not_run(make_repository: MakeRepository, actions: Path) -> None:
    text = "on: push\n" + steps(f"- uses: {CHECKOUT}\n- run: ls")
    repository = make_repository({".github/workflows/try.yml": text})
    (repository.path / "untracked.txt").write_text("x")
    environment = {"PATH": os.environ["PATH"]}
    result = run_workflow(
        repository, ".github/workflows/try.yml", events.push(repository), actions={}, environment=environment
    )
    assert result.succeeded, result.failures()
    assert "untracked.txt" not in result.log
    assert repository.uncommitted() == ("untracked.txt",)


def test_a_failed_step_fails_the_run_and_says_why(run: Run) -> None:
    body = """
- name: Bad
  run: |
    echo "::error title=Broken::the reason"
    exit 3
- name: Never
  run: echo never
- name: Clean up
  if: always()
  run: echo cleaned
"""
    result = run(steps(body))
    assert not result.succeeded
    assert [step.outcome for step in result.steps] == ["failure", "skipped", "success"]
    assert result.failures() == ("Bad: Broken: the reason",)
    assert "Process completed with exit code 3." in result.log


def test_a_failed_action_is_told_once(run: Run) -> None:
    action = "name: f\ndescription: f\nruns: {using: composite, steps: [{shell: bash, run: exit 5}]}"
    result = run(steps(f"- uses: {CHECKOUT}\n- name: Act\n  uses: ./f"), files={"f/action.yml": action})
    assert result.failures() == ("Act: Process completed with exit code 5.",)


def test_a_step_that_may_fail_fails_nothing(run: Run) -> None:
    result = run(steps("- name: Try\n  continue-on-error: true\n  run: exit 1\n- run: echo on"))
    assert result.succeeded
    assert (result.steps[0].outcome, result.steps[0].conclusion) == ("failure", "success")
    assert result.failures() == ()


def test_a_malformed_output_fails_the_step_as_on_github(run: Run) -> None:
    result = run(steps("- id: bad\n  run: echo 'no equals sign' >> $GITHUB_OUTPUT"))
    assert not result.succeeded
    assert result.step("bad").outcome == "failure"


SECRETS = {
    "PLAIN": "pl41n-secret-value",
    "LINES": "first secret line\nsecond secret line",
    "CREDENTIALS": '{"clientId": "an-id", "clientSecret": "deep-secret-value"}',
}


def test_no_secret_leaves_the_run_in_any_form(run: Run, tmp_path: Path) -> None:
    body = """
- id: leak
  name: leak ${{ secrets.PLAIN }}
  env:
    PLAIN: ${{ secrets.PLAIN }}
    LINES: ${{ secrets.LINES }}
    CREDENTIALS: ${{ secrets.CREDENTIALS }}
  run: |
    echo "plain $PLAIN"
    echo "$LINES"
    printf %s "$PLAIN" | base64
    printf %s "x$PLAIN" | base64
    echo "deep-secret-value"
    echo "::warning::$PLAIN"
    echo "::error title=$PLAIN::$LINES"
    echo "::group::$PLAIN"
    echo "text=$PLAIN" >> "$GITHUB_OUTPUT"
    echo "# $PLAIN" >> "$GITHUB_STEP_SUMMARY"
    echo "::add-mask::made-up-later"
    echo "made-up-later"
"""
    told: list[str] = []
    result = run(steps(body), secrets=SECRETS, progress=told.append)
    assert result.succeeded, result.failures()
    everything = json.dumps([told, repr(result), result.log, result.summary, result.failures()])
    encoded = base64.b64encode(SECRETS["PLAIN"].encode()).decode()
    for secret in ("pl41n", "secret line", "deep-secret", "made-up-later", encoded[4:20]):
        assert secret not in everything
    assert result.outputs("leak") == {"text": "***"}
    assert "plain ***" in result.log


def test_a_job_output_with_a_secret_fails_the_run_although_act_passes_it_on(run: Run) -> None:
    jobs = """
jobs:
  one:
    runs-on: ubuntu-latest
    outputs: {uri: "${{ steps.make.outputs.uri }}"}
    steps:
      - id: make
        env: {S: "${{ secrets.PLAIN }}"}
        run: echo "uri=https://host/?key=$S" >> "$GITHUB_OUTPUT"
  two:
    needs: one
    runs-on: ubuntu-latest
    steps: [{run: 'test -n "${{ needs.one.outputs.uri }}"'}]
"""
    result = run(jobs, secrets=SECRETS)
    assert not result.succeeded
    assert "GitHub would not pass it on" in result.failures()[0]


def test_a_label_without_a_machine_is_refused(run: Run) -> None:
    with pytest.raises(InvalidWorkflow, match="'gpu-runner'"):
        run("jobs: {a: {runs-on: gpu-runner, steps: [{run: echo}]}}")


def test_a_label_known_only_at_run_time_that_has_no_machine_fails_the_run(run: Run) -> None:
    jobs = "jobs: {a: {runs-on: \"${{ format('gpu-{0}', 'runner') }}\", steps: [{run: echo}]}}"
    result = run(jobs)
    assert not result.succeeded
    assert "no machine here has the label" in result.failures()[0]


def test_a_workflow_that_github_would_not_start_is_not_run(make_repository: MakeRepository) -> None:
    text = f"on: {{push: {{branches: [release]}}}}\n{steps('- run: echo')}"
    repository = make_repository({".github/workflows/try.yml": text})
    with pytest.raises(NotStarted, match="not to the branch 'main'"):
        run_workflow(
            repository, ".github/workflows/try.yml", events.push(repository), actions={}, environment={"PATH": "/bin"}
        )


def test_a_dispatch_carries_its_payload(make_repository: MakeRepository) -> None:
    body = '- run: echo "${{ github.event.client_payload.data.runId }} ${{ github.event.action }} $GITHUB_EVENT_NAME"'
    text = f"on: {{repository_dispatch: {{types: [done]}}}}\n{steps(body)}"
    repository = make_repository({".github/workflows/try.yml": text})
    event = events.repository_dispatch(repository, "done", {"data": {"runId": "r1"}})
    result = run_workflow(
        repository, ".github/workflows/try.yml", event, actions={}, environment={"PATH": os.environ["PATH"]}
    )
    assert "r1 done repository_dispatch" in result.log


def test_a_pressed_button_hands_over_its_inputs(make_repository: MakeRepository) -> None:
    body = "- run: echo \"${{ inputs.size }} ${{ github.event.inputs.size }} ${{ inputs.dry && 'dry' || 'wet' }}\""
    text = "on: {workflow_dispatch: {inputs: {size: {default: small}, dry: {type: boolean}}}}\n" + steps(body)
    repository = make_repository({".github/workflows/try.yml": text})
    result = run_workflow(
        repository,
        ".github/workflows/try.yml",
        events.workflow_dispatch(repository),
        actions={},
        environment={"PATH": os.environ["PATH"]},
    )
    assert list(result.steps[0].log) == ["small small wet"]


def test_a_run_has_a_number_of_its_own(run: Run, make_repository: MakeRepository) -> None:
    body = '- run: echo "$GITHUB_RUN_ID ${{ github.run_id }} $GITHUB_RUN_ATTEMPT $GITHUB_REPOSITORY $GITHUB_REF $GITHUB_ACTOR"'
    result = run(steps(body), run_attempt=2)
    assert result.run_id.isdigit()
    assert list(result.steps[0].log) == [f"{result.run_id} {result.run_id} 2 local/iris refs/heads/main octocat"]


def test_variables_and_the_named_environment_reach_the_steps_and_nothing_else_does(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINE_ALONE", "x")
    body = '- run: echo "[$MINE_ALONE] [$AML_ACTIONS_HOME] [${{ vars.PLACE }}]"'
    environment = {"PATH": os.environ["PATH"], "AML_ACTIONS_HOME": "/cache"}
    result = run(steps(body), environment=environment, variables={"PLACE": "a b"})
    assert list(result.steps[0].log) == ["[] [/cache] [a b]"]


def test_settings_files_of_act_in_the_repository_have_no_say(run: Run) -> None:
    body = f'- uses: {CHECKOUT}\n- run: echo "[$SNEAKED] [${{{{ secrets.SNEAKED }}}}] [${{{{ vars.SNEAKED }}}}]"'
    files = {".env": "SNEAKED=1", ".secrets": "SNEAKED=1", ".vars": "SNEAKED=1", ".actrc": "--no-such-option"}
    result = run(steps(body), files=files)
    assert list(result.steps[1].log) == ["[] [] []"], result.failures()


def test_a_step_finds_no_terminal_and_an_empty_input(run: Run) -> None:
    result = run(steps("- run: tty; cat; echo done\n  shell: sh -x {0}"), timeout=30)
    assert "not a tty" in result.log
    assert "done" in result.log


def test_what_a_terminal_would_interpret_is_taken_out(run: Run) -> None:
    result = run(steps(r"- run: printf 'a\033[31mred\033[0m\033]0;title\007b\n'"))
    assert list(result.steps[0].log) == ["aredb"]


def test_time_is_limited_and_the_step_is_cancelled_like_on_github(run: Run, tmp_path: Path) -> None:
    """The step's program gets SIGINT, can clean up, and is gone with everything it started."""
    program = tmp_path / "work.py"
    note = tmp_path / "cleaned"
    program.write_text(
        "import pathlib, subprocess, sys, time\n"
        f"subprocess.Popen(['sleep', '{LONG}'], start_new_session=True)\n"
        "try:\n    print('working', flush=True)\n    time.sleep(300)\n"
        f"except KeyboardInterrupt:\n    pathlib.Path({str(note)!r}).write_text('yes')\n"
    )
    began = time.monotonic()
    result = run(steps(f"- name: Long\n  run: exec {sys.executable} {program}\n- run: echo next"), timeout=4)
    assert time.monotonic() - began < 20
    assert not result.succeeded
    assert "ended after 4 s" in result.problems[0]
    assert "Long" in result.problems[0]
    assert note.read_text() == "yes"
    assert [step.outcome for step in result.steps] == ["failure", "skipped"]
    assert not _processes_with(f"sleep\x00{LONG}")


def test_a_process_left_behind_by_a_step_is_ended(run: Run) -> None:
    told: list[str] = []
    result = run(steps(f"- run: sleep {LONG} > /dev/null 2>&1 & disown"), progress=told.append)
    assert result.succeeded, result.failures()
    assert not _processes_with(f"sleep\x00{LONG}")
    assert any("left behind" in line for line in told)


def test_an_interrupted_run_leaves_nothing(make_repository: MakeRepository, tmp_path: Path) -> None:
    repository = make_repository({".github/workflows/try.yml": f"on: push\n{steps(f'- run: exec sleep {LONG}')}"})
    script = tmp_path / "run.py"
    script.write_text(
        "import os, pathlib\n"
        "from aml_emulator.github import events\n"
        "from aml_emulator.github.checkout import find_repository\n"
        "from aml_emulator.github.runner import run_workflow\n"
        f"repository = find_repository(pathlib.Path({str(repository.path)!r}), 'local/iris')\n"
        "run_workflow(repository, '.github/workflows/try.yml', events.push(repository), actions={},\n"
        "             environment={'PATH': os.environ['PATH']}, secrets={'S': 'a secret'}, progress=print)\n"
    )
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, script], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    assert process.stdout.readline().decode().startswith("▶")
    secrets = list(temporary.rglob("secrets.yaml"))
    assert [oct(file.stat().st_mode & 0o777) for file in secrets] == ["0o600"]
    process.send_signal(signal.SIGINT)
    process.wait(timeout=30)
    assert not _processes_with(f"sleep\x00{LONG}")
    assert list(temporary.iterdir()) == []


def test_without_the_right_to_hide_terminals_the_input_of_bash_is_empty_all_the_same(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "_HIDE_TERMINALS", "false")
    assert sandbox.without_terminal(["act"]) == ["act"]
    result = run(steps("- run: cat; echo done"), timeout=30)
    assert "done" in result.log


def test_silence_is_broken_by_a_heartbeat(run: Run) -> None:
    told: list[str] = []
    run(steps("- name: Quiet\n  run: sleep 1.2"), progress=told.append, heartbeat=0.3)
    assert any(line.startswith("    … Quiet: at work for") for line in told)


def test_jobs_of_a_matrix_and_those_they_need_are_told_apart(run: Run) -> None:
    jobs = """
jobs:
  first:
    runs-on: ubuntu-latest
    strategy: {matrix: {k: [1, 2]}}
    steps: [{name: "leg ${{ matrix.k }}", run: "echo ${{ matrix.k }}"}]
  second:
    needs: first
    runs-on: ubuntu-latest
    steps: [{run: exit 1}]
  third:
    needs: second
    runs-on: ubuntu-latest
    steps: [{run: echo}]
"""
    result = run(jobs)
    assert sorted((job.id, job.result, str(dict(job.matrix))) for job in result.jobs) == [
        ("first", "success", "{'k': 1}"),
        ("first", "success", "{'k': 2}"),
        ("second", "failure", "{}"),
        ("third", "skipped", "{}"),
    ]
    assert {step.name for job in result.jobs if job.id == "first" for step in job.steps} == {"leg 1", "leg 2"}


def test_a_leg_that_ends_after_one_that_failed_has_not_failed(run: Run) -> None:
    script = 'if [ "${{ matrix.k }}" = 1 ]; then exit 1; fi; sleep 2'
    strategy = "{fail-fast: false, matrix: {k: [1, 2]}}"
    result = run(f"jobs:\n  a:\n    runs-on: ubuntu-latest\n    strategy: {strategy}\n    steps: [{{run: '{script}'}}]")
    assert {job.matrix["k"]: job.result for job in result.jobs} == {1: "failure", 2: "success"}
    assert not result.succeeded


def test_jobs_of_the_same_name_are_not_taken_for_one(run: Run) -> None:
    job = "{name: Build, runs-on: ubuntu-latest, steps: [{run: echo}]}"
    result = run(f"jobs:\n  a: {job}\n  b: {job}")
    assert [(job.id, job.name, job.result) for job in result.jobs] == [
        ("a", "Build", "success"),
        ("b", "Build", "success"),
    ]


def test_a_local_reusable_workflow_runs(run: Run) -> None:
    called = (
        f"on: {{workflow_call: {{inputs: {{a: {{type: string}}}}}}}}\n{steps('- run: echo called ${{ inputs.a }}')}"
    )
    result = run(
        "jobs: {call: {uses: ./.github/workflows/called.yml, with: {a: x}}}",
        files={".github/workflows/called.yml": called},
    )
    assert result.succeeded, result.failures()
    assert "called x" in result.log


def test_a_run_without_a_path_is_refused(run: Run) -> None:
    with pytest.raises(WorkflowError, match="no PATH"):
        run(steps("- run: echo"), environment={})


def test_a_workflow_that_is_not_there_is_told_with_those_that_are(make_repository: MakeRepository) -> None:
    repository = make_repository({".github/workflows/real.yml": f"on: push\n{steps('- run: echo')}"})
    with pytest.raises(InvalidWorkflow, match=r"Its workflows: \.github/workflows/real\.yml"):
        run_workflow(
            repository, ".github/workflows/x.yml", events.push(repository), actions={}, environment={"PATH": "/bin"}
        )


def _processes_with(part: str) -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if part in command:
            found.append(command)
    return found
