"""Finding the Kubernetes compute that a parameters file names; another target is never taken instead."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from aml_actions.errors import ActionError

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

    from aml_actions.rest import AzureRest
    from aml_actions.workspace import WorkspaceRef

API_VERSION = "2024-10-01"
KEY = "deployment_compute_target"
ANCHOR = "docs/troubleshooting.md#akscluster"
_NAME = re.compile(r"[a-zA-Z0-9-]+")
_ATTACH = (
    'attach it with aml-compute: "resource_id" in compute.json is the Azure resource id of the AKS or Arc cluster, on which the '
    "Azure ML extension must be installed (`az k8s-extension create --extension-type Microsoft.AzureML.Kubernetes`)"
)


def find(client: MLClient, rest: AzureRest, workspace: WorkspaceRef, name: str) -> str:
    """Return the Azure resource id of an attached Kubernetes compute.

    Args:
        client: of the workspace.
        rest: for the one question that the SDK does not answer: which kind of compute an old AKS target is.
        workspace: to which the compute is attached.
        name: of the compute.

    Raises:
        ActionError: there is none of that name, it is of another kind, or it is not ready.
        azure.core.exceptions.AzureError: the workspace cannot be asked.
    """
    from azure.core.exceptions import HttpResponseError

    if not _NAME.fullmatch(name):  # it becomes part of an address
        raise _not_found(client, workspace, name)
    try:
        found = rest.get(f"{workspace.arm_id}/computes/{name}", {"api-version": API_VERSION})
    except HttpResponseError as error:
        if error.status_code != 404:
            raise
        raise _not_found(client, workspace, name) from None
    properties = found.get("properties") or {}
    kind, state = str(properties.get("computeType") or ""), str(properties.get("provisioningState") or "")
    if kind != "Kubernetes":
        raise _wrong_kind(client, workspace, name, kind)
    if state != "Succeeded":
        raise ActionError(
            f"The Kubernetes compute {name} is not ready: its state is {state or 'unknown'}.",
            value=name,
            fix=f"look at it with `az ml compute show --name {name}`; detach and attach it again when it has failed",
            anchor=ANCHOR,
            key=KEY,
        )
    return str(found["id"])


def _not_found(client: MLClient, workspace: WorkspaceRef, name: str) -> ActionError:
    """Say what is attached instead. Listing fails when it is the workspace that does not exist, and that is told then."""
    attached = _attached(client)
    near = difflib.get_close_matches(name, attached, n=1)
    return ActionError(
        f"The compute {name}, which {KEY} names, is not in {workspace}. The service is not put elsewhere instead.",
        value=name,
        allowed=_allowed(attached),
        fix=f"did you mean {near[0]}? Otherwise {_ATTACH}" if near else _ATTACH,
        anchor=ANCHOR,
        key=KEY,
    )


def _wrong_kind(client: MLClient, workspace: WorkspaceRef, name: str, kind: str) -> ActionError:
    what, cause = f"{kind or 'of an unknown kind'}, which serves no online endpoint", None
    fix = _ATTACH
    if kind == "AKS":
        what = "an inference cluster of SDK v1 (AKS)"
        cause = "Azure no longer creates online endpoints or deployments on computes of type AKS"
        fix = f"install the Azure ML extension on the cluster, detach the old compute, and {_ATTACH}"
    elif kind == "AmlCompute":
        what = "a cluster for jobs (AmlCompute), which serves no online endpoint"
        fix = f"remove {KEY} to deploy to a managed online endpoint; to deploy to Kubernetes, {_ATTACH}"
    return ActionError(
        f"The compute {name}, which {KEY} names, is {what}.",
        value=f"{name} in {workspace}",
        allowed=_allowed(_attached(client)),
        cause=cause,
        fix=fix,
        anchor=ANCHOR,
        key=KEY,
    )


def _attached(client: MLClient) -> list[str]:
    return sorted(str(one.name) for one in client.compute.list() if str(one.type).lower() == "kubernetes")


def _allowed(attached: list[str]) -> str:
    return (
        "the attached Kubernetes computes: " + ", ".join(attached) if attached else "no Kubernetes compute is attached"
    )
