"""What a v2 job YAML refers to in the repository: whether it is there, and whether it can be read. Without the SDK."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aml_actions.errors import ActionError
from aml_actions.findings import Findings
from aml_actions.text_files import read_text
from aml_run import files, yaml_text

ANCHOR = "docs/troubleshooting.md#what-to-run"
_MOST_FILES = 100
"""Files that are looked into, one naming the other."""
_ELSEWHERE = re.compile(r"^(azureml:|[a-z0-9+]+://|git@|\$\{\{|runs:|/subscriptions/)", re.IGNORECASE)
"""Begins what is no path of the repository."""
_YAML_KEYS = frozenset({"component", "trial", "environment"})
"""Keys whose value may be the path of another YAML file."""
_PATH_KEYS = frozenset({"code", "conda_file"})
_FREE = frozenset({"inputs", "outputs", "environment_variables", "tags", "properties", "search_space"})
"""Sections whose keys are names of the user's."""


@dataclass(frozen=True)
class _Reference:
    """A path in a YAML file: under which key it stands, and where it leads to."""

    key: str
    path: str
    target: Path


def judge(file: Path, name: str, root: Path, findings: Findings) -> None:
    """Find what is wrong with a v2 job YAML and the files it names, as far as it can be seen without the SDK.

    Args:
        file: the YAML, which could be read.
        name: path from the root of the repository.
        root: of the repository.
        findings: takes what is wrong.

    """
    waiting, seen = [(file, name)], {file}
    while waiting:
        at, shown = waiting.pop()
        try:
            document = yaml_text.load(at, shown)
            _as_the_sdk_reads_it(at, shown)
        except ActionError as error:
            findings.error(error)
            continue
        if not isinstance(document, dict):
            findings.error(ActionError(f"{shown} holds no keys.", fix="correct the file", anchor=ANCHOR, file=shown))
            continue
        if at == file:
            _judge_schema(document, at, shown, findings)
        for reference in _references(document, at.parent):
            target = reference.target
            if not (files.is_file(target) or files.is_folder(target)):
                findings.error(
                    ActionError(
                        f"What `{reference.key}` in {shown} names does not exist.",
                        value=reference.path,
                        fix="correct the path; it is relative to the folder of that file",
                        anchor=ANCHOR,
                        file=shown,
                        line=yaml_text.line_of(at, reference.key),
                        key=reference.key,
                    )
                )
            elif (
                reference.key.rsplit(".", 1)[-1] in _YAML_KEYS
                and files.is_file(target)
                and target not in seen
                and len(seen) < _MOST_FILES
            ):
                seen.add(target)
                inside = target.is_relative_to(root)
                waiting.append((target, target.relative_to(root).as_posix() if inside else target.name))


def _judge_schema(document: Mapping[str, Any], file: Path, name: str, findings: Findings) -> None:
    """Refuse the YAML of something else than a job: an endpoint, a component, a data asset."""
    schema = str(document.get("$schema") or "").rsplit("/", 1)[-1]
    kind = schema.removesuffix(".schema.json")
    if schema != kind and "job" not in kind.lower():
        findings.error(
            ActionError(
                f"{name} is no job: its `$schema` is that of a {kind}.",
                value=schema,
                allowed="a job YAML, such as one with commandJob.schema.json or pipelineJob.schema.json",
                fix="name the YAML of a job",
                anchor=ANCHOR,
                file=name,
                line=yaml_text.line_of(file, "$schema"),
                key="$schema",
            )
        )


def _as_the_sdk_reads_it(file: Path, name: str) -> None:
    """Read a file with the types of YAML 1.1, as the SDK does.

    Raises:
        ActionError: a value looks like one of a type, and is none: ``2020-13-45`` is no date.

    """
    import yaml

    try:
        yaml.load(read_text(file, name), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a SafeLoader
    except Exception as error:  # whatever the constructors of the types raise
        cause = " ".join(str(error).split()) or type(error).__name__
        raise ActionError(
            f"{name} holds a value that the SDK cannot read.",
            cause=f"{cause}; YAML 1.1 takes unquoted values for numbers and dates where they look like some",
            fix="put the value into quotes",
            anchor=ANCHOR,
            file=name,
        ) from None


def _references(document: Mapping[str, Any], folder: Path) -> Iterator[_Reference]:
    """Give the paths of the repository that a document names."""
    waiting: list[tuple[str, Any]] = [("", document)]
    while waiting:
        prefix, value = waiting.pop()
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            path = f"{prefix}.{key}" if prefix else str(key)
            if isinstance(inner, (dict, list)):
                waiting.append((path, inner))
            elif isinstance(inner, str) and _is_path(str(key), path, inner):
                yield _Reference(path, inner, Path(os.path.normpath(folder / inner.removeprefix("file:"))))


def _is_path(key: str, path: str, value: str) -> bool:
    """Tell a path of the repository by the key that it stands under; `build.path` and `inputs.<name>.path` are paths too."""
    if not value or _ELSEWHERE.match(value):
        return False
    parts = path.split(".")
    if key == "path":
        return len(parts) > 1 and (parts[-2] == "build" or (len(parts) > 2 and parts[-3] == "inputs"))
    if _FREE & set(parts):
        return False
    if key in _YAML_KEYS:
        return value.startswith(("file:", "./", "../")) or value.endswith((".yml", ".yaml"))
    return key in _PATH_KEYS
