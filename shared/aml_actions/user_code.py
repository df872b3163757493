"""Running Python code of the user's repository in the process of a step: found as it expects, heard, and its errors as its own."""

from __future__ import annotations

import importlib.util
import io
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from aml_actions.workflow import Workflow


@dataclass(frozen=True)
class Origin:
    """Where in the user's code an exception comes from.

    Attributes:
        text: type and text of the exception.
        file: the last file of the repository that it passed, relative to the repository; None when it passed none.
        line: line of that file.
        code: that line.
        trace: the frames of the repository only, as a traceback; for the log and the summary.
    """

    text: str
    file: str | None
    line: int | None
    code: str
    trace: str


def origin(error: BaseException, root: Path) -> Origin:
    """Return where an exception comes from; of a syntax error, the place that it names."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_below(frame.filename, root)]
    last = frames[-1] if frames else None
    text = "".join(traceback.format_exception_only(type(error), error)).strip()
    file, line, code = (last.filename, last.lineno, (last.line or "").strip()) if last else (None, None, "")
    if isinstance(error, SyntaxError) and error.filename and _is_below(error.filename, root):
        file, line, code = error.filename, error.lineno, (error.text or "").strip()
        text = f"{type(error).__name__}: {error.msg}"
    head = "Traceback (most recent call last, frames of the repository only):\n"
    return Origin(
        text=text,
        file=Path(file).resolve().relative_to(root.resolve()).as_posix() if file else None,
        line=line,
        code=code,
        trace=f"{head}{''.join(traceback.StackSummary.from_list(frames).format())}{text}\n",
    )


def _is_below(file: str, root: Path) -> bool:
    return not file.startswith("<") and Path(file).resolve().is_relative_to(root.resolve())


def load(file: Path, name: str) -> ModuleType:
    """Import a file by its path, under a module name that cannot be the one of another module.

    Raises:
        ImportError: the file is none that Python imports.
        BaseException: whatever the file raises.
    """
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} cannot be loaded as a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@contextmanager
def at_home(root: Path, last: Sequence[Path] = ()) -> Iterator[None]:
    """Work in the repository, with it first on the module search path; search path and folder are put back afterwards.

    Args:
        root: folder of the repository.
        last: folders for the end of the search path.
    """
    path, folder, written = list(sys.path), Path.cwd(), sys.dont_write_bytecode
    sys.path[:] = [str(root), *path, *map(str, last)]
    sys.dont_write_bytecode = True  # the user's repository gets no __pycache__ from a step
    os.chdir(root)
    try:
        yield
    finally:
        os.chdir(folder)
        sys.path[:] = path
        sys.dont_write_bytecode = written


@contextmanager
def heard(workflow: Workflow) -> Iterator[None]:
    """Show at the end of the block what it and its subprocesses printed; none of it is obeyed by the runner.

    What the workflow says itself meanwhile reaches the runner at once: a mask that came with the rest would be obeyed by nobody.
    """
    with tempfile.TemporaryFile(buffering=0) as file, _unheard(workflow):  # unbuffered: in the order in which it came
        text = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", write_through=True)
        try:
            with _descriptors_to(file.fileno()), redirect_stdout(text), redirect_stderr(text):
                yield
        finally:
            file.seek(0)
            if printed := file.read().decode("utf-8", "replace"):
                workflow.relay(printed)
            text.detach()


@contextmanager
def _unheard(workflow: Workflow) -> Iterator[None]:
    """Keep a way to the standard output of the step for the workflow's own words."""
    if not workflow.writes_to(1):
        yield
        return
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as stream, workflow.beside(stream):
        yield


@contextmanager
def _descriptors_to(target: int) -> Iterator[None]:
    """Send what is written to the descriptors of standard output and error elsewhere: programs write there, not to `sys.stdout`."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = {number: os.dup(number) for number in (1, 2)}
    try:
        for number in kept:
            os.dup2(target, number)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, copy in kept.items():
            os.dup2(copy, number)
            os.close(copy)
