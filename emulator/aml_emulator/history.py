"""Run history and the other data-plane services that the SDK and `azureml-mlflow` call beside ARM.

Discovery, runs, run details with log addresses, and where the outputs of a job lie. What clients change in runs:
`run_changes`; artifacts: `run_artifacts`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aml_emulator import blob_service, ids
from aml_emulator.http import Call, Reply, Router, ServiceError
from aml_emulator.ml import datastores
from aml_emulator.ml.jobs import STEP, is_step
from aml_emulator.ml.scope import WORKSPACE, find_workspace
from aml_emulator.resources import now

if TYPE_CHECKING:
    from aml_emulator.context import Emulator
    from aml_emulator.resources import Body, Resource
    from aml_emulator.tracking.store import Run

HISTORY = f"/history/v1.0{WORKSPACE}"
RUN_PATTERNS = ("/runs/{run}", "/experiments/{experiment}/runs/{run}", "/experimentids/{experiment}/runs/{run}")

_SERVICES = ("api", "history", "experimentation", "modelmanagement", "mlflow", "hyperdrive", "studio")
"""Every service that a client looks up; SDK v1 starts with none of them missing. All are at one address here."""

_LOG_FOLDERS = ("user_logs/", "azureml-logs/", "system_logs/", "logs/")
# Members that the service always sends and that have no meaning here: present, because clients may look for them, and null.
_NEVER_KNOWN = dict.fromkeys(
    (
        "compute",
        "computeDuration",
        "computeRequest",
        "currentAttemptId",
        "currentComputeTime",
        "effectiveStartTimeUtc",
        "lastStartTimeUtc",
        "runDefinition",
        "runTypeV2",
        "settings",
        "statusRevision",
    )
)
_NEVER_KNOWN_OF_RUNS = dict.fromkeys(
    (
        "actionUris",
        "cancelUri",
        "cancelationReason",
        "completeUri",
        "createdFrom",
        "diagnosticsUri",
        "jobSpecification",
        "primaryMetricName",
        "queueingInfo",
        "retainForLifetimeOfWorkspace",
        "revision",
        "scheduleId",
        "scriptName",
        "token",
        "tokenExpiryTimeUtc",
        "uniqueChildRunComputeTargets",
    )
)
_RUN_TYPES = {"Pipeline": "azureml.PipelineRun", "Sweep": "hyperdrive"}
_SAS_SECONDS = 24 * 3600
_OUTPUT_TYPES = {
    "uri_folder": "UriFolder",
    "uri_file": "UriFile",
    "mltable": "MLTable",
    "custom_model": "CustomModel",
    "mlflow_model": "MLFlowModel",
    "triton_model": "TritonModel",
}


def register(router: Router, emulator: Emulator) -> None:
    """Routes of the data plane."""

    def discovery(call: Call) -> Reply:
        url = emulator.base_url
        return Reply(body=dict.fromkeys(_SERVICES, url))

    router.add("GET", "/discovery", discovery, "none")
    for pattern in RUN_PATTERNS:
        router.add("GET", f"{HISTORY}{pattern}", lambda call: Reply(body=run_body(emulator, *find_run(emulator, call))))
        router.add("GET", f"{HISTORY}{pattern}/details", lambda call: _details(emulator, call))
        router.add("GET", f"{HISTORY}{pattern}/children", lambda call: _children(emulator, call))
    router.add("POST", f"{HISTORY}/rundata", lambda call: _run_data(emulator, call))
    router.add(
        "POST",
        f"/data/v1.0{WORKSPACE}/dataversion/batchGetResolvedUris",
        lambda call: _resolved(emulator, call, "uri"),
    )
    router.add(
        "POST",
        f"/modelregistry/v1.0{WORKSPACE}/models/batchGetResolvedUris",
        lambda call: _resolved(emulator, call, "path"),
    )


def find_run(emulator: Emulator, call: Call) -> tuple[Resource, Run]:
    """The workspace and the run of a request.

    Raises:
        ServiceError: 404 for either.

    """
    workspace = find_workspace(emulator, call)
    return workspace, _run(emulator, workspace, call.params["run"])


def _run(emulator: Emulator, workspace: Resource, run_id: str) -> Run:
    run = emulator.tracking.run(run_id)
    if run is None or run.workspace_id.lower() != workspace.id.lower():
        raise RunHistoryError(f"Run {run_id} was not found.")
    return run


class RunHistoryError(ServiceError):
    """A refusal of the run history service, 404 unless told otherwise, in the data plane's shape."""

    def __init__(self, message: str, status: int = 404, reason: str = "NotFoundError") -> None:
        super().__init__(status, "UserError", message)
        self._reason = reason

    def body(self) -> dict[str, Any]:
        """The error as the data plane writes it (`error-codes`, shape B)."""
        return {
            "error": {
                "code": "UserError",
                "severity": None,
                "message": self.message,
                "messageFormat": None,
                "messageParameters": {},
                "referenceCode": None,
                "detailsUri": None,
                "target": None,
                "details": [],
                "innerError": {"code": self._reason, "innerError": None},
                "debugInfo": None,
                "additionalInfo": None,
            },
            "correlation": {"operation": "", "request": ""},
            "environment": "local",
            "location": "local",
            "time": now(),
            "componentName": "run-history",
        }


