"""The command line of a step: its script, the arguments, and what SDK v1 gave it through the environment.

Literal arguments are quoted for the shell of the container. What v2 puts in place of ``${{inputs.x}}`` stands between single quotes, so
that it stays one argument.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from aml_run.pipeline_v1_model import StepInput, StepOutput, StepParameter
from aml_run.pipeline_v1_section import Section
from aml_run.report import as_text
from aml_run.translate import V2_EXPRESSION


def command_line(
    step: Section,
    script: str,
    inputs: Sequence[StepInput],
    parameters: Sequence[StepParameter],
    outputs: Sequence[StepOutput],
) -> str:
    """Return the line for the shell. Wrong arguments are problems of the step."""
    references = {
        **{f"input:{one.name}": f"'${{{{inputs.{one.input}}}}}'" for one in inputs},
        **{f"side_input:{one.name}": f"'${{{{inputs.{one.input}}}}}'" for one in inputs},
        **{f"output:{one.name}": f"'${{{{outputs.{one.output}}}}}'" for one in outputs},
        **{f"parameter:{one.name}": _parameter(one) for one in parameters},
    }
    arguments = _arguments(step)
    words = [_word(step, argument, references) for argument in arguments]
    variables = [
        f"{_variable('AML_PARAMETER_', one.name)}={_parameter(one)}" for one in parameters if one.parameter is not None
    ]
    for kind, names in (("input", [one.name for one in inputs]), ("output", [one.name for one in outputs])):
        for name in names:
            if not {f"{kind}:{name}", f"side_{kind}:{name}"} & set(arguments):
                variables.append(f"{_variable('AZUREML_DATAREFERENCE_', name)}={references[f'{kind}:{name}']}")
    if V2_EXPRESSION in script:
        _refuse_expression(step, "script_name", script)
    _judge_values(step, parameters)
    return " ".join([*variables, "python", shlex.quote(script), *words])


def constants(step: Section, parameters: Sequence[StepParameter]) -> dict[str, str]:
    """Return the environment variables of parameters that no run of the pipeline can choose."""
    for one in parameters:
        if V2_EXPRESSION in one.constant:
            _refuse_expression(step, f"parameters.{one.name}", one.constant)
    return {_variable("AML_PARAMETER_", one.name): one.constant for one in parameters if one.parameter is None}


def _arguments(step: Section) -> list[str]:
    value = step.values.get("arguments", [])
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    step.problem(
        "arguments",
        "`arguments` must be a list of values.",
        value=as_text(value),
        fix='write `["--data", "input:x"]`; name and value are two entries',
    )
    return []


def _word(step: Section, argument: str, references: dict[str, str]) -> str:
    if argument in references:
        return references[argument]
    kind, colon, name = argument.partition(":")
    if colon and kind in ("input", "side_input", "output", "parameter"):
        step.report.warn(
            f"`{step.path}.arguments`: the step has no {kind.replace('_', ' ')} {name}; "
            + f"its script gets the text {argument}, as in SDK v1."
        )
    if V2_EXPRESSION in argument:
        _refuse_expression(step, "arguments", argument)
    return shlex.quote(argument)


def _parameter(parameter: StepParameter) -> str:
    if parameter.parameter is None:
        return shlex.quote(parameter.constant)
    return f"'${{{{inputs.{parameter.input}}}}}'"


def _variable(prefix: str, name: str) -> str:
    return prefix + re.sub(r"[^A-Za-z0-9_]", "_", name)


def _judge_values(step: Section, parameters: Sequence[StepParameter]) -> None:
    """Refuse defaults that would end the quotes they are put between."""
    for one in parameters:
        if one.parameter is not None and "'" in one.parameter.text:
            step.problem(
                f"parameters.{one.name}",
                f"the default of the parameter {one.parameter.name} holds a single quote, which ends the argument in a v2 command.",
                value=one.parameter.text,
                fix="write the value as a constant of the step in place of `source`, or without the quote",
            )


def _refuse_expression(step: Section, key: str, value: str) -> None:
    step.problem(
        key,
        f"the value holds `{V2_EXPRESSION}`, which a v2 job would read as an expression of its own.",
        value=value,
        fix="pass the value in another way",
    )
