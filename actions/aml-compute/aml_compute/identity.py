"""The managed identity of a compute target."""

from __future__ import annotations

from typing import Any

from aml_compute.parameters import ComputeParameters


def identity(parameters: ComputeParameters) -> Any:  # noqa: ANN401 - the SDK's IdentityConfiguration, or None
    """Return the identity that the parameters ask for, None when they ask for none."""
    from azure.ai.ml.entities import IdentityConfiguration, ManagedIdentityConfiguration

    if parameters.identity_type == "SystemAssigned":
        return IdentityConfiguration(type="system_assigned")
    if parameters.identity_type == "UserAssigned":
        identities = [ManagedIdentityConfiguration(resource_id=one) for one in parameters.identity_id or ()]
        return IdentityConfiguration(type="user_assigned", user_assigned_identities=identities)
    return None
