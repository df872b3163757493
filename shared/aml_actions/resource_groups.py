"""Resource groups: looked for, and created where that is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aml_actions.errors import ActionError

if TYPE_CHECKING:
    from azure.mgmt.resource.resources import ResourceManagementClient

    from aml_actions.step import Step


def location_of(step: Step[Any], name: str) -> str | None:
    """Return the region of a resource group of the step's subscription, None when it does not exist.

    Raises:
        ActionError: Azure refused.
    """
    from azure.core.exceptions import ResourceNotFoundError

    with step.doing(f"looking for resource group {name}"), _client(step) as client:
        try:
            return str(client.resource_groups.get(name).location)
        except ResourceNotFoundError:
            return None


def create(step: Step[Any], name: str, location: str) -> None:
    """Create a resource group, with tags that lead back to the run.

    Raises:
        ActionError: Azure refused.
    """
    step.workflow.info(f"Creating resource group {name} in {location}")
    with step.doing(f"creating resource group {name}"), _client(step) as client:
        client.resource_groups.create_or_update(name, {"location": location, "tags": step.runner.stamp()})


def ensure_resource_group(step: Step[Any], name: str, location: str) -> str:
    """Return the region of a resource group, which is created in `location` when it does not exist.

    Raises:
        ActionError: it does not exist and no region is given, or Azure refused.
    """
    found = location_of(step, name)
    if found is not None:
        return found
    if not location:
        raise ActionError(
            f"The resource group {name} does not exist, and without a region it cannot be created.",
            allowed="a region in the input location, such as westeurope",
            fix=f"set location, or create the group: az group create --name {name} --location <region>",
        )
    create(step, name, location)
    return location


@contextmanager
def _client(step: Step[Any]) -> Iterator[ResourceManagementClient]:
    from azure.mgmt.resource.resources import ResourceManagementClient

    with ResourceManagementClient(
        step.credential,
        step.credentials.subscription_id,
        base_url=step.cloud.resource_manager,
        credential_scopes=[f"{step.cloud.resource_manager}/.default"],
        user_agent=step.user_agent,
    ) as client:
        yield client
