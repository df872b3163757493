"""The list of computes, and one compute with what ran on it and what is served from it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from aml_emulator import ids
from aml_emulator.context import Emulator
from aml_emulator.http import Call, Reply, Router
from aml_emulator.ml import aml_clusters
from aml_emulator.ml.computes import TYPE
from aml_emulator.resources import Resource
from aml_emulator.studio import endpoint_pages
from aml_emulator.studio import runs as run_rows
from aml_emulator.studio.pages import NotHere, page, render

_JOBS_SHOWN = 50


@dataclass(frozen=True)
class Fact:
    """One thing about a compute: what it is called, what it is, and a word more."""

    name: str
    value: str
    more: str = ""


@dataclass(frozen=True)
class ComputeRow:
    """A compute."""

    resource: Resource

    @property
    def name(self) -> str:
        """The compute's name."""
        return self.resource.name

    @property
    def workspace(self) -> str:
        """Name of the workspace."""
        return ids.segment(self.resource.id, "workspaces") or ""

    @property
    def kind(self) -> str:
        """Its type: AmlCompute, Kubernetes, AKS."""
        return str(self.resource.properties.get("computeType") or "")

    @property
    def state(self) -> str:
        """Provisioning state."""
        return str(self.resource.properties.get("provisioningState") or "Unknown")

    @property
    def tone(self) -> str:
        """Tone of the state's badge."""
        return run_rows.tone(self.state)

    @property
    def address(self) -> str:
        """Of its page."""
        return f"/computes/{quote(self.name, safe='')}?workspace={quote(self.workspace, safe='')}"

    @property
    def made_of(self) -> str:
        """What it is made of, in a few words: machines and how many, or the cluster that it stands for."""
        settings = self.resource.properties.get("properties") or {}
        if self.kind == aml_clusters.TYPE:
            scale = settings.get("scaleSettings") or {}
            return f"{scale.get('minNodeCount', 0)} to {scale.get('maxNodeCount', 0)} × {settings.get('vmSize') or '–'}"
        return _cluster(self.resource)

    def facts(self, busy: int) -> list[Fact]:
        """What its page says of it; `busy` is how many of its jobs run now."""
        settings = self.resource.properties.get("properties") or {}
        if self.kind == aml_clusters.TYPE:
            scale = settings.get("scaleSettings") or {}
            nodes = f"{scale.get('minNodeCount', 0)} to {scale.get('maxNodeCount', 0)}"
            return [
                Fact("Kind", self.kind),
                Fact("Size", settings.get("vmSize") or "–"),
                Fact("Priority", settings.get("vmPriority") or "–"),
                Fact("Nodes", nodes, f"{busy} at work"),
            ]
        found = [Fact("Kind", self.kind, "attached"), Fact("Cluster", _cluster(self.resource))]
        if settings.get("namespace"):
            types = ", ".join(settings.get("instanceTypes") or {})
            found += [Fact("Namespace", settings["namespace"]), Fact("Instance types", types or "–")]
        return found


def register(router: Router, emulator: Emulator) -> None:
    """Add the pages."""

    def computes(call: Call) -> Reply:
        rows = [ComputeRow(resource) for resource in reversed(emulator.resources.all_of(TYPE))]
        return render("computes.html", section="computes", live=any(row.tone == "busy" for row in rows), rows=rows)

    def compute(call: Call) -> Reply:
        row = ComputeRow(_find(emulator, call.params["name"], call.query.get("workspace", "")))
        jobs = [
            one for one in run_rows.all_runs(emulator) if _compute_of(emulator, one).lower() == row.resource.id.lower()
        ]
        served = [
            one for one in endpoint_pages.endpoint_rows(emulator) if one.compute_id.lower() == row.resource.id.lower()
        ]
        return render(
            "compute.html",
            section="computes",
            live=row.tone == "busy" or any(not one.finished for one in jobs),
            row=row,
            facts=row.facts(sum(one.run.status == "Running" for one in jobs)),
            endpoints=served,
            rows=jobs[:_JOBS_SHOWN],
            total=len(jobs),
        )

    def from_studio(call: Call) -> Reply:
        """The address of the page in Azure's Studio: `/compute/NAME/details?wsid=WORKSPACE`."""
        workspace = ids.segment(call.query.get("wsid", ""), "workspaces") or ""
        address = f"/computes/{quote(call.params['name'], safe='')}?workspace={quote(workspace, safe='')}"
        return Reply(302, "", {"Location": address}, "text/plain")

    router.add("GET", "/computes", page(computes), "none")
    router.add("GET", "/computes/{name}", page(compute), "none")
    router.add("GET", "/compute/{name}/details", from_studio, "none")


def _find(emulator: Emulator, name: str, workspace: str) -> Resource:
    for resource in emulator.resources.all_of(TYPE):
        if resource.name.lower() != name.lower():
            continue
        if not workspace or (ids.segment(resource.id, "workspaces") or "").lower() == workspace.lower():
            return resource
    raise NotHere(f"There is no compute “{name}”" + (f" in the workspace “{workspace}”" if workspace else ""))


def _cluster(compute: Resource) -> str:
    """Name of the cluster that an attached compute stands for, with the kind of its resource."""
    resource_id = str(compute.properties.get("resourceId") or "")
    return f"{ids.name_of(resource_id)} ({resource_id.split('/')[-2]})" if resource_id.count("/") > 1 else "–"


def _compute_of(emulator: Emulator, row: run_rows.RunRow) -> str:
    """Id of the compute that a run's job asked for; empty for a run that is no job."""
    job = emulator.resources.get(ids.child_id(row.run.workspace_id, "jobs", row.run.id)) if row.run.is_job else None
    return str(job.properties.get("computeId") or "") if job else ""
