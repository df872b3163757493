"""What stands on an endpoint before a rollout."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aml_actions.errors import ActionError
from aml_deploy.endpoints import IN_PROGRESS, OnlineEndpoints, state_of
from aml_deploy.order import Order

if TYPE_CHECKING:
    from azure.ai.ml.entities import OnlineEndpoint


@dataclass(frozen=True)
class Before:
    """The endpoint as a rollout finds it.

    Attributes:
        endpoint: None when there is none.
        made_here: this action made it, for this repository.
        older: deployments of earlier rollouts, which the new one replaces.
        others: every other deployment; none of them is ever deleted.
    """

    endpoint: OnlineEndpoint | None
    made_here: bool
    older: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def traffic(self) -> Mapping[str, int]:
        """Percent by deployment, without those that get none."""
        return {name: share for name, share in (self.endpoint.traffic if self.endpoint else {}).items() if share}


def look(order: Order, endpoints: OnlineEndpoints, warn: Callable[[str], None]) -> Before:
    """Look at the endpoint, once no operation runs on it, and refuse one that cannot be used.

    A deployment that is still being made counts as one of others, even when it is ours: it belongs to a run that goes on,
    or was cancelled, and then the next rollout finds it ready and replaces it.

    Raises:
        ActionError: it is of another kind than the target, a failed one, or one that a smoke test must not delete.
        TimedOut: an operation on it does not end.
    """
    endpoint = endpoints.settled(order.endpoint)
    if endpoint is None:
        return Before(None, made_here=False)
    _refuse_unusable(endpoint, order)
    present = endpoints.deployments(order.endpoint)
    mine = [one for one in present if order.made_here(one.tags)]
    older = tuple(str(one.name) for one in mine if state_of(one) not in IN_PROGRESS)
    others = tuple(str(one.name) for one in present if str(one.name) not in older)
    before = Before(endpoint, order.made_here(endpoint.tags), older, others)
    if order.parameters.delete_service_after_deployment and (others or not before.made_here):
        raise ActionError(
            f"delete_service_after_deployment would delete the endpoint {order.endpoint}, which holds more than this action "
            "made for this repository.",
            value=f"deployments: {', '.join(others)}" if others else f"endpoint {order.endpoint}",
            fix="give the smoke test an endpoint of its own: another name in its parameters file",
        )
    if endpoint.auth_mode != order.auth_mode:
        warn(
            f"The endpoint {order.endpoint} exists and takes {endpoint.auth_mode}, not {order.auth_mode}: that is kept. "
            "Delete the endpoint to change it."
        )
    return before


def _refuse_unusable(endpoint: OnlineEndpoint, order: Order) -> None:
    order.target.refuse(endpoint)
    if state_of(endpoint) == "Failed":
        raise ActionError(
            f"The endpoint {order.endpoint} is in state Failed; Azure takes no deployment on it.",
            value=order.endpoint,
            fix=f"delete it, then run the job again: `az ml online-endpoint delete --yes --name {order.endpoint}`",
        )
