"""The keys of aml-deploy's parameters file that shape a service on Kubernetes; `rules_managed.py` says what they mean elsewhere."""

from __future__ import annotations

from pydantic import Field

from aml_actions.spec import Parameters

DEFAULT_MIN_REPLICAS, DEFAULT_MAX_REPLICAS, DEFAULT_REFRESH_SECONDS, DEFAULT_TARGET_UTILIZATION = 1, 10, 1, 70
"""What SDK v1 set for an autoscaled service."""
AUTOSCALE_KEYS = (
    "autoscale_min_replicas",
    "autoscale_max_replicas",
    "autoscale_refresh_seconds",
    "autoscale_target_utilization",
)
"""The keys that describe an autoscaled service."""


class KubernetesParameters(Parameters):
    """Where on Kubernetes, and in how many copies."""

    deployment_compute_target: str = Field(
        default="",
        description=(
            "Name of a Kubernetes compute that is attached to the workspace: the service runs there, on a Kubernetes online "
            "endpoint. Empty: on a managed online endpoint. A name that is not found is an error."
        ),
        examples=["aks-cluster"],
    )
    gpu_cores: int | None = Field(
        default=None,
        ge=0,
        description="GPUs of each replica. On a managed endpoint more than 0 needs `instance_type` with a GPU.",
        json_schema_extra={"x-default": "`0`"},
        examples=[0],
    )
    num_replicas: int | None = Field(
        default=None,
        ge=1,
        description=(
            "Fixed number of replicas; it turns `autoscale_enabled` off. Ignored with a warning on a managed endpoint: "
            "`instance_count` counts there."
        ),
        examples=[1],
    )
    autoscale_enabled: bool | None = Field(
        default=None,
        description=(
            "`true`: Azure Machine Learning changes the number of replicas with the load. `false` needs `num_replicas`. "
            "Ignored with a warning on a managed endpoint, whose autoscale is a rule of Azure Monitor; so are the four keys below."
        ),
        json_schema_extra={"x-default": "`true` on Kubernetes unless `num_replicas` is given"},
        examples=[True],
    )
    autoscale_min_replicas: int | None = Field(
        default=None,
        ge=1,
        description='Fewest replicas. This key and the three below need `"autoscale_enabled": true`.',
        json_schema_extra={"x-default": "`1`"},
        examples=[1],
    )
    autoscale_max_replicas: int | None = Field(
        default=None,
        ge=1,
        description="Most replicas.",
        json_schema_extra={"x-default": "`10`"},
        examples=[10],
    )
    autoscale_refresh_seconds: int | None = Field(
        default=None,
        ge=1,
        description="Seconds between two looks at the load.",
        json_schema_extra={"x-default": "`1`"},
        examples=[1],
    )
    autoscale_target_utilization: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description="Share of the replicas, in percent, that should be at work.",
        json_schema_extra={"x-default": "`70`"},
        examples=[70],
    )
    namespace: str | None = Field(
        default=None,
        description="Ignored with a warning: a namespace belongs to the attached compute; aml-compute sets it.",
        examples=["scoring"],
    )

    @property
    def compute_name(self) -> str:
        """Name of the Kubernetes compute; empty for a managed endpoint."""
        return self.deployment_compute_target.strip()
