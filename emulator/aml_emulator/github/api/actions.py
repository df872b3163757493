"""Routes of GitHub Actions: workflows, their runs and jobs, `workflow_dispatch`."""

from __future__ import annotations

import json
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aml_emulator.github.api.apps import time_text
from aml_emulator.github.api.errors import ApiError, invalid, not_emulated, not_found
from aml_emulator.github.api.paging import page_of
from aml_emulator.github.api.repositories import account, described
from aml_emulator.github.checkout import clone, find_repository
from aml_emulator.github.definition import Workflow, read_workflow, workflow_paths
from aml_emulator.github.errors import InvalidWorkflow, NotStarted, WorkflowError
from aml_emulator.http import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aml_emulator.github.api.endpoint import Api, Request
    from aml_emulator.github.repositories import HostedRepository
    from aml_emulator.github.results import JobResult
    from aml_emulator.github.runs.records import RunRecord

MOST_INPUTS = 25
MOST_INPUT_CHARACTERS = 65_535
_REPOSITORY = "/repos/{owner}/{name}"
_RUNS_PAGE, _WORKFLOWS_PAGE = "actions/workflow-runs", "actions/workflows"
_DISPATCH_PAGE = "actions/workflows#create-a-workflow-dispatch-event"
_LISTED = 1000
"""How many runs a list goes back, as on GitHub."""
_JOBS_OF_A_RUN = 1000
_FILTERS = ("event", "status", "branch", "head_sha", "actor")
_NOT_FILTERED = ("created", "check_suite_id")


@dataclass(frozen=True)
class _Listed:
    """A workflow file of the default branch; `workflow` is None when it is broken."""

    id: int
    path: str
    workflow: Workflow | None


def register(api: Api) -> None:
    """Routes."""
    runs = api.emulator.github.runs

    def seen(request: Request, level: str = "read", page: str = _RUNS_PAGE) -> HostedRepository:
        found = request.repository(api.emulator)
        request.require("actions", level, page)
        return found

    def run_of(request: Request, repository: HostedRepository) -> RunRecord:
        asked = request.call.params["run"]
        found = runs.get(int(asked)) if asked.isdecimal() and len(asked) < 16 else None
        if found is None or found.repository.lower() != repository.full_name.lower():
            raise not_found(_RUNS_PAGE)
        return found

    def list_runs(request: Request, path: str = "") -> Reply:
        repository, query = seen(request), request.call.query
        for name in _NOT_FILTERED:
            if name in query:
                raise not_emulated(f"filter workflow runs by {name}")
        found = [
            one
            for one in runs.list(repository.full_name, last=_LISTED)
            if path in ("", one.file) and all(_passes(one, name, query[name]) for name in _FILTERS if query.get(name))
        ]
        page, headers = page_of(found, query, f"{api.emulator.base_url}{request.call.path}")
        body = {"total_count": len(found), "workflow_runs": [_run(api, repository, one) for one in page]}
        return Reply(body=body, headers=headers)

    def get_run(request: Request) -> Reply:
        repository = seen(request)
        return Reply(body=_run(api, repository, run_of(request, repository)))

    def list_jobs(request: Request) -> Reply:
        repository = seen(request)
        record = run_of(request, repository)
        numbered = list(enumerate(record.jobs, 1))
        page, headers = page_of(numbered, request.call.query, f"{api.emulator.base_url}{request.call.path}")
        jobs = [_job(api, repository, record, number, one) for number, one in page]
        return Reply(body={"total_count": len(numbered), "jobs": jobs}, headers=headers)

    def get_job(request: Request) -> Reply:
        repository = seen(request)
        asked = request.call.params["job"]
        run_id, number = divmod(int(asked), _JOBS_OF_A_RUN) if asked.isdecimal() and len(asked) < 16 else (0, 0)
        record = runs.get(run_id)
        if record is None or record.repository.lower() != repository.full_name.lower():
            raise not_found("actions/workflow-jobs")
        if not 1 <= number <= len(record.jobs):
            raise not_found("actions/workflow-jobs")
        return Reply(body=_job(api, repository, record, number, record.jobs[number - 1]))

    def cancel(request: Request) -> Reply:
        record = run_of(request, seen(request, "write"))
        if not runs.cancel(record.id):
            raise ApiError(409, "Cannot cancel a workflow run that is completed.", page=_RUNS_PAGE)
        return Reply(202, {})

    def rerun(request: Request) -> Reply:
        record = run_of(request, seen(request, "write"))
        if not runs.rerun(record.id):
            raise ApiError(403, "This workflow is already running", page=_RUNS_PAGE)
        return Reply(201, {})

    def list_workflows(request: Request) -> Reply:
        repository = seen(request, page=_WORKFLOWS_PAGE)
        found = _workflows(repository)
        page, headers = page_of(found, request.call.query, f"{api.emulator.base_url}{request.call.path}")
        workflows = [_workflow(api, repository, one) for one in page]
        return Reply(body={"total_count": len(found), "workflows": workflows}, headers=headers)

    def get_workflow(request: Request) -> Reply:
        repository = seen(request, page=_WORKFLOWS_PAGE)
        return Reply(body=_workflow(api, repository, _asked(repository, request)))

    def list_runs_of_workflow(request: Request) -> Reply:
        return list_runs(request, _asked(seen(request), request).path)

    def dispatch(request: Request) -> Reply:
        repository = seen(request, "write", _DISPATCH_PAGE)
        return _dispatch(api, repository, _asked(repository, request), request)

    api.route("GET", f"{_REPOSITORY}/actions/runs", list_runs)
    api.route("GET", f"{_REPOSITORY}/actions/runs/{{run}}", get_run)
    api.route("GET", f"{_REPOSITORY}/actions/runs/{{run}}/jobs", list_jobs)
    api.route("POST", f"{_REPOSITORY}/actions/runs/{{run}}/cancel", cancel)
    api.route("POST", f"{_REPOSITORY}/actions/runs/{{run}}/rerun", rerun)
    api.route("GET", f"{_REPOSITORY}/actions/jobs/{{job}}", get_job)
    api.route("GET", f"{_REPOSITORY}/actions/workflows", list_workflows)
    api.route("GET", f"{_REPOSITORY}/actions/workflows/{{workflow}}", get_workflow)
    api.route("GET", f"{_REPOSITORY}/actions/workflows/{{workflow}}/runs", list_runs_of_workflow)
    api.route("POST", f"{_REPOSITORY}/actions/workflows/{{workflow}}/dispatches", dispatch)


