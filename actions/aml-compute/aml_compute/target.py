"""A compute target as Azure Resource Manager describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

API_VERSION = "2024-10-01"
ATTACHED = ("Kubernetes", "AKS")
"""Kinds of targets that stand for a Kubernetes cluster; ``AKS`` is how SDK v1 attached one."""


@dataclass(frozen=True)
class Target:
    """What is of interest of a compute target.

    Attributes:
        name: of the target.
        kind: ``AmlCompute``, ``Kubernetes``, ``AKS``, ``ComputeInstance``, ...
        state: provisioning state; ``Succeeded`` is the good one.
        size: VM size; empty for other kinds than clusters and instances.
        tier: ``Dedicated`` or ``LowPriority``.
        min_nodes: for clusters.
        max_nodes: for clusters.
        nodes: nodes that exist now.
        resource_id: of the cluster behind an attached target.
        namespace: of that cluster, for Kubernetes.
        problems: ``code: message`` of what the service reports; a cluster that cannot grow has them beside a good state.
    """

    name: str
    kind: str
    state: str
    size: str = ""
    tier: str = ""
    min_nodes: int | None = None
    max_nodes: int | None = None
    nodes: int | None = None
    resource_id: str | None = None
    namespace: str | None = None
    problems: tuple[str, ...] = ()

    @classmethod
    def from_resource(cls, resource: Mapping[str, Any]) -> Target:
        """Read the answer of ``GET .../computes/<name>``."""
        outer = _object(resource.get("properties"))
        inner = _object(outer.get("properties"))
        scale = _object(inner.get("scaleSettings"))
        reported = [*_list(outer.get("provisioningErrors")), *_list(inner.get("errors"))]
        return cls(
            name=str(resource.get("name") or ""),
            kind=str(outer.get("computeType") or ""),
            state=str(outer.get("provisioningState") or ""),
            size=str(inner.get("vmSize") or ""),
            tier=str(inner.get("vmPriority") or ""),
            min_nodes=scale.get("minNodeCount"),
            max_nodes=scale.get("maxNodeCount"),
            nodes=inner.get("currentNodeCount"),
            resource_id=outer.get("resourceId"),
            namespace=inner.get("namespace"),
            problems=tuple(dict.fromkeys(_problem(one) for one in reported)),
        )

    @property
    def is_cluster(self) -> bool:
        """True for the kind that this action creates."""
        return self.kind == "AmlCompute"

    @property
    def is_attached(self) -> bool:
        """True for the kinds that stand for a cluster outside of the workspace: they are detached, never deleted."""
        return self.kind in ATTACHED


def _problem(reported: Any) -> str:  # noqa: ANN401 - any JSON
    error = _object(_object(reported).get("error")) or _object(reported)
    return ": ".join(str(error[key]) for key in ("code", "message") if error.get(key)) or str(reported)


def _object(value: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:  # noqa: ANN401 - any JSON
    return value if isinstance(value, list) else []
