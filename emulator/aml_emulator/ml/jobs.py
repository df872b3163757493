"""Jobs: checked as the service checks them, stored, and handed to the job service that runs them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from aml_emulator import ids
from aml_emulator.http import Call, Reply, Router, ServiceError
from aml_emulator.ml import datastores, job_checks
from aml_emulator.ml.scope import WorkspaceRoutes, missing, page, properties_of, refused
from aml_emulator.operations import POLL_MILLISECONDS

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource

TYPE = f"{ids.PROVIDER}/workspaces/jobs"
TERMINAL = ("Completed", "Failed", "Canceled")

STEP = "azureml.StepRun"
"""What `azureml.runsource` says of a step of a pipeline."""

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,254}")
_NAME_IN_PATH = re.compile(r"\$\{\{\s*(\w+)\s*\}\}")
_UPDATABLE = ("description", "displayName", "tags", "properties", "isArchived")
_DEFINING = (
    "jobType",
    "command",
    "codeId",
    "environmentId",
    "computeId",
    "experimentName",
    "inputs",
    "jobs",
    "trial",
    "searchSpace",
)

_OF_KIND: dict[str, Body] = {
    "Command": {
        "limits": None,
        "environmentVariables": {},
        "distribution": None,
        "resources": {"instanceCount": 1, "properties": {}},
        "parameters": {},
    },
    "Pipeline": {"settings": {}, "sourceJobId": None},
    "Sweep": {"limits": None, "earlyTermination": None, "resources": {"instanceCount": 1, "properties": {}}},
}
"""Properties that the service adds to a job of a type."""


def register(router: Router, emulator: Emulator) -> None:
    """Routes of jobs."""
    routes = WorkspaceRoutes(router, emulator)

    def listing(call: Call, workspace: Resource) -> Reply:
        return _list(emulator, call, workspace)

    def get(call: Call, workspace: Resource) -> Reply:
        return Reply(body=_shown(emulator, find(emulator, workspace.id, call.params["name"])))

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


def create(emulator: Emulator, workspace: Resource, name: str, properties: Body, actor: str) -> Resource:
    """Check, store and submit a job of any type that runs here, as a PUT of a new job does.

    Args:
        emulator: the emulator.
        workspace: where it runs.
        name: the job's name, which no job or run has yet.
        properties: `properties` of the request, for example with `jobType: Pipeline`.
        actor: who made it, as `systemData.createdBy` says.

    Raises:
        ServiceError: the job is wrong, refers to what does not exist, or asks for what does not run here.

    """
    outputs = properties.get("outputs") or {}
    properties = {**properties, "outputs": {output: _placed(name, output, body) for output, body in outputs.items()}}
    job_checks.check(emulator, workspace, properties)
    emulator.jobs.validate(properties)
    if emulator.tracking.run(name) is not None:
        raise refused(f"A run with the name '{name}' exists already. Use another name for the job.", status=409)
    body = stored(emulator, workspace.id, name, properties)
    job = emulator.resources.put(f"{workspace.id}/jobs/{name}", {"properties": body}, actor=actor)
    emulator.jobs.submit(job.id)
    return find(emulator, workspace.id, name)


def _list(emulator: Emulator, call: Call, workspace: Resource) -> Reply:
    runs = {run.id: run for run in emulator.tracking.runs(workspace.id)}
    every = reversed(
        emulator.resources.list(workspace.id, TYPE)
    )  # children are listed by run history, below their parent
    found = [_shown(emulator, item) for item in every if item.name in runs and runs[item.name].parent_id is None]
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
    actor = call.principal.object_id if call.principal else "emulator"
    return Reply(201, create(emulator, workspace, name, properties, actor).body)


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


def stored(emulator: Emulator, workspace_id: str, name: str, properties: Body) -> Body:
    """The properties of a new job as the service stores them: completed, with the addresses of its pages and logs."""
    compute = properties.get("computeId")
    if compute and not str(compute).startswith("/"):
        compute = f"{workspace_id}/computes/{compute}"
    declared = properties.get("outputs") or {}
    outputs = {output: _placed(name, output, body) for output, body in declared.items()}
    outputs["default"] = {
        "description": None,
        "mode": "ReadWriteMount",
        "jobOutputType": "uri_folder",
        "uri": f"azureml://datastores/{datastores.ARTIFACT_STORE}/ExperimentRun/dcid.{name}",
    }
    tracking = f"azureml://{emulator.base_url.removeprefix('https://')}/mlflow/v1.0{workspace_id}?"
    return {
        "description": None,
        "tags": {},
        "isArchived": False,
        "identity": None,
        "inputs": {},
        **_OF_KIND[properties["jobType"]],
        **{key: value for key, value in properties.items() if value is not None},
        "properties": {**_told(properties), **(properties.get("properties") or {})},
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
                "endpoint": studio_url(emulator, workspace_id, name),
                "status": None,
            },
        },
    }


def _placed(job: str, output: str, body: Body | None) -> Body:
    """An output with the names of the job, the output and the datastore in its path, where its path has them."""
    names = {"name": job, "output_name": output, "default_datastore": datastores.BLOB_STORE}
    if not body or not body.get("uri"):
        return body or {"jobOutputType": "uri_folder"}
    uri = _NAME_IN_PATH.sub(lambda match: names.get(match[1], match[0]), str(body["uri"]))
    return {**body, "uri": uri}


def _told(properties: Body) -> dict[str, str]:
    """What the service writes into the free properties of a pipeline job."""
    if properties["jobType"] != "Pipeline":
        return {}
    given = {name: (item or {}).get("value") for name, item in (properties.get("inputs") or {}).items()}
    return {
        "azureml.DevPlatv2": "true",
        "azureml.runsource": "azureml.PipelineRun",
        "azureml.pipelineComponent": "pipelinerun",
        "azureml.parameters": json.dumps({name: value for name, value in given.items() if value is not None}),
        "runSource": "MFE",
        "runType": "HTTP",
    }


def is_step(job: Resource) -> bool:
    """Whether a job is a step of a pipeline."""
    return (job.properties.get("properties") or {}).get("azureml.runsource") == STEP


def _shown(emulator: Emulator, job: Resource) -> Body:
    """A job as a GET answers it: of a step, the service gives nothing but its name; run history has the rest."""
    if is_step(job):
        return {**job.body, "properties": None}
    status = emulator.faults.shown.status("arm", job.name.lower(), job.properties["status"])
    return {**job.body, "properties": {**job.properties, "status": status}}


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
