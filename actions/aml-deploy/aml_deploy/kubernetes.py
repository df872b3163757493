"""Kubernetes online endpoints: the service runs on a cluster that is attached to the workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aml_actions.errors import ActionError
from aml_deploy import entities
from aml_deploy.kubernetes_parameters import (
    DEFAULT_MAX_REPLICAS,
    DEFAULT_MIN_REPLICAS,
    DEFAULT_REFRESH_SECONDS,
    DEFAULT_TARGET_UTILIZATION,
)
from aml_deploy.names import LONGEST, LONGEST_ON_KUBERNETES
from aml_deploy.parameters import DeployParameters
from aml_deploy.sizing import wanted_cores, wanted_memory

if TYPE_CHECKING:
    from azure.ai.ml.entities import (
        DefaultScaleSettings,
        KubernetesOnlineDeployment,
        KubernetesOnlineEndpoint,
        OnlineEndpoint,
        ResourceRequirementsSettings,
        TargetUtilizationScaleSettings,
    )

DEFAULTS = {
    "scoring_timeout_ms": 60_000,
    "replica_max_concurrent_requests": 1,
    "max_request_wait_time": 500,
    "initial_delay_seconds": 310,
    "period_seconds": 10,
    "timeout_seconds": 2,
    "success_threshold": 1,
    "failure_threshold": 3,
}
"""What SDK v1 set for a service on AKS. All are sent: the service's own defaults are others today."""


@dataclass(frozen=True)
class Kubernetes:
    """A Kubernetes online endpoint.

    Attributes:
        compute: name of the attached compute.
        compute_id: its Azure resource id.
        parameters: of the user.
        model_properties: as the model was registered.
    """

    compute: str
    compute_id: str
    parameters: DeployParameters
    model_properties: Mapping[str, str]

    @property
    def replicas(self) -> int | None:
        """Fixed number of replicas, or None when it scales by itself, which it does unless a number is given."""
        given = self.parameters
        if given.num_replicas is not None:
            return given.num_replicas
        return given.instance_count if "instance_count" in given.model_fields_set else None

    @property
    def machines(self) -> str:
        """Compute, number of replicas and what each requests."""
        least, most = self._range()
        count = f"{self.replicas}" if self.replicas else f"{least} to {most}"
        return f"{count} replicas on Kubernetes compute {self.compute} ({self._size()})"

    def longest_deployment_name(self, endpoint: str) -> int:
        """Return what Kubernetes leaves beside the name of the endpoint."""
        return min(LONGEST, LONGEST_ON_KUBERNETES - len(endpoint))

    def facts(self) -> dict[str, Any]:
        """Return compute, number and size of the replicas."""
        least, most = self._range()
        return {
            "compute": self.compute,
            "instance_type": self.parameters.instance_type,
            "instance_count": self.replicas or least,
            "autoscale": None if self.replicas else {"min_replicas": least, "max_replicas": most},
        }

    def refuse(self, endpoint: OnlineEndpoint) -> None:
        """Refuse a managed endpoint, and one on another compute.

        Raises:
            ActionError: it is one of these.
        """
        compute = str(getattr(endpoint, "compute", None) or "")
        name = compute.rsplit("/", 1)[-1]
        if name.lower() == self.compute.lower():
            return
        there = f"on compute {name}" if name else "a managed endpoint"
        raise ActionError(
            f"The endpoint {endpoint.name} is {there}, and deployment_compute_target is {self.compute}.",
            value=str(endpoint.name),
            cause="an endpoint keeps its kind and its compute for as long as it exists",
            fix="set another name in the parameters file, "
            + (f'or "deployment_compute_target": "{name}", ' if name else "or remove deployment_compute_target, ")
            + f"or delete the endpoint: `az ml online-endpoint delete --yes --name {endpoint.name}`",
            key="deployment_compute_target",
        )

    def endpoint(self, common: dict[str, Any]) -> KubernetesOnlineEndpoint:
        """Return the endpoint as it is created."""
        from azure.ai.ml.entities import KubernetesOnlineEndpoint

        return KubernetesOnlineEndpoint(**common, compute=self.compute_id)

    def deployment(self, common: dict[str, Any]) -> KubernetesOnlineDeployment:
        """Return the deployment as it is created, with the settings that SDK v1 made."""
        from azure.ai.ml.entities import KubernetesOnlineDeployment

        unset = {key: value for key, value in DEFAULTS.items() if getattr(self.parameters, key) is None}
        settled = self.parameters.model_copy(update=unset)
        return KubernetesOnlineDeployment(
            **common,
            resources=self._resources(),
            instance_type=self.parameters.instance_type,
            instance_count=self.replicas or self._range()[0],
            scale_settings=self._scale(),
            request_settings=entities.request_settings(settled),
            liveness_probe=entities.liveness_probe(settled),
        )

    def _range(self) -> tuple[int, int]:
        given = self.parameters
        return (
            given.autoscale_min_replicas or DEFAULT_MIN_REPLICAS,
            given.autoscale_max_replicas or DEFAULT_MAX_REPLICAS,
        )

    def _requests(self) -> tuple[float, float] | None:
        """Return cores and GB of a replica, or None: those of the instance type, unless the user says otherwise."""
        given = self.parameters
        if given.instance_type and not (given.cpu_cores or given.memory_gb or given.gpu_cores):
            return None
        return wanted_cores(given, self.model_properties), wanted_memory(given, self.model_properties)

    def _size(self) -> str:
        requests = self._requests()
        parts = [
            self.parameters.instance_type,
            f"{requests[0]:g} CPU, {requests[1]:g} GB" if requests else None,
            f"{self.parameters.gpu_cores} GPU" if self.parameters.gpu_cores else None,
        ]
        return ", ".join(part for part in parts if part)

    def _resources(self) -> ResourceRequirementsSettings | None:
        from azure.ai.ml.entities import ResourceRequirementsSettings, ResourceSettings

        requests = self._requests()
        if requests is None:
            return None
        cores, memory = requests
        gpus = str(self.parameters.gpu_cores) if self.parameters.gpu_cores else None
        return ResourceRequirementsSettings(
            requests=ResourceSettings(cpu=f"{cores:.10g}", memory=f"{memory:.10g}Gi", gpu=gpus),
            # A request for GPUs is taken only together with a limit of the same number.
            limits=ResourceSettings(gpu=gpus) if gpus else None,
        )

    def _scale(self) -> DefaultScaleSettings | TargetUtilizationScaleSettings:
        """Return how it scales. It is always said: without, the service scales a Kubernetes deployment by itself."""
        from azure.ai.ml.entities import DefaultScaleSettings, TargetUtilizationScaleSettings

        if self.replicas:
            return DefaultScaleSettings()
        given = self.parameters
        least, most = self._range()
        return TargetUtilizationScaleSettings(
            min_instances=least,
            max_instances=most,
            polling_interval=given.autoscale_refresh_seconds or DEFAULT_REFRESH_SECONDS,
            target_utilization_percentage=given.autoscale_target_utilization or DEFAULT_TARGET_UTILIZATION,
        )
