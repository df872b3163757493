"""What can be said of the user's Python file without running it."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from pathlib import Path

from aml_actions.errors import ActionError
from aml_actions.text_files import read_text

ANCHOR = "docs/troubleshooting.md#python-file"


def judge(file: Path, name: str, function: str) -> None:
    """Check that a file is Python, and that it defines the function that makes the job.

    Args:
        file: the file, which exists.
        name: how the user calls it.
        function: name of the function.

    Raises:
        ActionError: it is not.

    """
    names = set(_names(_tree(read_text(file, name), name).body))
    if function in names or "*" in names:
        return
    others = sorted(one for one in names if not one.startswith("_"))
    raise ActionError(
        f"{name} defines no function {function}.",
        value=f"it defines {', '.join(others[:8])}" if others else "it defines nothing",
        fix="name the function that returns the job with runconfig_python_function_name",
        anchor=ANCHOR,
        file=name,
    )


def _tree(text: str, name: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # of the user's code, such as an invalid escape: Python tells it when it runs
            return ast.parse(text, filename=name)
    except SyntaxError as error:
        raise ActionError(
            f"{name} is not Python: {error.msg}.",
            value=f"line {error.lineno}: {(error.text or '').strip()[:80]}" if error.lineno else None,
            fix="correct the file",
            anchor=ANCHOR,
            file=name,
            line=error.lineno,
        ) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ActionError(
            f"{name} cannot be read as Python.",
            cause=str(error) or "it is nested too deeply",
            fix="correct the file",
            anchor=ANCHOR,
            file=name,
        ) from None


def _names(body: list[ast.stmt]) -> Iterator[str]:
    """Give the names that a module binds, also within conditions; ``*`` when it imports names that are not known."""
    for statement in body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield statement.name
        elif isinstance(statement, (ast.Import, ast.ImportFrom)):
            yield from ((alias.asname or alias.name).split(".")[0] for alias in statement.names)
        elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            yield from (node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name))
        else:
            for part in ("body", "orelse", "finalbody"):
                yield from _names(getattr(statement, part, []))
            for handler in getattr(statement, "handlers", []):
                yield from _names(handler.body)
