"""Reading a step of a v1 pipeline: a Python script with its inputs, outputs and run configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aml_actions.errors import ActionError, InvalidSettings
from aml_run import files, runconfig, yaml_text
from aml_run.pipeline_v1_command import command_line, constants
from aml_run.pipeline_v1_keys import (
    INPUT,
    INPUT_MODES,
    OLD_SECTION,
    OTHER_SECTIONS,
    OTHER_STEPS,
    OUTPUT,
    OUTPUT_MODES,
    RUNCONFIG_PARAMETERS,
    STEP,
    STEP_TYPE,
)
from aml_run.pipeline_v1_model import DataSource, Parameter, Step, StepInput, StepOutput, StepParameter
from aml_run.pipeline_v1_section import Section, v2_name
from aml_run.report import Report, as_text
from aml_run.runconfig import RunConfig
from aml_run.training_environment import TrainingEnvironment
from aml_run.translate import CommandSettings, command_settings

_DEFAULT_DATASTORE = "workspaceblobstore"
"""Where v2 keeps outputs of its own accord, as SDK v1 did."""


@dataclass(frozen=True)
class Context:
    """What a step may refer to.

    Attributes:
        report: of the pipeline's file.
        root: of the repository.
        default_compute: of the pipeline; may be empty.
        parameters: of the pipeline, by name.
        data: of the pipeline, by name.

    """

    report: Report
    root: Path
    default_compute: str
    parameters: Mapping[str, Parameter]
    data: Mapping[str, DataSource]


def read_step(section: Section, key: str, context: Context) -> Step | None:
    """Return a step; None when it is of a type that is not translated, which is a problem.

    Args:
        section: with all its keys.
        key: name of the node in the v2 pipeline.
        context: what it may refer to.

    """
    values = _values(section)
    if values is None:
        return None
    step = Section.of(values, section.report, section.path, STEP)
    code = _folder(step, context)
    script = _script(step, code)
    taken: set[str] = set()
    inputs = tuple(_inputs(step, taken))
    parameters = tuple(_parameters(step, taken, context))
    outputs = tuple(_outputs(step))
    settings = _settings(step, context, code or context.root, command_line(step, script, inputs, parameters, outputs))
    return Step(
        key=key,
        name=step.text("name") or script,
        path=section.path,
        settings=replace(
            settings, environment_variables={**settings.environment_variables, **constants(step, parameters)}
        ),
        inputs=inputs,
        parameters=parameters,
        outputs=outputs,
        allow_reuse=step.flag("allow_reuse", default=True),
    )


def bind(step: Step, makers: Mapping[str, tuple[str, str]], context: Context) -> Step:
    """Return the step with its inputs bound to what their sources are; a source that is nothing is a problem.

    Args:
        step: as it was read.
        makers: key of the step and name of its output, by destination.
        context: of the step.

    """
    bound = []
    for one in step.inputs:
        data = context.data.get(one.source)
        if data is not None:
            bound.append(replace(one, data=data.input, type=data.type))
        elif one.source in makers:
            maker, output = makers[one.source]
            bound.append(replace(one, step=maker, output=output))
        else:
            context.report.problem(
                f"{step.path}: the source of the input {one.name} is nothing that the file knows.",
                value=one.source or None,
                allowed=", ".join([*context.data, *makers]) or None,
                fix="name a data reference, or the `destination` of an output of another step",
                key=f"{step.path}.inputs.{one.name}",
            )
    return replace(step, inputs=tuple(bound))


def _values(section: Section) -> dict[str, Any] | None:
    """Return the keys of a step, those of its old section among them; None when its type is not translated."""
    values = dict(section.values)
    old = values.pop(OLD_SECTION, None)
    kind = section.text("type")
    other = next((name for name in OTHER_SECTIONS if name in values), None)
    if other or kind in OTHER_STEPS:
        name = kind if kind in OTHER_STEPS else OTHER_SECTIONS[str(other)]
        section.problem(
            "type" if kind else str(other),
            f"a {name} has no translation: {OTHER_STEPS[name]}.",
            allowed=STEP_TYPE,
            fix="write the pipeline anew as a v2 pipeline job and name it with `job_file` in the parameters file",
        )
        return None
    if kind not in ("", STEP_TYPE):
        section.problem("type", "the type of the step is not known.", value=kind, allowed=STEP_TYPE)
        return None
    if not kind and old is None and "script_name" not in values:
        section.problem("type", "the step has no type.", fix=f"write `type: {STEP_TYPE}`")
        return None
    return {**(old if isinstance(old, dict) else {}), **values}


def _folder(step: Section, context: Context) -> Path | None:
    """Return the folder that is uploaded; None when there is none, which is a problem."""
    path = step.text("source_directory")
    folder = _located(step, "source_directory", path, context)
    if folder is not None and not files.is_folder(folder):
        step.problem(
            "source_directory",
            "the `source_directory` does not exist.",
            value=path,
            fix="correct the path; it is relative to the root of the repository",
        )
        return None
    return folder


def _located(step: Section, key: str, path: str, context: Context) -> Path | None:
    """Return the absolute path of what a path from the root of the repository names; None when it leads out of it."""
    found = files.inside(context.root, path)
    if found is None:
        step.problem(
            key,
            f"the `{key}` lies outside the repository.",
            value=path,
            allowed="a path from the root of the repository",
        )
    elif path.startswith("/") and not path.startswith(str(context.root)):
        relative = path.lstrip("/")
        step.report.warn(f"the path {path} is taken from the root of the repository. Fix: write `{relative}`.")
    return found


def _script(step: Section, code: Path | None) -> str:
    script = step.text("script_name")
    if not script:
        step.problem("script_name", "there is no `script_name`.", fix="name the script that the step runs")
    elif code is not None and not files.is_file(code / script):
        step.problem(
            "script_name",
            "the `script_name` does not exist.",
            value=script,
            allowed=f"a file below {step.text('source_directory') or 'the root of the repository'}, the folder that is uploaded",
            fix="correct `script_name` or `source_directory`",
        )
    return script


def _inputs(step: Section, taken: set[str]) -> Iterator[StepInput]:
    seen: set[str] = set()
    for key in ("inputs", "side_inputs"):
        for name, section in step.sections(key, INPUT):
            if name in seen:
                section.problem(
                    "", f"the name {name} stands in `inputs` and in `side_inputs`.", fix="rename one of them"
                )
            seen.add(name)
            if not section.text("source"):
                section.problem(
                    "source",
                    f"the input {name} has no `source`.",
                    fix="name a data reference, or the `destination` of an output of another step",
                )
            yield StepInput(
                name=name,
                input=v2_name(name, taken),
                source=section.text("source"),
                mode=section.one_of("bind_mode" if section.text("bind_mode") else "type", INPUT_MODES, "mount"),
            )


def _outputs(step: Section) -> Iterator[StepOutput]:
    taken: set[str] = set()
    for name, section in step.sections("outputs", OUTPUT):
        destination, datastore = section.text("destination"), section.text("datastore")
        if not destination:
            section.problem(
                "destination", f"the output {name} has no `destination`.", fix="give it the name that other steps use"
            )
        path = f"azureml://datastores/{datastore}/paths/azureml/${{{{name}}}}/${{{{output_name}}}}"
        yield StepOutput(
            name=name,
            output=v2_name(name, taken),
            destination=destination,
            mode=section.one_of("bind_mode" if section.text("bind_mode") else "type", OUTPUT_MODES, "mount"),
            path="" if datastore in ("", _DEFAULT_DATASTORE) else path,
        )


def _parameters(step: Section, taken: set[str], context: Context) -> Iterator[StepParameter]:
    section = step.section("parameters")
    for name, value in section.values.items():
        source = value.get("source") if isinstance(value, dict) else None
        if isinstance(value, str):
            yield StepParameter(name, "", None, value)
        elif isinstance(source, str) and source in context.parameters and context.parameters[source].value == "":
            step.report.note(f"the parameter {source} is fixed to the empty text: a v2 job has no empty inputs.")
            yield StepParameter(name, "", None, "")
        elif isinstance(source, str) and source in context.parameters:
            yield StepParameter(name, v2_name(name, taken), context.parameters[source], "")
        elif isinstance(source, str) and source in context.data:
            section.problem(
                name,
                f"the parameter {name} has data as its source.",
                value=source,
                fix="bind it as an entry of `inputs`",
            )
        else:
            section.problem(
                name,
                f"the parameter {name} has neither a value nor a parameter of the pipeline as its source.",
                value=as_text(value) or None,
                allowed="a value, or `{source: ...}` with one of: " + (", ".join(context.parameters) or "(none)"),
            )


def _settings(step: Section, context: Context, code: Path, command: str) -> CommandSettings:
    """Return what is run, with what the step's run configuration says."""
    config = _run_config(step, context)
    if config is None:
        return CommandSettings(code, command, "", 1, TrainingEnvironment(), {}, "", "", None, None)
    _apply_parameters(step, config, context)
    settings = command_settings(config, code, command, _compute(step, config, context))
    _tell(config, context.report)
    return settings


