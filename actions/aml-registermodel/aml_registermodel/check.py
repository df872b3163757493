"""What can be said of registermodel.json without asking Azure."""

from __future__ import annotations

from aml_actions.errors import ActionError
from aml_actions.findings import Findings
from aml_actions.spec import CheckContext
from aml_registermodel.files import path_of
from aml_registermodel.parameters import RegisterModelParameters
from aml_registermodel.registration import OWN_PROPERTIES, OWN_TAGS


def check(parameters: RegisterModelParameters, context: CheckContext) -> Findings:
    """Return which values contradict each other, and which have no effect.

    Whether the file of the model exists is not looked at: only the inputs of the step tell whether it is one of the repository.
    """
    findings = Findings()
    file = context.parameters_file
    try:
        path_of(parameters.model_file_name)
    except ActionError as error:
        error.file = file
        findings.error(error)
    if parameters.model_framework_version and "model_framework" not in parameters.model_fields_set:
        findings.error(
            ActionError(
                "model_framework_version is given without model_framework.",
                value=parameters.model_framework_version,
                fix="add model_framework to the parameters file",
                file=file,
                key="model_framework_version",
            )
        )
    _warn_of_resources(parameters, file, findings)
    _warn_of_the_gate(parameters, file, findings)
    _warn_of_what_is_replaced(parameters, file, findings)
    return findings


def _warn_of_resources(parameters: RegisterModelParameters, file: str, findings: Findings) -> None:
    if (parameters.cpu_cores is None) == (parameters.memory_gb is None):
        return
    given, other = ("cpu_cores", "memory_gb") if parameters.memory_gb is None else ("memory_gb", "cpu_cores")
    findings.warn(
        ActionError(
            f"{given} is ignored: cpu_cores and memory_gb have an effect only together.",
            fix=f"add {other}, or remove {given}",
            file=file,
            key=given,
        )
    )


def _warn_of_the_gate(parameters: RegisterModelParameters, file: str, findings: Findings) -> None:
    both = [metric for metric in parameters.metrics_max if metric in parameters.metrics_min]
    if both:
        findings.warn(
            ActionError(
                f"Only a model with exactly the same {', '.join(both)} can pass: metrics_max and metrics_min both name it.",
                fix="leave it in one of them",
                file=file,
                key="metrics_min",
            )
        )


def _warn_of_what_is_replaced(parameters: RegisterModelParameters, file: str, findings: Findings) -> None:
    for key, given, own in (
        ("model_tags", parameters.model_tags, OWN_TAGS),
        ("model_properties", parameters.model_properties, OWN_PROPERTIES),
    ):
        replaced = [name for name in given if name in own]
        if replaced:
            findings.warn(
                ActionError(
                    f"The action writes {', '.join(replaced)} of {key} itself; what the file says there is replaced.",
                    fix="use other names",
                    file=file,
                    key=f"{key}.{replaced[0]}",
                )
            )