def _workflows(repository: HostedRepository) -> list[_Listed]:
    """The workflow files of the default branch."""
    try:
        local = find_repository(repository.folder, repository.full_name)
        local = find_repository(repository.folder, repository.full_name, ref=local.default_branch())
    except WorkflowError:
        return []  # nothing was committed
    found = []
    with tempfile.TemporaryDirectory(prefix="aml-workflow-") as folder:
        files = Path(folder) / "repository"
        clone(local, files)
        for path in workflow_paths(files):
            try:
                workflow = read_workflow(files, path)
            except InvalidWorkflow:
                workflow = None
            found.append(_Listed(_workflow_id(repository, path), path, workflow))
    return found


def _workflow_id(repository: HostedRepository, path: str) -> int:
    """Always the same for a path."""
    return zlib.crc32(f"{repository.id} {path}".encode())


def _asked(repository: HostedRepository, request: Request) -> _Listed:
    """The workflow of the path: its number, or the name of its file."""
    asked = request.call.params["workflow"]
    for one in _workflows(repository):
        if asked in (str(one.id), one.path.rpartition("/")[2]):
            return one
    raise not_found(_WORKFLOWS_PAGE)


def _dispatch(api: Api, repository: HostedRepository, listed: _Listed, request: Request) -> Reply:
    body = request.json()
    ref, inputs = _checked(body)
    if listed.workflow is not None and "workflow_dispatch" not in listed.workflow.on:
        raise _wrong("workflow", "Workflow does not have 'workflow_dispatch' trigger")
    try:
        find_repository(repository.folder, repository.full_name, ref=ref)
    except WorkflowError:
        raise _wrong("ref", f"No ref found for: {ref}") from None
    happened = {"workflow": listed.path, "inputs": inputs}
    actor = request.grant.login if request.grant else ""
    try:
        made = api.emulator.github.runs.trigger(
            repository.full_name, "workflow_dispatch", happened, ref=ref, actor=actor
        )
    except InvalidWorkflow as error:
        raise _wrong("workflow", f"Failed to parse workflow: {'; '.join(map(str, error.problems))}") from None
    except NotStarted as error:
        raise _wrong("inputs", str(error)) from None
    if body.get("return_run_details") is not True or not made:
        return Reply(204)
    path = f"/repos/{repository.full_name}/actions/runs/{made[0]}"
    page = f"{api.emulator.base_url}/github/{repository.full_name}/actions/runs/{made[0]}"
    return Reply(body={"workflow_run_id": made[0], "run_url": api.url(path), "html_url": page})