def _compute(step: Section, config: RunConfig, context: Context) -> str:
    """Return the compute of a step, empty for the pipeline's."""
    own = step.text("compute")
    found = own or context.default_compute or config.text("target")
    if found in ("", "local"):
        step.problem(
            "compute",
            "the step has no compute of the workspace.",
            value=found or None,
            fix="write the name of a cluster as `pipeline: default_compute:`",
        )
    return own or ("" if context.default_compute else found)


def _run_config(step: Section, context: Context) -> RunConfig | None:
    """Return the run configuration that a step names; None when there is none, which is a problem."""
    path = step.text("runconfig")
    if not path:
        step.problem(
            "runconfig",
            "there is no `runconfig`; SDK v1's default environment no longer exists.",
            fix="name a run configuration of SDK v1, whose `environment` says what the script runs in",
        )
        return None
    file = _located(step, "runconfig", path, context)
    if file is None:
        return None
    if not files.is_file(file):
        step.problem(
            "runconfig",
            "the `runconfig` does not exist.",
            value=path,
            fix="correct the path; it is relative to the root of the repository",
        )
        return None
    name = file.relative_to(context.root).as_posix()
    try:
        document = yaml_text.load(file, name)
        if isinstance(document, dict) and not runconfig.is_title_case(document):
            return runconfig.read(document, file, name)
    except ActionError as error:
        context.report.problems += error.problems if isinstance(error, InvalidSettings) else [error]
        return None
    step.problem(
        "runconfig",
        "the `runconfig` is no run configuration.",
        value=path,
        allowed="a YAML file with keys such as environment",
    )
    return None


