"""The files of the repository that a deployment is made of, checked before anything is asked of Azure."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from aml_actions.errors import ActionError
from aml_actions.findings import Findings
from aml_actions.text_files import read_text
from aml_deploy import conda, data_collection, dockerfile
from aml_deploy.parameters import DeployParameters
from aml_deploy.python_source import defined_names

ANCHOR = "docs/troubleshooting.md#files-of-a-deployment"
CODE_KEYS = (
    "inference_source_directory",
    "inference_entry_script",
    "conda_file",
    "extra_docker_file_steps",
    "custom_base_image",
)
"""The keys that say with which code, in which environment, a model is served."""
_SHOWN = 20
"""Names of a folder that are listed when something is missing in it."""


@dataclass(frozen=True)
class Code:
    """The scoring code and its environment.

    Attributes:
        directory: folder that is uploaded.
        entry_script: path of the entry script, relative to `directory`, with slashes.
        shown_entry_script: the same path, relative to the repository.
        conda_file: path of the conda file.
        docker_steps: lines of a Dockerfile that follow the conda environment, or None.
    """

    directory: Path
    entry_script: str
    shown_entry_script: str
    conda_file: Path
    docker_steps: str | None = None


@dataclass(frozen=True)
class Sources:
    """What of the repository is deployed, and how it is tested.

    Attributes:
        code: None when there is none, which MLflow and Triton models do without.
        test_file: path of the test file, or None when no test is wanted.
    """

    code: Code | None
    test_file: Path | None


def check(parameters: DeployParameters, workspace: Path) -> Sources:
    """Find and read the files that the parameters name.

    Raises:
        ActionError: what is missing or wrong; several at once as `InvalidSettings`.
    """
    found, findings = inspect(parameters, workspace)
    findings.raise_errors()
    if found is None:
        raise AssertionError("there are neither files nor an error")
    return found


def inspect(
    parameters: DeployParameters, workspace: Path, parameters_file: str = ""
) -> tuple[Sources | None, Findings]:
    """Find and read the files that the parameters name.

    Returns:
        The files, None when something is wrong with them; and everything that was found about them.
    """
    looking = _Check(workspace.resolve(), parameters_file or None)
    found = looking.run(parameters)
    return (None if looking.findings.errors else found), looking.findings


def no_code(parameters: DeployParameters, workspace: Path, model_type: str) -> ActionError:
    """Return the error for a model that cannot be deployed without code, where the default folder does not exist."""
    looking = _Check(workspace.resolve(), None)
    looking.missing(
        "inference_source_directory", "folder", looking.root / parameters.inference_source_directory, f"a {model_type}"
    )
    return looking.findings.errors[0]


@dataclass
class _Check:
    """Collects what is wrong while it goes through the files.

    Attributes:
        root: folder of the repository.
        parameters_file: shown path of the file whose keys name the files.
        findings: what was found.
    """

    root: Path
    parameters_file: str | None
    findings: Findings = field(default_factory=Findings)

    def run(self, parameters: DeployParameters) -> Sources | None:
        code = None
        if self._is_without_code(parameters):
            self._say_without_code(parameters)
        else:
            code = self._code(parameters)
            if code is None:
                self._test(parameters)
                return None
        return Sources(code, self._test(parameters))

    def _is_without_code(self, parameters: DeployParameters) -> bool:
        """Tell whether nothing in the file and in the repository speaks of code: then the type of the model decides.

        An empty repository does not count: it was not checked out.
        """
        return (
            not parameters.model_fields_set & set(CODE_KEYS)
            and not (self.root / parameters.inference_source_directory).exists()
            and any(self.root.glob("[!.]*"))
        )

    def _say_without_code(self, parameters: DeployParameters) -> None:
        self.findings.warn(
            ActionError(
                f"Nothing but the model is deployed: there is no folder {parameters.inference_source_directory}, and no key names "
                "code. Only an MLflow or a Triton model can be served so.",
                fix="for any other model create that folder, or name one in inference_source_directory",
                anchor=ANCHOR,
                file=self.parameters_file,
                key="inference_source_directory",
            )
        )

    def _code(self, parameters: DeployParameters) -> Code | None:
        directory = self._locate("inference_source_directory", parameters.inference_source_directory, self.root)
        if directory and not directory.is_dir():
            self.missing("inference_source_directory", "folder", directory)
            directory = None
        if directory is None:
            return None
        environment = self._locate("conda_file", parameters.conda_file, directory)
        found = self._conda(environment) if environment else None
        newer = bool(found and found.python and found.python > sys.version_info[:2])
        script = self._locate("inference_entry_script", parameters.inference_entry_script, directory)
        if script:
            self._entry_script(script, directory, newer)
        for found_import in data_collection.imports(directory):
            shown = self._shown(directory / found_import.file)
            self.findings.warn(data_collection.warning(found_import, shown))
        steps = self._docker_steps(parameters, directory)
        if self.findings.errors or environment is None or script is None:
            return None
        entry_script = script.resolve().relative_to(directory.resolve()).as_posix()
        return Code(directory, entry_script, self._shown(script), environment, steps)

    def _test(self, parameters: DeployParameters) -> Path | None:
        if not parameters.test_enabled:
            return None
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
            if path.resolve().is_relative_to(self.root):
                self.findings.warn(
                    ActionError(
                        f"{key} starts with a slash; {self._shown(path)} in the repository is taken.",
                        value=given,
                        fix="remove the slash",
                        file=self.parameters_file,
                        key=key,
                    )
                )
        if given.strip() and path.resolve().is_relative_to(self.root):
            return path
        self._error(
            key,
            f"{key} does not name a place inside the repository.",
            value=given or "an empty text",
            allowed=f"a path relative to {'the repository' if base == self.root else self._shown(base)}",
        )
        return None

    def _conda(self, path: Path) -> conda.CondaFile | None:
        if not path.is_file():
            self.missing("conda_file", "file", path)
            return None
        try:
            found = conda.read(path, self._shown(path), self.findings)
        except ActionError as error:
            error.anchor = ANCHOR
            self.findings.error(error)
            return None
        for warning in conda.warnings(found, self._shown(path)):
            self.findings.warn(warning)
        return found

    def _docker_steps(self, parameters: DeployParameters, directory: Path) -> str | None:
        key = "extra_docker_file_steps"
        path = (
            self._locate(key, parameters.extra_docker_file_steps, directory)
            if parameters.extra_docker_file_steps
            else None
        )
        if path is None:
            return None
        if not path.is_file():
            self.missing(key, "file", path)
            return None
        try:
            steps = read_text(path, self._shown(path), self.findings)
        except ActionError as error:
            error.anchor = ANCHOR
            self.findings.error(error)
            return None
        self.findings.extend([dockerfile.review(steps, self._shown(path))])
        return steps

    def _entry_script(self, path: Path, directory: Path, newer_python: bool) -> None:
        if path.resolve().is_relative_to(directory.resolve()):
            self._python("inference_entry_script", path, ("init", "run"), newer_python)
            return
        self._error(
            "inference_entry_script",
            "inference_entry_script lies outside inference_source_directory, and only that folder is uploaded.",
            value=self._shown(path),
            fix="Move the script, or name a folder that holds it.",
        )

    def _python(self, key: str, path: Path, functions: tuple[str, ...], newer_python: bool = False) -> None:
        """Note whether a file exists, compiles and defines the functions.

        `newer_python`: the file is meant for a newer Python than this one, so what is not understood here is no proof.
        """
        if not path.is_file():
            self.missing(key, "file", path)
            return
        shown = self._shown(path)
        try:
            names = defined_names(path.read_text(encoding="utf-8-sig"))
        except (SyntaxError, ValueError, RecursionError, MemoryError, OSError) as error:
            self._not_python(key, shown, error, newer_python)
            return
        lacking = [f"{name}()" for name in functions if names is not None and name not in names]
        if lacking:
            self._error(
                key,
                f"The file that {key} names does not define {' and '.join(lacking)}.",
                value=shown,
                allowed=" and ".join(f"def {name}(...)" for name in functions) + " at the top level of the file",
            )

    def _not_python(self, key: str, shown: str, error: Exception, newer_python: bool) -> None:
        reason, line = (error.msg, error.lineno) if isinstance(error, SyntaxError) else (str(error), None)
        where = f"{shown}{f', line {line}' if line else ''}"
        if newer_python:
            mine = ".".join(map(str, sys.version_info[:2]))
            self.findings.warn(
                ActionError(f"{where}: {reason}. This step reads it with Python {mine}.", file=shown, line=line)
            )
            return
        self.findings.error(
            ActionError(
                f"The file that {key} names is not valid Python: {reason}.",
                value=where,
                anchor=ANCHOR,
                file=shown,
                line=line,
                key=key,
            )
        )

    def missing(self, key: str, kind: str, path: Path, what: str = "") -> None:
        """Note that a path does not exist, with what there is instead; `what` cannot do without it."""
        folder = next(parent for parent in path.parents if parent.is_dir())
        names = sorted(f"{child.name}/" if child.is_dir() else child.name for child in folder.iterdir())
        shown = ", ".join(names[:_SHOWN]) + (" ..." if len(names) > _SHOWN else "")
        self._error(
            key,
            f"The {kind} that {key} names does not exist."
            + (f" The model is {what}, which needs one." if what else ""),
            value=self._shown(path),
            cause=f"{'the repository' if folder.resolve() == self.root else self._shown(folder)} holds {shown or 'nothing'}",
            fix=f"Correct {key} in the parameters file; if the repository is empty, run actions/checkout first.",
        )

    def _error(self, key: str, what: str, **parts: str) -> None:
        self.findings.error(ActionError(what, anchor=ANCHOR, file=self.parameters_file, key=key, **parts))  # type: ignore[arg-type]

    def _shown(self, path: Path) -> str:
        """Return a path as the user knows it: relative to the repository."""
        return path.resolve().relative_to(self.root).as_posix()
