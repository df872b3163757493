"""Entry scripts that send data to the collector of SDK v1 (`azureml.monitoring`): they serve on, and nothing is collected.

Where the package is installed, its library does not load on the images of today: it needs OpenSSL 1.0. A collector is then
made without an error, and its first `collect` fails: the deployment would be healthy, and every request an error.
"""

from __future__ import annotations

import ast
import shutil
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from aml_actions.errors import ActionError
from aml_actions.text_files import MOST_BYTES

if TYPE_CHECKING:
    from aml_deploy.sources import Code

STAND_IN = "aml_deploy_entry.py"
"""Name under which `data_collection_entry.py` is uploaded."""

_MODULE = "azureml.monitoring"


@dataclass(frozen=True)
class Import:
    """Where the collector is imported.

    Attributes:
        file: relative to the folder of the scoring code, with slashes.
        line: first line of the import.
    """

    file: str
    line: int


def imports(directory: Path) -> list[Import]:
    """Return every import of the collector in the Python files of a folder. Files that cannot be read have none."""
    return [
        Import(path.relative_to(directory).as_posix(), line)
        for path in sorted(directory.rglob("*.py"))
        if path.is_file() and path.stat().st_size <= MOST_BYTES
        for line in _lines(path)
    ]


def warning(found: Import, shown_file: str) -> ActionError:
    """Return what to tell about an import; `shown_file` is its file, relative to the repository."""
    return ActionError(
        f"{_MODULE} collects nothing on an online endpoint. A stand-in that does nothing takes its place.",
        value=f"{shown_file}, line {found.line}",
        fix="remove the collector from the script, or use the collector of v2, azureml-ai-monitoring",
        file=shown_file,
        line=found.line,
    )


def stage(code: Code, folder: Path) -> Code:
    """Return the code as it is to be uploaded: a copy in a new `folder`, started by the stand-in, where it imports the collector.

    Code that does not is returned as it is.
    """
    if not imports(code.directory):
        return code
    shutil.copytree(code.directory, folder, ignore_dangling_symlinks=True)
    entry = PurePosixPath(code.entry_script)
    started = entry.with_name(STAND_IN)
    text = Path(__file__).with_name("data_collection_entry.py").read_text(encoding="utf-8")
    own = text.replace('ENTRY_SCRIPT = ""', f"ENTRY_SCRIPT = {entry.name!r}", 1)
    (folder / started).write_text(own, encoding="utf-8")
    return replace(code, directory=folder, entry_script=started.as_posix())


def _lines(path: Path) -> list[int]:
    if not path.is_file():  # a folder of that name, or a link to a device, which would be read without end
        return []
    try:
        tree = ast.parse(path.read_text(encoding="utf-8-sig"))
    except (SyntaxError, ValueError, RecursionError, MemoryError, OSError):
        return []  # what is wrong with it is told elsewhere, if it is the entry script
    found = (node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom)))
    return [node.lineno for node in found if _names_the_collector(node)]


def _names_the_collector(node: ast.Import | ast.ImportFrom) -> bool:
    names = [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        names = [] if node.level else [f"{node.module}.{name}" for name in names]
    return any(name == _MODULE or name.startswith(f"{_MODULE}.") for name in names)
