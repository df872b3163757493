"""Jobs of batch endpoints: a call of the endpoint starts one, a pipeline job of the deployment's component.

The call names what it sends as the service's data plane does (`InputData`, `UriFolder`); the job says it as ARM does (`inputs`,
`uri_folder`).
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from aml_emulator import ids
from aml_emulator.http import Call, Reply, Router
from aml_emulator.ml import batch_deployments, batch_endpoints, datastores, jobs
from aml_emulator.ml.scope import WORKSPACE, find_workspace, missing, page, properties_of, refused
from aml_emulator.tokens import ML_AUDIENCES, bearer_token

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

_MFE = "/mferp/managementfrontend"  # the front end's own address: the SDK lists the jobs of an endpoint there
_TYPES = {
    "literal": "literal",
    "urifile": "uri_file",
    "urifolder": "uri_folder",
    "mltable": "mltable",
    "custommodel": "custom_model",
    "mlflowmodel": "mlflow_model",
    "tritonmodel": "triton_model",
}
_ENDPOINT, _DEPLOYMENT = "azureml.endpointname", "azureml.deploymentname"


def register(router: Router, emulator: Emulator) -> None:
    """Routes that start the jobs of batch endpoints and list them."""

    def invoke(call: Call) -> Reply:
        return _invoke(emulator, call)

    def of_endpoint(call: Call) -> Reply:
        endpoint = batch_endpoints.find(emulator, find_workspace(emulator, call), call.params["endpoint"])
        return page(emulator, call, [shown(emulator, job) for job in jobs_of(emulator, endpoint)])

    def of_deployment(call: Call) -> Reply:
        endpoint = batch_endpoints.find(emulator, find_workspace(emulator, call), call.params["endpoint"])
        name = batch_deployments.find(emulator, endpoint, call.params["name"]).name
        return page(emulator, call, [shown(emulator, job) for job in jobs_of(emulator, endpoint, name)])

    base = f"{_MFE}{WORKSPACE}/batchEndpoints/{{endpoint}}"
    router.add("GET", f"{base}/jobs", of_endpoint)
    router.add("GET", f"{base}/deployments/{{name}}/jobs", of_deployment)
    router.add("POST", "/inference/{endpoint}/jobs", invoke, "own")


def jobs_of(emulator: Emulator, endpoint: Resource, deployment: str | None = None) -> list[Resource]:
    """The jobs that calls of an endpoint have started, newest first; with `deployment`, those of one of its deployments."""

    def matches(job: Resource) -> bool:
        said = job.properties.get("properties") or {}
        if str(said.get(_ENDPOINT)).lower() != endpoint.name.lower():
            return False
        return deployment is None or str(said.get(_DEPLOYMENT)).lower() == deployment.lower()

    found = emulator.resources.list(ids.parent_of(endpoint.id), jobs.TYPE)
    return [job for job in reversed(found) if matches(job)]


def shown(emulator: Emulator, job: Resource) -> Body:
    """A job as the endpoint's data plane shows it."""
    properties = job.properties
    workspace_id, said = ids.parent_of(job.id), properties["properties"]
    deployment = f"{workspace_id}/batchEndpoints/{said[_ENDPOINT]}/deployments/{said[_DEPLOYMENT]}"
    services = properties.get("services") or {}
    return {
        "id": f"{deployment}/jobs/{job.name}",
        "name": job.name,
        "type": f"{batch_endpoints.DEPLOYMENT_TYPE}/jobs",
        "properties": {
            "name": properties.get("displayName"),
            "description": properties.get("description"),
            "experimentName": properties.get("experimentName"),
            "status": properties["status"],
            "provisioningState": "Succeeded",
            "tags": properties.get("tags") or {},
            "properties": said,
            "compute": {"isLocal": False},
            "interactionEndpoints": {
                name: {"jobEndpointType": name, "endpoint": service["endpoint"]} for name, service in services.items()
            },
            "output": {
                "datastoreId": f"{workspace_id}/datastores/{datastores.ARTIFACT_STORE}",
                "path": f"ExperimentRun/dcid.{job.name}",
            },
        },
        "systemData": job.body["systemData"],
    }


