"""Where a service runs: on a managed online endpoint, or on an attached Kubernetes compute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from azure.ai.ml.entities import OnlineDeployment, OnlineEndpoint


class Target(Protocol):
    """What of a rollout depends on the place."""

    @property
    def machines(self) -> str:
        """What the service runs on, for people, such as ``1 x Standard_DS3_v2 (for cpu_cores 1 and memory_gb 2)``."""

    def longest_deployment_name(self, endpoint: str) -> int:
        """Return the number of characters that the name of a deployment on an endpoint of that name may have."""

    def facts(self) -> dict[str, Any]:
        """Return the same for programs: the keys of the output `result` that say where the service runs."""

    def refuse(self, endpoint: OnlineEndpoint) -> None:
        """Refuse an existing endpoint that is of another kind.

        Raises:
            ActionError: no deployment for this target can be put on it.
        """

    def endpoint(self, common: dict[str, Any]) -> OnlineEndpoint:
        """Return the endpoint as it is created; `common` holds what does not depend on the place."""

    def deployment(self, common: dict[str, Any]) -> OnlineDeployment:
        """Return the deployment as it is created; `common` holds what does not depend on the place."""
