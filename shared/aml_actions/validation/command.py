"""The command: ``python -m aml_actions validate [PATH ...] [--json]``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from aml_actions.discovery import find_actions
from aml_actions.errors import ActionError
from aml_actions.findings import Findings
from aml_actions.settings import FOLDER
from aml_actions.spec import ActionSpec
from aml_actions.validation.files import candidates, of_file
from aml_actions.validation.judgement import Judged, judge

DESCRIPTION = """\
Checks the parameters files of a repository (.cloud/.azure/*.json and *.yml), and the files they point at, without network and
credentials. Exit status: 0 when there is no error (warnings are no errors), 1 when there is one, 2 for a wrong call.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m aml_actions validate", description=DESCRIPTION)
    parser.add_argument(
        "paths", nargs="*", type=Path, metavar="PATH", help="a repository, or a parameters file (default: this folder)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object: {status, files: [...]}")
    given = parser.parse_args(arguments)
    paths = given.paths or [Path()]
    if missing := [str(path) for path in paths if not path.exists()]:
        parser.error(f"there is no {', '.join(missing)}")
    specs = [spec for spec in find_actions() if spec.parameters_file]
    judged = [one for path in paths for one in validate(path, specs)]
    status = next((level for level in ("error", "warning") if any(one.status == level for one in judged)), "ok")
    if given.json:
        print(json.dumps({"status": status, "files": [one.as_json() for one in judged]}, indent=2, ensure_ascii=False))
    else:
        print("\n".join(_report(judged)))
    return 1 if status == "error" else 0


def validate(path: Path, specs: Sequence[ActionSpec]) -> list[Judged]:
    """Judge a repository, or one parameters file of it. Never raises for anything that a file holds."""
    if path.is_dir():
        workflows: dict[str, Findings] = {}
        found = [judge(path, candidate) for candidate in candidates(path, specs, workflows)]
        return [Judged(name, "", "a workflow", findings) for name, findings in workflows.items()] + found
    root = repository_of(path)
    file = path.resolve()
    if not file.is_relative_to(root / FOLDER):
        outside = Findings()
        outside.error(
            ActionError(
                f"{path} is not below {FOLDER.as_posix()}/ of a repository, where the actions look for parameters files.",
                fix=f"move it there, or name the repository itself: {root}",
            )
        )
        return [Judged(str(path), "", "named", outside)]
    candidate = of_file(root, file.relative_to(root / FOLDER).as_posix(), specs)
    judged = judge(root, candidate)
    if candidate.spec is None:
        judged.findings.warn(
            ActionError(
                f"{judged.file} is no parameters file of an action: {candidate.because}.",
                allowed=", ".join(spec.parameters_file for spec in specs),
                file=judged.file,
            )
        )
    return [judged]


def repository_of(file: Path) -> Path:
    """Return the folder above ``.cloud/.azure`` that a file lies in, else the one with ``.git``, else its own."""
    parents = file.resolve().parents
    for parent in parents:
        if (parent / FOLDER).is_dir() or (parent / ".git").exists():
            return parent
    return parents[0]


def _report(judged: Sequence[Judged]) -> Iterator[str]:
    for one in judged:
        about = f"{one.action}, {one.because}" if one.action else one.because
        yield f"{one.status:<8}{one.file}  ({about})"
        for level, problems in (("error", one.findings.errors), ("warning", one.findings.warnings)):
            for problem in problems:
                yield from _finding(level, problem, one.file)
    counts = {level: sum(one.status == level for one in judged) for level in ("ok", "warning", "error")}
    summary = ", ".join(f"{number} {level}" for level, number in counts.items() if number)
    yield (
        f"{len(judged)} file{'s' if len(judged) != 1 else ''}: {summary}"
        if judged
        else (
            f"There is nothing to check: no parameters file below {FOLDER.as_posix()}/, and no workflow that uses an action."
        )
    )


def _finding(level: str, problem: ActionError, file: str) -> Iterator[str]:
    place = problem.file or file
    where = f"{place}:{problem.line}" if problem.line else place
    yield f"  {level}: {where}: {problem.what}"
    for label, text in problem.parts():
        yield f"      {label}: {text}"


if __name__ == "__main__":
    sys.exit(main())