def _apply_parameters(step: Section, config: RunConfig, context: Context) -> None:
    """Put ``runconfig_parameters`` into the run configuration: v2 fixes these values when the job is submitted."""
    section = step.section("runconfig_parameters")
    for name, value in section.values.items():
        source = value.get("source") if isinstance(value, dict) else None
        parameter = context.parameters.get(source) if isinstance(source, str) else None
        if name not in RUNCONFIG_PARAMETERS:
            section.problem(name, f"`{name}` cannot be set here.", allowed=", ".join(RUNCONFIG_PARAMETERS))
        elif parameter is not None:
            config.values[RUNCONFIG_PARAMETERS[name]] = parameter.text
            step.report.warn(
                f"`{section.path}.{name}` is fixed to {parameter.text}, the default of {source}: v2 cannot choose it for each run."
            )
        elif isinstance(value, str):
            config.values[RUNCONFIG_PARAMETERS[name]] = value
        else:
            section.problem(
                name,
                f"`{name}` has neither a value nor a parameter of the pipeline as its source.",
                value=as_text(value) or None,
                allowed=", ".join(context.parameters) or None,
            )


def _tell(config: RunConfig, report: Report) -> None:
    """Add what was said of a run configuration to the report of the pipeline; several steps may have the same one."""
    report.notes += [note for note in config.notes if note not in report.notes]
    report.warnings += [warning for warning in config.warnings if warning not in report.warnings]
    known = {str(problem) for problem in report.problems}
    report.problems += [problem for problem in config.problems if str(problem) not in known]
