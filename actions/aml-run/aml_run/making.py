"""Making the job of one parameter set: from its definition, whatever its kind, to an object that the SDK can submit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aml_actions.client import quiet
from aml_actions.errors import ActionError
from aml_actions.step import Step
from aml_actions.text_files import read_text
from aml_run import definition, files, job_file, known_failures, overrides, python_file, yaml_text
from aml_run.definition import Definition, Translated
from aml_run.parameters import RunParameters
from aml_run.python_file import PythonWorkspace
from aml_run.python_packages import install
from aml_run.sdk_v1_objects import ScriptRunConfig, WrongUseOfV1
from aml_run.source_lines import code_folders

if TYPE_CHECKING:
    from azure.ai.ml.entities import Job

_ANONYMOUS = frozenset({"CliV2AnonymousEnvironment", "azureml_anonymous"})
"""Names that the SDK gives to what has none; with them stands a version that is a hash of the content."""
_V1_MODULES = ("azureml.",)


@dataclass(frozen=True)
class Source:
    """A parameter set, and what it is made from; a file of SDK v1 is translated already."""

    parameters: RunParameters
    chosen: Definition
    translated: Translated | None


@dataclass(frozen=True)
class Made:
    """A job that can be submitted.

    Attributes:
        parameters: the set that it belongs to.
        definition: the file that it was made from, relative to the repository.
        job: of the SDK; a `Job`, or a node that becomes one.
        name: that the user gave to the job; mostly empty, the service then makes one.
        experiment: that the definition names, or empty.
        uploads: the same text for jobs that upload the same code.
        code_folders: that the job takes its code from, by the step of the pipeline that does so; ``""`` is the job itself.

    """

    parameters: RunParameters
    definition: str
    job: Job
    name: str
    experiment: str
    uploads: str
    code_folders: Mapping[str, Sequence[Path]] = field(default_factory=dict)


class Maker:
    """Makes jobs; what several parameter sets have in common is done once."""

    def __init__(self, step: Step[RunParameters]) -> None:
        self._step = step
        self._root = step.runner.workspace.resolve()
        self._packages: dict[str, Path] = {}

    def source(self, parameters: RunParameters) -> Source:
        """Choose the definition and translate it if it is one of SDK v1.

        Raises:
            ActionError: it is not valid; `InvalidSettings` for several reasons.

        """
        # The check of the step has told what it accepts with a warning.
        chosen = definition.choose(parameters, self._root)
        translated = self._translated(chosen, parameters) if chosen.kind in ("runconfig", "pipeline") else None
        return Source(parameters, chosen, translated)

    def make(self, source: Source) -> Made:
        """Make the job.

        Raises:
            ActionError: the definition is not valid, or the user's Python file failed.
            azure.core.exceptions.AzureError: the service refused.

        """
        made = self._made(source)
        return replace(made, code_folders=code_folders(made.job))

    def _made(self, source: Source) -> Made:
        if source.chosen.kind == "python":
            return self._from_python(source)
        return self._from_file(source, source.chosen, source.translated)

    def _from_file(self, source: Source, chosen: Definition, translated: Translated | None) -> Made:
        named = source.chosen.name
        text, folder = (translated.text, translated.folder) if translated else (None, chosen.file.parent)
        document: Mapping[str, Any] = chosen.content if translated is None else {}
        if source.parameters.set:
            read = _typed(text if text is not None else read_text(chosen.file, chosen.name), chosen.name)
            document = self._overridden(source, read)
            text = _as_yaml(document)
        with known_failures.explained(), self._step.doing(f"reading {named}"), quiet():
            job = job_file.load(chosen) if text is None else job_file.load_text(text, chosen.name, folder)
        if job.type == "automl":
            # azure-ai-ml 1.35 takes the paths of every other job from the folder of its file, and those of this one from the
            # working directory.
            job._base_path = str(folder)
        return Made(
            parameters=source.parameters,
            definition=named,
            job=job,
            name=str(document.get("name") or ""),
            experiment=str(document.get("experiment_name") or ""),
            uploads=_uploads(job, str(chosen.file)),
        )

    def _from_python(self, source: Source) -> Made:
        chosen, parameters = source.chosen, source.parameters
        value = python_file.call(
            chosen,
            parameters.runconfig_python_function_name,
            self._workspace,
            self._root,
            self._installed(parameters.python_requirements),
            self._step.workflow,
        )
        if isinstance(value, ScriptRunConfig):
            return self._from_script(source, value)
        if isinstance(value, (str, Path)):
            return self._from_file(source, self._returned_file(chosen, parameters, value), None)
        job = _returned_job(value, chosen, parameters.runconfig_python_function_name)
        if parameters.set:
            document = self._overridden(source, _as_document(job, chosen))
            with known_failures.explained(), self._step.doing(f"reading {chosen.name}"), quiet():
                job = job_file.load_text(_as_yaml(document), chosen.name, self._root)
            return Made(
                parameters=parameters,
                definition=chosen.name,
                job=job,
                name=str(document.get("name") or ""),
                experiment=str(document.get("experiment_name") or ""),
                uploads=_uploads(job, chosen.name),
            )
        return Made(
            parameters=parameters,
            definition=chosen.name,
            job=job,
            name=str(job.name or ""),
            experiment=str(job.experiment_name or ""),
            uploads=_uploads(job, chosen.name),
        )

    def _from_script(self, source: Source, config: ScriptRunConfig) -> Made:
        """Translate an object of SDK v1 as the file that it would be."""
        chosen = source.chosen
        folder = files.inside(self._root, str(config.source_directory))
        if folder is None or not files.is_folder(folder):
            raise ActionError(
                f"{chosen.name} returned a ScriptRunConfig whose source_directory is no folder of the repository.",
                value=str(config.source_directory),
                allowed="a path from the root of the repository",
                anchor=python_file.ANCHOR,
                file=chosen.name,
            )
        try:
            document = config.document()
        except WrongUseOfV1 as error:
            raise ActionError(
                f"{chosen.name}: {error.what}", fix=error.fix, anchor=python_file.ANCHOR, file=chosen.name
            ) from None
        as_file = Definition("runconfig", folder / chosen.file.name, chosen.name, document, chosen.key)
        translated = self._translated(as_file, source.parameters)
        for warning in translated.warnings:
            self._step.workflow.warning(warning, title="aml-run", file=chosen.name)
        return self._from_file(source, as_file, translated)

    def _returned_file(self, chosen: Definition, parameters: RunParameters, path: str | Path) -> Definition:
        """Return the definition for a job YAML that the function named; it may have written it to another folder."""
        file = (self._root / path).resolve()
        if not files.is_file(file):
            raise ActionError(
                f"{chosen.name} returned the path of a file that does not exist.",
                value=str(path),
                allowed="a job of SDK v2, or the path of a job YAML, absolute or from the root of the repository",
                anchor=python_file.ANCHOR,
                file=chosen.name,
            )
        if file.is_relative_to(self._root):
            named = RunParameters(job_file=file.relative_to(self._root).as_posix())
            return definition.choose(named, self._root)
        document = yaml_text.load(file, file.name)
        return Definition("v2", file, file.name, document if isinstance(document, dict) else {}, "job_file")

    def _translated(self, chosen: Definition, parameters: RunParameters) -> Translated:
        translated = definition.translated(chosen, parameters, self._step.runner.temp)
        for note in translated.notes:
            self._step.workflow.info(note)
        inside = translated.folder.resolve()
        folder = inside.relative_to(self._root).as_posix() if inside.is_relative_to(self._root) else str(inside)
        where = "the repository" if folder == "." else f"{folder}/"
        with self._step.workflow.group(f"{chosen.name} as a v2 job YAML (its paths are relative to {where})"):
            self._step.workflow.relay(translated.text)
        return translated

    def _overridden(self, source: Source, document: Mapping[str, Any]) -> dict[str, Any]:
        changed, changes = overrides.apply(document, source.parameters.set, source.chosen.name)
        for change in changes:
            self._step.workflow.info(str(change))
        return changed

    def _installed(self, requirements: str | None) -> Path | None:
        if requirements is None:
            return None
        if requirements not in self._packages:
            runner = self._step.runner
            self._packages[requirements] = install(requirements, self._root, runner.temp, self._step.workflow)
        return self._packages[requirements]

    @cached_property
    def _workspace(self) -> PythonWorkspace:
        return PythonWorkspace(self._step.workspace(), self._step.ml_client())


def _returned_job(value: Any, chosen: Definition, function: str) -> Job:  # noqa: ANN401 - what a user's function returns
    """Return the value if it is a job of the SDK.

    Raises:
        ActionError: it is something else, or a job that was submitted already.

    """
    from azure.ai.ml.entities import Job

    what = f"{function}() of {chosen.name}"
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    fix = "return a job of SDK v2, such as `azure.ai.ml.command(...)`, or the path of a job YAML"
    if value is None:
        problem, kind = f"{what} returned nothing.", "None"
    elif kind.startswith(_V1_MODULES):
        problem = f"{what} returned an object of SDK v1, which is installed by python_requirements."
        fix = (
            "take azureml-core out of the requirements: this step then reads ScriptRunConfig itself; for others, " + fix
        )
    elif not isinstance(value, Job):
        problem = f"{what} returned something that is no job."
    elif value.id:
        problem, kind = f"{what} returned a job that it has submitted itself.", str(value.name)
        fix = "return the job without submitting it; the step does that, with the tags and the experiment"
    else:
        return value
    raise ActionError(
        problem,
        value=kind,
        allowed="a job of SDK v2 (command, pipeline, sweep, AutoML, ...), the path of a job YAML, or a ScriptRunConfig",
        fix=fix,
        anchor=python_file.ANCHOR,
        file=chosen.name,
    )


def _as_document(job: Any, chosen: Definition) -> dict[str, Any]:  # noqa: ANN401 - a job, or a node that becomes one
    """Return a job object as the content of its YAML, for ``set``."""
    try:
        whole = job._to_job() if hasattr(job, "_to_job") else job
        plain: dict[str, Any] = _without_hashes(json.loads(json.dumps(whole._to_dict(), default=str)))
    except Exception as error:  # whatever the SDK's serializers raise: it does not concern the user's job itself
        raise ActionError(
            f"`set` cannot change the job that {chosen.name} makes: it has no form as YAML.",
            cause=f"{type(error).__name__}: {error}",
            fix="remove `set` from the parameters file and set the values in the Python file",
            anchor=overrides.ANCHOR,
            key="set",
        ) from error
    return plain


def _without_hashes(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Leave out the hash that stands for an anonymous asset's content: it would be wrong after a change."""
    if isinstance(value, list):
        return [_without_hashes(item) for item in value]
    if not isinstance(value, dict):
        return value
    dropped = {"name", "version"} if value.get("name") in _ANONYMOUS else set()
    return {key: _without_hashes(item) for key, item in value.items() if key not in dropped}


def _typed(text: str, name: str) -> dict[str, Any]:
    """Return the content of a job YAML with the types that the SDK reads from it."""
    import yaml

    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ActionError(f"{name} is not YAML.", cause=str(error), fix="correct the file", file=name) from None
    return content if isinstance(content, dict) else {}


def _as_yaml(document: Mapping[str, Any]) -> str:
    import yaml

    text: str = yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True)
    return text


def _uploads(job: Job, otherwise: str) -> str:
    """Return what a job uploads as one text: its code folder, or its definition where the code is further inside."""
    code = getattr(job, "code", None)
    return str(code) if isinstance(code, (str, Path)) else otherwise