def _checked(body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Ref and inputs of a valid request."""
    ref, inputs = body.get("ref"), body.get("inputs") or {}
    if "ref" not in body:
        raise _wrong("ref", 'Invalid request.\n\n"ref" wasn\'t supplied.', code="missing_field")
    if not isinstance(ref, str) or not ref:
        raise _wrong(
            "ref", f"Invalid request.\n\nFor 'properties/ref', {json.dumps(ref)} is not the name of a branch or tag."
        )
    if not isinstance(inputs, dict):
        raise _wrong("inputs", "Invalid request.\n\nFor 'properties/inputs', the value is not an object.")
    if len(inputs) > MOST_INPUTS:
        raise _wrong(
            "inputs",
            f"Invalid request.\n\nNo more than {MOST_INPUTS} properties are allowed; {len(inputs)} were supplied.",
        )
    for name, value in inputs.items():
        if not isinstance(value, str | bool | int | float):
            raise _wrong("inputs", f"Invalid request.\n\nFor 'properties/inputs/{name}', the value is not a string.")
    if len(json.dumps(inputs, ensure_ascii=False)) > MOST_INPUT_CHARACTERS:
        raise _wrong("inputs", "inputs are too large.")
    return ref, inputs


def _wrong(field: str, message: str, *, code: str = "invalid") -> ApiError:
    return invalid("WorkflowDispatch", field, code, message, _DISPATCH_PAGE)


def _passes(record: RunRecord, name: str, wanted: str) -> bool:
    values: Mapping[str, tuple[str, ...]] = {
        "event": (record.event,),
        "status": (record.status, record.conclusion),
        "branch": (record.branch,),
        "head_sha": (record.sha,),
        "actor": (record.actor,),
    }
    return wanted in values[name]


def _workflow(api: Api, repository: HostedRepository, one: _Listed) -> dict[str, Any]:
    page = f"{api.emulator.base_url}/github/{repository.full_name}"
    return {
        "id": one.id,
        "node_id": f"W_{one.id}",
        "name": one.workflow.name if one.workflow else one.path,
        "path": one.path,
        "state": "active",
        "url": api.url(f"/repos/{repository.full_name}/actions/workflows/{one.id}"),
        "html_url": f"{page}/blob/main/{one.path}",
        "badge_url": f"{page}/actions/{one.path}/badge.svg",
    }


def _run(api: Api, repository: HostedRepository, record: RunRecord) -> dict[str, Any]:
    url = api.url(f"/repos/{repository.full_name}/actions/runs/{record.id}")
    workflow_id = _workflow_id(repository, record.file)
    changed = record.completed or record.started or record.created
    return {
        "id": record.id,
        "node_id": f"WFR_{record.id}",
        "name": record.name,
        "display_title": record.title,
        "run_number": record.number,
        "run_attempt": record.attempt,
        "event": record.event,
        "status": record.status,
        "conclusion": record.conclusion or None,
        "workflow_id": workflow_id,
        "path": record.file,
        "head_branch": record.branch,
        "head_sha": record.sha,
        "actor": account(api, record.actor),
        "triggering_actor": account(api, record.actor),
        "pull_requests": [],
        "created_at": time_text(record.created),
        "run_started_at": time_text(record.started or record.created),
        "updated_at": time_text(changed),
        "url": url,
        "html_url": f"{api.emulator.base_url}/github/{repository.full_name}/actions/runs/{record.id}",
        "jobs_url": f"{url}/jobs",
        "logs_url": f"{url}/logs",
        "cancel_url": f"{url}/cancel",
        "rerun_url": f"{url}/rerun",
        "workflow_url": api.url(f"/repos/{repository.full_name}/actions/workflows/{workflow_id}"),
        "repository": described(api, repository, None),
        "head_repository": described(api, repository, None),
    }


def _job(api: Api, repository: HostedRepository, record: RunRecord, number: int, job: JobResult) -> dict[str, Any]:
    job_id = record.id * _JOBS_OF_A_RUN + number
    run_url = api.url(f"/repos/{repository.full_name}/actions/runs/{record.id}")
    return {
        "id": job_id,
        "node_id": f"CR_{job_id}",
        "run_id": record.id,
        "run_url": run_url,
        "run_attempt": record.attempt,
        "name": job.name,
        "workflow_name": record.name,
        "head_branch": record.branch,
        "head_sha": record.sha,
        "status": "completed",
        "conclusion": job.result,
        "created_at": time_text(record.created),
        "started_at": None if job.started is None else time_text(job.started),
        "completed_at": None if job.completed is None else time_text(job.completed),
        "steps": [
            {"name": step.name, "status": "completed", "conclusion": step.conclusion, "number": position}
            for position, step in enumerate(job.steps, 1)
        ],
        "url": api.url(f"/repos/{repository.full_name}/actions/jobs/{job_id}"),
        "html_url": f"{api.emulator.base_url}/github/{repository.full_name}/actions/runs/{record.id}",
        "labels": [],
    }
