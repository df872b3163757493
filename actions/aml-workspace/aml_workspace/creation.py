"""Creating a workspace, and its resource group before it."""

from __future__ import annotations

from typing import Any

from aml_actions import resource_groups, resource_ids
from aml_actions.azure_errors import explain
from aml_actions.client import quiet
from aml_actions.errors import ActionError
from aml_actions.polling import wait_for_poller
from aml_actions.providers import Providers
from aml_actions.step import Step
from aml_actions.workspace import WorkspaceRef
from aml_workspace.check import half_of_a_key
from aml_workspace.parameters import WorkspaceParameters

PROVIDERS = (
    "Microsoft.MachineLearningServices",
    "Microsoft.Storage",
    "Microsoft.KeyVault",
    "Microsoft.Insights",
    "Microsoft.OperationalInsights",
    "Microsoft.ContainerRegistry",
)
"""Resource providers of a workspace and of what it rests on; the registry comes with the first image."""
_TIMEOUT = 1800.0
"""Seconds for a workspace with its storage account, key vault and Application Insights; usually two minutes."""


def create(step: Step[WorkspaceParameters], ref: WorkspaceRef) -> None:
    """Create the workspace, and its resource group when that is missing and wanted.

    Raises:
        ActionError: refused by Azure, impossible with these parameters, or not ready in time. It says what was left behind.
    """
    problem = half_of_a_key(step.parameters)
    if problem:
        raise problem
    with step.doing("registering resource providers"):
        Providers(step.rest(), ref.subscription_id, step.workflow.info).ensure(PROVIDERS)
    location = _ensure_resource_group(step, ref)
    step.workflow.info(f"Creating {ref}")
    try:
        client = step.ml_client(ref)
        with quiet():
            poller = client.workspaces.begin_create(entity(step, ref, location))
        # The SDK's poller wraps the one of the ARM deployment, reports to a logger and hides the reason of a failure when a
        # part of the deployment has no error body. The inner one is all that is needed.
        deployment = getattr(poller.polling_method(), "poller", poller)
        wait_for_poller(deployment, what=str(ref), say=step.workflow.info, timeout=_TIMEOUT)
    except Exception as error:
        refused = explain(error, doing=f"creating {ref}")
        if refused is None:
            raise
        left = f"Parts of the workspace (storage account, key vault) may be left in the resource group {ref.resource_group}."
        refused.details = "\n\n".join(part for part in (refused.details, left) if part)
        raise refused from error


def _ensure_resource_group(step: Step[WorkspaceParameters], ref: WorkspaceRef) -> str:
    """Return the region of the resource group; create the group if need be."""
    name, wanted = ref.resource_group, step.parameters.location
    found = resource_groups.location_of(step, name)
    if found is not None:
        return found
    if not step.parameters.create_resource_group:
        raise ActionError(
            f"The resource group {name} does not exist in subscription {ref.subscription_id}.",
            allowed="an existing resource group, or create_resource_group: true",
            fix=f"az group create --name {name} --location <region>, or set create_resource_group to true",
        )
    if not wanted:
        raise ActionError(
            f"The resource group {name} does not exist, and without a region it cannot be created.",
            allowed="a region in the parameter location, such as westeurope",
            fix=f"add location to .cloud/.azure/{step.inputs['parameters_file']}",
        )
    resource_groups.create(step, name, wanted)
    return wanted


def entity(step: Step[WorkspaceParameters], ref: WorkspaceRef, group_location: str) -> Any:  # noqa: ANN401 - the SDK's Workspace
    """Return the workspace as the parameters describe it, in the region of its resource group unless they name one."""
    from azure.ai.ml.entities import CustomerManagedKey, Workspace

    parameters = step.parameters
    key = None
    if parameters.cmk_key_vault and parameters.resource_cmk_uri:
        key = CustomerManagedKey(key_vault=_full_id(parameters.cmk_key_vault, ref), key_uri=parameters.resource_cmk_uri)
    return Workspace(
        name=ref.name,
        resource_group=ref.resource_group,
        location=parameters.location or group_location,
        display_name=parameters.friendly_name or ref.name,
        description=f"Created by {step.spec.name} for {step.runner.repository}",
        tags=step.runner.stamp(),
        storage_account=_full_id(parameters.storage_account, ref),
        key_vault=_full_id(parameters.key_vault, ref),
        application_insights=_full_id(parameters.app_insights, ref),
        container_registry=_full_id(parameters.container_registry, ref),
        customer_managed_key=key,
        hbi_workspace=parameters.hbi_workspace,
    )


def _full_id(resource: str | None, ref: WorkspaceRef) -> str | None:
    return None if resource is None else resource_ids.expanded(resource, ref)
