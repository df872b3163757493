"""The process environment of a job: what Azure Machine Learning sets there, with this emulator as the service."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from aml_emulator import ids
from aml_emulator.environments.builder import PythonEnvironment
from aml_emulator.jobs.specification import CommandJob
from aml_emulator.surroundings import base_variables
from aml_emulator.tokens import ML_AUDIENCES

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.tracking.schema import Run

RUN_TOKEN_SECONDS = 21 * 24 * 3600  # the longest a job may run on Azure; clients then never have to renew it


def job_variables(
    emulator: Emulator,
    job: CommandJob,
    run: Run,
    home: Path,
    python: PythonEnvironment,
    paths: Mapping[str, str],
) -> dict[str, str]:
    """The whole environment of a job's process. `paths` are variables that name inputs and outputs."""
    workspace = ids.workspace_id(
        ids.segment(job.workspace_id, "subscriptions") or "",
        ids.segment(job.workspace_id, "resourceGroups") or "",
        ids.segment(job.workspace_id, "workspaces") or "",
    )
    resource = emulator.resources.get(job.workspace_id)
    token = emulator.tokens.issue(ML_AUDIENCES[0], seconds=RUN_TOKEN_SECONDS)
    azure = {
        "AZUREML_RUN_ID": job.name,
        "AZUREML_ROOT_RUN_ID": emulator.tracking.root(run).id,
        "AZUREML_RUN_TOKEN": token,
        "AZUREML_RUN_TOKEN_EXPIRY": str(int(time.time()) + RUN_TOKEN_SECONDS),
        "AZUREML_ARM_SUBSCRIPTION": ids.segment(workspace, "subscriptions") or "",
        "AZUREML_ARM_RESOURCEGROUP": ids.segment(workspace, "resourceGroups") or "",
        "AZUREML_ARM_WORKSPACE_NAME": ids.name_of(workspace),
        "AZUREML_ARM_PROJECT_NAME": job.experiment_name,
        "AZUREML_EXPERIMENT_ID": run.experiment_id,
        "AZUREML_EXPERIMENT_SCOPE": f"{workspace}/experiments/{job.experiment_name}",
        "AZUREML_WORKSPACE_ID": str(resource.properties.get("workspaceId", "")) if resource else "",
        "AZUREML_WORKSPACE_SCOPE": workspace,
        "AZUREML_SERVICE_ENDPOINT": _service_endpoint(
            emulator.base_url, str(resource.body["location"] if resource else "")
        ),
        "AZUREML_DISCOVERY_SERVICE_ENDPOINT": f"{emulator.base_url}/discovery",
        "AZUREML_COMPUTE_TARGET_NAME": ids.name_of(job.compute_id) if job.compute_id else "",
        "AZUREML_NODE_COUNT": str(job.node_count),
    }
    mlflow = {
        "MLFLOW_TRACKING_URI": tracking_uri(emulator.base_url, workspace, python),
        "MLFLOW_TRACKING_TOKEN": token,
        "MLFLOW_RUN_ID": job.name,
        "MLFLOW_EXPERIMENT_ID": run.experiment_id,
        "MLFLOW_EXPERIMENT_NAME": job.experiment_name,
    }
    return base_variables(emulator, home, python) | azure | mlflow | dict(paths) | dict(job.variables)


def _service_endpoint(base_url: str, location: str) -> str:
    """The address of the service, with the location where it stands on Azure: `https://westeurope.api...`.

    SDK v1 knows the location of the workspace from there only. What is before the `@` is never sent (azure-wire, 1.4).
    """
    return base_url.replace("https://", f"https://{location}.api@") if location else base_url


def tracking_uri(base_url: str, workspace_id: str, python: PythonEnvironment) -> str:
    """Where MLflow logs to: through the plugin of Azure Machine Learning where it is installed, directly where not."""
    if python.has("azureml-mlflow"):
        return f"azureml://{base_url.removeprefix('https://')}/mlflow/v1.0{workspace_id}"
    return f"{base_url}/mlflow{workspace_id}"
