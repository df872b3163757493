"""A v1 pipeline of Python script steps as plain data for a v2 pipeline job.

Facts: ``Pipeline.load_yaml`` and ``PythonScriptStep`` of azureml-pipeline-core. What is not obvious there, or was chosen here:

- Paths are relative to the root of the repository, the working folder of the legacy action. Those of a step's run configuration are
  relative to that file. A step without ``source_directory`` uploads the whole repository.
- ``source`` of an input names a data reference, a parameter of type ``datapath``, or the ``destination`` of an output of another
  step. The order of the steps follows from this alone.
- A parameter of a step reaches its script as the environment variable ``AML_PARAMETER_<name>``; as an argument only where
  ``parameter:<name>`` stands. An input or output that no argument names reaches it as ``AZUREML_DATAREFERENCE_<name>``.
- Of a step's run configuration, script and arguments do not count. ``target`` counts only when neither the step nor the pipeline names a
  compute.
- A step is called by ``name``, else by its script, as in SDK v1; its key is only the name within the file.
- A file on a datastore is told from a folder by an extension such as ``.csv``.
- Side inputs, which SDK v1 gave to parallel steps only, are inputs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aml_actions.errors import InvalidSettings
from aml_run.pipeline_v1_data import data_reference, parameters
from aml_run.pipeline_v1_keys import PIPELINE
from aml_run.pipeline_v1_model import DataSource, Parameter, Pipeline, Step
from aml_run.pipeline_v1_section import Section, v2_name
from aml_run.pipeline_v1_step import Context, bind, read_step
from aml_run.report import Report

ANCHOR = "docs/troubleshooting.md#v1-pipeline"


def translate(document: Mapping[str, Any], root: Path, report: Report) -> Pipeline:
    """Return the v2 job that a v1 pipeline means. Warnings and notes are added to the report.

    Args:
        document: the whole file, every value as text.
        root: of the repository; paths are relative to it.
        report: of the file.

    Raises:
        InvalidSettings: something in the file has no v2 meaning or is wrong; all of it at once.

    """
    pipeline = Section.of(document.get("pipeline"), report, "pipeline", PIPELINE)
    taken: set[str] = set()
    known = {one.name: one for one in parameters(pipeline.section("parameters"), taken)}
    data = {one.name: one for one in known.values() if isinstance(one, DataSource)}
    for name, section in pipeline.sections("data_references", None):
        reference = data_reference(name, section, v2_name(name, taken))
        if reference is not None:
            data.setdefault(name, reference)
    context = Context(
        report=report,
        root=root,
        default_compute=pipeline.text("default_compute"),
        parameters={name: one for name, one in known.items() if isinstance(one, Parameter)},
        data=data,
    )
    steps = _steps(pipeline, context)
    values = _valued(context, steps)
    description = pipeline.text("description") or pipeline.text("name")
    if report.problems:
        raise InvalidSettings(report.problems)
    return Pipeline(
        description=description,
        default_compute=context.default_compute,
        parameters=values,
        data=_used(context, steps),
        steps=tuple(steps),
    )


def _valued(context: Context, steps: list[Step]) -> tuple[Parameter, ...]:
    """Return the parameters that have a value; SDK v1 let those without one be, as long as no step asked for them.

    An empty text is no value for SDK v2, which leaves such an input out; the steps have it as a constant.
    """
    asked = {one.parameter.name for step in steps for one in step.parameters if one.parameter}
    for parameter in context.parameters.values():
        if parameter.value is None and parameter.name in asked:
            context.report.problem(
                f"the parameter {parameter.name} has no default, and nobody gives it a value.",
                fix="write its `default`",
                key=f"pipeline.parameters.{parameter.name}",
            )
    return tuple(parameter for parameter in context.parameters.values() if parameter.value not in (None, ""))


def _used(context: Context, steps: list[Step]) -> tuple[DataSource, ...]:
    """Return the data that a step reads: a v2 job would be refused for data that is not there, even if nothing reads it."""
    used = {binding.data for step in steps for binding in step.inputs if binding.data}
    for name, data in context.data.items():
        if data.input not in used:
            context.report.note(f"no step reads the data {name}; it is left out.")
    return tuple(data for data in context.data.values() if data.input in used)


def _steps(pipeline: Section, context: Context) -> list[Step]:
    """Return the steps with their inputs bound to what they come from."""
    found = list(pipeline.sections("steps", None))
    if not found and not pipeline.is_wrong("steps"):
        pipeline.problem(
            "steps", "there is no step.", fix="add a step of `type: PythonScriptStep` below `pipeline: steps:`"
        )
    taken: set[str] = set()
    keys = {name: v2_name(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower(), taken) for name, _ in found}
    steps = [step for name, section in found if (step := read_step(section, keys[name], context))]
    makers: dict[str, tuple[str, str]] = {}
    for step in steps:
        for output in step.outputs:
            if output.destination in makers:
                context.report.problem(
                    f"two outputs have the destination {output.destination}.",
                    fix="give each output a destination of its own",
                    key=f"{step.path}.outputs.{output.name}",
                )
            makers[output.destination] = (step.key, output.output)
    bound = [bind(step, makers, context) for step in steps]
    _refuse_circles(bound, context.report)
    return bound


def _refuse_circles(steps: list[Step], report: Report) -> None:
    """Note steps that wait for each other."""
    waiting = {step.key: {binding.step for binding in step.inputs if binding.step} for step in steps}
    while ready := [key for key, needed in waiting.items() if not needed & waiting.keys()]:
        for key in ready:
            del waiting[key]
    while behind := [key for key in waiting if not any(key in needed for needed in waiting.values())]:
        for key in behind:
            del waiting[key]
    if waiting:
        names = [step.name for step in steps if step.key in waiting]
        report.problem(
            f"steps wait for each other: {', '.join(names)}.",
            cause="an input has as its source what a later step makes of it",
            fix="correct the `source` of one of their inputs",
            key="pipeline.steps",
        )
