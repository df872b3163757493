"""The hand-off between the actions of a job: which workspace they work in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aml_actions.errors import ActionError
from aml_actions.runner import Runner

FILE_NAME = "aml_arm_config.json"
_FOLDERS = (".azureml", "aml_config", "")
"""Where SDK v1 looked, in its order; the empty name is the folder itself."""
_SCOPE = re.compile(
    r"/subscriptions/(?P<subscription_id>[^/]+)/resourceGroups/(?P<resource_group>[^/]+)"
    r"/providers/Microsoft\.MachineLearningServices/workspaces/(?P<name>[^/]+)/?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class WorkspaceRef:
    """The three names that identify a workspace."""

    subscription_id: str
    resource_group: str
    name: str

    @property
    def arm_id(self) -> str:
        """Azure resource id."""
        return (
            f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{self.name}"
        )

    def __str__(self) -> str:
        return f"workspace {self.name} (resource group {self.resource_group}, subscription {self.subscription_id})"


def write(ref: WorkspaceRef, runner: Runner) -> Path:
    """Write the hand-off file for the later steps of the job and return its path.

    It holds both formats, ``Scope`` and the three names, so that SDK v1, SDK v2 (``MLClient.from_config(file_name=...)``) and these
    actions read it. It lies wherever somebody may look for it: in ``.azureml/``, where SDK v1 wrote it; in ``aml_config/`` if that
    folder exists, which SDK v1 then wrote to instead; and in the root, as the README of the legacy action said. So no reader meets
    the leftover of another step.
    """
    content = {
        "Id": None,
        "Scope": ref.arm_id,
        "subscription_id": ref.subscription_id,
        "resource_group": ref.resource_group,
        "workspace_name": ref.name,
    }
    text = json.dumps(content, indent=2) + "\n"
    main = runner.workspace / _FOLDERS[0] / FILE_NAME
    main.parent.mkdir(parents=True, exist_ok=True)
    for folder in _FOLDERS:
        if (runner.workspace / folder).is_dir():
            (runner.workspace / folder / FILE_NAME).write_text(text, encoding="utf-8")
    return main


def read(runner: Runner) -> WorkspaceRef:
    """Return the workspace of the hand-off file, looked for where SDK v1 looked: in each folder name, upwards from the workspace.

    Raises:
        ActionError: there is no file, or it does not name a workspace.
    """
    for file in _candidates(runner.workspace):
        if file.is_file():
            return _parse(file)
    raise ActionError(
        "No workspace is chosen: the file aml_arm_config.json is missing.",
        value=f"looked in {runner.workspace / _FOLDERS[0]} and the places where SDK v1 looked",
        cause="the step aml-workspace did not run before this one in the same job, or a later checkout removed its file",
        fix="run aml-workspace first, after actions/checkout",
        anchor="docs/troubleshooting.md#no-workspace-is-chosen",
    )


def _candidates(start: Path) -> Iterator[Path]:
    for folder in _FOLDERS:
        for base in (start, *start.parents):
            yield base / folder / FILE_NAME


def _parse(file: Path) -> WorkspaceRef:
    try:
        data: Any = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise _unreadable(file, f"not JSON: {error}") from None
    if not isinstance(data, dict):
        raise _unreadable(file, "not a JSON object")
    scope = _SCOPE.fullmatch(str(data.get("Scope") or ""))
    if scope:
        return WorkspaceRef(**scope.groupdict())
    names = [data.get(key) for key in ("subscription_id", "resource_group", "workspace_name")]
    if all(isinstance(name, str) and name for name in names):
        return WorkspaceRef(*(str(name) for name in names))
    raise _unreadable(
        file,
        "neither a Scope with the resource id of a workspace nor subscription_id, resource_group and workspace_name",
    )


def _unreadable(file: Path, reason: str) -> ActionError:
    return ActionError(
        "The file aml_arm_config.json does not name a workspace.",
        value=f"{file}: {reason}",
        fix="delete it; aml-workspace writes it anew",
        anchor="docs/troubleshooting.md#no-workspace-is-chosen",
    )
