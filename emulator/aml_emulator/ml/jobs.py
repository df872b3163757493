"""Jobs: checked as the service checks them, stored, and handed to the job service that runs them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aml_emulator import ids
from aml_emulator.http import Call, Reply, Router, ServiceError, not_emulated
from aml_emulator.ml import datastores
from aml_emulator.ml.scope import WorkspaceRoutes, missing, page, properties_of, refused
from aml_emulator.operations import POLL_MILLISECONDS

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

TYPE = f"{ids.PROVIDER}/workspaces/jobs"
TERMINAL = ("Completed", "Failed", "Canceled")

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,254}")
_EXPERIMENT = re.compile(r"[a-zA-Z0-9][\w-]{0,254}")
_UPDATABLE = ("description", "displayName", "tags", "properties", "isArchived")
_DEFINING = ("jobType", "command", "codeId", "environmentId", "computeId", "experimentName", "inputs")
_DATA_INPUTS = ("uri_file", "uri_folder", "mltable", "custom_model", "mlflow_model", "triton_model")


def register(router: Router, emulator: Emulator) -> None:
    """Routes of jobs."""
    routes = WorkspaceRoutes(router, emulator)

    def listing(call: Call, workspace: Resource) -> Reply:
        return _list(emulator, call, workspace)

    def get(call: Call, workspace: Resource) -> Reply:
        return Reply(body=find(emulator, workspace.id, call.params["name"]).body)

    def put(call: Call, workspace: Resource) -> Reply:
        return _put(emulator, call, workspace)

    def patch(call: Call, workspace: Resource) -> Reply:
        job = find(emulator, workspace.id, call.params["name"])
        return Reply(body=_update(emulator, job, properties_of(call)).body)

    def cancel(call: Call, workspace: Resource) -> Reply:
        return _cancel(emulator, call, workspace)

    def cancelled(call: Call, workspace: Resource) -> Reply:
        job = find(emulator, workspace.id, call.params["name"])
        if job.properties["status"] in TERMINAL:
            return Reply(200, media_type="")
        return Reply(202, headers=_cancel_headers(emulator, job), media_type="")

    routes.add("GET", "/jobs", listing)
    routes.add("GET", "/jobs/{name}", get)
    routes.add("PUT", "/jobs/{name}", put)
    routes.add("PATCH", "/jobs/{name}", patch)
    routes.add("POST", "/jobs/{name}/cancel", cancel)
    routes.add("GET", "/jobs/{name}/cancelResult", cancelled)


def find(emulator: Emulator, workspace_id: str, name: str) -> Resource:
    """A job.

    Raises:
        ServiceError: 404 JobNotFound.

    """
    found = emulator.resources.get(f"{workspace_id}/jobs/{name}")
    if found is None:
        raise missing(f"Job {name} was not found in workspace {ids.name_of(workspace_id)}.", "NotFound", "JobNotFound")
    return found


def studio_url(emulator: Emulator, workspace_id: str, job: str) -> str:
    """The page of a job: what `studio_url` gives and `run_url` leads to. The SDK adds `&tid=` itself."""
    return (
        f"{emulator.base_url}/runs/{job}?wsid=/subscriptions/{ids.segment(workspace_id, 'subscriptions')}"
        f"/resourcegroups/{ids.segment(workspace_id, 'resourceGroups')}/workspaces/{ids.name_of(workspace_id)}"
    )


def _list(emulator: Emulator, call: Call, workspace: Resource) -> Reply:
    found = [item.body for item in reversed(emulator.resources.list(workspace.id, TYPE))]
    view = call.query.get("listviewtype", "ActiveOnly").lower()
    if view != "all":
        found = [body for body in found if bool(body["properties"].get("isArchived")) == (view == "archivedonly")]
    if kind := call.query.get("jobtype"):
        found = [body for body in found if body["properties"]["jobType"].lower() == kind.lower()]
    if tag := call.query.get("tag"):
        name, _, value = tag.partition("=")
        tagged = [(body, body["properties"].get("tags") or {}) for body in found]
        found = [body for body, tags in tagged if name in tags and value in ("", tags[name])]
    return page(emulator, call, found)


def _put(emulator: Emulator, call: Call, workspace: Resource) -> Reply:
    name, properties = call.params["name"], properties_of(call)
    if not _NAME.fullmatch(name):
        raise refused(
            f"Job name '{name}' is invalid: letters, digits, hyphens and underscores, beginning with a letter or digit."
        )
    old = emulator.resources.get(f"{workspace.id}/jobs/{name}")
    if old is not None:
        return _put_again(emulator, old, properties)
    kind = properties.get("jobType")
    if kind != "Command":
        raise not_emulated(f"jobs of type {kind}; Command jobs are")
    _check(emulator, workspace, properties)
    emulator.jobs.validate(properties)
    stored = _stored(emulator, workspace, name, properties)
    actor = call.principal.object_id if call.principal else "emulator"
    if emulator.tracking.run(name) is not None:
        raise refused(f"A run with the name '{name}' exists already. Use another name for the job.", status=409)
    job = emulator.resources.put(f"{workspace.id}/jobs/{name}", {"properties": stored}, actor=actor)
    emulator.jobs.submit(job.id)
    return Reply(201, find(emulator, workspace.id, name).body)


def _put_again(emulator: Emulator, old: Resource, properties: Body) -> Reply:
    """A PUT of an existing job changes what describes it; another definition is refused in the service's words."""
    changed = [key for key in _DEFINING if properties.get(key) and properties[key] != old.properties.get(key)]
    if changed:
        raise refused(
            "A job with this name already exists. If you are trying to create a new job, use a different name. If you are trying to "
            "update an existing job, the existing job's type cannot be changed. Only description, displayName, tags, properties, "
            f"and isArchived can be updated. (Changed: {', '.join(changed)}.)"
        )
    return Reply(200, _update(emulator, old, properties).body)


