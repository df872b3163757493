"""What the user configured: the inputs of the step and its parameters file, checked as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from aml_actions import documents
from aml_actions.documents import ANCHOR, YAML_SUFFIXES, Document
from aml_actions.errors import ActionError
from aml_actions.findings import Findings
from aml_actions.parameters import nearest, understand
from aml_actions.spec import ActionSpec, CheckContext, Parameters

P = TypeVar("P", bound=Parameters)

INPUT_PREFIX = "AML_ACTION_INPUT_"
"""Composite steps get no INPUT_* variables: action.yml forwards each input under this prefix."""
FOLDER = Path(".cloud/.azure")
SUFFIXES = (".json", *YAML_SUFFIXES)
"""How the names of parameters files end."""


def read_inputs(spec: ActionSpec, environ: Mapping[str, str]) -> tuple[dict[str, str], list[ActionError]]:
    """Return the inputs of a step, with defaults for what is missing or empty, and what is wrong with them."""
    values: dict[str, str] = {}
    problems = []
    for declared in spec.inputs:
        value = environ.get(INPUT_PREFIX + declared.name.upper(), "").strip() or declared.default
        values[declared.name] = value
        # The credentials explain their absence themselves (credentials.parse), with the usual causes.
        if declared.required and not value and declared.name != "azure_credentials":
            problems.append(
                ActionError(
                    f"The input {declared.name} is required and empty.",
                    fix=f"set it under `with:` of the step that uses {spec.name}",
                )
            )
    return values, problems


def check_settings(
    spec: ActionSpec, name: str, workspace: Path, findings: Findings, secrets: Mapping[str, str] | None = None
) -> tuple[Parameters, ...]:
    """Read a parameters file, and judge it with the files that it points at: all that can be said without network.

    Args:
        spec: the action.
        name: value of the input ``parameters_file``.
        workspace: folder of the checked-out repository.
        findings: takes what is wrong and what is worth a warning.
        secrets: the declared environment secrets that are set.

    Returns:
        The sets of parameters; empty when the file cannot be read or a value is wrong.
    """
    if not spec.parameters_file:
        return (spec.parameters(),)
    try:
        sets, document = load_parameters(spec, spec.parameters, name, workspace, findings)
    except ActionError as error:
        findings.error(error)
        return ()
    if findings.errors:
        return ()
    context = CheckContext(workspace, document.name, secrets or {})
    for number, parameters in enumerate(sets):
        found = spec.run_check(parameters, context)
        _add_lines(found, document, (number,) if isinstance(document.data, list) else ())
        findings.extend([found])
    return sets


def _add_lines(findings: Findings, document: Document, place: tuple[int, ...]) -> None:
    """Add the line to what is said of a key of the parameters file; in a list of sets, of the set at `place`."""
    for problem in findings.errors + findings.warnings:
        if problem.file == document.name and problem.key and problem.line is None:
            problem.line = document.line((*place, *problem.key.split(".")))


def load_parameters(
    spec: ActionSpec, model: type[P], name: str, workspace: Path, findings: Findings
) -> tuple[tuple[P, ...], Document]:
    """Read a parameters file.

    Args:
        spec: the action.
        model: its parameters model (`spec.parameters`).
        name: value of the input ``parameters_file``, relative to ``.cloud/.azure`` of the workspace.
        workspace: folder of the checked-out repository.
        findings: takes wrong values and warnings.

    A file that is missing under its default name stands for ``{}``, as in the legacy actions, unless something in it is required;
    before that a YAML file of that name is looked for.

    Returns:
        The sets of parameters (several only where `spec.several` says so), and the file that they are from.

    Raises:
        ActionError: missing under a name that the user chose, outside the workspace, or not JSON or YAML.
    """
    shown = f"{FOLDER.as_posix()}/{name}"
    file = workspace / FOLDER / name
    if not file.resolve().is_relative_to(workspace.resolve()):
        raise ActionError(
            "The parameters file lies outside the repository.",
            value=name,
            allowed=f"a path below {FOLDER.as_posix()}/, such as {spec.parameters_file}",
            anchor=ANCHOR,
        )
    if not file.is_file():
        if name != spec.parameters_file or file.is_dir():
            raise _missing(spec, name, workspace, is_folder=file.is_dir())
        in_yaml = next((one for suffix in YAML_SUFFIXES if (one := file.with_suffix(suffix)).is_file()), None)
        if in_yaml is not None:
            return load_parameters(spec, model, in_yaml.name, workspace, findings)
        if spec.parameters_file_required:
            raise _missing(spec, name, workspace, is_folder=False)
        document = Document(shown, {}, "{}")  # every parameter has its default
    else:
        document = documents.read(file, _relative(file, workspace, shown), findings)
    return understand(spec, model, document, findings), document


def _relative(file: Path, workspace: Path, shown: str) -> str:
    """Return the path from the root of the repository, in which an annotation can be shown; without ``..``."""
    return file.resolve().relative_to(workspace.resolve()).as_posix() if ".." in shown else shown


def _missing(spec: ActionSpec, name: str, workspace: Path, *, is_folder: bool) -> ActionError:
    folder = workspace / FOLDER
    present = sorted(
        file.relative_to(folder).as_posix()
        for file in folder.rglob("*")
        if file.suffix.lower() in SUFFIXES and file.is_file()
    )
    return ActionError(
        f"The parameters file {FOLDER.as_posix()}/{name} is {'a folder' if is_folder else 'missing'}.",
        value=name,
        allowed="the files that are there: " + ", ".join(present)
        if present
        else f"there is no parameters file in {FOLDER.as_posix()}/",
        cause=None
        if any(workspace.glob("*"))
        else "the repository is not checked out: actions/checkout must come first",
        fix=nearest(name, present)
        or f"create it, or correct the input parameters_file (default {spec.parameters_file})",
        anchor=ANCHOR,
    )
