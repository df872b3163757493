"""`aml-emulator github push`, `dispatch`, `workflow`, `runs`, `log`, `cancel` and `rerun`, asked of a running emulator."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from emulator.github.conftest import commit, git
from emulator.github.runs.conftest import workflow
from support.emulator import RunningEmulator, command

BY_DISPATCH = "{repository_dispatch: {types: [trained]}}"
BY_HAND = "{workflow_dispatch: {inputs: {code: {default: '0'}}}}"


@dataclass
class Shell:
    """A person at a shell, with a repository that the emulator hosts."""

    emulator: RunningEmulator
    name: str
    root: Path

    def says(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return command("github", *arguments, state=self.emulator.state)

    def runs(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.says("runs", self.name, "--json").stdout.splitlines()]


@pytest.fixture
def shell(emulator: RunningEmulator, tmp_path: Path) -> Shell:
    """A repository with a workflow for each event."""
    git(tmp_path, "init", "-q", "-b", "main")
    by_hand = workflow(BY_HAND, 'exit "$CODE"').replace("- run", "- env: {CODE: '${{ inputs.code }}'}\n        run")
    texts = {
        "push.yml": workflow("{push: {branches: [main]}}", "echo pushed"),
        "dispatch.yml": workflow(BY_DISPATCH, 'grep -o iris_1 "$GITHUB_EVENT_PATH"'),
        "hand.yml": by_hand,
        "long.yml": workflow("{workflow_dispatch: {}}", "echo begins; sleep 600"),
    }
    commit(tmp_path, {f".github/workflows/{name}": text for name, text in texts.items()}, "First")
    name = f"local/r{uuid.uuid4().hex[:8]}"
    hosted = command("github", "add", name, str(tmp_path), state=emulator.state)
    assert hosted.returncode == 0, hosted.stderr
    return Shell(emulator, name, tmp_path)


def test_a_push_that_is_waited_for_shows_the_log_and_the_end(shell: Shell) -> None:
    done = shell.says("push", shell.name, "--wait")
    assert done.returncode == 0, done.stderr
    assert "(.github/workflows/push.yml)" in done.stdout
    assert "pushed" in done.stdout
    assert done.stdout.rstrip().endswith("success")
    [run] = shell.runs()
    assert (run["event"], run["title"], run["conclusion"]) == ("push", "First", "success")
    assert f"{run['id']} {shell.name} .github/workflows/push.yml push 'First': success" in shell.says("runs").stdout


def test_a_push_of_another_branch_starts_nothing_and_says_so(shell: Shell) -> None:
    git(shell.root, "branch", "try")
    done = shell.says("push", shell.name, "--ref", "try", "--wait")
    assert (done.returncode, done.stdout) == (0, "No workflow is started by that.\n")
    assert shell.runs() == []


def test_a_dispatch_carries_its_payload_given_or_in_a_file(shell: Shell, tmp_path: Path) -> None:
    payload = '{"data": {"runId": "iris_1"}}'
    file = tmp_path / "payload.json"
    file.write_text(payload)
    for given in (payload, f"@{file}"):
        done = shell.says("dispatch", shell.name, "trained", "--payload", given, "--wait")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "iris_1" in done.stdout


def test_a_workflow_run_by_hand_that_fails_fails_the_command(shell: Shell) -> None:
    assert shell.says("workflow", shell.name, "hand.yml", "--wait").returncode == 0
    done = shell.says("workflow", shell.name, "hand.yml", "--input", "code=3", "--wait")
    assert done.returncode == 1
    assert done.stdout.rstrip().endswith("failure")


def test_a_run_is_cancelled_and_its_log_stays(shell: Shell) -> None:
    assert shell.says("workflow", shell.name, "long.yml").returncode == 0
    [run] = shell.runs()
    number = str(run["id"])
    deadline = time.monotonic() + 60
    while "begins" not in shell.says("log", number).stdout:
        assert time.monotonic() < deadline
    assert shell.says("cancel", number).returncode == 0
    followed = shell.says("log", number, "--follow")
    assert followed.returncode == 1
    assert followed.stdout.rstrip().endswith(f"run {number}: cancelled")
    again = shell.says("cancel", number)
    assert again.returncode == 1
    assert "has ended already: cancelled" in again.stderr
    assert shell.says("rerun", number).returncode == 0
    begun = shell.says("rerun", number)
    assert begun.returncode == 1
    assert "has not ended yet" in begun.stderr
    assert shell.says("cancel", number).returncode == 0
    assert shell.says("log", number, "--follow").returncode == 1
    [run] = shell.runs()
    assert (run["attempt"], run["conclusion"]) == (2, "cancelled")
    address = f"{shell.emulator.base_url}/github/{shell.name}/actions/runs/{number}"
    page = requests.get(address, verify=shell.emulator.env["REQUESTS_CA_BUNDLE"], timeout=60)
    assert page.status_code == 200
    assert "Cancelled" in page.text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("push", "a"), "'a' is not the name of a repository. It has the form owner/name."),
        (("push", "a/b"), "There is no repository a/b. Host it: aml-emulator github add"),
        (("dispatch", "a/b", "trained", "--payload", "{"), "--payload is not valid JSON"),
        (("dispatch", "a/b", "trained", "--payload", "[]"), "--payload must be a JSON object."),
        (("dispatch", "a/b", "trained", "--payload", "@/nowhere"), "cannot read the file"),
        (("workflow", "a/b", "c.yml", "--input", "d"), "--input 'd' does not have the form NAME=VALUE."),
        (("log", "999999"), "There is no run 999999."),
    ],
)
def test_what_is_wrong_is_said(emulator: RunningEmulator, arguments: tuple[str, ...], told: str) -> None:
    done = command("github", *arguments, state=emulator.state)
    assert done.returncode == 1
    assert told in done.stderr


def test_a_workflow_that_does_not_take_the_input_says_which_it_has(shell: Shell) -> None:
    done = shell.says("workflow", shell.name, "hand.yml", "--input", "colour=blue")
    assert done.returncode == 1
    assert "has no input 'colour'. Its inputs: code" in done.stderr


def test_nobody_starts_or_reads_runs_without_signing_in(emulator: RunningEmulator) -> None:
    for method, path in (("GET", "runs"), ("GET", "runs/1/log"), ("POST", "repositories/a/b/events")):
        answer = requests.request(
            method,
            f"{emulator.base_url}/emulator/github/{path}",
            verify=emulator.env["REQUESTS_CA_BUNDLE"],
            timeout=60,
        )
        assert answer.status_code == 401
