"""What a compute says about jobs that wait for its nodes. It refuses nothing: a job stays queued while the cluster has an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aml_actions.azure_errors import explain
from aml_actions.service_error import ServiceError
from aml_run.job_service import JobService

_FIXES = {
    "ClusterCoreQuotaReached": "wait for other clusters, lower their smallest number of nodes, or ask for quota: https://ml.azure.com/quota",
    "ClusterMinNodesExceedCoreQuota": "another family of sizes, or ask for quota: https://ml.azure.com/quota",
    "VmSizeNotSupported": "`az ml compute list-sizes --location <region>` shows the sizes of a region",
    "DiskFull": "scale the cluster to 0 nodes and up again, or use a size with a larger disk",
    "AllocationFailed": "Azure has no such machine in this region now: try later, another size, or another region",
}
"""What helps against an error of a cluster, by its code (error-codes: compute)."""


def why_waiting(jobs: JobService, compute: str, kind: str) -> list[str]:
    """Return what is known of why a job waits for nodes, the errors of the cluster first.

    Args:
        jobs: of the workspace.
        compute: its name; empty for serverless compute and for pipelines whose steps name their own.
        kind: type of the job.

    """
    from azure.core.exceptions import AzureError

    if not compute:
        if kind == "pipeline":
            return ["The steps of the pipeline name their computes themselves; Studio shows which one waits."]
        return [
            "The job uses serverless compute: the quota of its family of sizes, or its region's capacity, is used up."
        ]
    try:
        resource = jobs.compute(compute)
    except AzureError as error:
        known = explain(error, doing=f"reading compute {compute}")
        return [str(known.what if known else error).splitlines()[0]]
    return told(compute, resource)


def told(compute: str, resource: Mapping[str, Any]) -> list[str]:
    """Return sentences about a compute resource as Azure Resource Manager answers it."""
    outer = _object(resource.get("properties"))
    inner = _object(outer.get("properties"))
    lines = []
    for reported in [*_list(outer.get("provisioningErrors")), *_list(inner.get("errors"))]:
        error = ServiceError.from_body(reported)
        fix = _FIXES.get(error.code)
        lines.append(f"Compute {compute}: {error.text}" + (f" Fix: {fix}." if fix else ""))
    state = str(outer.get("provisioningState") or "")
    if state not in ("", "Succeeded"):
        lines.append(f"Compute {compute} is {state}.")
    most = _object(inner.get("scaleSettings")).get("maxNodeCount")
    counts = {
        name.removesuffix("NodeCount"): number
        for name, number in _object(inner.get("nodeStateCounts")).items()
        if isinstance(number, int) and number
    }
    if most is not None:
        nodes = ", ".join(f"{number} {name}" for name, number in counts.items()) or "none"
        size = f" ({inner['vmSize']})" if inner.get("vmSize") else ""
        lines.append(
            f"Compute {compute}{size} may have {_nodes(most)} and has: {nodes}; allocation {inner.get('allocationState') or 'unknown'}."
        )
        if isinstance(most, int) and most and counts.get("running", 0) >= most:
            lines.append(
                f"Other jobs have all of them. Fix: wait, or `az ml compute update --name {compute} --max-instances <more>`."
            )
        if most == 0:
            lines.append(f"No node is allowed. Fix: `az ml compute update --name {compute} --max-instances 1`.")
    elif inner.get("state") not in (None, "Running", "JobRunning"):
        lines.append(f"Compute {compute} is {inner['state']}. Fix: `az ml compute start --name {compute}`.")
    return lines


def _nodes(number: Any) -> str:  # noqa: ANN401 - any JSON
    return f"{number} node" if number == 1 else f"{number} nodes"


def _object(value: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:  # noqa: ANN401 - any JSON
    return value if isinstance(value, list) else []
