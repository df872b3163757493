"""The parameters files of a repository, each with the action that it belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from aml_actions import documents
from aml_actions.errors import ActionError
from aml_actions.findings import Findings
from aml_actions.settings import FOLDER, SUFFIXES
from aml_actions.spec import ActionSpec
from aml_actions.validation.workflows import uses
from aml_actions.workspace import FILE_NAME

_LEAST_KEYS = 1
"""Keys of an action that a file must have to be taken for its parameters file."""
_SDK_SCHEMAS = "https://azuremlschemas."
"""How the `$schema` of job, endpoint and deployment YAML begins."""


@dataclass(frozen=True)
class Candidate:
    """A file to judge.

    Attributes:
        file: path relative to ``.cloud/.azure``, as in the input ``parameters_file``.
        spec: the action; None when the file is no parameters file as far as can be told.
        because: how the action was found, for people.
    """

    file: str
    spec: ActionSpec | None
    because: str


def candidates(root: Path, specs: Sequence[ActionSpec], findings: dict[str, Findings]) -> list[Candidate]:
    """Return what a repository configures: files that its workflows name, defaults that they rely on, files in the folder.

    Args:
        root: folder of the repository.
        specs: the actions.
        findings: takes, by workflow, that a file cannot be read.
    """
    by_name = {spec.name: spec for spec in specs}
    found: dict[tuple[str, str], Candidate] = {}
    for use in uses(root, by_name, findings):
        spec = by_name[use.action]
        name = use.parameters_file or spec.parameters_file
        if "${{" in name:
            continue  # known only when the workflow runs
        file = _in_yaml(root, name) if name == spec.parameters_file else name
        found.setdefault((file, spec.name), Candidate(file, spec, f"used by {use.workflow}"))
    named = {file for file, _ in found}
    for path in _present(root):
        if path not in named and not _is_sdk_yaml(root / FOLDER / path):
            candidate = of_file(root, path, specs)
            found[path, candidate.spec.name if candidate.spec else ""] = candidate
    return sorted(found.values(), key=lambda one: (one.file, one.spec.name if one.spec else ""))


def of_file(root: Path, name: str, specs: Sequence[ActionSpec]) -> Candidate:
    """Return the action that a file belongs to by its name, else by its keys.

    Args:
        root: folder of the repository.
        name: path relative to ``.cloud/.azure``.
        specs: the actions.
    """
    for spec in specs:
        if PurePosixPath(name).with_suffix(".json").name == spec.parameters_file:
            return Candidate(name, spec, "by its name")
    keys = _keys(root / FOLDER / name)
    scores = {spec.name: len(keys & set(spec.parameters.model_fields)) for spec in specs}
    best = max(specs, key=lambda spec: (scores[spec.name], _in_name(spec, name)), default=None)
    if best is not None and scores[best.name] >= _LEAST_KEYS and scores[best.name] * 2 >= len(keys):
        return Candidate(name, best, "by its keys")
    by_name = next((spec for spec in specs if _in_name(spec, name)), None)
    return Candidate(name, by_name, "by its name" if by_name else "none of its keys belongs to an action")


def _in_name(spec: ActionSpec, name: str) -> bool:
    stem = PurePosixPath(spec.parameters_file).stem
    return stem in re.split(r"[^a-z0-9]+", PurePosixPath(name).stem.lower())


def _keys(file: Path) -> set[str]:
    """Return the keys of a file, of the first object of a list; none when it cannot be read (that is told later)."""
    try:
        data: Any = documents.read(file, file.name, Findings()).data
    except ActionError:
        return set()
    if isinstance(data, list):
        data = next((one for one in data if isinstance(one, dict)), {})
    return {str(key) for key in data} - {"$schema"} if isinstance(data, dict) else set()


def _is_sdk_yaml(file: Path) -> bool:
    """Tell YAML for the Azure CLI from parameters files: `migrate` puts endpoints and deployments beside them."""
    try:
        data: Any = documents.read(file, file.name, Findings()).data
    except ActionError:
        return False
    return isinstance(data, dict) and str(data.get("$schema", "")).startswith(_SDK_SCHEMAS)


def _present(root: Path) -> Iterator[str]:
    """Give the files in the folder of parameters files that could be some."""
    folder = root / FOLDER
    for file in sorted(folder.rglob("*")):
        outside = not file.resolve().is_relative_to(root.resolve())
        if file.suffix.lower() in SUFFIXES and file.is_file() and file.name != FILE_NAME and not outside:
            yield file.relative_to(folder).as_posix()


def _in_yaml(root: Path, name: str) -> str:
    """Return the name under which a default parameters file is there: it may be YAML."""
    if (root / FOLDER / name).is_file():
        return name
    stem = name.removesuffix(".json")
    return next(
        (stem + suffix for suffix in documents.YAML_SUFFIXES if (root / FOLDER / f"{stem}{suffix}").is_file()), name
    )
