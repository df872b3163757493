"""What can be said of workspace.json without asking Azure."""

from __future__ import annotations

from aml_actions.errors import ActionError
from aml_actions.findings import Findings
from aml_actions.spec import CheckContext
from aml_workspace.parameters import WorkspaceParameters


def check(parameters: WorkspaceParameters, context: CheckContext) -> Findings:
    """Return what has no effect, and what the workspace could not be created with.

    Both are warnings: an existing workspace is used as it is, and whether it exists is not known here.
    """
    findings = Findings()
    file = context.parameters_file
    if parameters.sku:
        findings.warn(
            ActionError(
                f"The parameter sku ({parameters.sku}) is ignored: there is one edition.",
                cause="Azure Machine Learning gave up the editions basic and enterprise in 2020",
                fix="remove the key",
                file=file,
                key="sku",
            )
        )
    half = half_of_a_key(parameters)
    if half:
        half.file = file
        half.cause = "with one of them alone the workspace cannot be created; an existing workspace is not touched"
        findings.warn(half)
    return findings


def half_of_a_key(parameters: WorkspaceParameters) -> ActionError | None:
    """Return what is wrong with the customer-managed key: its vault and its address go together."""
    if bool(parameters.cmk_key_vault) == bool(parameters.resource_cmk_uri):
        return None
    given, other = "cmk_key_vault", "resource_cmk_uri"
    if parameters.resource_cmk_uri:
        given, other = other, given
    return ActionError(
        f"The parameter {given} needs {other} too.",
        allowed="both of them, or neither",
        fix=f"add {other} or remove {given}",
        key=given,
    )
