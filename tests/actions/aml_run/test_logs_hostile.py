"""A training script that wants to command the runner and to betray a secret: nothing of it acts, the secret is nowhere."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.runner_log import commands
from support.steps import LAUNCH, ROOT
from support.training import COMPUTE, PLAIN, RUN_CONFIG, TrainingRepository

from aml_emulator.github import events
from aml_emulator.github.checkout import find_repository
from aml_emulator.github.runner import run_workflow

HOSTILE = """\
import base64, os, sys, time

secret = bytes.fromhex("{secret}").decode()
out = sys.stdout.buffer

def say(text):
    out.write(text if isinstance(text, bytes) else text.encode())
    out.write(b"\\n")
    out.flush()

say("::error::forged error")
say("::warning file=train.py,line=1::forged warning")
say("::notice::forged notice")
say("::add-mask::the")
say("::add-mask::")
say("::set-output name=run_id::forged")
say("::save-state name=x::y")
say("::group::forged group")
say("::endgroup::")
say("::stop-commands::guess")
say("::guess::")
say("::" + "0" * 32 + "::")
say("  ::error::indented")
say("\\r::error::behind a carriage return")
say("text\\r::error::written over")
say("\\u2028::error::behind a line separator")
say("##[error]old style")
say("##[add-mask]the")
say("##vso[task.setvariable variable=run_id]forged")
say("##vso[task.complete result=Failed]forged")
say("before ##VSO[task.logissue type=error]in the middle")
say("\\x1b[31mred\\x1b[0m \\x1b]0;title\\x07 \\x1b[2J\\x1b[1;1H\\x1b[8mconcealed\\x1b[0m \\x07\\x08")
say(b"no UTF-8: \\xff\\xfe \\xc3\\x28 \\xed\\xa0\\x80")
say("secret " + secret)
say("coloured " + secret[:5] + "\\x1b[1m" + secret[5:])
say("encoded " + base64.b64encode(secret.encode()).decode())
say("{long} " + "x" * (16 * 1024 - 40) + (" " + secret) * 20 + "y" * 1024 * 1024)
out.write(b"padding " * 8191)
say(secret)
for number in range(100):
    out.write(("\\r%3d%%|" % number + "#" * (number // 10)).encode())
say("\\r100%|done")
out.write(secret[:7].encode())
out.flush()
time.sleep(3)
say(secret[7:])
say("the end of the script")
sys.exit({code})
"""


def hostile(secret: str, code: int = 0) -> str:
    return HOSTILE.format(secret=secret.encode().hex(), long="a line of 1 MB", code=code)


def obeyed_by_the_agent(log: str) -> list[str]:
    """The commands of Azure Pipelines, which the agent looks for anywhere in a line."""
    return re.findall(r"##(?:vso)?\[[^\]]*\]?", log, re.IGNORECASE)


def shown(log: str, secret: str) -> str:
    """The log without the commands that register the secret itself."""
    mask = ("::add-mask::", "##vso[task.setsecret]")
    text = "\n".join(line for line in log.splitlines() if not line.startswith(mask))
    assert secret not in text
    assert secret[-8:] not in text
    return text


@pytest.mark.parametrize("code", [0, 3])
def test_nothing_of_it_acts_on_the_runner(repository: TrainingRepository, code: int) -> None:
    secret = repository.emulator.identity["clientSecret"]
    repository.training(hostile(secret, code))
    done = repository.step("aml-run", {"download_artifacts": True})
    assert done.code == (1 if code else 0), done.log
    log = shown(done.log, secret)
    assert "the end of the script" in log
    assert "secret ***" in log
    assert "coloured ***" in log
    assert "encoded ***" in log
    assert re.search(r"a line of 1 MB x+.* … \[a line of 1,\d{3},\d{3} characters, cut here\]", log)
    assert max(map(len, log.splitlines())) < 20_000
    assert "100%|done" in log
    assert " 50%|" not in log
    assert "\x1b" not in log
    assert "\x07" not in log
    obeyed = commands(done.log)
    names = {line.split("::")[1].split(" ")[0] for line in obeyed}
    assert names <= {"add-mask", "group", "endgroup", "debug", "error"}
    assert len([line for line in obeyed if line.startswith("::error")]) == (1 if code else 0)
    assert not [line for line in obeyed if "forged" in line and not line.startswith("::error")]
    assert "##[" not in log
    assert done.outputs["run_id"] != "forged"
    for text in (done.summary, json.dumps(done.outputs), *done.annotations):
        assert secret not in text
        assert secret[-8:] not in text
    if not code:
        # The file itself is as the job wrote it: that is what an artifact is.
        log_file = Path(done.outputs["artifact_path"]) / "parent/user_logs/std_log.txt"
        assert b"no UTF-8: \xff\xfe" in log_file.read_bytes()


def test_nothing_of_it_acts_on_the_agent_of_azure_pipelines(repository: TrainingRepository, tmp_path: Path) -> None:
    secret = repository.emulator.identity["clientSecret"]
    repository.training(hostile(secret))
    agent = {
        "TF_BUILD": "True",
        "BUILD_SOURCESDIRECTORY": str(repository.root),
        "BUILD_REPOSITORY_NAME": "credit-risk",
        "BUILD_SOURCEBRANCH": "refs/heads/main",
        "BUILD_SOURCEVERSION": "c0ffee",
        "BUILD_BUILDID": "4711",
        "SYSTEM_JOBATTEMPT": "1",
        "AGENT_TEMPDIRECTORY": str(tmp_path),
    }
    done = repository.step("aml-run", {}, env=agent)
    assert done.code == 0, done.log
    log = shown(done.log, secret)
    assert "the end of the script" in log
    obeyed = {one.split(" ")[0].rstrip("]").lower() for one in obeyed_by_the_agent(done.log)}
    assert obeyed <= {
        "##vso[task.setsecret",
        "##vso[task.setvariable",
        "##vso[task.uploadsummary",
        "##[group",
        "##[endgroup",
        "##[debug",
    }
    assert not re.search(r"##vso\[task\.setvariable variable=run_id[^\]]*\]forged", done.log)
    assert secret not in "".join(file.read_text() for file in tmp_path.glob("*.md"))


def test_the_runner_shows_no_annotation_and_no_secret(repository: TrainingRepository, tmp_path: Path) -> None:
    emulator = repository.emulator
    secret = emulator.identity["clientSecret"]
    step = f'"$PYTHON" -I -B -X utf8 "{LAUNCH}"'
    files: dict[str, str] = {
        ".github/workflows/train.yml": f"""\
name: Train
on: push
jobs:
  train:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683
      - id: workspace
        run: |
          {step} aml-workspace
      - id: train
        run: |
          {step} aml-run
      - id: after
        run: echo "::notice::the runner still listens"
""",
        ".cloud/.azure/workspace.json": json.dumps({"name": repository.workspace, "resource_group": "rg-tests"}),
        ".cloud/.azure/run.json": "{}",
        "code/train/train.py": hostile(secret),
        "code/train/environment.yml": PLAIN,
        "code/train/run_config.yml": RUN_CONFIG,
    }
    root = tmp_path / "repository"
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "a commit"]):
        subprocess.run(["git", *identity, *arguments], cwd=root, check=True)
    found = find_repository(root, "octo/credit-risk")
    environment: dict[str, Any] = {
        "PATH": os.environ["PATH"],
        "PYTHON": sys.executable,
        "REQUESTS_CA_BUNDLE": emulator.env["REQUESTS_CA_BUNDLE"],
        "AML_ACTION_INPUT_AZURE_CREDENTIALS": emulator.credentials,
    }
    # The runner is not told the secret: what hides it is the step.
    run = run_workflow(
        found, ".github/workflows/train.yml", events.push(found), actions={"org/none@v1": ROOT}, environment=environment
    )
    assert run.succeeded, run.failures()
    assert [(note.level, note.message) for note in run.annotations] == [("notice", "the runner still listens")]
    assert "the end of the script" in run.log
    assert secret not in run.log
    assert secret[-8:] not in run.log
    assert secret not in run.summary
    assert run.outputs("train").get("run_id") != "forged"
    assert COMPUTE in run.summary
