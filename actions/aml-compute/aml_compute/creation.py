"""Creating a cluster of AmlCompute."""

from __future__ import annotations

from typing import Any

from aml_actions.errors import ActionError, TimedOut
from aml_actions.polling import wait_for_poller
from aml_actions.step import Step
from aml_compute.parameters import ComputeParameters

TIMEOUT = 1800.0
"""Seconds until a cluster is ready; with no nodes to start it takes some seconds, with nodes minutes."""
_SIZE = "Standard_DS3_v2"
_TIERS = {"dedicated": "dedicated", "lowpriority": "low_priority"}
_SSH_PORT = {"Enabled": True, "Disabled": False, "NotSpecified": None}


def create(step: Step[ComputeParameters], name: str) -> None:
    """Create the cluster and wait until Azure has ended that operation.

    A cluster that failed while it was made is deleted again: nobody could use it, and it would be in the way of the next run.

    Raises:
        ActionError: the parameters ask for what SDK v2 cannot create, Azure refused, or it took too long.
    """
    _refuse_what_cannot_be_created(step, name)
    step.workflow.info(f"Creating compute {name}")
    try:
        with step.doing(f"creating compute {name}"):
            poller = step.ml_client().compute.begin_create_or_update(_entity(step, name))
            wait_for_poller(poller, what=f"compute {name}", say=step.workflow.info, timeout=TIMEOUT)
    except TimedOut:
        raise  # it goes on in Azure
    except ActionError as refused:
        refused.what += _take_back(step, name)
        raise


def _take_back(step: Step[ComputeParameters], name: str) -> str:
    """Delete the cluster if it is in the state Failed, and return a sentence about what is there now."""
    from azure.core.exceptions import AzureError, ResourceNotFoundError

    computes = step.ml_client().compute
    try:
        found = computes.get(name).provisioning_state
        state = str(getattr(found, "value", found))  # an enumeration whose text is not the service's word
        if state.lower() != "failed":
            return f" Compute {name} is there, in the state {state}."
        wait_for_poller(
            computes.begin_delete(name), what=f"deletion of compute {name}", say=step.workflow.info, timeout=TIMEOUT
        )
    except ResourceNotFoundError:
        return " Nothing was created."
    except (AzureError, ActionError) as error:
        step.workflow.debug(f"the failed compute could not be deleted: {error}")
        return f" Compute {name} is left in a bad state: delete it before the next run."
    return f" The failed compute {name} was deleted again."


def _refuse_what_cannot_be_created(step: Step[ComputeParameters], name: str) -> None:
    file = f".cloud/.azure/{step.inputs['parameters_file']}"
    kind = step.parameters.compute_type
    if kind is None:
        raise ActionError(
            f"The compute target {name} does not exist, and without compute_type it cannot be created.",
            allowed='"compute_type": "amlcluster", or the name of an existing target',
            cause="a typing error in name, or another workspace",
            fix=f"correct name in {file}, or add compute_type",
        )
    if kind == "akscluster":
        workspace = step.workspace()
        raise ActionError(
            f"The Kubernetes cluster {name} is not attached to the workspace, and SDK v2 cannot create one.",
            cause="SDK v1 created AKS clusters; version 2 only attaches existing ones",
            fix=f"create it (`az aks create`), install the extension (`az k8s-extension create --extension-type "
            f"Microsoft.AzureML.Kubernetes`), then attach it: `az ml compute attach --type Kubernetes --name {name} "
            f"--resource-id <cluster> --workspace-name {workspace.name} --resource-group {workspace.resource_group}`",
            anchor="docs/troubleshooting.md#akscluster",
        )


def _entity(step: Step[ComputeParameters], name: str) -> Any:  # noqa: ANN401 - the SDK's AmlCompute
    from azure.ai.ml.entities import AmlCompute

    parameters = step.parameters
    return AmlCompute(
        name=name,
        description=f"Created by {step.spec.name} for {step.runner.repository}",
        tags=step.runner.stamp(),
        size=parameters.vm_size or _SIZE,
        tier=_TIERS[parameters.vm_priority],
        min_instances=parameters.min_nodes,
        max_instances=parameters.max_nodes,
        idle_time_before_scale_down=parameters.idle_seconds_before_scaledown,
        ssh_public_access_enabled=_SSH_PORT[parameters.remote_login_port_public_access],
        ssh_settings=_ssh(step),
        network_settings=_network(step),
        identity=_identity(parameters),
    )


def _ssh(step: Step[ComputeParameters]) -> Any:  # noqa: ANN401 - the SDK's AmlComputeSshSettings, or None
    from azure.ai.ml.entities import AmlComputeSshSettings

    user = step.secrets.get("ADMIN_USER_NAME")
    password, key = step.secrets.get("ADMIN_USER_PASSWORD"), step.secrets.get("ADMIN_USER_SSH_KEY")
    if user and password:
        return AmlComputeSshSettings(admin_username=user, admin_password=password)
    if user and key:
        return AmlComputeSshSettings(admin_username=user, ssh_key_value=key)
    if user or password or key:
        step.workflow.warning(
            "No SSH user is made: ADMIN_USER_NAME and one of ADMIN_USER_PASSWORD, ADMIN_USER_SSH_KEY are needed.",
            step.spec.name,
        )
    return None


def _network(step: Step[ComputeParameters]) -> Any:  # noqa: ANN401 - the SDK's NetworkSettings, or None
    from azure.ai.ml.entities import NetworkSettings

    parameters = step.parameters
    group, network, subnet = parameters.vnet_resource_group_name, parameters.vnet_name, parameters.subnet_name
    if group and network and subnet:
        # The whole id: given only names, the SDK would look in the resource group of the workspace.
        subscription = step.workspace().subscription_id
        virtual_network = f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/virtualNetworks/{network}"
        return NetworkSettings(subnet=f"{virtual_network}/subnets/{subnet}")
    if group or network or subnet:
        step.workflow.warning(
            "The cluster is made outside a virtual network: vnet_resource_group_name, vnet_name and subnet_name are needed, all three.",
            step.spec.name,
        )
    return None


def _identity(parameters: ComputeParameters) -> Any:  # noqa: ANN401 - the SDK's IdentityConfiguration, or None
    from azure.ai.ml.entities import IdentityConfiguration, ManagedIdentityConfiguration

    if parameters.identity_type == "SystemAssigned":
        return IdentityConfiguration(type="system_assigned")
    if parameters.identity_type == "UserAssigned":
        identities = [ManagedIdentityConfiguration(resource_id=one) for one in parameters.identity_id or ()]
        return IdentityConfiguration(type="user_assigned", user_assigned_identities=identities)
    return None
