"""The packages that a user's Python file imports: installed for the step, beside its environment, never into it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import aml_actions
from aml_actions.errors import ActionError
from aml_actions.markdown import fence
from aml_actions.polling import duration
from aml_run.files import inside, is_file

if TYPE_CHECKING:
    from aml_actions.workflow import Workflow

_INSTALLER = Path(aml_actions.__file__).parents[1] / "bootstrap" / "packages.py"
_LONGEST = 1500
"""Characters of the installer's output in an annotation; its end says the reason."""


def install(requirements: str, workspace: Path, temp: Path, workflow: Workflow) -> Path:
    """Install the packages of a requirements file and return the folder that holds them.

    Args:
        requirements: path of the file from the root of the repository.
        workspace: folder of the repository.
        temp: folder that the runner empties after the job.
        workflow: hears the installer.

    Raises:
        ActionError: there is no such file, or the packages cannot be installed.
    """
    file = inside(workspace, requirements)
    if file is None or not is_file(file):
        raise ActionError(
            "The file that python_requirements names does not exist.",
            value=requirements,
            allowed="a path from the root of the repository",
            fix="correct the path; names are case-sensitive",
        )
    started = time.monotonic()
    target = Path(tempfile.mkdtemp(prefix="aml-run-packages-", dir=temp))
    with workflow.group(f"Packages of {requirements}"):
        done = subprocess.run(
            [sys.executable, "-I", "-B", str(_INSTALLER), "--requirements", str(file), "--target", str(target)],
            cwd=workspace,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        said = _as_text(done.stdout)
        workflow.relay(said)
    if done.returncode:
        raise ActionError(
            f"The packages of {requirements} could not be installed.",
            value=said[-_LONGEST:].strip(),
            cause="a package or version does not exist, contradicts the packages of this step (azure-ai-ml and its own), or the "
            "package index cannot be reached",
            fix="correct the requirements; what the SDK brings need not stand in them",
            details=fence(said),
            file=requirements,
        )
    workflow.info(f"Installed the packages of {requirements} in {duration(time.monotonic() - started)}.")
    return target


def _as_text(output: str) -> str:
    """Return the output with the installer's own error, written for the runner, as a sentence."""
    lines = []
    for line in output.splitlines():
        text = line.split("::", 2)[2] if line.startswith("::error ") else line
        lines += text.replace("%0A", "\n").replace("%0D", "").replace("%25", "%").splitlines()
    return "\n".join(lines)
