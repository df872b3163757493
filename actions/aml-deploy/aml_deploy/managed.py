"""Managed online endpoints: Azure rents the machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aml_actions.errors import ActionError
from aml_deploy import entities
from aml_deploy.names import LONGEST
from aml_deploy.parameters import DeployParameters
from aml_deploy.sizing import Size

if TYPE_CHECKING:
    from azure.ai.ml.entities import ManagedOnlineDeployment, ManagedOnlineEndpoint, OnlineEndpoint


@dataclass(frozen=True)
class Managed:
    """A managed online endpoint.

    Attributes:
        size: machine.
        parameters: of the user.
    """

    size: Size
    parameters: DeployParameters

    @property
    def machines(self) -> str:
        """Number and size of the machines, and why."""
        return f"{self.parameters.instance_count} x {self.size.instance_type} ({self.size.reason})"

    def longest_deployment_name(self, endpoint: str) -> int:
        """Return what Azure allows for every deployment."""
        return LONGEST

    def facts(self) -> dict[str, Any]:
        """Return number and size of the machines."""
        return {
            "compute": None,
            "instance_type": self.size.instance_type,
            "instance_count": self.parameters.instance_count,
        }

    def refuse(self, endpoint: OnlineEndpoint) -> None:
        """Refuse a Kubernetes endpoint.

        Raises:
            ActionError: it is one.
        """
        compute = str(getattr(endpoint, "compute", None) or "")
        if compute:
            name = compute.rsplit("/", 1)[-1]
            raise ActionError(
                f"The endpoint {endpoint.name} is a Kubernetes endpoint, and this would be a managed deployment.",
                value=f"{endpoint.name} on compute {name}",
                cause="an endpoint keeps its kind for as long as it exists",
                fix=f'set "deployment_compute_target": "{name}" to deploy there, or another name, or delete the endpoint: '
                f"`az ml online-endpoint delete --yes --name {endpoint.name}`",
                key="name",
            )

    def endpoint(self, common: dict[str, Any]) -> ManagedOnlineEndpoint:
        """Return the endpoint as it is created."""
        from azure.ai.ml.entities import ManagedOnlineEndpoint

        return ManagedOnlineEndpoint(**common)

    def deployment(self, common: dict[str, Any]) -> ManagedOnlineDeployment:
        """Return the deployment as it is created. Settings of the service are left to it unless they are given."""
        from azure.ai.ml.entities import ManagedOnlineDeployment

        return ManagedOnlineDeployment(
            **common,
            instance_type=self.size.instance_type,
            instance_count=self.parameters.instance_count,
            request_settings=entities.request_settings(self.parameters),
            liveness_probe=entities.liveness_probe(self.parameters),
        )
