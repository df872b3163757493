"""Publishing a pipeline: what SDK v1 called a published pipeline is a batch endpoint in v2, with a deployment of the pipeline.

The pipeline becomes a registered component; the endpoint's deployment runs it, and is the endpoint's default one. Every step is
one that may have been taken already: publishing the same version again leaves everything as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aml_actions.client import quiet
from aml_actions.errors import ActionError
from aml_actions.polling import wait_for_poller
from aml_actions.step import Step
from aml_run.making import Made
from aml_run.parameters import RunParameters
from aml_run.submission import Submitted

if TYPE_CHECKING:
    from azure.ai.ml.entities import BatchEndpoint

ANCHOR = "docs/troubleshooting.md#published-pipeline"
LONGEST_NAME = 32
"""Characters of the name of an endpoint or a deployment; at least `_SHORTEST_NAME`."""
_SHORTEST_NAME = 3
_TIMEOUT = 1200.0
"""Seconds for the endpoint or its deployment to be made; both take a minute or two."""
_API = "2024-04-01"


@dataclass(frozen=True)
class Published:
    """A published pipeline.

    Attributes:
        id: Azure resource id of the deployment.
        status: its provisioning state.
        endpoint: address that starts the pipeline.
        name: of the endpoint.
        version: of the pipeline component.

    """

    id: str
    status: str
    endpoint: str
    name: str
    version: str

    def as_json(self) -> dict[str, str]:
        """Return it for the output that holds everything."""
        return {
            "id": self.id,
            "status": self.status,
            "endpoint": self.endpoint,
            "name": self.name,
            "version": self.version,
        }


def publish(step: Step[RunParameters], made: Made, job: Submitted) -> Published | None:
    """Publish the pipeline of a submitted job; None for a job that is no pipeline, after a warning, as in the legacy action.

    Raises:
        ActionError: the name cannot be used, or Azure refused.

    """
    from azure.ai.ml.entities import PipelineJob

    if not isinstance(made.job, PipelineJob):
        step.workflow.warning(
            f"Job {job.name} is no pipeline but a {job.kind} job; it is not published. Fix: remove pipeline_publish.",
            title="aml-run",
        )
        return None
    wanted = made.parameters.pipeline_name or f"{step.runner.repository_name}-{step.runner.branch}"
    name = endpoint_name(wanted)
    if name != wanted and made.parameters.pipeline_name:
        step.workflow.warning(
            f"pipeline_name {wanted} cannot be the name of an endpoint (3 to 32 letters, digits and hyphens); the pipeline is "
            f"published as {name}.",
            title="aml-run",
        )
    with step.doing(f"publishing the pipeline of job {job.name} as {name}"):
        component, version = _register(step, made, component_name(wanted))
        endpoint = _endpoint(step, name)
        deployment = _deploy(step, made, job, name, component, version)
        _make_default(step, endpoint, deployment)
        answer = step.rest().get(
            f"{step.workspace().arm_id}/batchEndpoints/{name}/deployments/{deployment}", {"api-version": _API}
        )
    found = Published(
        id=str(answer["id"]),
        status=str((answer.get("properties") or {}).get("provisioningState") or ""),
        endpoint=str(endpoint.scoring_uri or ""),
        name=name,
        version=version,
    )
    step.workflow.info(f"Published version {found.version} as {name}: {found.endpoint}")
    return found


def endpoint_name(text: str) -> str:
    """Return a text as the name of an endpoint: 3 to 32 letters, digits and single hyphens, a letter first, no hyphen last."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")
    if not name[:1].isalpha():
        name = f"pipeline-{name}".strip("-")
    name = name[:LONGEST_NAME].rstrip("-")
    return name if len(name) >= _SHORTEST_NAME else f"{name}-pipeline"


