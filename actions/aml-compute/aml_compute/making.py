"""Making a compute target, and taking back one that went wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from aml_actions.errors import ActionError, TimedOut
from aml_actions.polling import wait_for_poller
from aml_actions.step import Step
from aml_compute.parameters import ComputeParameters

TIMEOUT = 1800.0
"""Seconds until a target is ready; a cluster with no nodes to start takes some seconds, with nodes minutes."""
_PARTICIPLES = {"Delete": "deleted", "Detach": "detached"}


def make(
    step: Step[ComputeParameters],
    name: str,
    begin: Callable[[Any], Any],
    *,
    doing: str,
    undo: Literal["Delete", "Detach"],
) -> None:
    """Start the operation that makes a target, and wait until Azure has ended it.

    A target that failed while it was made is taken back: nobody could use it, and it would be in the way of the next run.

    Args:
        step: the step.
        name: of the target.
        begin: given the SDK's operations on computes, starts the operation and returns its poller.
        doing: what the step is about, such as ``creating compute cpu``.
        undo: how it is taken back. What was attached is only ever detached.

    Raises:
        ActionError: Azure refused, or it took too long.
    """
    step.workflow.info(f"{doing[0].upper()}{doing[1:]}")
    try:
        with step.doing(doing):
            poller = begin(step.ml_client().compute)
            wait_for_poller(poller, what=f"compute {name}", say=step.workflow.info, timeout=TIMEOUT)
    except TimedOut:
        raise  # it goes on in Azure
    except ActionError as refused:
        refused.what += _take_back(step, name, undo)
        raise


def _take_back(step: Step[ComputeParameters], name: str, undo: Literal["Delete", "Detach"]) -> str:
    """Remove the target if it is in the state Failed, and return a sentence about what is there now."""
    from azure.core.exceptions import AzureError, ResourceNotFoundError

    computes = step.ml_client().compute
    try:
        found = computes.get(name).provisioning_state
        state = str(getattr(found, "value", found))  # an enumeration whose text is not the service's word
        if state.lower() != "failed":
            return f" Compute {name} is there, in the state {state}."
        poller = computes.begin_delete(name, action=undo)
        wait_for_poller(poller, what=f"removal of compute {name}", say=step.workflow.info, timeout=TIMEOUT)
    except ResourceNotFoundError:
        return " Nothing was created."
    except (AzureError, ActionError) as error:
        step.workflow.debug(f"the failed compute could not be removed: {error}")
        return f" Compute {name} is left in a bad state: {undo.lower()} it before the next run."
    return f" The failed compute {name} was {_PARTICIPLES[undo]} again."
