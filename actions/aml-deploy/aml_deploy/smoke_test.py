"""Calling the user's test function with the new deployment."""

from __future__ import annotations

import importlib.util
import io
import os
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

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
    output = io.StringIO()
    failure: BaseException | None = None
    start = time.monotonic()
    with workflow.group(f"Test {name}"):
        with redirect_stdout(output), redirect_stderr(output), importable(), _at_home(root):
            try:
                _load(file, function)(service)
            except SystemExit as error:
                failure = error if error.code not in (None, 0) else None
            except Exception as error:
                failure = error
        seconds = time.monotonic() - start
        verdict = _verdict(name, failure, seconds, service.delete_asked, root)
        if text := output.getvalue() + verdict.trace:
            workflow.relay(text)
    workflow.info(f"Test {name}: {'passed' if verdict.passed else 'FAILED'} in {duration(seconds)}")
    return verdict


def _load(file: Path, function: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - the user's function
    spec = importlib.util.spec_from_file_location(_MODULE, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} cannot be loaded as a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[_MODULE] = module
    spec.loader.exec_module(module)
    return getattr(module, function)


@contextmanager
def _at_home(root: Path) -> Iterator[None]:
    """Work in the repository, with it on the module search path, and leave no trace of that."""
    path, folder = list(sys.path), Path.cwd()
    sys.path.insert(0, str(root))
    os.chdir(root)
    try:
        yield
    finally:
        os.chdir(folder)
        sys.path[:] = path
        sys.modules.pop(_MODULE, None)


def _verdict(name: str, failure: BaseException | None, seconds: float, delete_asked: bool, root: Path) -> Verdict:
    if failure is None:
        return Verdict(name, True, seconds, delete_asked)
    frames = [
        frame
        for frame in traceback.extract_tb(failure.__traceback__)
        if Path(frame.filename).resolve().is_relative_to(root)
    ]
    last = frames[-1] if frames else None
    text = "".join(traceback.format_exception_only(type(failure), failure)).strip()
    trace = "Traceback (most recent call last, frames of the repository only):\n" + "".join(
        traceback.StackSummary.from_list(frames).format()
    )
    return Verdict(
        name=name,
        passed=False,
        seconds=seconds,
        delete_asked=delete_asked,
        failure=text,
        file=Path(last.filename).resolve().relative_to(root).as_posix() if last else None,
        line=last.lineno if last else None,
        code=(last.line or "").strip() if last else "",
        trace=f"{trace}{text}\n",
    )
