"""This action's part of moving a repository over: files of SDK v1 that say what to run become v2 job YAML."""

from __future__ import annotations

import itertools
import json
import posixpath
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from aml_actions import documents
from aml_actions.errors import ActionError
from aml_actions.findings import Findings
from aml_actions.migration import parameters_text
from aml_actions.migration.changes import (
    Change,
    Decision,
    Edit,
    EnvironmentFile,
    Migration,
    MigrationSource,
    OutputUse,
    ParametersFile,
)
from aml_actions.migration.made_files import MadeFiles, code_folders, conda_files
from aml_actions.migration.repository import Repository
from aml_run import definition, job_yaml, runconfig, yaml_text
from aml_run.definition import LEGACY_ORDER, Definition
from aml_run.parameters import RunParameters

_ELSEWHERE = (".cloud/", ".github/")
"""Folders whose YAML says other things than what to run."""
_MOST_FILES = 500
"""YAML files that are looked through for forgotten ones."""


def migrate(source: MigrationSource) -> Migration:
    """Return the v2 job YAML of every parameters file that names, or by default means, a file of SDK v1."""
    found = Migration()
    made = MadeFiles(source.repository)
    named: dict[str, bool] = {}
    for file in source.parameters_files:
        several = len(file.sets) > 1
        for parameters in file.sets:
            if isinstance(parameters, RunParameters):
                found.extend([_of_parameters(source.repository, made, file, parameters, named, several=several)])
    found.extend([made.migration])
    if source.parameters_files:
        found.extend([_forgotten(source.repository, named)])
    for use in source.outputs:
        found.decisions += _of_output(use)
    return found


def _of_parameters(
    repository: Repository,
    made: MadeFiles,
    file: ParametersFile,
    parameters: RunParameters,
    named: dict[str, bool],
    *,
    several: bool,
) -> Migration:
    found = Migration()
    try:
        chosen = definition.choose(parameters, repository.root, parameters_file=file.path)
    except ActionError as error:
        found.decisions += Decision.from_errors(error, file.path)
        return found
    named |= {**dict.fromkeys(_runconfigs(repository, chosen), False), chosen.name: True}
    found.decisions += _of_choice(repository, file, chosen)
    if chosen.kind == "python":
        found.decisions += _of_python(repository, chosen)
    elif chosen.kind == "v2":
        found.environments += _environments(repository, chosen.content, posixpath.dirname(chosen.name))
    else:
        found.extend([_translated(repository, made, file, parameters, chosen, several=several)])
    return found


def _translated(
    repository: Repository,
    made: MadeFiles,
    file: ParametersFile,
    parameters: RunParameters,
    chosen: Definition,
    *,
    several: bool,
) -> Migration:
    found = Migration()
    with tempfile.TemporaryDirectory(prefix="aml-migrate-") as temp:
        try:
            job = definition.translated(chosen, parameters, Path(temp))
        except ActionError as error:
            found.decisions += Decision.from_errors(error, chosen.name)
            if chosen.kind == "runconfig":
                found.environments += _of_runconfig(repository, chosen.content, chosen.name)
            return found
        document = _loaded(job.text)
        # A run configuration in .azureml or aml_config concerns the folder above; a pipeline's paths are the repository's.
        folder = repository.path(job.folder) if chosen.kind == "runconfig" else posixpath.dirname(chosen.name)
        stem = PurePosixPath(chosen.name).stem
        document = made.relocate(document, job.folder, folder, stem)
    head = f"# Made from {chosen.name} by `python -m aml_actions migrate`. A parameters file names it with job_file.\n"
    text = head + job_yaml.dump(document)
    path = made.add(folder, _names(stem), text.encode(), f"`{chosen.name}` as a job of SDK v2.")
    found.environments += _environments(repository, document, folder)
    for warning in job.warnings:
        found.decisions.append(
            Decision(
                chosen.name,
                None,
                warning,
                f"`{path}` runs all the same.",
                (f"Change `{path}` if it matters.", "Leave it."),
            )
        )
    change = None if several else _parameters_change(repository, file, path)
    if change is None:
        found.decisions.append(
            Decision(
                file.path,
                None,
                f"The file is written so that it is not changed automatically; {path} is not used yet.",
                f"Until then {chosen.name} is translated in every step, which runs the same job.",
                (f'Write `"job_file": "{path}"` in the place of {chosen.key}.',),
            )
        )
    else:
        found.changes.append(change)
    return found


def _loaded(text: str) -> Any:  # noqa: ANN401 - any YAML
    import yaml

    return yaml.safe_load(text)  # of `job_yaml.dump`, so that every value keeps its type


def _names(stem: str) -> Iterator[str]:
    yield from ("job.yml", f"{stem}.job.yml")
    for number in itertools.count(2):
        yield f"{stem}-{number}.job.yml"


def _parameters_change(repository: Repository, file: ParametersFile, job_file: str) -> Change | None:
    """Return the parameters file with `job_file` in the place of the keys of SDK v1; None when only a person can change it."""
    why = "The job YAML takes the place of the file of SDK v1."
    if file.content is None:
        new = json.dumps({"job_file": job_file}, indent=4, ensure_ascii=False) + "\n"
        return Change(file.path, None, new.encode(), (Edit(why, after=f'"job_file": "{job_file}"'),))
    try:
        document = documents.read(repository.root / file.path, file.path, Findings())
    except ActionError:
        return None
    mark = b"\xef\xbb\xbf" if file.content.startswith(b"\xef\xbb\xbf") else b""
    text = file.content.decode("utf-8-sig")
    keys = {*LEGACY_ORDER, "runconfig_python_function_name"}
    made = parameters_text.put(document, text, "job_file", job_file, keys, why)
    return Change(file.path, file.content, mark + made[0].encode(), made[1]) if made else None


