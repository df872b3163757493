"""All routes of the main port. The order counts where patterns overlap: the first that matches wins."""

from __future__ import annotations

from aml_emulator import entra, history, operations, run_artifacts, studio
from aml_emulator.arm import dependencies, deployments, metadata, subscriptions
from aml_emulator.context import Emulator
from aml_emulator.http import Router
from aml_emulator.ml import (
    codes,
    computes,
    data,
    datastores,
    environments,
    jobs,
    models,
    online_deployments,
    online_endpoints,
    workspaces,
)
from aml_emulator.serving import routes as serving
from aml_emulator.tracking import routes as tracking


def register_all(router: Router, emulator: Emulator) -> None:
    """Register every handler."""
    for module in (
        metadata,
        entra,
        operations,
        subscriptions,
        deployments,
        dependencies,
        workspaces,
        datastores,
        computes,
        environments,
        codes,
        models,
        data,
        jobs,
        online_endpoints,
        online_deployments,
        history,
        run_artifacts,
        tracking,
        serving,
        studio,
    ):
        module.register(router, emulator)
