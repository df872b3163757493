"""Calling the user's test function with the new deployment."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aml_actions import user_code
from aml_actions.errors import ActionError
from aml_actions.markdown import fence
from aml_actions.polling import duration
from aml_deploy.sdk_v1 import importable
from aml_deploy.service import DeployedService

if TYPE_CHECKING:
    from aml_actions.workflow import Workflow

ANCHOR = "docs/troubleshooting.md#deployment-test"
_MODULE = "aml_deploy_user_test"
"""Name of the user's module: its own (``test``) may be one of the standard library's."""


@dataclass(frozen=True)
class Verdict:
    """What the test said.

    Attributes:
        name: of the test, such as ``main() of code/test/test.py``.
        passed: the function returned.
        seconds: that it took.
        delete_asked: it called ``service.delete()``.
        failure: type and text of the exception that it raised, or empty.
        file: file in the repository from which it came, or None.
        line: line of that file.
        code: that line.
        trace: the user's own frames of the traceback.
    """

    name: str
    passed: bool
    seconds: float
    delete_asked: bool = False
    failure: str = ""
    file: str | None = None
    line: int | None = None
    code: str = ""
    trace: str = ""

    def error(self) -> ActionError:
        """Return the error for a test that failed."""
        missing = self.failure.startswith("ModuleNotFoundError")
        return ActionError(
            f"The test {self.name} failed: {self.failure}",
            value=f"{self.file}, line {self.line}: {self.code}" if self.file else None,
            cause="the test runs in the environment of this step, which has requests and the Azure SDK, not the packages "
            "of the repository"
            if missing
            else None,
            fix="import only the standard library and requests in the test file" if missing else None,
            anchor=ANCHOR,
            details=fence(self.trace) if self.trace else None,
            file=self.file,
            line=self.line,
        )


def run_test(file: Path, function: str, service: DeployedService, workspace: Path, workflow: Workflow) -> Verdict:
    """Load the test file by its path and call its function with the service.

    As in the legacy action it runs in this process, with the repository as the working directory and first on the module
    search path. What it prints is shown when it ends; none of it is obeyed by the runner.
    """
    root = workspace.resolve()
    name = f"{function}() of {file.resolve().relative_to(root).as_posix()}"
    failure: BaseException | None = None
    start = time.monotonic()
    with workflow.group(f"Test {name}"):
        with user_code.heard(workflow), importable(), user_code.at_home(root):
            try:
                getattr(user_code.load(file, _MODULE), function)(service)
            except SystemExit as error:
                failure = error if error.code not in (None, 0) else None
            except Exception as error:
                failure = error
            finally:
                sys.modules.pop(_MODULE, None)
        seconds = time.monotonic() - start
        verdict = _verdict(name, failure, seconds, service.delete_asked, root)
        if verdict.trace:
            workflow.relay(verdict.trace)
    workflow.info(f"Test {name}: {'passed' if verdict.passed else 'FAILED'} in {duration(seconds)}")
    return verdict


def _verdict(name: str, failure: BaseException | None, seconds: float, delete_asked: bool, root: Path) -> Verdict:
    if failure is None:
        return Verdict(name, True, seconds, delete_asked)
    found = user_code.origin(failure, root)
    return Verdict(
        name=name,
        passed=False,
        seconds=seconds,
        delete_asked=delete_asked,
        failure=found.text,
        file=found.file,
        line=found.line,
        code=found.code,
        trace=found.trace,
    )