def _environments(repository: Repository, document: Any, folder: str) -> list[EnvironmentFile]:  # noqa: ANN401 - any YAML
    """Return the conda files of a v2 YAML, each with the code that runs in it."""

    def places(paths: Iterator[str]) -> list[str]:
        joined = (posixpath.normpath(posixpath.join(folder, path)) for path in paths)
        return sorted({path for path in joined if repository.real_path(path) is not None})

    code = tuple(places(code_folders(document)))
    return [EnvironmentFile(path, "training", code) for path in places(conda_files(document))]


# --- what a person decides


def _of_choice(repository: Repository, file: ParametersFile, chosen: Definition) -> Iterator[Decision]:
    """Report a repository in which the legacy action ran another file than the one that is named."""
    first = LEGACY_ORDER[0]
    default = str(RunParameters.model_fields[first].default)
    if chosen.key not in LEGACY_ORDER[1:] or repository.read(default) is None:
        return
    yield Decision(
        file.path,
        None,
        f"{chosen.key} names {chosen.name}; the abandoned action ran {default} all the same, since it tried that file first.",
        f"From now on {chosen.name} is run.",
        (
            f"Leave it, if {chosen.name} is what is meant.",
            f'`"{first}": "{default}"` in its place, to run what ran before.',
        ),
    )


def _of_python(repository: Repository, chosen: Definition) -> Iterator[Decision]:
    text = (repository.read(chosen.name) or b"").decode(errors="replace")
    lines = [number for number, line in enumerate(text.split("\n"), 1) if "azureml" in line and "import" in line]
    if lines:
        yield Decision(
            chosen.name,
            lines[0],
            "The file makes the job with SDK v1 (it imports azureml).",
            "SDK v1 is not installed in a step. Code cannot be translated automatically.",
            (
                "Return a job of SDK v2, such as `azure.ai.ml.command(code=..., command=..., environment=..., compute=...)`.",
                "Write a v2 job YAML and name it with `job_file`.",
            ),
        )


def _forgotten(repository: Repository, named: Mapping[str, bool]) -> Migration:
    """Report files of SDK v1 that nothing names, and find the environments of those that a pipeline names.

    `named` holds both: true for files that a parameters file names, whose environments are known already.
    """
    found = Migration()
    files = repository.files(".", (".yml", ".yaml", ".runconfig"))
    for path in itertools.islice(files, _MOST_FILES):
        if named.get(path) or path.startswith(_ELSEWHERE) or repository.read(path) is None:
            continue
        try:
            document = yaml_text.load(repository.root / path, path)
        except ActionError:
            continue
        if not isinstance(document, dict) or "$schema" in document or "type" in document:
            continue
        is_runconfig = runconfig.is_run_config(document)
        is_v1 = is_runconfig or isinstance(document.get("pipeline"), dict) or runconfig.is_title_case(document)
        if is_v1 and path not in named:
            found.decisions.append(
                Decision(
                    path,
                    None,
                    "The file looks like a run configuration or a pipeline of SDK v1, and no parameters file names it.",
                    "It is left as it is.",
                    (
                        "Name it in a parameters file that a workflow uses, and run migrate again.",
                        "Delete it, if nothing uses it.",
                    ),
                )
            )
        if is_runconfig:
            found.environments += _of_runconfig(repository, document, path)
    return found


def _runconfigs(repository: Repository, chosen: Definition) -> Iterator[str]:
    """Give the run configurations that the steps of a pipeline of SDK v1 name."""
    pipeline = chosen.content.get("pipeline") if chosen.kind == "pipeline" else None
    steps = pipeline.get("steps") if isinstance(pipeline, dict) else None
    for step in steps.values() if isinstance(steps, dict) else ():
        path = step.get("runconfig") if isinstance(step, dict) else None
        real = repository.real_path(path.lstrip("/")) if isinstance(path, str) else None
        if real is not None:
            yield real


def _of_runconfig(repository: Repository, document: Mapping[str, Any], path: str) -> Iterator[EnvironmentFile]:
    """Give the conda file of a run configuration that is not translated."""
    try:
        config = runconfig.read(document, repository.root / path, path)
        conda = config.text("environment.python.condaDependenciesFile")
        code = repository.path(config.source_directory)
    except (ActionError, OSError, ValueError):
        return
    file = posixpath.normpath(posixpath.join(posixpath.dirname(path), conda))
    if conda and repository.real_path(file) is not None:
        yield EnvironmentFile(file, "training", (code,))


def _of_output(use: OutputUse) -> Iterator[Decision]:
    if use.name == "run_metrics":
        yield Decision(
            use.file,
            use.line,
            "`run_metrics` is JSON now; it was the text of a Python dictionary.",
            "`ast.literal_eval` and `eval` fail on true, false and null, and `fromJSON()`, which could not read it, can.",
            ("`fromJSON(steps.<id>.outputs.run_metrics)` in an expression, `json.loads` in Python.",),
        )
    elif use.name.startswith("published_pipeline_"):
        yield Decision(
            use.file,
            use.line,
            f"`{use.name}` belongs to a batch endpoint now; published pipelines were a feature of SDK v1.",
            "Who starts the pipeline through the old address has to use the new one.",
            ("Call the batch endpoint with a token of Microsoft Entra, or `az ml batch-endpoint invoke`.",),
        )
