"""The work of aml-deploy, from checked settings to outputs."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aml_deploy import computes, data_collection, dockerfile, legacy, models, sizing, sources, summary
from aml_deploy.endpoints import OnlineEndpoints
from aml_deploy.kubernetes import Kubernetes
from aml_deploy.managed import Managed
from aml_deploy.names import default_endpoint_name
from aml_deploy.order import Order, base_image
from aml_deploy.outcome import Outcome
from aml_deploy.parameters import DeployParameters
from aml_deploy.request_keys import RequestKeys
from aml_deploy.rollout import Rollout

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

    from aml_actions.step import Step
    from aml_deploy.models import ModelVersion
    from aml_deploy.sources import Sources
    from aml_deploy.target import Target


def work(step: Step[DeployParameters]) -> None:
    """Deploy the model of the inputs. Everything local has been checked (`check.py`) before this asks anything of Azure."""
    start = time.monotonic()
    if step.parameters.skip_deployment:
        _skip(step)
        return
    found = sources.check(step.parameters, step.runner.workspace)
    client = step.ml_client()
    with step.doing(f"reading model {step.inputs['model_name']}"):
        model = models.find(client, step.inputs["model_name"], step.inputs["model_version"], step.workflow.warning)
    if found.code is None and not model.serves_itself:
        raise sources.no_code(step.parameters, step.runner.workspace, model.type)
    target = _target(step, client, model)
    with tempfile.TemporaryDirectory(prefix="aml-deploy-") as folder:
        order = Order(
            endpoint=_endpoint_name(step),
            model=model,
            target=target,
            sources=found,
            parameters=step.parameters,
            stamp=step.runner.stamp(),
            run_id=step.runner.run_id,
            run_attempt=step.runner.run_attempt,
            build_context=_build_context(step, found, Path(folder) / "image"),
            uploaded=data_collection.stage(found.code, Path(folder) / "code") if found.code else None,
        )
        endpoints = OnlineEndpoints(client, step.workflow)
        keys = RequestKeys(
            step.rest(), step.workspace(), _key_secrets(step), step.workflow.info, when_idle=endpoints.when_idle
        )
        outcome = Rollout(order, endpoints, step.workflow, step.runner.workspace, keys).run()
    _report(step, order, outcome, time.monotonic() - start)


def _skip(step: Step[DeployParameters]) -> None:
    text = "skip_deployment is true: nothing was deployed."
    step.workflow.notice(text)
    step.summary(f"### ⏭ aml-deploy\n\n{text}\n")
    step.set_output("result", {"skipped": True})


def _target(step: Step[DeployParameters], client: MLClient, model: ModelVersion) -> Target:
    """Return where the service is to run: on the compute that the parameters name, never on another one instead."""
    name = step.parameters.compute_name
    if name:
        with step.doing(f"looking for compute {name}"):
            compute_id = computes.find(client, step.rest(), step.workspace(), name)
        return Kubernetes(name, compute_id, step.parameters, model.properties)
    _check_location(step, client)
    return Managed(sizing.choose(step.parameters, model.properties), step.parameters)


def _build_context(step: Step[DeployParameters], found: Sources, folder: Path) -> Path | None:
    """Write the build context that the user's Dockerfile lines ask for; None without such lines."""
    if found.code is None or found.code.docker_steps is None:
        return None
    folder.mkdir()
    dockerfile.write_context(folder, base_image(step.parameters), found.code.conda_file, found.code.docker_steps)
    return folder


def _key_secrets(step: Step[DeployParameters]) -> dict[str, str]:
    """Return the keys that callers are to send; none for an endpoint that takes tokens, as a warning has said."""
    return {} if step.parameters.token_auth_enabled else dict(step.secrets)


def _check_location(step: Step[DeployParameters], client: MLClient) -> None:
    if not step.parameters.location:
        return
    with step.doing("reading the workspace"):
        actual = str(client.workspaces.get(step.workspace().name).location)
    if warning := legacy.location_warning(step.parameters.location, actual):
        step.workflow.warning(warning)


def _endpoint_name(step: Step[DeployParameters]) -> str:
    return step.parameters.name or default_endpoint_name(step.runner.repository_name, step.runner.branch)


def _report(step: Step[DeployParameters], order: Order, outcome: Outcome, seconds: float) -> None:
    endpoint = outcome.endpoint
    step.set_output("endpoint_name", order.endpoint)
    step.set_output("deployment_name", outcome.deployment)
    if endpoint is not None:
        step.set_output("service_scoring_uri", str(endpoint.scoring_uri))
        step.set_output("service_swagger_uri", str(endpoint.openapi_uri or ""))
        step.workflow.info(f"Endpoint {order.endpoint} serves model {order.model} at {endpoint.scoring_uri}")
    step.set_output("result", _result(order, outcome, seconds))
    studio = step.studio_url(f"endpoints/realtime/{order.endpoint}/detail")
    step.summary(summary.write(order, outcome, step.workspace(), seconds, studio))


def _result(order: Order, outcome: Outcome, seconds: float) -> dict[str, Any]:
    endpoint, test = outcome.endpoint, outcome.test
    return {
        "endpoint": order.endpoint,
        "endpoint_created": outcome.created_endpoint,
        "endpoint_deleted": endpoint is None,
        "deployment": outcome.deployment,
        "model": {"name": order.model.name, "version": order.model.version, "id": order.model.arm_id},
        **order.target.facts(),
        "auth_mode": str(endpoint.auth_mode) if endpoint is not None else order.auth_mode,
        "traffic": dict(outcome.traffic),
        "removed_deployments": list(outcome.removed),
        "scoring_uri": str(endpoint.scoring_uri) if endpoint is not None else None,
        "swagger_uri": str(endpoint.openapi_uri) if endpoint is not None else None,
        "test": {"name": test.name, "passed": test.passed, "seconds": round(test.seconds, 3)} if test else None,
        "seconds": round(seconds, 1),
    }
