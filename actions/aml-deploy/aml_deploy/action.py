"""The work of aml-deploy, from checked settings to outputs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from aml_actions.errors import InvalidSettings
from aml_deploy import legacy, models, sizing, sources, summary
from aml_deploy.endpoints import OnlineEndpoints
from aml_deploy.names import default_endpoint_name
from aml_deploy.order import Order
from aml_deploy.outcome import Outcome
from aml_deploy.parameters import DeployParameters
from aml_deploy.rollout import Rollout

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

    from aml_actions.step import Step


def work(step: Step[DeployParameters]) -> None:
    """Deploy the model of the inputs. Nothing is asked of Azure before everything local has been checked."""
    start = time.monotonic()
    found = _check(step)
    if found is None:
        return
    client = step.ml_client()
    with step.doing(f"reading model {step.inputs['model_name']}"):
        model = models.find(client, step.inputs["model_name"], step.inputs["model_version"], step.workflow.warning)
    _check_location(step, client)
    order = Order(
        endpoint=_endpoint_name(step),
        model=model,
        size=sizing.choose(step.parameters, model.properties),
        sources=found,
        parameters=step.parameters,
        stamp=step.runner.stamp(),
        run_id=step.runner.run_id,
        run_attempt=step.runner.run_attempt,
    )
    endpoints = OnlineEndpoints(client, step.workflow)
    outcome = Rollout(order, endpoints, step.workflow, step.runner.workspace).run()
    _report(step, order, outcome, time.monotonic() - start)


def _check(step: Step[DeployParameters]) -> sources.Sources | None:
    """Judge parameters, secrets and files; return the files, or None when there is nothing to deploy.

    Raises:
        ActionError: everything that is wrong, at once.
    """
    review = legacy.review(step.parameters, step.secrets)
    problems, found = list(review.errors), None
    if not step.parameters.skip_deployment:
        try:
            found = sources.check(step.parameters, step.runner.workspace)
        except InvalidSettings as error:
            problems += error.problems
    if problems:
        # A single problem is raised itself: it may know the file and the line that the annotation points to.
        raise problems[0] if len(problems) == 1 else InvalidSettings(problems)
    if found is None:
        text = "skip_deployment is true: nothing was deployed."
        step.workflow.notice(text)
        step.summary(f"### ⏭ aml-deploy\n\n{text}\n")
        step.set_output("result", {"skipped": True})
        return None
    for warning in (*review.warnings, *found.warnings):
        step.workflow.warning(warning)
    return found


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
        "instance_type": order.size.instance_type,
        "instance_count": order.parameters.instance_count,
        "auth_mode": str(endpoint.auth_mode) if endpoint is not None else order.auth_mode,
        "traffic": dict(outcome.traffic),
        "removed_deployments": list(outcome.removed),
        "scoring_uri": str(endpoint.scoring_uri) if endpoint is not None else None,
        "swagger_uri": str(endpoint.openapi_uri) if endpoint is not None else None,
        "test": {"name": test.name, "passed": test.passed, "seconds": round(test.seconds, 3)} if test else None,
        "seconds": round(seconds, 1),
    }
