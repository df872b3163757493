"""What a workspace offers beside Azure Resource Manager: run history, MLflow and the metric service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aml_actions.artifact_service import ArtifactService
from aml_actions.metric_service import MetricService
from aml_actions.run_history import RunHistory
from aml_actions.tracking import Tracking

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

    from aml_actions.rest import AzureRest
    from aml_actions.workspace import WorkspaceRef


@dataclass(frozen=True)
class DataPlane:
    """The services of one workspace's region."""

    history: RunHistory
    tracking: Tracking
    metrics: MetricService
    files: ArtifactService


def connect(client: MLClient, rest: AzureRest, workspace: WorkspaceRef) -> DataPlane:
    """Ask the workspace where its services are: the key ``api`` at its discovery URL, and its MLflow tracking URI.

    Raises:
        azure.core.exceptions.AzureError: the workspace cannot be read.
    """
    found = client.workspaces.get(workspace.name)
    discovered = rest.get(str(found.discovery_url))
    api = str(discovered["api"])
    return DataPlane(
        history=RunHistory(rest, api, workspace),
        tracking=Tracking(rest, str(found.mlflow_tracking_uri)),
        metrics=MetricService(rest, api, workspace),
        files=ArtifactService(rest, api, workspace),
    )