def component_name(text: str) -> str:
    """Return a text as the name of a component: small letters, digits and ``_``, a letter first."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return (name if name[:1].isalpha() else f"pipeline_{name}".rstrip("_"))[:255]


def deployment_name(version: str) -> str:
    """Return the name of the deployment of a version."""
    return endpoint_name(f"version-{version}")


def _register(step: Step[RunParameters], made: Made, name: str) -> tuple[str, str]:
    """Register the pipeline as a component; return its resource id and its version.

    Its steps were made with the job; nothing is uploaded again. Without a version the service's next number is taken.
    """
    from azure.ai.ml.entities import PipelineComponent

    job: Any = made.job
    anonymous = job._to_component()
    component = PipelineComponent(
        name=name,
        version=made.parameters.pipeline_version,
        display_name=job.display_name,
        description=job.description,
        tags={**(job.tags or {}), **step.runner.stamp()},
        inputs=anonymous.inputs,
        outputs=anonymous.outputs,
        jobs=anonymous.jobs,
    )
    with quiet():
        registered = step.ml_client().components.create_or_update(component)
    # The object has no version when the service chose it; the id has.
    component_id = str(registered.id)
    version = component_id.rsplit("/", 1)[-1]
    step.workflow.info(f"Component {name}, version {version}: registered.")
    return component_id, version


def _endpoint(step: Step[RunParameters], name: str) -> BatchEndpoint:
    """Return the endpoint; it is made if it does not exist."""
    from azure.ai.ml.entities import BatchEndpoint
    from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

    endpoints = step.ml_client().batch_endpoints
    try:
        found: BatchEndpoint = endpoints.get(name)
    except ResourceNotFoundError:
        pass
    else:
        return found
    wanted = BatchEndpoint(
        name=name, description=f"Published pipeline of {step.runner.repository}", tags=step.runner.stamp()
    )
    try:
        with quiet():
            poller = endpoints.begin_create_or_update(wanted)
        _wait(step, poller, f"batch endpoint {name}")
    except ResourceExistsError as error:
        raise ActionError(
            f"The batch endpoint {name} cannot be made: its name is taken.",
            cause="names of endpoints are unique in a region, in all workspaces",
            fix="choose another pipeline_name",
            anchor=ANCHOR,
        ) from error
    made: BatchEndpoint = endpoints.get(name)
    return made


def _deploy(step: Step[RunParameters], made: Made, job: Submitted, endpoint: str, component: str, version: str) -> str:
    """Have the endpoint run the component; return the name of the deployment."""
    from azure.ai.ml.entities import PipelineComponentBatchDeployment

    settings: dict[str, Any] = {"continue_on_step_failure": made.parameters.pipeline_continue_on_step_failure}
    if job.compute:
        settings["default_compute"] = job.compute
    own: Any = getattr(made.job, "settings", None)
    for key in ("default_datastore", "force_rerun"):
        if (value := getattr(own, key, None)) is not None:
            settings[key] = value
    deployment = PipelineComponentBatchDeployment(
        name=deployment_name(version),
        endpoint_name=endpoint,
        component=component,
        settings=settings,
        tags=step.runner.stamp(),
    )
    with quiet():
        poller = step.ml_client().batch_deployments.begin_create_or_update(deployment)
    _wait(step, poller, f"deployment {deployment.name} of {endpoint}")
    return str(deployment.name)


def _make_default(step: Step[RunParameters], endpoint: BatchEndpoint, deployment: str) -> None:
    """Have the endpoint run this deployment when it is called without naming one."""
    defaults: Any = endpoint.defaults
    present = (
        defaults.get("deployment_name") if isinstance(defaults, dict) else getattr(defaults, "deployment_name", None)
    )
    if present == deployment:
        return
    endpoint.defaults = {"deployment_name": deployment}
    with quiet():
        poller = step.ml_client().batch_endpoints.begin_create_or_update(endpoint)
    _wait(step, poller, f"batch endpoint {endpoint.name}")


def _wait(step: Step[RunParameters], poller: Any, what: str) -> None:  # noqa: ANN401 - an LROPoller, or its result
    if hasattr(poller, "result"):
        wait_for_poller(poller, what=what, say=step.workflow.info, timeout=_TIMEOUT)