def _update(emulator: Emulator, job: Resource, properties: Body) -> Resource:
    changes = {key: properties[key] for key in _UPDATABLE if properties.get(key) is not None}

    def edit(body: Body) -> None:
        kept = body["properties"].get("properties") or {}
        body["properties"] |= changes
        body["properties"]["properties"] = kept | (changes.get("properties") or {})

    changed = emulator.resources.change(job.id, edit) or job
    if "displayName" in changes:
        emulator.tracking.update_run(job.name, display_name=changes["displayName"])
    if "tags" in changes:
        emulator.tracking.set_tags(job.name, changes["tags"])
    return changed


def _check(emulator: Emulator, workspace: Resource, properties: Body) -> None:
    """Refuse a job that refers to something that does not exist."""
    if not str(properties.get("command") or "").strip():
        raise refused("A command job needs a command.", target="command")
    experiment = properties.get("experimentName") or "Default"
    if not _EXPERIMENT.fullmatch(experiment):
        raise refused(
            f"Experiment name '{experiment}' is invalid: letters, digits, hyphens and underscores.",
            target="experimentName",
        )
    if properties.get("componentId"):
        raise not_emulated("jobs of a component; give command, code and environment")
    _check_reference(emulator, workspace, properties.get("environmentId"), "environments", "Environment", required=True)
    _check_reference(emulator, workspace, properties.get("codeId"), "codes", "Code", required=False)
    compute = properties.get("computeId")
    if compute:
        _check_compute(emulator, workspace, str(compute))
    for value in (properties.get("inputs") or {}).values():
        if isinstance(value, dict) and value.get("jobInputType") in _DATA_INPUTS and value.get("uri"):
            datastores.locate(emulator, workspace.id, str(value["uri"]))
    for value in (properties.get("outputs") or {}).values():
        uri = (value or {}).get("uri")
        if uri:
            datastores.locate(emulator, workspace.id, str(uri))


