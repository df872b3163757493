"""One compute cluster with the jobs that ran on it."""

from __future__ import annotations

from urllib.parse import quote

from aml_emulator import ids
from aml_emulator.context import Emulator
from aml_emulator.http import Call, Reply, Router
from aml_emulator.ml.computes import TYPE
from aml_emulator.resources import Resource
from aml_emulator.studio import runs as run_rows
from aml_emulator.studio.pages import NotHere, page, render

_JOBS_SHOWN = 50


def register(router: Router, emulator: Emulator) -> None:
    """Add the page."""

    def compute(call: Call) -> Reply:
        found = _find(emulator, call.params["name"], call.query.get("workspace", ""))
        settings = found.properties.get("properties") or {}
        scale = settings.get("scaleSettings") or {}
        state = str(found.properties.get("provisioningState") or "")
        jobs = [row for row in run_rows.all_runs(emulator) if _compute_of(emulator, row).lower() == found.id.lower()]
        return render(
            "compute.html",
            section="",
            live=run_rows.tone(state) == "busy" or any(not row.finished for row in jobs),
            name=found.name,
            workspace=ids.segment(found.id, "workspaces") or "",
            kind=found.properties.get("computeType") or "",
            state=state,
            tone=run_rows.tone(state),
            size=settings.get("vmSize") or "–",
            priority=settings.get("vmPriority") or "–",
            fewest=scale.get("minNodeCount", 0),
            most=scale.get("maxNodeCount", 0),
            busy=sum(row.run.status == "Running" for row in jobs),
            rows=jobs[:_JOBS_SHOWN],
            total=len(jobs),
        )

    def from_studio(call: Call) -> Reply:
        """The address of the page in Azure's Studio: `/compute/NAME/details?wsid=WORKSPACE`."""
        workspace = ids.segment(call.query.get("wsid", ""), "workspaces") or ""
        address = f"/computes/{quote(call.params['name'], safe='')}?workspace={quote(workspace, safe='')}"
        return Reply(302, "", {"Location": address}, "text/plain")

    router.add("GET", "/computes/{name}", page(compute), "none")
    router.add("GET", "/compute/{name}/details", from_studio, "none")


def _find(emulator: Emulator, name: str, workspace: str) -> Resource:
    for resource in emulator.resources.all_of(TYPE):
        if resource.name.lower() != name.lower():
            continue
        if not workspace or (ids.segment(resource.id, "workspaces") or "").lower() == workspace.lower():
            return resource
    raise NotHere(f"There is no compute “{name}”" + (f" in the workspace “{workspace}”" if workspace else ""))


def _compute_of(emulator: Emulator, row: run_rows.RunRow) -> str:
    """Id of the compute that a run's job asked for; empty for a run that is no job."""
    job = emulator.resources.get(ids.child_id(row.run.workspace_id, "jobs", row.run.id)) if row.run.is_job else None
    return str(job.properties.get("computeId") or "") if job else ""
