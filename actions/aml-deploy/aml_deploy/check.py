"""What can be said of a parameters file of aml-deploy without asking Azure."""

from __future__ import annotations

from aml_actions.errors import ActionError
from aml_actions.findings import Findings
from aml_actions.spec import CheckContext
from aml_deploy import legacy, sizing, sources
from aml_deploy.parameters import DeployParameters


def check(parameters: DeployParameters, context: CheckContext) -> Findings:
    """Judge the keys together, the environment secrets, and the files that the keys name."""
    findings = legacy.review(parameters, context.secrets, context.parameters_file)
    if parameters.skip_deployment:
        return findings
    findings.extend([sources.inspect(parameters, context.workspace, context.parameters_file)[1]])
    if not parameters.compute_name:
        try:
            # What the model was registered with is not known yet; the defaults, which stand for it, fit every size.
            sizing.choose(parameters, {})
        except ActionError as error:
            error.file = context.parameters_file
            findings.error(error)
    return findings