def _invoke(emulator: Emulator, call: Call) -> Reply:
    # The data plane of Machine Learning, which takes no tokens for ARM.
    principal = emulator.tokens.verify(bearer_token(call), ML_AUDIENCES)
    name = call.params["endpoint"]
    found = [item for item in emulator.resources.all_of(batch_endpoints.TYPE) if item.name.lower() == name.lower()]
    if not found:
        raise missing(f"There is no batch endpoint '{name}'.", "NotFound", "NoSuchEndpoint")
    endpoint = found[0]
    workspace = emulator.resources.get(ids.parent_of(endpoint.id))
    if workspace is None:
        raise LookupError(endpoint.id)
    deployment = _choose(emulator, endpoint, call.headers.get("azureml-model-deployment"))
    wanted = _job(emulator, workspace, endpoint, deployment, _plain_keys(properties_of(call)))
    job = jobs.create(emulator, workspace, f"pipelinejob-{uuid.uuid4()}", wanted, principal.object_id)
    return Reply(201, shown(emulator, job))


def _choose(emulator: Emulator, endpoint: Resource, named: str | None) -> Resource:
    """The deployment that a header names, or the endpoint's default."""
    name = named or batch_endpoints.default_deployment(endpoint)
    if not name:
        raise missing(
            "No valid deployments to route to. Please check that the endpoint has at least one deployment with positive weight values or"
            " use a deployment specific header to route.",
            "NotFound",
            "DeploymentNotFound",
        )
    deployment = batch_deployments.find(emulator, endpoint, name)
    state = deployment.properties["provisioningState"]
    if state not in ("Succeeded", "Updating"):
        raise refused(f"Deployment {deployment.name} cannot start jobs: its provisioning state is {state}.")
    return deployment


def _job(emulator: Emulator, workspace: Resource, endpoint: Resource, deployment: Resource, asked: Body) -> Body:
    """Properties of the pipeline job that a call asks for."""
    configuration = deployment.properties["deploymentConfiguration"]
    component = batch_deployments.component_of(emulator, deployment)
    settings = batch_deployments.pipeline_settings(deployment)
    if compute := settings.get("default_compute"):
        named = str(compute).removeprefix("azureml:")
        settings["default_compute"] = named if named.startswith("/") else f"{workspace.id}/computes/{named}"
    said = asked.get("properties") or {}
    if not isinstance(said, dict):
        raise refused("The properties of the job must be an object.", target="properties")
    return {
        "jobType": "Pipeline",
        "componentId": component.id,
        "displayName": asked.get("name"),
        "description": configuration.get("description"),
        "experimentName": said.get("experimentName") or endpoint.name,
        "settings": settings,
        "inputs": _ports(asked.get("inputdata"), "Input"),
        "outputs": {**_declared_outputs(component), **_ports(asked.get("outputdata"), "Output")},
        "tags": {
            **configuration["tags"],
            "azureml.batchrun": "true",
            _DEPLOYMENT: deployment.name,
            "azureml.jobtype": "azureml.pipelinejob",
        },
        "properties": {
            **{name: str(value) for name, value in said.items() if name != "experimentName"},
            _ENDPOINT: endpoint.name,
            _DEPLOYMENT: deployment.name,
            "azureml.SourceComponentId": component.id,
            "azureml.runLineageType": "batchDeployment",
            "runSource": "BatchDeployment",
            "runType": "HTTP",
        },
    }


def _declared_outputs(component: Resource) -> Body:
    """Every output of a component, as a job declares it when the call says nothing of it."""
    declared = component.properties["componentSpec"].get("outputs") or {}
    return {
        name: {"jobOutputType": port.get("type") or "uri_folder", "mode": port.get("mode") or "ReadWriteMount"}
        for name, port in declared.items()
    }


def _ports(given: object, side: str) -> Body:
    """Inputs or outputs of the call (`side` is Input or Output) as those of a job."""
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise refused(f"{side}Data must be an object of names to data.", target=f"{side}Data")
    discriminator = f"job{side}Type"
    found = {}
    for name, value in given.items():
        item = _plain_keys(value) if isinstance(value, dict) else {}
        kind = str(item.get(discriminator.lower()) or "")
        if _plain(kind) not in _TYPES:
            raise refused(
                f"The {discriminator} of '{name}' is '{kind}'. Allowed: Literal, UriFile, UriFolder, MLTable, CustomModel, MLFlowModel,"
                " TritonModel.",
                target=f"{side}Data.{name}",
            )
        told = {key: item[key] for key in ("value", "uri", "mode") if item.get(key) is not None}
        if "value" in told:
            told["value"] = _text(told["value"])
        found[name] = {discriminator: _TYPES[_plain(kind)], **told}
    return found


def _text(value: Any) -> str:  # noqa: ANN401 - what JSON gave
    """A literal as a job has it: always text, truth values in lower case."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plain(kind: str) -> str:
    return kind.lower().replace("_", "")


def _plain_keys(found: Body) -> Body:
    """An object by lower-case names, as the data plane reads it; what a name stands for stays as it is."""
    return {str(key).lower(): value for key, value in found.items()}
