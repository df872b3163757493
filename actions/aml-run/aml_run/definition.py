"""Which file defines the job, and what kind of file it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aml_actions.errors import ActionError
from aml_run import runconfig, yaml_text
from aml_run.parameters import RunParameters

ANCHOR = "docs/troubleshooting.md#what-to-run"
_V2_TYPES = frozenset({"command", "sweep", "pipeline", "parallel", "spark", "automl", "import", "finetuning"})
_OTHER_DEFAULTS = ("code/train/pipeline.yml", "code/train/run_config.py")
"""Where the legacy action looked after its default run configuration; this version does not run them."""


@dataclass(frozen=True)
class Definition:
    """The file that says what to run.

    Attributes:
        file: absolute path.
        name: path as people know it, relative to the repository.
        is_v2: a v2 job YAML; otherwise a v1 run configuration.
        document: content, every value as text.

    """

    file: Path
    name: str
    is_v2: bool
    document: Mapping[str, Any]


def choose(parameters: RunParameters, workspace: Path, warn: Callable[[str], None]) -> Definition:
    """Return the job's definition. The key that the user set wins; without one it is the legacy default.

    Raises:
        ActionError: two keys are set, there is no file, or it is neither of the two formats.

    """
    if parameters.job_file and "runconfig_yaml_file" in parameters.model_fields_set:
        raise ActionError(
            "Both job_file and runconfig_yaml_file are set; a step runs one job.",
            value=f"{parameters.job_file}, {parameters.runconfig_yaml_file}",
            fix="remove one of them from the parameters file",
            anchor=ANCHOR,
        )
    key = "job_file" if parameters.job_file else "runconfig_yaml_file"
    path = parameters.job_file or parameters.runconfig_yaml_file
    file = locate(path, workspace, warn)
    if not file.is_file():
        raise _missing(key, path, workspace, by_default=key not in parameters.model_fields_set)
    name = file.relative_to(workspace.resolve()).as_posix()
    document = yaml_text.load(file, name)
    if not isinstance(document, dict):
        raise _unknown_format(name, "it holds no keys")
    return Definition(file, name, _is_v2(document, name, key), document)


def locate(path: str, workspace: Path, warn: Callable[[str], None]) -> Path:
    """Return the absolute path of a file of the repository.

    Legacy repositories hold paths such as ``/pipelines/train.yml``, which were meant from the root of the repository.

    Raises:
        ActionError: the path leads out of the repository.

    """
    root = workspace.resolve()
    given = Path(path)
    if given.is_absolute() and not given.exists():
        relative = path.lstrip("/")
        warn(f"The path {path} is taken from the root of the repository; write {relative}.")
        given = Path(relative)
    file = (root / given).resolve()
    if not file.is_relative_to(root):
        raise ActionError(
            "The file that says what to run lies outside the repository.",
            value=path,
            allowed="a path from the root of the repository",
            anchor=ANCHOR,
        )
    return file


def _is_v2(document: Mapping[str, Any], name: str, key: str) -> bool:
    is_job = (
        "$schema" in document or document.get("type") in _V2_TYPES or "jobs" in document or _is_bare_command(document)
    )
    if is_job:
        return True
    if runconfig.is_title_case(document):
        raise _unknown_format(
            name,
            "it is a run configuration in the format before 2019 (ArgumentVector, Target, ...)",
            fix="write it anew as a v2 job YAML and name it with job_file",
        )
    if "pipeline" in document:
        raise _unknown_format(
            name,
            "it is a pipeline of SDK v1, which the v2 service does not read",
            fix="convert it to a v2 pipeline job and name it with job_file",
        )
    if not runconfig.is_run_config(document):
        keys = ", ".join(list(map(str, document))[:8])
        raise _unknown_format(name, f"its keys are those of neither format: {keys}")
    if key == "job_file":
        raise ActionError(
            f"{name} is a run configuration of SDK v1, not a v2 job YAML.",
            fix="name it with runconfig_yaml_file instead of job_file",
            anchor=ANCHOR,
        )
    return False


def _is_bare_command(document: Mapping[str, Any]) -> bool:
    """Tell a v2 command job without ``$schema`` and ``type``: v1 has no key ``compute``, and its target is one."""
    return "command" in document and "compute" in document and "target" not in document


def _missing(key: str, path: str, workspace: Path, *, by_default: bool) -> ActionError:
    if not by_default:
        return ActionError(
            f"The file that {key} names does not exist.",
            value=path,
            allowed="a path from the root of the repository",
            fix="correct the path; names are case-sensitive",
            anchor=ANCHOR,
        )
    others = [name for name in _OTHER_DEFAULTS if (workspace / name).is_file()]
    found = f"{', '.join(others)} is there, but this version of aml-run does not run it" if others else None
    return ActionError(
        "There is nothing to run.",
        value=f"no {path}, and the parameters file names neither job_file nor runconfig_yaml_file",
        cause=found or "the repository is not checked out, or the file lies elsewhere",
        fix="name a v2 job YAML with job_file, or a v1 run configuration with runconfig_yaml_file",
        anchor=ANCHOR,
    )


def _unknown_format(name: str, reason: str, fix: str | None = None) -> ActionError:
    return ActionError(
        f"{name} cannot be run: {reason}.",
        allowed="a v2 job YAML (with $schema or type), or a v1 run configuration (with script and target)",
        fix=fix,
        anchor=ANCHOR,
    )
