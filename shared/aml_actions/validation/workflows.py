"""Which parameters files the workflows of a repository name, and for which action."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aml_actions import yaml_reader
from aml_actions.errors import ActionError
from aml_actions.findings import Findings
from aml_actions.text_files import read_text

FOLDER = Path(".github/workflows")
_USES = re.compile(r"^[^@]*?/?(?P<action>[A-Za-z0-9_.-]+)@[^@]+$")


@dataclass(frozen=True)
class Use:
    """One step that uses an action.

    Attributes:
        action: such as ``aml-run``.
        parameters_file: value of that input, empty for the default.
        workflow: path of the workflow file, relative to the repository.
    """

    action: str
    parameters_file: str
    workflow: str


def uses(root: Path, actions: Collection[str], findings: dict[str, Findings]) -> Iterator[Use]:
    """Give the steps of all workflows that use one of the actions, whoever publishes it.

    Args:
        root: folder of the repository.
        actions: names of the actions.
        findings: takes, by workflow, that a file cannot be read.
    """
    for file in sorted((root / FOLDER).glob("*.y*ml")):
        name = file.relative_to(root).as_posix()
        try:
            content = yaml_reader.parse(read_text(file, name), name).content
        except ActionError as error:
            findings.setdefault(name, Findings()).warn(error)  # it is no parameters file; GitHub will refuse it itself
            continue
        for step in _steps(content):
            match = _USES.match(str(step.get("uses") or ""))
            if match and match["action"].lower() in actions:
                given = step.get("with")
                wanted = given.get("parameters_file") if isinstance(given, dict) else None
                yield Use(match["action"].lower(), wanted if isinstance(wanted, str) else "", name)


def _steps(workflow: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any YAML
    jobs = workflow.get("jobs") if isinstance(workflow, dict) else None
    for job in jobs.values() if isinstance(jobs, dict) else ():
        steps = job.get("steps") if isinstance(job, dict) else None
        for step in steps if isinstance(steps, list) else ():
            if isinstance(step, dict):
                yield step
