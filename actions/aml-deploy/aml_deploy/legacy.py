"""Keys and secrets of the legacy action that mean nothing, or something else, on an online endpoint.

None is passed over in silence: each is refused with what to do instead, or accepted with a warning.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aml_actions.errors import ActionError
from aml_actions.findings import Findings
from aml_deploy import environment_secrets, rules, rules_kubernetes, rules_managed
from aml_deploy.parameters import DeployParameters
from aml_deploy.rules import Rule


def review(parameters: DeployParameters, secrets: Mapping[str, str], parameters_file: str = "") -> Findings:
    """Say which of the given parameters and secrets are refused, and which have no effect.

    On a managed endpoint `location` is judged later, when the region of the workspace is known (`location_warning`). When nothing
    is deployed (`skip_deployment`), only `create_image` is judged.

    Args:
        parameters: of the user.
        secrets: environment secrets that are set.
        parameters_file: path of the file, for the messages.
    """
    findings = Findings()
    target = rules_kubernetes if parameters.compute_name else rules_managed
    deployed = not parameters.skip_deployment
    for rule in (*rules.CREATE_IMAGE, *((*rules.REFUSED, *target.REFUSED) if deployed else ())):
        if rule.applies(parameters):
            findings.error(_finding(rule, "is refused.", parameters, parameters_file))
    for rule in (*rules.IGNORED, *target.IGNORED) if deployed else ():
        if rule.applies(parameters):
            findings.warn(_finding(rule, "has no effect:", parameters, parameters_file))
    findings.extend([environment_secrets.review(parameters, secrets)])
    return findings


def location_warning(asked: str | None, workspace_location: str) -> str | None:
    """Return a warning when an endpoint is wanted in another region than that of its workspace."""
    if not asked or _region(asked) == _region(workspace_location):
        return None
    return (
        f"location has no effect: an endpoint lives in the region of its workspace, {workspace_location}, not in {asked}. "
        "Remove the key, or use a workspace in that region."
    )


def _finding(rule: Rule, verdict: str, parameters: DeployParameters, parameters_file: str) -> ActionError:
    value: Any = getattr(parameters, rule.key)
    return ActionError(
        f"{rule.key} {verdict} {rule.meaning}",
        value=f"{rule.key}: {json.dumps(value)}" if rule.key in parameters.model_fields_set else None,
        fix=rule.fix,
        file=parameters_file or None,
        key=rule.key,
    )


def _region(name: str) -> str:
    return name.replace(" ", "").lower()