def _common(emulator: Emulator, workspace: Resource, run: Run) -> Body:
    status = emulator.faults.shown.status("history", run.id.lower(), run.status)
    if status != run.status:
        run = replace(run, status=status, end=None, error=None)
    job = emulator.resources.get(f"{workspace.id}/jobs/{run.id}")
    properties: Body = (job.properties.get("properties") or {}) if job else run_properties(emulator, workspace, run)
    user = {
        "userObjectId": emulator.tokens.identity.object_id,
        "userTenantId": emulator.tokens.identity.tenant_id,
        "userName": run.user or emulator.tokens.identity.client_id,
        "userIss": emulator.tokens.issuer,
        "userIdp": None,
        "userPuId": None,
        "userAltSecId": None,
        "upn": None,
    }
    return {
        "runId": run.id,
        "runNumber": int(run.created.timestamp()),  # clients want a number; none of them wants a certain one
        "runUuid": None,
        "parentRunUuid": None,
        "rootRunUuid": None,
        "parentRunId": run.parent_id,
        "rootRunId": emulator.tracking.root(run).id,
        "experimentId": run.experiment_id,
        "status": run.status,
        "startTimeUtc": iso(run.start),
        "endTimeUtc": iso(run.end),
        "error": run.error,
        "warnings": None,
        "tags": emulator.tracking.tags(run.id),
        "properties": properties,
        "parameters": emulator.tracking.params(run.id),
        "services": {},
        "inputs": {},
        "outputs": _outputs(workspace, run, job),
        "inputDatasets": [],
        "outputDatasets": [],
        "target": ids.name_of(str(job.properties.get("computeId") or "")) if job else None,
        "userId": emulator.tokens.identity.object_id,
        "createdBy": user,
        "lastModifiedBy": user,
        "lastModifiedUtc": iso(run.end or run.start or run.created),
        "dataContainerId": f"dcid.{run.id}",
        "duration": _duration(run),
        **_NEVER_KNOWN,
        **_nodes(job),
    }


def _nodes(job: Resource | None) -> Body:
    """On what a job runs: as the service tells it, nothing of a parent whose nodes are those of its children."""
    target = ids.name_of(str(job.properties.get("computeId") or "")) if job else ""
    if job is None or not target or job.properties.get("jobType") in _RUN_TYPES:
        return {}
    count = int((job.properties.get("resources") or {}).get("instanceCount") or 1)
    return {
        "computeRequest": {"nodeCount": count, "gpuCount": 0},  # there are no GPUs here
        "compute": {
            "target": target,
            "targetType": "amlcompute",
            "vmSize": None,
            "instanceType": None,
            "instanceCount": count,
            "gpuCount": 0,
            "priority": None,
            "region": None,
            "armId": None,
            "properties": None,
        },
    }


