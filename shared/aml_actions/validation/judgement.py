"""Judging one parameters file with everything it points at. Whatever the file holds, the answer is findings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from aml_actions.errors import ActionError
from aml_actions.findings import Findings
from aml_actions.settings import FOLDER, check_settings
from aml_actions.validation.files import Candidate

Status = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Judged:
    """A file and what was found.

    Attributes:
        file: path relative to the repository.
        action: whose parameters file it is; empty for another kind of file.
        because: why it was judged, or why not.
        findings: errors and warnings.
    """

    file: str
    action: str
    because: str
    findings: Findings

    @property
    def status(self) -> Status:
        """The worst of the findings."""
        return "error" if self.findings.errors else "warning" if self.findings.warnings else "ok"

    def as_json(self) -> dict[str, Any]:
        """Return the answer of ``--json`` about this file."""
        found = [("error", one) for one in self.findings.errors] + [("warning", one) for one in self.findings.warnings]
        return {
            "file": self.file,
            "action": self.action or None,
            "status": self.status,
            "because": self.because,
            "findings": [_finding(level, one, self.file) for level, one in found],
        }


def judge(root: Path, candidate: Candidate) -> Judged:
    """Judge a file. Never raises: what goes wrong here is a finding too."""
    path = (FOLDER / candidate.file).as_posix()
    findings = Findings()
    if candidate.spec is None:
        return Judged(path, "", candidate.because, findings)
    try:
        check_settings(candidate.spec, candidate.file, root, findings)
    except Exception as error:
        first = (str(error).strip().splitlines() or [""])[0]
        findings.error(
            ActionError(
                f"{path} could not be judged: {type(error).__name__}: {first}",
                cause="a defect of the check",
                fix="open an issue with the file",
                file=path,
            )
        )
    missing = (
        "" if (root / FOLDER / candidate.file).is_file() or findings.errors else "; it is not there, defaults are used"
    )
    return Judged(path, candidate.spec.name, candidate.because + missing, findings)


def _finding(level: str, problem: ActionError, file: str) -> dict[str, Any]:
    return {
        "level": level,
        "file": problem.file or file,
        "line": problem.line,
        "key": problem.key,
        "message": problem.what,
        "value": problem.value,
        "allowed": problem.allowed,
        "cause": problem.cause,
        "fix": problem.fix,
    }
