"""What a rollout has led to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aml_deploy.smoke_test import Verdict

if TYPE_CHECKING:
    from azure.ai.ml.entities import OnlineEndpoint


@dataclass
class Outcome:
    """A rollout that succeeded.

    Attributes:
        deployment: name of the deployment that this step made.
        endpoint: as it is at the end, or None when it was deleted as asked for.
        created_endpoint: this step made the endpoint.
        test: what the test said, or None when there was none.
        removed: deployments of earlier rollouts that were deleted.
        others: deployments that were there before and are not ours to delete.
    """

    deployment: str
    endpoint: OnlineEndpoint | None
    created_endpoint: bool
    test: Verdict | None = None
    removed: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def traffic(self) -> Mapping[str, int]:
        """Percent by deployment, for every deployment that is left."""
        shares = self.endpoint.traffic if self.endpoint else {}
        return {name: share for name, share in shares.items() if name not in self.removed}