def run_body(emulator: Emulator, workspace: Resource, run: Run) -> Body:
    """A run as run history answers it (`RunDto`)."""
    job = emulator.resources.get(f"{workspace.id}/jobs/{run.id}")
    return _common(emulator, workspace, run) | {
        "createdUtc": iso(run.created),
        "displayName": run.display_name,
        "name": run.display_name,
        "description": job.properties.get("description") if job else None,
        "hidden": bool(job.properties.get("isArchived")) if job else run.lifecycle != "active",
        "runType": run_type(job) if run.is_job else None,
        **_NEVER_KNOWN_OF_RUNS,
    }


def run_properties(emulator: Emulator, workspace: Resource, run: Run) -> Body:
    """Properties of a run that is no job: those of jobs are in the job's resource."""
    found = emulator.resources.get(f"{workspace.id}/runs/{run.id}")
    return found.properties if found else {}


def run_type(job: Resource | None) -> str:
    """What run history calls the run of a job: a step of a pipeline is a StepRun, whatever it runs."""
    if job is not None and is_step(job):
        return STEP
    return _RUN_TYPES.get(str(job.properties.get("jobType")) if job else "", "azureml.scriptrun")


def _details(emulator: Emulator, call: Call) -> Reply:
    workspace, run = find_run(emulator, call)
    container = datastores.containers(emulator, workspace.id).artifacts
    root = f"ExperimentRun/dcid.{run.id}/"
    logs = {
        blob.name[len(root) :]: blob_service.signed_url(emulator, container, blob.name, _SAS_SECONDS)
        for folder in _LOG_FOLDERS
        for blob in emulator.blobs.list(container, root + folder)
    }
    body = _common(emulator, workspace, run) | {
        "createdTimeUtc": iso(run.created),
        "logFiles": logs,
        "revision": 0,
        "jobCost": None,
    }
    return Reply(body=body)


def _children(emulator: Emulator, call: Call) -> Reply:
    workspace, run = find_run(emulator, call)
    children = emulator.tracking.children(run.id)
    return Reply(body={"value": [run_body(emulator, workspace, child) for child in children]})


def _run_data(emulator: Emulator, call: Call) -> Reply:
    workspace = find_workspace(emulator, call)
    run = _run(emulator, workspace, str(call.json().get("runId")))
    return Reply(
        body={"runMetadata": run_body(emulator, workspace, run), "runDefinition": None, "jobSpecification": None}
    )


def _outputs(workspace: Resource, run: Run, job: Resource | None) -> Body:
    """Outputs by name with the asset ids that `_resolved` understands."""
    declared = (job.properties.get("outputs") or {}) if job else {}
    location, guid = workspace.body["location"], workspace.properties["workspaceId"]
    prefix = f"azureml://locations/{location}/workspaces/{guid}"
    found = {}
    for name, output in declared.items():
        kind = _OUTPUT_TYPES.get(output.get("jobOutputType") or "uri_folder", "UriFolder")
        collection = "models" if kind.endswith("Model") else "data"
        found[name] = {"assetId": f"{prefix}/{collection}/{run.id}_output_{name}/versions/1", "type": kind}
    return found


def _resolved(emulator: Emulator, call: Call, member: str) -> Reply:
    """Where outputs lie, given their asset ids."""
    workspace = find_workspace(emulator, call)
    values: Body = {}
    for asset_id in call.json().get("values") or []:
        job, _, output = str(asset_id).rsplit("/versions/", 1)[0].rsplit("/", 1)[-1].partition("_output_")
        place = datastores.locate(emulator, workspace.id, f"azureml://jobs/{job}/outputs/{output}")
        uri = datastores.uri_of(emulator, workspace.id, place)
        values[asset_id] = {member: f"{uri}/", "type": "UriFolder"}
    return Reply(body={"values": values})


def iso(moment: datetime | None) -> str | None:
    """A moment as the service writes it."""
    return moment.isoformat() if moment else None


def _duration(run: Run) -> str | None:
    if run.start is None or run.end is None:
        return None
    return str(run.end - run.start)
