"""What a Python file defines, found out without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def defined_names(source: str) -> set[str] | None:
    """Return the names that a module binds at its top level, or None when that cannot be told (``from x import *``).

    Functions, classes, imports and assignments count, also inside ``if``, ``try`` and ``with`` blocks.

    Raises:
        SyntaxError: the text is no Python that this interpreter reads.
        ValueError: the text holds null bytes.
    """
    names: set[str] = set()
    for statement in _statements(ast.parse(source)):
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(statement.name)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            imported = [alias.asname or alias.name.split(".")[0] for alias in statement.names]
            if "*" in imported:
                return None
            names.update(imported)
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names.update(node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name))
    return names


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    """Yield the statements that run when the module is imported, through blocks but not into functions and classes."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield child
        if isinstance(child, ast.If | ast.Try | ast.With | ast.For | ast.While | ast.ExceptHandler):
            yield from _statements(child)
