"""Creating a cluster of AmlCompute."""

from __future__ import annotations

from typing import Any

from aml_actions.errors import ActionError
from aml_actions.step import Step
from aml_compute.identity import identity
from aml_compute.making import make
from aml_compute.parameters import ComputeParameters

_SIZE = "Standard_DS3_v2"
_TIERS = {"dedicated": "dedicated", "lowpriority": "low_priority"}
_SSH_PORT = {"Enabled": True, "Disabled": False, "NotSpecified": None}


def create(step: Step[ComputeParameters], name: str) -> None:
    """Create the cluster.

    Raises:
        ActionError: nothing says which kind of target is wanted, Azure refused, or it took too long.
    """
    if step.parameters.kind is None:
        raise ActionError(
            f"The compute target {name} does not exist, and without compute_type it cannot be created.",
            allowed='"compute_type": "amlcluster", or the name of an existing target',
            cause="a typing error in name, or another workspace",
            fix=f"correct name in .cloud/.azure/{step.inputs['parameters_file']}, or add compute_type",
        )
    make(
        step,
        name,
        lambda computes: computes.begin_create_or_update(entity(step, name)),
        doing=f"creating compute {name}",
        undo="Delete",
    )


def entity(step: Step[ComputeParameters], name: str) -> Any:  # noqa: ANN401 - the SDK's AmlCompute
    """Return the cluster as the parameters and the environment secrets describe it."""
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
        identity=identity(parameters),
    )


def _ssh(step: Step[ComputeParameters]) -> Any:  # noqa: ANN401 - the SDK's AmlComputeSshSettings, or None
    from azure.ai.ml.entities import AmlComputeSshSettings

    user = step.secrets.get("ADMIN_USER_NAME")
    password, key = step.secrets.get("ADMIN_USER_PASSWORD"), step.secrets.get("ADMIN_USER_SSH_KEY")
    if user and password:
        return AmlComputeSshSettings(admin_username=user, admin_password=password)
    if user and key:
        return AmlComputeSshSettings(admin_username=user, ssh_key_value=key)
    return None


def _network(step: Step[ComputeParameters]) -> Any:  # noqa: ANN401 - the SDK's NetworkSettings, or None
    from azure.ai.ml.entities import NetworkSettings

    parameters = step.parameters
    group, network, subnet = parameters.vnet_resource_group_name, parameters.vnet_name, parameters.subnet_name
    if not (group and network and subnet):
        return None
    # The whole id: given only names, the SDK would look in the resource group of the workspace.
    subscription = step.workspace().subscription_id
    virtual_network = (
        f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/virtualNetworks/{network}"
    )
    return NetworkSettings(subnet=f"{virtual_network}/subnets/{subnet}")
