"""Runs an action as the runner runs a step: a process of its own, the runner's variables and files, nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LAUNCH = ROOT / "actions" / "shared" / "bootstrap" / "launch.py"
RUN = ROOT / "actions" / "shared" / "bootstrap" / "run.sh"

CREDENTIALS = {
    "clientId": "11111111-1111-1111-1111-111111111111",
    "clientSecret": "kept~Secret.of-the_Principal",
    "subscriptionId": "22222222-2222-2222-2222-222222222222",
    "tenantId": "33333333-3333-3333-3333-333333333333",
}


@dataclass(frozen=True)
class Outcome:
    """What a step left behind."""

    code: int
    log: str
    outputs: dict[str, str]
    summary: str

    @property
    def annotations(self) -> list[str]:
        """The texts of the error annotations, decoded."""
        found = re.findall(r"^::error [^:]*::(.*)$|^::error::(.*)$", self.log, re.MULTILINE)
        return [decode(one or other) for one, other in found]

    @property
    def result(self) -> dict[str, Any]:
        """The JSON output."""
        data: dict[str, Any] = json.loads(self.outputs["result"])
        return data


def decode(text: str) -> str:
    """Undo the percent-encoding of a workflow command, as the runner does."""
    return text.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")


def read_outputs(text: str) -> dict[str, str]:
    """Read a GITHUB_OUTPUT file; raises ValueError for what the runner would refuse."""
    values, lines = {}, iter(text.splitlines())
    for line in lines:
        match = re.fullmatch(r"(?P<name>[^=<]+)<<(?P<end>\S+)", line)
        if match is None:
            raise ValueError(f"not name<<delimiter: {line!r}")
        content = []
        for inner in lines:
            if inner == match["end"]:
                break
            content.append(inner)
        else:
            raise ValueError(f"the delimiter of {match['name']} is missing")
        values[match["name"]] = "\n".join(content)
    return values


def write_parameters(workspace: Path, name: str, content: Any) -> Path:
    """Write a parameters file; content that is no text becomes JSON."""
    file = workspace / ".cloud" / ".azure" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


def step_environment(
    scratch: Path, workspace: Path, inputs: Mapping[str, str], env: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment of a step: nothing of the test's own but PATH, so that it hides no missing variable."""
    scratch.mkdir(parents=True, exist_ok=True)
    files = {name: scratch / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV", "GITHUB_PATH")}
    for file in files.values():
        file.write_text("", encoding="utf-8")
    return {
        **{name: os.environ[name] for name in ("PATH", "UV_CACHE_DIR") if name in os.environ},
        "HOME": str(scratch),
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(workspace),
        "GITHUB_REPOSITORY": "octo/credit-risk",
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_SHA": "c0ffee0000000000000000000000000000000000",
        "GITHUB_ACTOR": "octocat",
        "GITHUB_RUN_ID": "4711",
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_SERVER_URL": "https://github.com",
        "RUNNER_TEMP": str(scratch),
        **{name: str(file) for name, file in files.items()},
        **{f"AML_ACTION_INPUT_{name.upper()}": value for name, value in inputs.items()},
        **env,
    }


def run_step(
    action: str,
    workspace: Path,
    scratch: Path,
    *,
    inputs: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    command: list[str] | None = None,
    timeout: float = 300,
) -> Outcome:
    """Run an action and return what it left.

    Args:
        action: such as ``aml-workspace``.
        workspace: the checked-out repository.
        scratch: a new folder for the runner's files.
        inputs: under their names of action.yml; the credentials are those of `CREDENTIALS` unless given.
        env: further variables.
        command: how to start it; by default the launcher, with the interpreter of the tests, which has the same packages.
        timeout: seconds.
    """
    given = {"azure_credentials": json.dumps(CREDENTIALS), **(inputs or {})}
    environment = step_environment(scratch, workspace, given, env or {})
    done = subprocess.run(
        [*(command or [sys.executable, "-I", "-B", "-X", "utf8", str(LAUNCH)]), action],
        cwd=workspace,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )
    assert Path(environment["GITHUB_ENV"]).read_text() == "", "a step must not change the job's environment"
    assert Path(environment["GITHUB_PATH"]).read_text() == "", "a step must not change the job's PATH"
    return Outcome(
        code=done.returncode,
        log=done.stdout,
        outputs=read_outputs(Path(environment["GITHUB_OUTPUT"]).read_text(encoding="utf-8")),
        summary=Path(environment["GITHUB_STEP_SUMMARY"]).read_text(encoding="utf-8"),
    )
