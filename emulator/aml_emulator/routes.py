"""All routes of the main port. The order counts where patterns overlap: the first that matches wins."""

from __future__ import annotations

from aml_emulator import (
    artifact_service,
    entra,
    federation,
    history,
    operations,
    run_artifacts,
    run_changes,
    sdk_v1,
    studio,
)
from aml_emulator.arm import deployments, metadata, subscriptions
from aml_emulator.context import Emulator
from aml_emulator.eventgrid import routes as eventgrid
from aml_emulator.faults import api as faults
from aml_emulator.functions import routes as functions
from aml_emulator.github import id_tokens
from aml_emulator.github.api import routes as github_api
from aml_emulator.github.runs import routes as github_runs
from aml_emulator.http import Router
from aml_emulator.metric_service import routes as metric_service
from aml_emulator.ml import (
    batch_deployments,
    batch_endpoints,
    batch_jobs,
    codes,
    components,
    computes,
    data,
    datastores,
    environments,
    jobs,
    models,
    online_deployments,
    online_endpoints,
    workspace_requests,
    workspaces,
)
from aml_emulator.providers import routes as providers
from aml_emulator.serving import routes as serving
from aml_emulator.tracking import routes as tracking


def register_all(router: Router, emulator: Emulator) -> None:
    """Register every handler."""
    for module in (
        metadata,
        entra,
        federation,
        id_tokens,
        operations,
        subscriptions,
        deployments,
        eventgrid,
        faults,
        functions,
        github_api,
        github_runs,
        providers,
        workspaces,
        workspace_requests,
        datastores,
        computes,
        environments,
        codes,
        components,
        models,
        data,
        jobs,
        online_endpoints,
        online_deployments,
        batch_endpoints,
        batch_deployments,
        batch_jobs,
        history,
        run_changes,
        run_artifacts,
        artifact_service,
        metric_service,
        sdk_v1,
        tracking,
        serving,
        studio,
    ):
        module.register(router, emulator)
