"""What is to be rolled out, and the Azure ML entities that say so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aml_actions.tags import as_texts
from aml_deploy.models import ModelVersion
from aml_deploy.parameters import DeployParameters
from aml_deploy.sizing import Size
from aml_deploy.sources import Sources

if TYPE_CHECKING:
    from azure.ai.ml.entities import ManagedOnlineDeployment, ManagedOnlineEndpoint

BASE_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest"
"""Ubuntu with conda and no Python packages: the conda file says what is in the environment."""


@dataclass(frozen=True)
class Order:
    """One rollout, decided: nothing in it depends on what the endpoint looks like.

    Attributes:
        endpoint: name of the endpoint.
        model: what is served.
        size: machine.
        sources: scoring code, environment, test.
        parameters: of the user.
        stamp: tags that tell who made it (`Runner.stamp`).
        run_id: number of the workflow run.
        run_attempt: of that run.
    """

    endpoint: str
    model: ModelVersion
    size: Size
    sources: Sources
    parameters: DeployParameters
    stamp: Mapping[str, str]
    run_id: str
    run_attempt: str

    @property
    def auth_mode(self) -> str:
        """``key`` or ``aml_token``, in the words of the SDK."""
        return "aml_token" if self.parameters.token_auth_enabled else "key"

    @property
    def tags(self) -> dict[str, str]:
        """The user's tags, and ours above them: they decide what may be deleted later."""
        return {**as_texts(self.parameters.tags), **self.stamp}

    def made_here(self, tags: Mapping[str, str] | None) -> bool:
        """Tell by its tags whether this action made something, for this repository."""
        return all((tags or {}).get(key) == self.stamp[key] for key in ("managed-by", "repository"))

    def endpoint_entity(self) -> ManagedOnlineEndpoint:
        """Return the endpoint as it is created."""
        from azure.ai.ml.entities import ManagedOnlineEndpoint

        return ManagedOnlineEndpoint(
            name=self.endpoint,
            auth_mode=self.auth_mode,
            description=self.parameters.description,
            tags=self.tags,
            properties=as_texts(self.parameters.properties),
        )

    def deployment_entity(self, name: str) -> ManagedOnlineDeployment:
        """Return the deployment as it is created."""
        from azure.ai.ml.entities import (
            CodeConfiguration,
            Environment,
            ManagedOnlineDeployment,
            OnlineRequestSettings,
            ProbeSettings,
        )

        given = self.parameters
        request = _given(
            request_timeout_ms=given.scoring_timeout_ms,
            max_concurrent_requests_per_instance=given.replica_max_concurrent_requests,
            max_queue_wait_ms=given.max_request_wait_time,
        )
        probe = _given(
            initial_delay=given.initial_delay_seconds,
            period=given.period_seconds,
            timeout=given.timeout_seconds,
            success_threshold=given.success_threshold,
            failure_threshold=given.failure_threshold,
        )
        return ManagedOnlineDeployment(
            name=name,
            endpoint_name=self.endpoint,
            model=f"azureml:{self.model.name}:{self.model.version}",
            code_configuration=CodeConfiguration(
                code=str(self.sources.directory), scoring_script=self.sources.entry_script
            ),
            environment=Environment(
                image=given.custom_base_image or BASE_IMAGE, conda_file=str(self.sources.conda_file)
            ),
            instance_type=self.size.instance_type,
            instance_count=given.instance_count,
            app_insights_enabled=given.app_insights_enabled,
            request_settings=OnlineRequestSettings(**request) if request else None,
            liveness_probe=ProbeSettings(**probe) if probe else None,
            description=given.description,
            tags=self.tags,
            properties=as_texts(given.properties),
        )


def _given(**settings: int | None) -> dict[str, int]:
    """Leave out what the user left to the service."""
    return {name: value for name, value in settings.items() if value is not None}
