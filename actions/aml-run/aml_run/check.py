"""What can be said of run.json and the files it points at without asking Azure."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from aml_actions.errors import ActionError
from aml_actions.findings import Findings
from aml_actions.spec import CheckContext
from aml_run import definition, files, job_references, overrides, python_source, yaml_text
from aml_run.definition import Definition
from aml_run.parameters import RunParameters


def check(parameters: RunParameters, context: CheckContext) -> Findings:
    """Return what is wrong, and what is accepted with a warning: of the parameters together, and of the file that says what to run."""
    findings = Findings()
    file = context.parameters_file
    if parameters.download_artifacts and not parameters.wait_for_completion:
        findings.warn(
            ActionError(
                "download_artifacts has no effect without wait_for_completion.",
                cause="the step ends before the job has written anything",
                fix="remove one of them",
                file=file,
                key="download_artifacts",
            )
        )
    try:
        chosen = definition.choose(parameters, context.workspace, findings.warn, parameters_file=file)
    except ActionError as error:
        findings.error(error)
        return findings
    if chosen.kind != "python":
        _warn_of_python_keys(parameters, file, findings)
    try:
        _judge(chosen, parameters, context, findings)
    except ActionError as error:
        if error.file is None and error.key:
            error.file = file  # a path of `set`, which knows its key only
        findings.error(error)
    for finding in (*findings.errors, *findings.warnings):
        _complete(finding, context.workspace)
    return findings


def _judge(chosen: Definition, parameters: RunParameters, context: CheckContext, findings: Findings) -> None:
    if chosen.kind == "python":
        _judge_requirements(parameters, context, findings)
        python_source.judge(chosen.file, chosen.name, parameters.runconfig_python_function_name)
    elif chosen.kind == "v2":
        job_references.judge(chosen.file, chosen.name, chosen.root, findings)
        overrides.apply(chosen.content, parameters.set, chosen.name)
    else:
        report = definition.examined(chosen)
        for text in report.warnings:
            findings.warn(ActionError(text, anchor=report.anchor, file=chosen.name))
        for problem in report.problems:
            findings.error(problem)
        if parameters.set and not report.problems:
            overrides.apply(_v2_document(chosen, parameters), parameters.set, chosen.name)


def _v2_document(chosen: Definition, parameters: RunParameters) -> dict[str, Any]:
    """Return the content of the YAML that a file of SDK v1 becomes."""
    with tempfile.TemporaryDirectory(prefix="aml-run-check-") as folder:
        text = definition.translated(chosen, parameters, Path(folder)).text
    content = yaml_text.parse(text, chosen.name).content
    return content if isinstance(content, dict) else {}


def _warn_of_python_keys(parameters: RunParameters, file: str, findings: Findings) -> None:
    asked = {
        "python_requirements": parameters.python_requirements is not None,
        "runconfig_python_function_name": parameters.runconfig_python_function_name != "main",
    }
    for key, is_asked in asked.items():
        if is_asked:
            findings.warn(
                ActionError(
                    f"{key} has no effect: the job is not made by a Python file.",
                    fix="remove the key, or name the file with runconfig_python_file",
                    file=file,
                    key=key,
                )
            )


def _judge_requirements(parameters: RunParameters, context: CheckContext, findings: Findings) -> None:
    path = parameters.python_requirements
    if path is None:
        return
    found = files.inside(context.workspace, path)
    if found is None or not files.is_file(found):
        findings.error(
            ActionError(
                "The file that python_requirements names does not exist."
                if found
                else "The file that python_requirements names lies outside the repository.",
                value=path,
                allowed="a path from the root of the repository",
                anchor=python_source.ANCHOR,
                file=context.parameters_file,
                key="python_requirements",
            )
        )


def _complete(finding: ActionError, workspace: Path) -> None:
    """Add the line of the key, where the file is one of the YAML files that the parameters file points at."""
    if finding.file and finding.key and finding.line is None and finding.file.endswith((".yml", ".yaml", ".runconfig")):
        file = files.inside(workspace, finding.file)
        if file is not None and files.is_file(file):
            finding.line = yaml_text.line_of(file, finding.key)