def _check_reference(
    emulator: Emulator, workspace: Resource, reference: object, collection: str, what: str, *, required: bool
) -> None:
    if not reference:
        if required:
            raise refused(f"{what} is missing: a command job needs one.", target=f"{collection[:-1]}Id")
        return
    asset_id = str(reference).removeprefix("azureml:")
    if asset_id.startswith("//"):
        raise not_emulated(f"assets of a registry ({reference})")
    if emulator.resources.get(asset_id) is None:
        name = f"{ids.segment(asset_id, collection) or asset_id}:{ids.name_of(asset_id)}"
        raise missing(f"{what} {name} was not found in workspace {workspace.name}.")


def _check_compute(emulator: Emulator, workspace: Resource, compute: str) -> None:
    compute_id = compute if compute.startswith("/") else f"{workspace.id}/computes/{compute}"
    found = emulator.resources.get(compute_id)
    if found is None:
        raise missing(
            f"Compute '{ids.name_of(compute_id)}' was not found in workspace {workspace.name}.",
            "NotFound",
            "ComputeNotFound",
        )
    if found.properties["provisioningState"] in ("Failed", "Deleting"):
        raise refused(
            f"Compute '{found.name}' cannot run jobs: its provisioning state is {found.properties['provisioningState']}.",
            "BadArgument",
            "ArgumentInvalid",
            "ComputeNotReady",
        )


def _stored(emulator: Emulator, workspace: Resource, name: str, properties: Body) -> Body:
    compute = properties.get("computeId")
    if compute and not str(compute).startswith("/"):
        compute = f"{workspace.id}/computes/{compute}"
    outputs: dict[str, Any] = {**(properties.get("outputs") or {})}
    outputs["default"] = {
        "description": None,
        "mode": "ReadWriteMount",
        "jobOutputType": "uri_folder",
        "uri": f"azureml://datastores/{datastores.ARTIFACT_STORE}/ExperimentRun/dcid.{name}",
    }
    tracking = f"azureml://{emulator.base_url.removeprefix('https://')}/mlflow/v1.0{workspace.id}?"
    return {
        "description": None,
        "tags": {},
        "isArchived": False,
        "identity": None,
        "limits": None,
        "inputs": {},
        "environmentVariables": {},
        "distribution": None,
        "resources": {"instanceCount": 1, "properties": {}},
        "parameters": {},
        **{key: value for key, value in properties.items() if value is not None},
        "properties": dict(properties.get("properties") or {}),
        "computeId": compute,
        "displayName": properties.get("displayName") or name,
        "experimentName": properties.get("experimentName") or "Default",
        "status": "NotStarted",
        "outputs": outputs,
        "services": {
            "Tracking": {"jobServiceType": "Tracking", "port": None, "endpoint": tracking, "status": None},
            "Studio": {
                "jobServiceType": "Studio",
                "port": None,
                "endpoint": studio_url(emulator, workspace.id, name),
                "status": None,
            },
        },
    }


def _cancel(emulator: Emulator, call: Call, workspace: Resource) -> Reply:
    job = find(emulator, workspace.id, call.params["name"])
    if job.properties["status"] in TERMINAL:
        raise ServiceError(
            400,
            "UserError",
            f"The job {job.name} is in terminal status {job.properties['status']} and can't be canceled.",
            inner=("BadArgument", "ArgumentInvalid", "CancelPipelineRunInTerminalStatus"),
        )
    emulator.jobs.cancel(job.id)
    return Reply(202, headers=_cancel_headers(emulator, job), media_type="")


def _cancel_headers(emulator: Emulator, job: Resource) -> dict[str, str]:
    return {
        "Location": f"{emulator.base_url}{job.id}/cancelResult?api-version=2024-10-01",
        "retry-after-ms": str(POLL_MILLISECONDS),
    }
