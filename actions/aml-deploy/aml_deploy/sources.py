"""The files of the repository that a deployment is made of, checked before anything is asked of Azure."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from aml_actions.errors import ActionError, InvalidSettings
from aml_deploy import conda
from aml_deploy.parameters import ServiceParameters
from aml_deploy.python_source import defined_names

ANCHOR = "docs/troubleshooting.md#files-of-a-deployment"
_SHOWN = 20
"""Names of a folder that are listed when something is missing in it."""


@dataclass(frozen=True)
class Sources:
    """The scoring code, its environment and its test.

    Attributes:
        directory: folder that is uploaded.
        entry_script: path of the entry script, relative to `directory`, with slashes.
        shown_entry_script: the same path, relative to the repository.
        conda_file: path of the conda file.
        test_file: path of the test file, or None when no test is wanted.
        warnings: what will probably go wrong, or was understood in another way than written.
    """

    directory: Path
    entry_script: str
    shown_entry_script: str
    conda_file: Path
    test_file: Path | None
    warnings: tuple[str, ...]


def check(parameters: ServiceParameters, workspace: Path) -> Sources:
    """Find and read the files that the parameters name.

    Raises:
        InvalidSettings: everything that is missing or wrong, at once.
    """
    return _Check(workspace.resolve()).run(parameters)


@dataclass
class _Check:
    """Collects what is wrong while it goes through the files."""

    root: Path
    problems: list[ActionError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def run(self, parameters: ServiceParameters) -> Sources:
        directory = self._locate("inference_source_directory", parameters.inference_source_directory, self.root)
        if directory and not directory.is_dir():
            self._missing("inference_source_directory", "folder", directory)
            directory = None
        environment = script = None
        if directory:
            environment = self._locate("conda_file", parameters.conda_file, directory)
            found = self._conda(environment) if environment else None
            newer = bool(found and found.python and found.python > sys.version_info[:2])
            script = self._locate("inference_entry_script", parameters.inference_entry_script, directory)
            if script:
                self._entry_script(script, directory, newer)
        test = self._test(parameters) if parameters.test_enabled else None
        if self.problems or not (directory and environment and script):
            raise InvalidSettings(self.problems)
        entry_script = script.resolve().relative_to(directory.resolve()).as_posix()
        return Sources(directory, entry_script, self._shown(script), environment, test, tuple(self.warnings))

    def _test(self, parameters: ServiceParameters) -> Path | None:
        name = parameters.test_file_path
        path = self._locate("test_file_path", name if name.endswith(".py") else f"{name}.py", self.root)
        if path:
            self._python("test_file_path", path, (parameters.test_file_function_name,))
        return path

    def _locate(self, key: str, given: str, base: Path) -> Path | None:
        """Return the path that a key names, or note that it is outside the repository.

        The legacy actions ran in a container whose ``/code`` was their own; a file that was written with a leading slash and
        is not there means the repository.
        """
        path = base / given
        if given.startswith("/") and not path.exists():
            path = self.root / given.lstrip("/")
            self.warnings.append(f"{key} starts with a slash; {self._shown(path)} in the repository is taken.")
        if given.strip() and path.resolve().is_relative_to(self.root):
            return path
        self.problems.append(
            ActionError(
                f"{key} does not name a place inside the repository.",
                value=given or "an empty text",
                allowed=f"a path relative to {'the repository' if base == self.root else self._shown(base)}",
                anchor=ANCHOR,
            )
        )
        return None

    def _conda(self, path: Path) -> conda.CondaFile | None:
        if not path.is_file():
            self._missing("conda_file", "file", path)
            return None
        try:
            found = conda.read(path)
        except ActionError as error:
            error.value, error.anchor = self._shown(path), ANCHOR
            self.problems.append(error)
            return None
        self.warnings += conda.warnings(found, self._shown(path))
        return found

    def _entry_script(self, path: Path, directory: Path, newer_python: bool) -> None:
        if path.resolve().is_relative_to(directory.resolve()):
            self._python("inference_entry_script", path, ("init", "run"), newer_python)
            return
        self.problems.append(
            ActionError(
                "inference_entry_script lies outside inference_source_directory, and only that folder is uploaded.",
                value=self._shown(path),
                fix="Move the script, or name a folder that holds it.",
                anchor=ANCHOR,
            )
        )

    def _python(self, key: str, path: Path, functions: tuple[str, ...], newer_python: bool = False) -> None:
        """Note whether a file exists, compiles and defines the functions.

        `newer_python`: the file is meant for a newer Python than this one, so what is not understood here is no proof.
        """
        if not path.is_file():
            self._missing(key, "file", path)
            return
        try:
            names = defined_names(path.read_text(encoding="utf-8-sig"))
        except (SyntaxError, ValueError) as error:
            reason, line = (error.msg, error.lineno) if isinstance(error, SyntaxError) else (str(error), None)
            where = f"{self._shown(path)}{f', line {line}' if line else ''}"
            if newer_python:
                mine = ".".join(map(str, sys.version_info[:2]))
                self.warnings.append(f"{where}: {reason}. This step reads it with Python {mine}.")
            else:
                self.problems.append(
                    ActionError(
                        f"The file that {key} names is not valid Python: {reason}.",
                        value=where,
                        anchor=ANCHOR,
                        file=self._shown(path),
                        line=line,
                    )
                )
            return
        lacking = [f"{name}()" for name in functions if names is not None and name not in names]
        if lacking:
            self.problems.append(
                ActionError(
                    f"The file that {key} names does not define {' and '.join(lacking)}.",
                    value=self._shown(path),
                    allowed=" and ".join(f"def {name}(...)" for name in functions) + " at the top level of the file",
                    anchor=ANCHOR,
                )
            )

    def _missing(self, key: str, kind: str, path: Path) -> None:
        """Note that a path does not exist, with what there is instead."""
        folder = next(parent for parent in path.parents if parent.is_dir())
        names = sorted(f"{child.name}/" if child.is_dir() else child.name for child in folder.iterdir())
        shown = ", ".join(names[:_SHOWN]) + (" ..." if len(names) > _SHOWN else "")
        self.problems.append(
            ActionError(
                f"The {kind} that {key} names does not exist.",
                value=self._shown(path),
                cause=f"{'the repository' if folder.resolve() == self.root else self._shown(folder)} holds {shown or 'nothing'}",
                fix=f"Correct {key} in the parameters file; if the repository is empty, run actions/checkout first.",
                anchor=ANCHOR,
            )
        )

    def _shown(self, path: Path) -> str:
        """Return a path as the user knows it: relative to the repository."""
        return path.resolve().relative_to(self.root).as_posix()
