"""How the traffic of an online endpoint may be divided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aml_emulator import ids
from aml_emulator.ml.scope import refused

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body

DEPLOYMENT_TYPE = f"{ids.PROVIDER}/workspaces/onlineEndpoints/deployments"


def checked(emulator: Emulator, endpoint_id: str, traffic: Body) -> dict[str, int]:
    """The percentages by the deployments' own names.

    Raises:
        ServiceError: 400 for a deployment that does not exist or cannot serve, a percentage that is none, or a sum that is neither
            0 nor 100.

    """
    deployments = {item.name.lower(): item for item in emulator.resources.list(endpoint_id, DEPLOYMENT_TYPE)}
    for name, percent in traffic.items():
        if not isinstance(percent, int) or isinstance(percent, bool) or not 0 <= percent <= 100:
            raise refused(
                f"Traffic of deployment '{name}' is {percent}; allowed are whole numbers from 0 to 100.",
                target="traffic",
            )
        deployment = deployments.get(name.lower())
        if deployment is None:
            known = ", ".join(item.name for item in deployments.values()) or "none"
            raise refused(
                f"Traffic names the deployment '{name}', which endpoint {ids.name_of(endpoint_id)} does not have. It has: {known}.",
                "BadArgument",
                "ArgumentInvalid",
                "DeploymentNotFound",
                target="traffic",
            )
        state = deployment.properties["provisioningState"]
        if percent and state in ("Failed", "Creating", "Deleting"):
            raise refused(
                f"Traffic cannot go to deployment '{name}', whose provisioning state is {state}.", target="traffic"
            )
    total = sum(traffic.values())
    if total not in (0, 100):
        raise refused(f"The sum of all traffic must be 0 or 100 percent; it is {total}.", target="traffic")
    return {deployments[name.lower()].name: percent for name, percent in traffic.items()}
