"""Missing Azure roles: from the action that was refused to the role that allows it (Azure ML's documentation of roles)."""

from __future__ import annotations

import re

_REFUSED = re.compile(
    r"The client '(?P<client>[^']+)' with object id '(?P<object_id>[^']+)' does not have (?:authorization|permission)"
    r" to perform action '(?P<action>[^']+)' (?:over|at) scope '(?P<scope>[^']+)'"
)
_ML = r"Microsoft\.MachineLearningServices/workspaces/"
_DATA_SCIENCE = "jobs|experiments|environments|models|data|components|codes|datastores|onlineEndpoints|batchEndpoints|schedules|metadata"
_ROLES = (
    (rf"{_ML}computes/(?:write|delete|.+/action)", "AzureML Compute Operator"),
    (rf"{_ML}(?:{_DATA_SCIENCE})/", "AzureML Data Scientist"),
    (rf"{_ML}(?:write|delete)", "Contributor"),
    (r"Microsoft\.Authorization/roleAssignments/write", "Role Based Access Control Administrator"),
    (r"Microsoft\.EventGrid/", "EventGrid EventSubscription Contributor"),
    (r"Microsoft\.ManagedIdentity/.*/assign/action", "Managed Identity Operator"),
    (r"Microsoft\.Network/.*/join/action", "Network Contributor"),
    (r".*/read$", "Reader"),
)
_DEFAULT = "Contributor"
_NEW = re.compile(
    r"/providers/(?:Microsoft\.Resources/deployments/|(?:.*/providers/)?Microsoft\.Authorization/roleAssignments/).*$",
    re.IGNORECASE,
)
"""What a template makes: deployments, and role assignments, most of them on resources that it makes too."""


def needed_role(action: str) -> str:
    """Return the smallest built-in role for a resource provider action."""
    # A read of jobs, models and so on is in the Data Scientist role too; the first pattern that fits is the most special one.
    return next((role for pattern, role in _ROLES if re.match(pattern, action, re.IGNORECASE)), _DEFAULT)


def explain_refusal(message: str) -> tuple[str, str] | None:
    """Return (what is missing, the command that assigns it) for ARM's AuthorizationFailed, None for another text."""
    match = _REFUSED.search(message)
    if match is None:
        return None
    role = needed_role(match["action"])
    # An assignment on what does not exist yet must be made on its resource group.
    scope = _NEW.sub("", match["scope"])
    command = (
        f"az role assignment create --assignee-object-id {match['object_id']} --assignee-principal-type ServicePrincipal "
        f'--role "{role}" --scope {scope}'
    )
    return f"the service principal may not do {match['action']} on {match['scope']}", command
