"""What the Python code of a job or deployment uses of packages that have changed."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aml_actions.migration.package_facts import NUMPY_ALIASES
from aml_actions.migration.repository import Repository

_MOST_FILES = 200
"""Files of one folder that are read."""
_MOST_BYTES = 256 * 1024


@dataclass(frozen=True)
class Use:
    """Something that a script uses.

    Attributes:
        file: the script, from the root of the repository.
        line: from 1.
        name: such as ``np.float`` or ``azureml.core``.
    """

    file: str
    line: int
    name: str


@dataclass(frozen=True)
class CodeUse:
    """What the scripts of some folders use.

    Attributes:
        numpy_aliases: names that NumPy has removed.
        modules: imported modules of ``azureml`` and ``sklearn.externals``.
        unread: scripts that are no Python of today, with the line.
    """

    numpy_aliases: tuple[Use, ...]
    modules: tuple[Use, ...]
    unread: tuple[Use, ...]

    def imports(self, *names: str) -> bool:
        """Tell whether a module of one of these names is imported, or one below it."""
        return any(use.name == name or use.name.startswith(name + ".") for use in self.modules for name in names)


def look(repository: Repository, folders: Sequence[str]) -> CodeUse:
    """Read the scripts of some folders."""
    aliases: list[Use] = []
    modules: list[Use] = []
    unread: list[Use] = []
    files: dict[str, None] = {}
    for folder in folders:
        for number, file in enumerate(repository.files(folder, (".py",))):
            if number >= _MOST_FILES:
                break
            files[file] = None
    for file in files:
        content = repository.read(file)
        if content is None or len(content) > _MOST_BYTES:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the script: invalid escapes and the like
                tree = ast.parse(content)
            aliases += _aliases(file, tree)
            modules += _modules(file, tree)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            unread.append(Use(file, getattr(error, "lineno", None) or 1, getattr(error, "msg", "") or str(error)))
    return CodeUse(tuple(aliases), tuple(modules), tuple(unread))


def _aliases(file: str, tree: ast.AST) -> Iterator[Use]:
    numpy = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name == "numpy"
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and node.attr in NUMPY_ALIASES
            and isinstance(node.value, ast.Name)
            and node.value.id in numpy
        ):
            yield Use(file, node.lineno, f"{node.value.id}.{node.attr}")


def _modules(file: str, tree: ast.AST) -> Iterator[Use]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # `from sklearn.externals import joblib` and `from azureml import core` name a module at the end too.
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.split(".")[0] == "azureml":
                yield Use(file, node.lineno, ".".join(name.split(".")[:2]))
            elif name.startswith("sklearn.externals"):
                yield Use(file, node.lineno, name)
