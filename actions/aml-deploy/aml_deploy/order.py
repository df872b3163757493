"""What is to be rolled out, and the Azure ML entities that say so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aml_actions.tags import as_texts
from aml_deploy.models import ModelVersion
from aml_deploy.parameters import DeployParameters
from aml_deploy.sources import Code, Sources
from aml_deploy.target import Target

if TYPE_CHECKING:
    from pathlib import Path

    from azure.ai.ml.entities import OnlineDeployment, OnlineEndpoint

BASE_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest"
"""Ubuntu with conda and no Python packages: the conda file says what is in the environment."""


@dataclass(frozen=True)
class Order:
    """One rollout, decided: nothing in it depends on what the endpoint looks like.

    Attributes:
        endpoint: name of the endpoint.
        model: what is served.
        target: where it runs.
        sources: scoring code, environment, test.
        parameters: of the user.
        stamp: tags that tell who made it (`Runner.stamp`).
        run_id: number of the workflow run.
        run_attempt: of that run.
        build_context: folder with a Dockerfile from which the image is built, or None: Azure makes one from image and conda file.
        uploaded: the scoring code as it is uploaded, or None: as it is in the sources.
    """

    endpoint: str
    model: ModelVersion
    target: Target
    sources: Sources
    parameters: DeployParameters
    stamp: Mapping[str, str]
    run_id: str
    run_attempt: str
    build_context: Path | None = None
    uploaded: Code | None = None

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

    def endpoint_entity(self) -> OnlineEndpoint:
        """Return the endpoint as it is created."""
        return self.target.endpoint(
            {
                "name": self.endpoint,
                "auth_mode": self.auth_mode,
                "description": self.parameters.description,
                "tags": self.tags,
                "properties": as_texts(self.parameters.properties),
            }
        )

    def deployment_entity(self, name: str) -> OnlineDeployment:
        """Return the deployment as it is created."""
        return self.target.deployment(
            {
                "name": name,
                "endpoint_name": self.endpoint,
                "model": f"azureml:{self.model.name}:{self.model.version}",
                **self._code(),
                "app_insights_enabled": self.parameters.app_insights_enabled,
                "description": self.parameters.description,
                "tags": self.tags,
                "properties": as_texts(self.parameters.properties),
            }
        )

    def _code(self) -> dict[str, Any]:
        """Return scoring code and environment; nothing for a model that Azure serves by itself."""
        from azure.ai.ml.entities import BuildContext, CodeConfiguration, Environment

        code = self.uploaded or self.sources.code
        if code is None:
            return {}
        if self.build_context is not None:
            environment = Environment(build=BuildContext(path=str(self.build_context), dockerfile_path="Dockerfile"))
        else:
            environment = Environment(image=base_image(self.parameters), conda_file=str(code.conda_file))
        return {
            "code_configuration": CodeConfiguration(code=str(code.directory), scoring_script=code.entry_script),
            "environment": environment,
        }


def base_image(parameters: DeployParameters) -> str:
    """Return the image under the conda environment."""
    return parameters.custom_base_image or BASE_IMAGE
